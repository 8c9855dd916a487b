#pragma once

namespace dsf::actors {
class engine;
class fhir_endpoint;
class endpoint_caches;
class definitions;
class site_events;
class work_pool;
struct engine_context;
}  // namespace dsf::actors

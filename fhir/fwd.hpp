#pragma once

namespace dsf::fhir {
struct type_info;
struct element_info;
struct binding_info;
struct issue;
struct reading;
struct storable;
}  // namespace dsf::fhir

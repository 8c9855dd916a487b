// bpmn::value <-> dsf.pb.Value. Private to storage/instances.
#pragma once

#include "bpmn/execution/state.hpp"
#include "bpmn/value.hpp"
#include "proto/event.pb.h"

namespace dsf::storage::instance_codec {

void put(const bpmn::value& v, pb::Value& out);
bpmn::value take(pb::Value&& in);
void put(const bpmn::target& t, pb::Target& out);
bpmn::target take(pb::Target&& in);
void put(const bpmn::fhir_reference& r, pb::FhirReference& out);
bpmn::fhir_reference take(pb::FhirReference&& in);

}  // namespace dsf::storage::instance_codec

// bpmn::value <-> dsf.pb.Value. Private to storage/instances.
#pragma once

#include "bpmn/execution/state.hpp"
#include "bpmn/value.hpp"
#include "proto/event.pb.h"
#include "storage/instances/large_values.hpp"

namespace dsf::storage::instance_codec {

// Of as many bytes as it takes; `ok` false: a reference to a large value stands where none may.
void put(const bpmn::value& v, pb::Value& out);
bpmn::value take(pb::Value&& in, bool& ok);

// What a decoder of events or states carries along. It goes on after damage and says so at the end.
struct taking {
  large_value_reader* values = nullptr;  // null: a large value is a blob_reference without id, with its size and hash (hex)
  bool ok = true;
  std::optional<base::error> error;      // the first of a large value
};
// The whole content of a variable: above large_value_limit it is put aside.
void put_content(const bpmn::value& v, pb::Value& out, large_values& aside);
bpmn::shared_value take_content(pb::Value&& in, taking& t);

bool parse(std::string_view bytes, google::protobuf::MessageLite& out);
void put(const bpmn::target& t, pb::Target& out);
bpmn::target take(pb::Target&& in);
void put(const bpmn::fhir_reference& r, pb::FhirReference& out);
bpmn::fhir_reference take(pb::FhirReference&& in);

}  // namespace dsf::storage::instance_codec

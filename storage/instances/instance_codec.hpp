// Stored form of process instances: a format byte, then protobuf (proto/event.proto). Old formats must be readable for ever.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "bpmn/execution/event.hpp"
#include "bpmn/execution/state.hpp"
#include "bpmn/value.hpp"

namespace dsf::storage {

// The first byte of what is written.
inline constexpr char instance_format = 1;

// The events of one step: one row.
std::string encode_batch(const bpmn::event_batch& batch);
// Errors of all decoders: damaged bytes, or a format newer than this program.
base::result<bpmn::event_batch> decode_batch(std::string_view bytes);

// The whole state: a snapshot.
std::string encode_state(const bpmn::instance_state& state);
base::result<bpmn::instance_state> decode_state(std::string_view bytes);

std::string encode_value(const bpmn::value& v);
base::result<bpmn::value> decode_value(std::string_view bytes);

}  // namespace dsf::storage

// Stored form of process instances: a format byte, then protobuf (proto/event.proto). Old formats must be readable for ever.
// Values above large_value_limit are put aside by encoders and found again by decoders, see large_values.hpp.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "bpmn/execution/event.hpp"
#include "bpmn/execution/state.hpp"
#include "bpmn/value.hpp"
#include "storage/instances/large_values.hpp"

namespace dsf::storage {

// The first byte of what is written. A release that does not know references must refuse them, not read null.
inline constexpr char plain_instance_format = 1;
inline constexpr char referring_instance_format = 2;
inline constexpr char text_referring_instance_format = 3;

// The events of one step: one row. Errors of encoders: base::errc::internal, no SHA-256.
base::result<std::string> encode_batch(const bpmn::event_batch& batch, large_values& aside);
// Errors of all decoders: damaged bytes, a large value that is missing or damaged, or a format newer than this program.
base::result<bpmn::event_batch> decode_batch(std::string_view bytes, large_value_reader& values);
// To be looked at only: a large value is a blob_reference without id, with its size and hash (hex).
base::result<bpmn::event_batch> decode_batch_outline(std::string_view bytes);

// The whole state: a snapshot.
base::result<std::string> encode_state(const bpmn::instance_state& state, large_values& aside);
base::result<bpmn::instance_state> decode_state(std::string_view bytes, large_value_reader& values);

// One value whole, whatever its size.
std::string encode_value(const bpmn::value& v);
base::result<bpmn::value> decode_value(std::string_view bytes);

}  // namespace dsf::storage

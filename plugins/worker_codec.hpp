// Activations and outcomes as proto/worker.proto carries them: the one place that converts.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "plugins/handler.hpp"

namespace dsf::plugins {

// `cancelled` is not carried: a worker is told by the connection.
std::string encode_activation(const activation& a);
base::result<activation> decode_activation(std::string_view bytes);
std::string encode_outcome(const outcome& o);
// Errors: damaged bytes, or an outcome of no kind.
base::result<outcome> decode_outcome(std::string_view bytes);

}  // namespace dsf::plugins

// Hash and keyed hash for workers, on OpenSSL.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace dsf::plugins::workers {

enum class digest : unsigned char { sha256, sha512 };

base::result<std::string> hash(digest algorithm, std::string_view data);
// RFC 2104.
base::result<std::string> hmac(digest algorithm, std::string_view key, std::string_view data);

}  // namespace dsf::plugins::workers

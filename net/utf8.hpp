#pragma once

#include <string_view>

namespace dsf::net {

// RFC 3629: no surrogates, no overlong forms, nothing above U+10FFFF.
[[nodiscard]] bool is_utf8(std::string_view s) noexcept;

}  // namespace dsf::net

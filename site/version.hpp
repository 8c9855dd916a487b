#pragma once

#include <string_view>

namespace dsf::site {

inline constexpr std::string_view release = "0.1.0";

}  // namespace dsf::site

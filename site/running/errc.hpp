#pragma once

#include "base/error.hpp"

namespace dsf::site {

enum class running_errc : std::uint16_t { cannot_start, no_such_instance, no_such_process, role_missing, bad_request, held };
const base::error_domain& domain_of(running_errc) noexcept;

}  // namespace dsf::site

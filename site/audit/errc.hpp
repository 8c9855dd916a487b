#pragma once

#include <cstdint>

#include "base/error.hpp"

namespace dsf::site {

enum class audit_errc : std::uint16_t { cannot_open, cannot_write, cannot_read };
const base::error_domain& domain_of(audit_errc) noexcept;

}  // namespace dsf::site

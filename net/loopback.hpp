// Hosts that are this machine by their very name: what is said to them needs no TLS and goes through no proxy.
#pragma once

#include <string_view>

namespace dsf::net {

// localhost, ::1, and 127.0.0.0/8 by number: 127.example.org is somebody's name.
[[nodiscard]] inline bool is_loopback(std::string_view host) noexcept {
  return host == "localhost" || host == "::1" || (host.starts_with("127.") && host.find_first_not_of("0123456789.") == host.npos);
}

}  // namespace dsf::net

// Lists of IP addresses and networks, as a setting names them.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "net/error.hpp"

namespace dsf::net {

class network_list {
public:
  // "127.0.0.1", "10.1.0.0/16", "::1", "fd00::/8".
  result<void> add(std::string_view text);
  // An address, also with a port: "127.0.0.1:41234", "[::1]:41234". What is none is in no list.
  [[nodiscard]] bool contains(std::string_view address) const;
  [[nodiscard]] bool empty() const noexcept { return networks_.empty(); }

private:
  struct network {
    std::array<std::uint8_t, 16> bytes{};  // IPv4 as ::ffff:a.b.c.d
    int bits = 128;
  };
  std::vector<network> networks_;
};

}  // namespace dsf::net

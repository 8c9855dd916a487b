#include "net/networks.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace dsf::net {

namespace {

constexpr int mapped_bits = 96;  // in front of an IPv4 address in its IPv6 form (RFC 4291 2.5.5.2)

struct parsed {
  std::array<std::uint8_t, 16> bytes{};
  bool v4 = false;
};

std::optional<parsed> parse(std::string_view text) {
  const std::string copy(text);
  parsed out;
  if (::inet_pton(AF_INET6, copy.c_str(), out.bytes.data()) == 1) return out;
  out.bytes = {};
  out.bytes[10] = out.bytes[11] = 0xff;
  out.v4 = true;
  if (::inet_pton(AF_INET, copy.c_str(), out.bytes.data() + 12) == 1) return out;
  return {};
}

std::string_view without_port(std::string_view text) {
  if (text.starts_with('[')) return text.substr(1, text.find(']') - 1);
  return std::count(text.begin(), text.end(), ':') == 1 ? text.substr(0, text.find(':')) : text;
}

bool same_start(const std::array<std::uint8_t, 16>& a, const std::array<std::uint8_t, 16>& b, int bits) {
  const auto whole = std::size_t(bits) / 8;
  if (!std::equal(a.begin(), a.begin() + std::ptrdiff_t(whole), b.begin())) return false;
  const int rest = bits % 8;
  return rest == 0 || ((a[whole] ^ b[whole]) >> (8 - rest)) == 0;
}

}  // namespace

result<void> network_list::add(std::string_view text) {
  const auto slash = text.find('/');
  const auto address = parse(text.substr(0, slash));
  const auto wrong = [&](std::string_view why) {
    return fail(errc::invalid_argument, "'" + std::string(text) + "' " + std::string(why) + "; write 192.0.2.7, 10.1.0.0/16 or fd00::/8");
  };
  if (!address) return wrong("is not an IP address or network");
  network n{address->bytes, 128};
  if (slash != std::string_view::npos) {
    const auto digits = text.substr(slash + 1);
    int bits = -1;
    const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
    if (ec != std::errc() || end != digits.data() + digits.size() || bits < 0 || bits > (address->v4 ? 32 : 128))
      return wrong("has no length of a network behind the slash");
    n.bits = address->v4 ? mapped_bits + bits : bits;
    for (int i = n.bits; i < 128; ++i)
      if ((n.bytes[std::size_t(i) / 8] >> (7 - i % 8)) & 1) return wrong("has bits set behind its network's length");
  }
  networks_.push_back(n);
  return {};
}

bool network_list::contains(std::string_view address) const {
  const auto a = parse(without_port(address));
  return a && std::ranges::any_of(networks_, [&](const network& n) { return same_start(n.bytes, a->bytes, n.bits); });
}

}  // namespace dsf::net

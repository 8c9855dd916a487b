// URLs and query strings as values; no I/O.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "net/error.hpp"

namespace dsf::net {

struct url {
  std::string scheme;  // "http" or "https", lower case
  std::string host;    // lower case; an IPv6 address without its brackets
  std::uint16_t port = 0;
  std::string target;  // path and query as written, without the fragment; at least "/"

  [[nodiscard]] bool tls() const noexcept { return scheme == "https"; }
  // As the Host field says it: the port only if it is not the scheme's own.
  [[nodiscard]] std::string authority() const;
};

// Absolute http and https URLs of at most 8 KiB; no user names, blanks or control characters (RFC 3986).
result<url> parse_url(std::string_view text);

struct query_parameter {
  std::string name;
  std::string value;
  bool operator==(const query_parameter&) const = default;
};

constexpr std::size_t query_parameters_at_most = 1'000;

// %XX to bytes; with `plus_is_blank` also '+', as in query strings. A broken %XX, or text that is not UTF-8, is an error.
result<std::string> percent_decode(std::string_view text, bool plus_is_blank = false);
// Everything but the unreserved characters of RFC 3986 becomes %XX.
std::string percent_encode(std::string_view text);
// "a=1&b=x+y" in order, repetitions kept; empty parts are skipped, a part without '=' has an empty value.
result<std::vector<query_parameter>> parse_query(std::string_view text);
std::string encode_query(const std::vector<query_parameter>& parameters);

}  // namespace dsf::net

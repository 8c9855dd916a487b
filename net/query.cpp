#include "net/query.hpp"

#include <algorithm>
#include <charconv>

#include "net/utf8.hpp"

namespace dsf::net {

namespace {

constexpr std::size_t url_bytes_at_most = 8 * 1024;

int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string lower(std::string_view s) {
  std::string out(s);
  for (auto& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return out;
}

bool is_alnum(char c) noexcept { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

failure bad(std::string_view text, std::string why) {
  return fail(errc::bad_url, "'" + std::string(text.substr(0, 200)) + "' is not a usable URL: " + std::move(why));
}

}  // namespace

std::string url::authority() const {
  std::string out = host.find(':') == std::string::npos ? host : '[' + host + ']';
  if (port != (tls() ? 443 : 80)) out += ':' + std::to_string(port);
  return out;
}

result<url> parse_url(std::string_view text) {
  if (text.size() > url_bytes_at_most) return bad(text, "it is longer than 8 KiB");
  if (!std::ranges::all_of(text, [](unsigned char c) { return c > 0x20 && c < 0x7f; }))
    return bad(text, "blanks, control and non-ASCII characters must be percent-encoded");
  url out;
  const auto colon = text.find("://");
  if (colon == std::string_view::npos) return bad(text, "it must begin with http:// or https://");
  out.scheme = lower(text.substr(0, colon));
  if (out.scheme != "http" && out.scheme != "https") return bad(text, "it must begin with http:// or https://");
  auto rest = text.substr(colon + 3);
  rest = rest.substr(0, rest.find('#'));
  const auto end = std::min(rest.find_first_of("/?"), rest.size());
  auto authority = rest.substr(0, end);
  out.target = rest.substr(end);
  if (out.target.empty() || out.target.front() != '/') out.target.insert(0, "/");
  if (authority.find('@') != std::string_view::npos) return bad("(not shown)", "it must not hold a user name or password");
  std::string_view port;
  bool has_port = false;
  if (authority.starts_with('[')) {
    const auto close = authority.find(']');
    if (close == std::string_view::npos) return bad(text, "the IPv6 address has no closing ']'");
    const auto address = authority.substr(1, close - 1);
    if (address.size() < 2 || !std::ranges::all_of(address, [](char c) { return hex_digit(c) >= 0 || c == ':' || c == '.'; }))
      return bad(text, "what stands in brackets is not an IPv6 address");
    out.host = lower(address);
    authority.remove_prefix(close + 1);
    if (!authority.empty()) {
      if (authority.front() != ':') return bad(text, "after ']' only a port may follow");
      port = authority.substr(1);
      has_port = true;
    }
  } else {
    const auto mark = authority.find(':');
    out.host = lower(authority.substr(0, mark));
    if (mark != std::string_view::npos) {
      port = authority.substr(mark + 1);
      has_port = true;
    }
    if (out.host.empty() || out.host.size() > 253) return bad(text, "it has no host name, or one over 253 characters");
    if (!std::ranges::all_of(out.host, [](char c) { return is_alnum(c) || c == '.' || c == '-' || c == '_'; }))
      return bad(text, "the host name has characters other than letters, digits, '.', '-' and '_'");
  }
  out.port = out.tls() ? 443 : 80;
  // RFC 3986 3.2.3: an empty port is the default one.
  if (has_port && !port.empty()) {
    const auto parsed = std::from_chars(port.data(), port.data() + port.size(), out.port);
    if (parsed.ec != std::errc() || parsed.ptr != port.data() + port.size() || out.port == 0)
      return bad(text, "the port must be a number from 1 to 65535");
  }
  return out;
}

result<std::string> percent_decode(std::string_view text, bool plus_is_blank) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_blank) {
      out += ' ';
    } else if (text[i] != '%') {
      out += text[i];
    } else {
      const int high = i + 1 < text.size() ? hex_digit(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
      if (high < 0 || low < 0)
        return fail(errc::bad_url,
                    "'%' at position " + std::to_string(i) + " is not followed by two hexadecimal digits; write a percent sign as %25",
                    std::string(text.substr(0, 200)));
      out += static_cast<char>(high * 16 + low);
      i += 2;
    }
  }
  if (!is_utf8(out)) return fail(errc::bad_url, "the decoded text is not UTF-8", std::string(text.substr(0, 200)));
  return out;
}

std::string percent_encode(std::string_view text) {
  static constexpr char digits[] = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (is_alnum(c) || c == '-' || c == '.' || c == '_' || c == '~') {
      out += c;
    } else {
      out += '%';
      out += digits[static_cast<unsigned char>(c) >> 4];
      out += digits[static_cast<unsigned char>(c) & 15];
    }
  }
  return out;
}

result<std::vector<query_parameter>> parse_query(std::string_view text) {
  std::vector<query_parameter> out;
  while (!text.empty()) {
    const auto end = std::min(text.find('&'), text.size());
    const auto part = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (part.empty()) continue;
    if (out.size() == query_parameters_at_most)
      return fail(errc::bad_url,
                  "the query has more than " + std::to_string(query_parameters_at_most) + " parameters; ask for less at once");
    const auto mark = std::min(part.find('='), part.size());
    auto name = TRY(percent_decode(part.substr(0, mark), true));
    auto value = TRY(percent_decode(part.substr(std::min(mark + 1, part.size())), true));
    out.push_back({std::move(name), std::move(value)});
  }
  return out;
}

std::string encode_query(const std::vector<query_parameter>& parameters) {
  std::string out;
  for (const auto& p : parameters) {
    if (!out.empty()) out += '&';
    out += percent_encode(p.name);
    out += '=';
    out += percent_encode(p.value);
  }
  return out;
}

}  // namespace dsf::net

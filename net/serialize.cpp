#include "net/serialize.hpp"

#include <algorithm>
#include <charconv>

namespace dsf::net {

namespace {

bool is_token(std::string_view s) noexcept {
  return !s.empty() && std::ranges::all_of(s, [](unsigned char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::string_view("!#$%&'*+-.^_`|~").find(char(c)) != std::string_view::npos;
  });
}

bool is_field_value(std::string_view s) noexcept {
  return std::ranges::all_of(s, [](unsigned char c) { return c == '\t' || (c >= 0x20 && c != 0x7f); });
}

bool is_ours(std::string_view name) noexcept {
  // The lengths first: this runs for each field of each answer.
  switch (name.size()) {
    case 10: return equals_ignoring_case(name, "Connection");
    case 14: return equals_ignoring_case(name, "Content-Length");
    case 17: return equals_ignoring_case(name, "Transfer-Encoding");
    default: return false;
  }
}

void append_number(std::string& out, std::uint64_t n) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, n).ptr;
  out.append(digits, end);
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  out.append(name);
  out += ": ";
  out.append(value);
  out += "\r\n";
}

}  // namespace

bool is_sendable(const header_list& headers) noexcept {
  return std::ranges::all_of(headers, [](const auto& f) { return is_token(f.name) && is_field_value(f.value); });
}

void write_response_head(std::string& out, const response& r, bool to_head_request, bool keep_alive) {
  out += "HTTP/1.1 ";
  append_number(out, std::uint64_t(r.status));
  out += ' ';
  out += reason_phrase(r.status);
  out += "\r\n";
  for (const auto& f : r.headers)
    if (!is_ours(f.name)) append_field(out, f.name, f.value);
  // RFC 9110 8.6: no length with 204 and 1xx; 304 has no body, and what its length would mean is of no use.
  if (r.status >= 200 && r.status != 204 && r.status != 304) {
    const auto* own = to_head_request && r.body_size() == 0 ? r.headers.find("Content-Length") : nullptr;
    if (own) {
      append_field(out, "Content-Length", *own);
    } else if (to_head_request && r.body_size() == 0 && r.headers.has("Content-Encoding")) {
      // RFC 9110 9.3.2: what is known only once the body is made may be left out.
    } else {
      out += "Content-Length: ";
      append_number(out, r.body_size());
      out += "\r\n";
    }
  }
  if (!keep_alive) out += "Connection: close\r\n";
  out += "\r\n";
}

void write_request_head(std::string& out, std::string_view method, std::string_view target, std::string_view host,
                        const header_list& headers, std::size_t body_bytes) {
  out.append(method);
  out += ' ';
  out.append(target);
  out += " HTTP/1.1\r\n";
  append_field(out, "Host", host);
  for (const auto& f : headers)
    if (!is_ours(f.name) && !equals_ignoring_case(f.name, "Host")) append_field(out, f.name, f.value);
  if (body_bytes > 0 || method == "POST" || method == "PUT" || method == "PATCH") {
    out += "Content-Length: ";
    append_number(out, body_bytes);
    out += "\r\n";
  }
  out += "\r\n";
}

}  // namespace dsf::net

#include "net/certificate_header.hpp"

#include "net/query.hpp"

namespace dsf::net {

namespace {

constexpr std::string_view begin_mark = "-----BEGIN CERTIFICATE-----";
constexpr std::string_view end_mark = "-----END CERTIFICATE-----";
constexpr std::string_view encoded_begin = "-----BEGIN%20CERTIFICATE-----%0A";
constexpr std::size_t value_at_most = 64 * 1024;

bool is_base64(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/' || c == '=';
}

// One certificate: the marks, and nothing between them but Base64 in lines or words.
std::optional<std::string> one_certificate(std::string_view text) {
  if (!text.starts_with(begin_mark) || !text.ends_with(end_mark) || text.size() < begin_mark.size() + end_mark.size()) return {};
  const auto middle = text.substr(begin_mark.size(), text.size() - begin_mark.size() - end_mark.size());
  std::string out(begin_mark);
  out += '\n';
  for (const char c : middle) {
    const bool gap = c == ' ' || c == '\n' || c == '\r';
    if (!gap && !is_base64(c)) return {};
    if (!gap)
      out += c;
    else if (out.back() != '\n')
      out += '\n';
  }
  if (out.back() != '\n') out += '\n';
  if (out.size() == begin_mark.size() + 1) return {};
  out += end_mark;
  out += '\n';
  return out;
}

}  // namespace

std::optional<std::string> pem_of_header(std::string_view value) {
  if (value.size() > value_at_most) return {};
  if (!value.starts_with(encoded_begin)) return one_certificate(value);
  const auto decoded = percent_decode(value);
  if (!decoded) return {};
  std::string_view text = *decoded;
  if (text.ends_with('\n')) text.remove_suffix(1);
  return one_certificate(text);
}

}  // namespace dsf::net

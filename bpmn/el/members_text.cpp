// java.lang.String. Positions count UTF-16 units, as Java's do.
#include <fmt/format.h>
#include <algorithm>

#include "bpmn/el/coerce.hpp"
#include "bpmn/el/members.hpp"
#include "bpmn/el/syntax.hpp"
#include "bpmn/errc.hpp"

namespace dsf::bpmn::el {
namespace {

using base::fail;
using base::result;

std::size_t unit_count(std::string_view text) {
  std::size_t n = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xc0) != 0x80) n += byte >= 0xf0 ? 2 : 1;  // the first byte of a character; beyond the BMP it takes two units
  }
  return n;
}

// The byte offset of a UTF-16 position.
result<std::size_t> byte_offset(std::string_view text, std::int64_t position) {
  const auto outside = [&] { return fail(errc::evaluation, fmt::format("string index {} is out of range", position)); };
  if (position < 0) return outside();
  auto left = static_cast<std::uint64_t>(position);
  std::size_t at = 0;
  while (left > 0 && at < text.size()) {
    const std::uint64_t units = static_cast<unsigned char>(text[at]) >= 0xf0 ? 2 : 1;
    if (units > left) return fail(errc::evaluation, fmt::format("string index {} is inside a character", position));
    left -= units;
    ++at;
    while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80) ++at;
  }
  if (left > 0) return outside();
  return at;
}

std::string change_case(std::string text, bool upper) {
  for (char& c : text) {
    if (upper && c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
    if (!upper && c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return text;
}

std::string trimmed(std::string_view text) {
  while (!text.empty() && static_cast<unsigned char>(text.front()) <= ' ') text.remove_prefix(1);
  while (!text.empty() && static_cast<unsigned char>(text.back()) <= ' ') text.remove_suffix(1);
  return std::string(text);
}

value position_of(std::string_view text, std::size_t at) {
  return at == std::string_view::npos ? value(std::int64_t{-1}) : value(static_cast<std::int64_t>(unit_count(text.substr(0, at))));
}

result<std::string> replaced(const std::string& text, const std::string& from, const std::string& to) {
  if (from.empty()) return fail(errc::evaluation, "replace with an empty search text is not available");
  std::string out;
  std::size_t at = 0;
  for (;;) {
    const auto hit = text.find(from, at);
    out.append(text, at, hit == std::string::npos ? std::string::npos : hit - at);
    if (hit == std::string::npos) return out;
    out += to;
    at = hit + from.size();
    if (out.size() > max_text_bytes) return fail(errc::limit, "the text an expression builds is too long");
  }
}

result<value_ptr> without_arguments(const std::string& text, std::string_view method) {
  if (method == "length") return share(value(static_cast<std::int64_t>(unit_count(text))));
  if (method == "isEmpty") return share(value(text.empty()));
  if (method == "isBlank") return share(value(trimmed(text).empty()));
  if (method == "toLowerCase") return share(value(change_case(text, false)));
  if (method == "toUpperCase") return share(value(change_case(text, true)));
  if (method == "trim" || method == "strip") return share(value(trimmed(text)));
  if (method == "toString") return share(value(text));
  return no_method(value(text), method, 0);
}

// Methods whose one argument is a text.
result<value_ptr> with_text(const std::string& text, std::string_view method, const std::string& other) {
  if (method == "contains") return share(value(text.find(other) != std::string::npos));
  if (method == "startsWith") return share(value(text.starts_with(other)));
  if (method == "endsWith") return share(value(text.ends_with(other)));
  if (method == "equalsIgnoreCase") return share(value(change_case(text, true) == change_case(other, true)));
  if (method == "indexOf") return share(position_of(text, text.find(other)));
  if (method == "lastIndexOf") return share(position_of(text, text.rfind(other)));
  if (method == "compareTo") return share(value(std::int64_t{text.compare(other) > 0} - std::int64_t{text.compare(other) < 0}));
  if (method == "concat") {
    if (text.size() + other.size() > max_text_bytes) return fail(errc::limit, "the text an expression builds is too long");
    return share(value(text + other));
  }
  return no_method(value(text), method, 1);
}

}  // namespace

result<value_ptr> call_on_text(const std::string& text, std::string_view method, const arguments& args) {
  if (args.empty()) return without_arguments(text, method);
  if (method == "equals") {
    TRY(expect_arguments(method, args, 1));
    return share(value(value(text) == *args[0]));
  }
  if (method == "equalsIgnoreCase" && args.size() == 1 && args[0]->is_null()) return share(value(false));
  if (method == "substring" && args.size() <= 2) {
    const auto from = TRY(byte_offset(text, TRY(to_integer(*args[0]))));
    const auto to = args.size() == 2 ? TRY(byte_offset(text, TRY(to_integer(*args[1])))) : text.size();
    if (to < from) return fail(errc::evaluation, "substring: the end is before the beginning");
    return share(value(text.substr(from, to - from)));
  }
  if (method == "charAt" && args.size() == 1) {
    const auto position = TRY(to_integer(*args[0]));
    const auto from = TRY(byte_offset(text, position));
    const auto to = TRY(byte_offset(text, position + 1));
    return share(value(text.substr(from, to - from)));
  }
  if (method == "replace" && args.size() == 2) return share(value(TRY(replaced(text, TRY(to_text(*args[0])), TRY(to_text(*args[1]))))));
  if (args.size() != 1) return no_method(value(text), method, args.size());
  return with_text(text, method, TRY(to_text(*args[0])));
}

}  // namespace dsf::bpmn::el

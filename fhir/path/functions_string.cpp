// FHIRPath N1, 5.6: strings, counted in characters; and the functions of its successor that R4 practice uses (split, join, trim).
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "fhir/path/functions.hpp"
#include "fhir/path/pattern.hpp"
#include "fhir/path/text.hpp"

namespace dsf::fhir::path {
namespace {

// The input's text and the text of the first argument; nothing if one of them is empty.
struct pair_of_texts {
  std::string text, other;
};
result<std::optional<pair_of_texts>> texts(call& c) {
  auto text = TRY(c.single_text());
  auto other = TRY(c.text_argument(0));
  if (!text || !other) return std::optional<pair_of_texts>();
  return std::optional(pair_of_texts{std::move(*text), std::move(*other)});
}

result<collection> limited(call& c, std::string text) {
  const auto most = c.run.with().limits.text_bytes;
  if (text.size() > most) return c.error(errc::limit, fmt::format("a string longer than {} bytes", most));
  return one(std::move(text));
}

collection number(std::size_t n) { return one(static_cast<std::int32_t>(std::min<std::size_t>(n, INT32_MAX))); }

result<collection> index_of(call& c) {
  const auto t = TRY(texts(c));
  if (!t) return collection{};
  const auto at = t->text.find(t->other);
  if (at == std::string::npos) return one(-1);
  return number(character_count(std::string_view(t->text).substr(0, at)));
}
result<collection> last_index_of(call& c) {
  const auto t = TRY(texts(c));
  if (!t) return collection{};
  const auto at = t->text.rfind(t->other);
  if (at == std::string::npos) return one(-1);
  return number(character_count(std::string_view(t->text).substr(0, at)));
}

result<collection> substring(call& c) {
  const auto text = TRY(c.single_text());
  const auto start = TRY(c.integer_argument(0));
  const auto length = c.arguments() > 1 ? TRY(c.integer_argument(1)) : std::optional<std::int32_t>();
  if (!text || !start || *start < 0) return collection{};
  const auto from = byte_offset(*text, static_cast<std::size_t>(*start));
  if (from >= text->size()) return collection{};
  const auto rest = std::string_view(*text).substr(from);
  if (!length) return one(std::string(rest));
  if (*length <= 0) return one(std::string());
  return one(std::string(rest.substr(0, byte_offset(rest, static_cast<std::size_t>(*length)))));
}

result<collection> starts_with(call& c) {
  const auto t = TRY(texts(c));
  return t ? one(t->text.starts_with(t->other)) : collection{};
}
result<collection> ends_with(call& c) {
  const auto t = TRY(texts(c));
  return t ? one(t->text.ends_with(t->other)) : collection{};
}
result<collection> contains(call& c) {
  const auto t = TRY(texts(c));
  return t ? one(t->text.find(t->other) != std::string::npos) : collection{};
}
result<collection> upper_case(call& c) {
  const auto text = TRY(c.single_text());
  return text ? one(upper(*text)) : collection{};
}
result<collection> lower_case(call& c) {
  const auto text = TRY(c.single_text());
  return text ? one(lower(*text)) : collection{};
}

result<collection> replace(call& c) {
  const auto t = TRY(texts(c));
  const auto with = TRY(c.text_argument(1));
  if (!t || !with) return collection{};
  std::string out;
  const auto most = c.run.with().limits.text_bytes;
  if (t->other.empty()) {  // 5.6.7: around every character
    out = *with;
    for (const auto ch : characters(t->text)) {
      out += ch;
      out += *with;
      if (out.size() > most) break;
    }
    return limited(c, std::move(out));
  }
  std::size_t at = 0;
  for (;;) {
    const auto next = t->text.find(t->other, at);
    if (next == std::string::npos || out.size() > most) break;
    out.append(t->text, at, next - at);
    out += *with;
    at = next + t->other.size();
  }
  out.append(t->text, at);
  return limited(c, std::move(out));
}

// The pattern of a literal is compiled with the expression, any other one here.
result<std::shared_ptr<const pattern>> pattern_of(call& c, const std::string& text) {
  if (text.size() > c.run.with().limits.regex_bytes)
    return c.error(errc::limit, fmt::format("a regular expression longer than {} bytes", c.run.with().limits.regex_bytes));
  if (!c.node.pattern) TRY(c.run.spend(50));
  auto out = c.node.pattern ? c.node.pattern : pattern::compile(text, c.node.function->whole_match);
  if (!out->fault().empty())
    return c.error(errc::type, fmt::format("'{}' is no regular expression that can be used: {}", text, out->fault()));
  return out;
}

result<collection> matches(call& c) {
  const auto t = TRY(texts(c));
  if (!t) return collection{};
  const auto p = TRY(pattern_of(c, t->other));
  TRY(c.run.spend(1 + t->text.size() / 100));
  return one(p->matches(t->text));
}

result<collection> replace_matches(call& c) {
  const auto t = TRY(texts(c));
  const auto with = TRY(c.text_argument(1));
  if (!t || !with) return collection{};
  if (t->other.empty()) return one(t->text);
  const auto p = TRY(pattern_of(c, t->other));
  TRY(c.run.spend(1 + t->text.size() / 100));
  std::string out;
  if (!p->replace_all(t->text, *with, c.run.with().limits.text_bytes, out)) return limited(c, std::move(out));
  return one(std::move(out));
}

result<collection> length(call& c) {
  const auto text = TRY(c.single_text());
  return text ? number(character_count(*text)) : collection{};
}

result<collection> to_chars(call& c) {
  const auto text = TRY(c.single_text());
  collection out;
  if (!text) return out;
  TRY(c.run.spend(text->size() / 10));
  for (const auto ch : characters(*text)) out.emplace_back(std::string(ch));
  return out;
}

result<collection> trim(call& c) {
  const auto text = TRY(c.single_text());
  if (!text) return collection{};
  const auto from = text->find_first_not_of(" \t\r\n\f\v");
  if (from == std::string::npos) return one(std::string());
  return one(text->substr(from, text->find_last_not_of(" \t\r\n\f\v") - from + 1));
}

result<collection> split(call& c) {
  const auto t = TRY(texts(c));
  if (!t) return collection{};
  TRY(c.run.spend(t->text.size() / 10));
  collection out;
  if (t->other.empty()) {
    for (const auto ch : characters(t->text)) out.emplace_back(std::string(ch));
    return out;
  }
  std::size_t at = 0;
  for (;;) {
    const auto next = t->text.find(t->other, at);
    out.emplace_back(t->text.substr(at, next == std::string::npos ? next : next - at));
    if (next == std::string::npos) return out;
    at = next + t->other.size();
  }
}

result<collection> join(call& c) {
  const auto between = c.arguments() > 0 ? TRY(c.text_argument(0)).value_or("") : std::string();
  if (c.input.empty()) return collection{};
  std::string out;
  bool first = true;
  for (const auto& i : c.input) {
    const auto v = system_value(i);
    if (!v) continue;
    const auto* s = string_in(*v);
    if (!s) return c.error(errc::type, fmt::format("join() takes Strings, not {}", type_name_of(i)));
    if (!first) out += between;
    first = false;
    out += *s;
    if (out.size() > c.run.with().limits.text_bytes) break;
  }
  return limited(c, std::move(out));
}

constexpr std::array table{
    function{"indexOf", 1, 1, index_of},
    function{"lastIndexOf", 1, 1, last_index_of},
    function{"substring", 1, 2, substring},
    function{"startsWith", 1, 1, starts_with},
    function{"endsWith", 1, 1, ends_with},
    function{"contains", 1, 1, contains},
    function{"upper", 0, 0, upper_case},
    function{"lower", 0, 0, lower_case},
    function{"replace", 2, 2, replace},
    function{"matches", 1, 1, matches, false, true},
    function{"matchesFull", 1, 1, matches, false, true, true},
    function{"replaceMatches", 2, 2, replace_matches, false, true},
    function{"length", 0, 0, length},
    function{"toChars", 0, 0, to_chars},
    function{"trim", 0, 0, trim},
    function{"split", 1, 1, split},
    function{"join", 0, 1, join},
};

}  // namespace

std::span<const function> string_functions() { return table; }

}  // namespace dsf::fhir::path

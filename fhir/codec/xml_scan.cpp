#include "fhir/codec/xml_scan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

namespace dsf::fhir {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// XML 1.0, 2.2 Char
bool is_xml_char(std::uint32_t c) {
  return c == 0x9 || c == 0xA || c == 0xD || (c >= 0x20 && c <= 0xD7FF) || (c >= 0xE000 && c <= 0xFFFD) || (c >= 0x10000 && c <= 0x10FFFF);
}

// Length of the UTF-8 sequence at `at` and its code point; 0 if it is not UTF-8.
std::size_t decode(std::string_view text, std::size_t at, std::uint32_t& point) {
  const auto byte = [&](std::size_t i) { return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0u; };
  const auto tail = [&](std::size_t i) { return (byte(i) & 0xC0) == 0x80; };
  const auto b = byte(0);
  if (b < 0x80) return point = b, 1;
  if (b >= 0xC2 && b < 0xE0 && tail(1)) return point = (b & 0x1F) << 6 | (byte(1) & 0x3F), 2;
  if (b >= 0xE0 && b < 0xF0 && tail(1) && tail(2)) {
    point = (b & 0x0F) << 12 | (byte(1) & 0x3F) << 6 | (byte(2) & 0x3F);
    return point >= 0x800 && (point < 0xD800 || point > 0xDFFF) ? 3 : 0;
  }
  if (b >= 0xF0 && b < 0xF5 && tail(1) && tail(2) && tail(3)) {
    point = (b & 0x07) << 18 | (byte(1) & 0x3F) << 12 | (byte(2) & 0x3F) << 6 | (byte(3) & 0x3F);
    return point >= 0x10000 && point <= 0x10FFFF ? 4 : 0;
  }
  return 0;
}

std::optional<xml_fault> characters_fault(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const auto c = static_cast<unsigned char>(text[at]);
    if (c >= 0x20 && c < 0x80) {
      ++at;
      continue;
    }
    std::uint32_t point = 0;
    const auto length = decode(text, at, point);
    if (length == 0) return xml_fault{at, "the text is not UTF-8; no other encoding is accepted"};
    if (!is_xml_char(point)) return xml_fault{at, fmt::format("the character U+{:04X} is not allowed in XML", point)};
    at += length;
  }
  return {};
}

// One pass over markup. Text is looked at only for entities.
class scanner {
public:
  scanner(std::string_view text, const xml_scan_limits& limits) : text_(text), limits_(limits) {}

  std::optional<xml_fault> run() {
    while (at_ < text_.size()) {
      const auto fault = text_[at_] == '<' ? markup() : content();
      if (fault) return fault;
    }
    if (depth_ > 0) return xml_fault{text_.size(), "the document ends inside an element"};
    if (elements_ == 0) return xml_fault{0, "there is no element"};
    return {};
  }

private:
  std::optional<xml_fault> content() {
    const char c = text_[at_];
    if (c == '&') {
      if (auto fault = reference()) return fault;
    }
    if (depth_ == 0 && !is_blank(c)) return xml_fault{at_, "text outside of the root element"};
    ++at_;
    return {};
  }

  std::optional<xml_fault> markup() {
    const auto rest = text_.substr(at_);
    if (rest.starts_with("<!--")) return skip("-->", 4, "a comment");
    if (rest.starts_with("<![CDATA[")) {
      if (depth_ == 0) return xml_fault{at_, "text outside of the root element"};
      return skip("]]>", 9, "a CDATA section");
    }
    if (rest.starts_with("<?")) return instruction();
    if (rest.starts_with("<!")) return xml_fault{at_, "a document type declaration (DTD) is not accepted"};
    if (rest.starts_with("</")) {
      if (depth_ == 0) return xml_fault{at_, "an end tag without a start tag"};
      --depth_;
      return skip(">", 2, "an end tag");
    }
    return start_tag();
  }

  std::optional<xml_fault> instruction() {
    const auto from = at_;
    if (auto fault = skip("?>", 2, "a processing instruction")) return fault;
    const auto body = text_.substr(from, at_ - from);
    if (!body.starts_with("<?xml") || body.size() < 6 || !is_blank(body[5])) return {};
    if (from != 0) return xml_fault{from, "the XML declaration must be at the very beginning"};
    auto encoding = body.find("encoding");
    if (encoding == std::string_view::npos) return {};
    const auto open = body.find_first_of("\"'", encoding);
    if (open == std::string_view::npos) return xml_fault{encoding, "the XML declaration is not well-formed"};
    const auto close = body.find(body[open], open + 1);
    std::string name(body.substr(open + 1, close == std::string_view::npos ? close : close - open - 1));
    std::ranges::transform(name, name.begin(), [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
    if (name != "UTF-8" && name != "US-ASCII") return xml_fault{encoding, fmt::format("the encoding {} is not accepted; send UTF-8", name)};
    return {};
  }

  std::optional<xml_fault> start_tag() {
    const auto from = at_;
    if (depth_ == 0 && elements_ > 0) return xml_fault{at_, "a second root element"};
    if (++elements_ > limits_.elements) return xml_fault{at_, fmt::format("more than {} elements", limits_.elements), true};
    char quote = 0;
    for (++at_; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '&') {
        if (auto fault = reference()) return fault;
      } else if (quote) {
        if (c == '<') return xml_fault{at_, "'<' inside an attribute value"};
        if (c == quote) quote = 0;
      } else if (c == '"' || c == '\'') {
        quote = c;
      } else if (c == '<') {
        return xml_fault{at_, "'<' inside a tag"};
      } else if (c == '>') {
        const bool closed = text_[at_ - 1] == '/';
        ++at_;
        if (!closed && ++depth_ > limits_.depth) return xml_fault{from, fmt::format("nested deeper than {} levels", limits_.depth), true};
        return {};
      }
    }
    return xml_fault{from, "a start tag does not end"};
  }

  // At '&'; leaves at_ on it. Only the five predefined entities and character references exist without a DTD.
  std::optional<xml_fault> reference() {
    const auto end = text_.substr(at_, 12).find(';');
    const auto name = end == std::string_view::npos ? std::string_view{} : text_.substr(at_ + 1, end - 1);
    if (name.starts_with('#')) {
      const bool hex = name.starts_with("#x");
      const auto digits = name.substr(hex ? 2 : 1);
      std::uint32_t point = 0;
      const auto [stop, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), point, hex ? 16 : 10);
      if (digits.empty() || ec != std::errc{} || stop != digits.data() + digits.size() || !is_xml_char(point))
        return xml_fault{at_, fmt::format("the character reference &{}; is not allowed", name)};
      return {};
    }
    static constexpr std::array<std::string_view, 5> predefined{"lt", "gt", "amp", "quot", "apos"};
    if (name.empty()) return xml_fault{at_, "'&' must be written &amp;"};
    if (std::ranges::find(predefined, name) == predefined.end())
      return xml_fault{at_, fmt::format("the entity &{}; is not known; write the character itself or &#n;", name)};
    return {};
  }

  std::optional<xml_fault> skip(std::string_view end, std::size_t opening, std::string_view what) {
    const auto found = text_.find(end, at_ + opening);
    if (found == std::string_view::npos) return xml_fault{at_, fmt::format("{} does not end", what)};
    at_ = found + end.size();
    return {};
  }

  std::string_view text_;
  const xml_scan_limits& limits_;
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
  std::size_t elements_ = 0;
};

}  // namespace

std::optional<xml_fault> scan_xml(std::string_view text, const xml_scan_limits& limits) {
  if (auto fault = characters_fault(text)) return fault;
  return scanner(text, limits).run();
}

std::size_t element_end(std::string_view text, std::size_t start) {
  std::size_t depth = 0;
  for (auto at = start; at < text.size();) {
    const auto rest = text.substr(at);
    const auto after = [&](std::string_view end) {
      const auto found = text.find(end, at + 1);
      return found == std::string_view::npos ? text.size() : found + end.size();
    };
    if (rest.front() != '<') {
      const auto next = text.find('<', at);
      at = next == std::string_view::npos ? text.size() : next;
    } else if (rest.starts_with("<!--")) {
      at = text.find("-->", at + 4) + 3;
    } else if (rest.starts_with("<![CDATA[")) {
      at = after("]]>");
    } else if (rest.starts_with("<?")) {
      at = after("?>");
    } else if (rest.starts_with("</")) {
      at = after(">");
      if (--depth == 0) return at;
    } else {
      char quote = 0;
      for (++at; at < text.size() && (quote || text[at] != '>'); ++at) {
        if (quote ? text[at] == quote : text[at] == '"' || text[at] == '\'') quote = quote ? 0 : text[at];
      }
      const bool closed = text[at - 1] == '/';
      ++at;
      if (closed && depth == 0) return at;
      if (!closed) ++depth;
    }
  }
  return text.size();
}

std::size_t line_of(std::string_view text, std::size_t at) {
  return 1 + static_cast<std::size_t>(std::ranges::count(text.substr(0, at), '\n'));
}

}  // namespace dsf::fhir

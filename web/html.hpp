// The one place where HTML is written. A value of type html is well-formed and safe: it is made of elements whose names are literals of the program,
// and of texts, which are escaped when they become html. There is no way in for markup that stands in a text.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dsf::web {

// The name of an element or attribute: only a literal of the program.
class literal {
public:
  template <std::size_t N>
  consteval literal(const char (&text)[N]) : text_(text, N - 1) {}
  constexpr operator std::string_view() const { return text_; }

private:
  std::string_view text_;
};

// `name="value"`, escaped; with no value just the name. An address (href, src, action, formaction) that is neither http(s) nor within this
// site becomes "#".
struct attribute {
  literal name;
  std::string value;
  bool has_value = true;
  bool present = true;

  attribute(literal n, std::string v) : name(n), value(std::move(v)) {}
  attribute(literal n, std::string_view v) : name(n), value(v) {}
  attribute(literal n, const char* v) : name(n), value(v) {}
  // Like `checked`: there, or not.
  attribute(literal n, bool there) : name(n), has_value(false), present(there) {}
};
using attributes = std::vector<attribute>;

class html {
public:
  html() = default;
  // A text; escaped.
  html(std::string_view text);
  html(const std::string& text) : html(std::string_view(text)) {}
  html(const char* text) : html(std::string_view(text)) {}

  html& operator+=(const html& more) {
    bytes_ += more.bytes_;
    return *this;
  }
  [[nodiscard]] bool empty() const noexcept { return bytes_.empty(); }
  [[nodiscard]] const std::string& bytes() const noexcept { return bytes_; }
  // With the line that makes it a document.
  [[nodiscard]] std::string document() const;

private:
  friend html element(literal name, const attributes& with, const html& content);
  std::string bytes_;
};

html element(literal name, const attributes& with, const html& content);
inline html element(literal name, const html& content) { return element(name, attributes{}, content); }
// An element without content and end: input, meta, link.
inline html lone(literal name, const attributes& with) { return element(name, with, html()); }

inline html operator+(html a, const html& b) {
  a += b;
  return a;
}

// False for javascript:, data: and whatever else could run or leave: only http(s) URLs and addresses without a scheme may be linked.
bool is_safe_address(std::string_view address);

}  // namespace dsf::web

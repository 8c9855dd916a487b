#include "bpmn/el/scanner.hpp"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "bpmn/errc.hpp"

namespace dsf::bpmn::el {
namespace {

using base::fail;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
// Java identifiers; any byte of a UTF-8 sequence counts as a letter.
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$' || static_cast<unsigned char>(c) >= 0x80;
}

constexpr std::array<std::pair<std::string_view, symbol>, 17> keywords{{
    {"null", symbol::null},
    {"true", symbol::true_},
    {"false", symbol::false_},
    {"empty", symbol::empty},
    {"div", symbol::div},
    {"mod", symbol::mod},
    {"not", symbol::not_},
    {"and", symbol::and_},
    {"or", symbol::or_},
    {"le", symbol::le},
    {"lt", symbol::lt},
    {"eq", symbol::eq},
    {"ne", symbol::ne},
    {"ge", symbol::ge},
    {"gt", symbol::gt},
    {"instanceof", symbol::instanceof},
    {"", symbol::eof},
}};

constexpr std::array<std::pair<std::string_view, symbol>, 24> signs{{
    // Longer signs first.
    {"&&", symbol::and_},      {"||", symbol::or_},        {"==", symbol::eq},   {"!=", symbol::ne},          {"<=", symbol::le},
    {">=", symbol::ge},        {"+", symbol::plus},        {"-", symbol::minus}, {"*", symbol::times},        {"/", symbol::div},
    {"%", symbol::mod},        {"!", symbol::not_},        {"<", symbol::lt},    {">", symbol::gt},           {"?", symbol::question},
    {":", symbol::colon},      {".", symbol::dot},         {",", symbol::comma}, {"[", symbol::open_bracket}, {"]", symbol::close_bracket},
    {"(", symbol::open_paren}, {")", symbol::close_paren}, {"}", symbol::end},   {"", symbol::eof},
}};

class scanner {
public:
  explicit scanner(std::string_view text) : text_(text) {}

  base::result<std::vector<token>> run() {
    while (at_ < text_.size()) {
      scan_text();
      if (at_ >= text_.size()) break;
      add(symbol::start, {}, at_);
      at_ += 2;
      TRY(scan_expression());
    }
    add(symbol::eof, {}, text_.size());
    return std::move(tokens_);
  }

private:
  void add(symbol s, std::string text, std::size_t offset) { tokens_.push_back({s, std::move(text), offset}); }

  // Constant text up to ${ or #{. A backslash before the delimiter keeps it as text; any other backslash stands for itself
  // (juel Scanner.nextText).
  void scan_text() {
    const auto from = at_;
    std::string out;
    bool escaped = false;
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '\\') {
        if (escaped) out += '\\';
        escaped = true;
        continue;
      }
      const bool delimiter = (c == '$' || c == '#') && at_ + 1 < text_.size() && text_[at_ + 1] == '{';
      if (delimiter && !escaped) break;
      if (escaped && !delimiter) out += '\\';
      out += c;
      escaped = false;
    }
    if (escaped) out += '\\';
    if (!out.empty()) add(symbol::text, std::move(out), from);
  }

  base::result<> scan_expression() {
    for (;;) {
      while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r')) ++at_;
      if (at_ >= text_.size())
        return fail(errc::bad_expression, fmt::format("the expression is not closed: '}}' expected at offset {}", at_));
      const char c = text_[at_];
      if (c == '\'' || c == '"') {
        TRY(scan_string(c));
      } else if (is_digit(c) || (c == '.' && at_ + 1 < text_.size() && is_digit(text_[at_ + 1]))) {
        scan_number();
      } else if (is_letter(c)) {
        scan_word();
      } else {
        if (!scan_sign())
          return fail(errc::bad_expression, fmt::format("unexpected character '{}' at offset {}", c >= ' ' ? std::string(1, c) : "?", at_));
        if (tokens_.back().is == symbol::end) return {};
      }
    }
  }

  // Only the quote itself and the backslash can be escaped.
  base::result<> scan_string(char quote) {
    const auto from = at_++;
    std::string out;
    for (; at_ < text_.size() && text_[at_] != quote; ++at_) {
      if (text_[at_] != '\\') {
        out += text_[at_];
        continue;
      }
      ++at_;
      if (at_ >= text_.size() || (text_[at_] != quote && text_[at_] != '\\'))
        return fail(errc::bad_expression,
                    fmt::format("invalid escape at offset {}: only \\\\ and \\{} are allowed in this string", at_ - 1, quote));
      out += text_[at_];
    }
    if (at_ >= text_.size()) return fail(errc::bad_expression, fmt::format("the string that begins at offset {} is not closed", from));
    ++at_;
    add(symbol::string, std::move(out), from);
    return {};
  }

  void skip_digits() {
    while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
  }
  void scan_number() {
    const auto from = at_;
    auto kind = symbol::integer;
    skip_digits();
    if (at_ < text_.size() && text_[at_] == '.') {
      kind = symbol::floating;
      ++at_;
      skip_digits();
    }
    if (at_ < text_.size() && (text_[at_] == 'e' || text_[at_] == 'E')) {
      auto exponent = at_ + 1;
      if (exponent < text_.size() && (text_[exponent] == '+' || text_[exponent] == '-')) ++exponent;
      if (exponent < text_.size() && is_digit(text_[exponent])) {
        kind = symbol::floating;
        at_ = exponent;
        skip_digits();
      }
    }
    add(kind, std::string(text_.substr(from, at_ - from)), from);
  }

  void scan_word() {
    const auto from = at_;
    while (at_ < text_.size() && (is_letter(text_[at_]) || is_digit(text_[at_]))) ++at_;
    const auto word = text_.substr(from, at_ - from);
    for (const auto& [name, s] : keywords) {
      if (word == name) return add(s, std::string(word), from);
    }
    add(symbol::identifier, std::string(word), from);
  }

  bool scan_sign() {
    for (const auto& [sign, s] : signs) {
      if (!sign.empty() && text_.substr(at_).starts_with(sign)) {
        add(s, std::string(sign), at_);
        at_ += sign.size();
        return true;
      }
    }
    return false;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::vector<token> tokens_;
};

}  // namespace

base::result<std::vector<token>> scan(std::string_view text) { return scanner(text).run(); }

}  // namespace dsf::bpmn::el

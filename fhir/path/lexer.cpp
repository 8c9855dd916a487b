#include "fhir/path/lexer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "fhir/path/text.hpp"

namespace dsf::fhir::path {
namespace {

bool digit(char c) { return c >= '0' && c <= '9'; }
bool letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

constexpr std::array<std::string_view, 22> symbols{"<=", ">=", "!=", "!~", "(", ")", "[", "]", "{", "}", ".",
                                                   ",",  "+",  "-",  "*",  "/", "&", "|", "<", ">", "=", "~"};

}  // namespace

std::string place_of(std::string_view text, std::size_t at) {
  const auto before = text.substr(0, at);
  const auto line = 1 + std::ranges::count(before, '\n');
  const auto start = before.rfind('\n');
  return fmt::format("{}:{}", line, at - (start == before.npos ? 0 : start + 1) + 1);
}

base::failure lexer::error(std::string what, std::size_t at) const { return fail(errc::syntax, std::move(what), place_of(text_, at)); }

result<void> lexer::skip_blanks() {
  for (;;) {
    const char c = peek();
    if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
      ++at_;
    } else if (c == '/' && peek(1) == '/') {
      at_ = std::min(text_.find('\n', at_), text_.size());
    } else if (c == '/' && peek(1) == '*') {
      const auto end = text_.find("*/", at_ + 2);
      if (end == text_.npos) return error("a comment that begins here has no end; close it with */", at_);
      at_ = end + 2;
    } else {
      return {};
    }
  }
}

result<token> lexer::next() {
  TRY(skip_blanks());
  const auto start = at_;
  if (at_ >= text_.size()) return token{token_kind::end, {}, start};
  const char c = peek();
  if (letter(c)) {
    while (letter(peek()) || digit(peek())) ++at_;
    return token{token_kind::identifier, std::string(text_.substr(start, at_ - start)), start};
  }
  if (digit(c)) return number();
  if (c == '\'') return quoted(c, token_kind::string);
  if (c == '`' || c == '"') return quoted(c, token_kind::delimited);
  if (c == '@') return temporal_literal();
  if (c == '$') {
    ++at_;
    while (letter(peek())) ++at_;
    return token{token_kind::dollar, std::string(text_.substr(start, at_ - start)), start};
  }
  if (c == '%') {
    ++at_;
    return token{token_kind::symbol, "%", start};
  }
  for (const auto s : symbols)
    if (text_.substr(at_).starts_with(s)) {
      at_ += s.size();
      return token{token_kind::symbol, std::string(s), start};
    }
  return error(fmt::format("unexpected character '{}'", static_cast<unsigned char>(c) < 0x80 ? std::string(1, c) : "non-ASCII"), start);
}

result<token> lexer::quoted(char quote, token_kind kind) {
  const auto start = at_++;
  token out{kind, {}, start};
  for (;;) {
    if (at_ >= text_.size()) return error(fmt::format("a text that begins here has no end; close it with {}", quote), start);
    const char c = text_[at_++];
    if (c == quote) return out;
    if (c != '\\') {
      out.text += c;
      continue;
    }
    const char e = peek();
    ++at_;
    switch (e) {
      case '\'':
      case '"':
      case '`':
      case '\\':
      case '/': out.text += e; break;
      case 'f': out.text += '\f'; break;
      case 'n': out.text += '\n'; break;
      case 'r': out.text += '\r'; break;
      case 't': out.text += '\t'; break;
      case 'u': {
        const auto unit = [&]() -> std::optional<char32_t> {
          char32_t v = 0;
          for (std::size_t i = 0; i < 4; ++i) {
            const auto h = hex_digit(peek(i));
            if (!h) return {};
            v = v * 16 + static_cast<char32_t>(*h);
          }
          at_ += 4;
          return v;
        };
        auto v = unit();
        if (v && *v >= 0xD800 && *v < 0xDC00 && peek() == '\\' && peek(1) == 'u') {
          at_ += 2;
          const auto low = unit();
          v = low && *low >= 0xDC00 && *low < 0xE000 ? std::optional(0x10000 + ((*v - 0xD800) << 10) + (*low - 0xDC00)) : std::nullopt;
        }
        if (!v || (*v >= 0xD800 && *v < 0xE000)) return error("\\u needs four hexadecimal digits of a character", at_ - 2);
        append_utf8(out.text, *v);
        break;
      }
      default: return error("unknown escape; known are \\' \\\" \\` \\\\ \\/ \\f \\n \\r \\t \\uXXXX", at_ - 2);
    }
  }
}

std::size_t lexer::digits_at(std::size_t at) const {
  std::size_t n = 0;
  while (at + n < text_.size() && digit(text_[at + n])) ++n;
  return n;
}

result<token> lexer::number() {
  const auto start = at_;
  at_ += digits_at(at_);
  if (peek() == '.' && digit(peek(1))) at_ += 1 + digits_at(at_ + 1);
  return token{token_kind::number, std::string(text_.substr(start, at_ - start)), start};
}

// @2015-02-04, @2015-02-04T14:34:28.123+09:00, @2015T, @T14:34
result<token> lexer::temporal_literal() {
  const auto start = at_++;
  token out{token_kind::date, {}, start};
  const auto clock = [&] {
    at_ += digits_at(at_);
    for (int i = 0; i < 2 && peek() == ':' && digit(peek(1)); ++i) at_ += 1 + digits_at(at_ + 1);
    if (peek() == '.' && digit(peek(1))) at_ += 1 + digits_at(at_ + 1);
  };
  if (peek() == 'T') {
    ++at_;
    out.kind = token_kind::time;
    clock();
    out.text = text_.substr(start + 2, at_ - start - 2);
    return out;
  }
  at_ += digits_at(at_);
  for (int i = 0; i < 2 && peek() == '-' && digit(peek(1)); ++i) at_ += 1 + digits_at(at_ + 1);
  if (peek() == 'T') {
    out.kind = token_kind::date_time;
    ++at_;
    if (digit(peek())) {
      clock();
      if (peek() == 'Z')
        ++at_;
      else if ((peek() == '+' || peek() == '-') && digits_at(at_ + 1) == 2 && peek(3) == ':')
        at_ += 4 + digits_at(at_ + 4);
    }
  }
  out.text = text_.substr(start + 1, at_ - start - 1);
  return out;
}

}  // namespace dsf::fhir::path

// Tokens of FHIRPath, N1 appendix A (grammar); private to this room.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "fhir/path/errc.hpp"

namespace dsf::fhir::path {

using base::fail;
using base::result;

enum class token_kind : std::uint8_t { end, identifier, delimited, string, number, date, date_time, time, symbol, dollar };

struct token {
  token_kind kind = token_kind::end;
  std::string text;       // unescaped; of a symbol its characters
  std::size_t at = 0;     // byte offset

  [[nodiscard]] bool is(std::string_view symbol) const { return kind == token_kind::symbol && text == symbol; }
  [[nodiscard]] bool word(std::string_view w) const { return kind == token_kind::identifier && text == w; }
};

// "3:14" of a byte offset.
std::string place_of(std::string_view text, std::size_t at);

class lexer {
public:
  explicit lexer(std::string_view text) : text_(text) {}
  result<token> next();

private:
  result<void> skip_blanks();
  result<token> quoted(char quote, token_kind kind);
  result<token> number();
  result<token> temporal_literal();
  std::size_t digits_at(std::size_t at) const;
  char peek(std::size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }
  base::failure error(std::string what, std::size_t at) const;

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace dsf::fhir::path

// Tokens of an expression (engine 2c, complete list).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace dsf::bpmn::el {

enum class symbol : std::uint8_t {
  text,
  start,
  end,
  eof,  // constant text, ${ or #{, }, the end
  identifier,
  integer,
  floating,
  string,
  null,
  true_,
  false_,
  plus,
  minus,
  times,
  div,
  mod,
  not_,
  and_,
  or_,
  empty,
  eq,
  ne,
  lt,
  le,
  gt,
  ge,
  question,
  colon,
  dot,
  comma,
  open_bracket,
  close_bracket,
  open_paren,
  close_paren,
  instanceof,
};

struct token {
  symbol is = symbol::eof;
  std::string text;  // constant text and strings: unescaped
  std::size_t offset = 0;
};

base::result<std::vector<token>> scan(std::string_view text);

}  // namespace dsf::bpmn::el

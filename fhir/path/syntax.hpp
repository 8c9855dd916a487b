// The tree of an expression; private to this room.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fhir/path/value.hpp"

namespace dsf::fhir::path {

struct function;
class pattern;

enum class op : std::uint8_t {
  literal,       // value; without one: {}
  member,        // text of operands[0]
  start_member,  // text of $this, or $this itself if text is its type
  self,          // $this
  index,         // $index
  total,         // $total
  variable,      // %text
  call,          // function; operands[0] is the input, the arguments follow
  at,            // operands[0][operands[1]]
  plus,
  minus,         // unary
  multiply,
  divide,
  div,
  mod,
  add,
  subtract,
  concatenate,
  is,
  as,
  unite,
  less,
  less_or_equal,
  greater,
  greater_or_equal,
  equal,
  equivalent,
  not_equal,
  not_equivalent,
  in,
  contains,
  logical_and,
  logical_or,
  logical_xor,
  implies,
};

struct syntax {
  op kind = op::literal;
  std::uint16_t depth = 1;
  std::uint32_t at = 0;                        // byte offset in the text
  std::string text;
  std::optional<item> value;
  type_name type;                              // of is, as and the functions that take a type
  const path::function* function = nullptr;
  std::shared_ptr<const path::pattern> pattern;  // of a literal regex argument
  std::vector<syntax> operands;
};

}  // namespace dsf::fhir::path

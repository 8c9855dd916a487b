// The parsed tree of an expression; private to el/. Chains of operators and of members are flat lists, so that the depth of the tree is the
// depth of the brackets, which the parser bounds.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "bpmn/value.hpp"

namespace dsf::bpmn::el {

enum class operation : std::uint8_t { or_, and_, eq, ne, lt, le, gt, ge, add, sub, mul, div, mod, not_, negate, empty };

struct term;
using term_ptr = std::unique_ptr<const term>;

// .name | [index] | .name(arguments) | [index](arguments)
struct suffix {
  std::string name;
  term_ptr index;  // set: brackets
  bool is_call = false;
  std::vector<term_ptr> arguments;
};

struct term {
  enum class kind : std::uint8_t { literal, identifier, function, path, chain, unary, ternary };
  kind is = kind::literal;
  value literal;
  std::string name;  // identifier, function
  term_ptr first;  // path: its root; chain: first operand; unary: operand; ternary: condition
  std::vector<suffix> suffixes;  // path
  std::vector<std::pair<operation, term_ptr>> rest;  // chain
  operation op = operation::not_;  // unary
  term_ptr then;  // ternary
  term_ptr otherwise;  // ternary
};

// One piece of a composite text: a constant (term is null) or ${term}.
struct part {
  std::string text;
  term_ptr expression;
};

struct syntax {
  std::vector<part> parts;
  bool writes = false;  // calls setVariable: what was read before must not change under us
};

constexpr std::size_t max_expression_bytes = 64u << 10;
constexpr int max_expression_depth = 100;
constexpr int max_expression_steps = 10'000;
constexpr std::size_t max_text_bytes = 16u << 20;  // of a text that an expression builds

base::result<syntax> parse_syntax(std::string_view text);
// The text a question is known by: the same for the same tree, whatever white space the model has.
std::string canonical(const term& t);
// The first `suffixes` members of a path.
std::string canonical(const term& path, std::size_t suffixes);

}  // namespace dsf::bpmn::el

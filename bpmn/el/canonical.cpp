#include <array>

#include "bpmn/el/coerce.hpp"
#include "bpmn/el/syntax.hpp"

namespace dsf::bpmn::el {
namespace {

constexpr std::array<std::string_view, 16> signs{
    " || ", " && ", " == ", " != ", " < ", " <= ", " > ", " >= ", " + ", " - ", " * ", " / ", " % ", "!", "-", "empty "};

std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}

std::string literal_text(const value& v) {
  if (v.is_null()) return "null";
  if (const auto* s = v.as<std::string>()) return quoted(*s);
  if (const auto* d = v.as<double>()) return java_text(*d);
  if (const auto* b = v.as<bool>()) return *b ? "true" : "false";
  return std::to_string(*v.as<std::int64_t>());
}

std::string arguments_text(const std::vector<term_ptr>& arguments) {
  std::string out = "(";
  for (const auto& a : arguments) out += (out.size() > 1 ? ", " : "") + canonical(*a);
  return out + ")";
}

// Operands that are operators themselves keep their brackets.
std::string operand_text(const term& t) {
  const bool plain =
      t.is == term::kind::literal || t.is == term::kind::identifier || t.is == term::kind::function || t.is == term::kind::path;
  return plain ? canonical(t) : "(" + canonical(t) + ")";
}

}  // namespace

std::string canonical(const term& path, std::size_t suffixes) {
  auto out = operand_text(*path.first);
  for (std::size_t i = 0; i < suffixes; ++i) {
    const auto& s = path.suffixes[i];
    out += s.index ? "[" + canonical(*s.index) + "]" : "." + s.name;
    if (s.is_call) out += arguments_text(s.arguments);
  }
  return out;
}

// The recursion is bounded by max_expression_depth, which the parser enforces.
std::string canonical(const term& t) {
  switch (t.is) {
    case term::kind::literal: return literal_text(t.literal);
    case term::kind::identifier: return t.name;
    case term::kind::function: return t.name + "()";
    case term::kind::path: return canonical(t, t.suffixes.size());
    case term::kind::unary: return std::string(signs[static_cast<std::size_t>(t.op)]) + operand_text(*t.first);
    case term::kind::ternary: return operand_text(*t.first) + " ? " + operand_text(*t.then) + " : " + operand_text(*t.otherwise);
    case term::kind::chain: {
      auto out = operand_text(*t.first);
      for (const auto& [op, operand] : t.rest) out += std::string(signs[static_cast<std::size_t>(op)]) + operand_text(*operand);
      return out;
    }
  }
  return {};
}

}  // namespace dsf::bpmn::el

// Walks a parsed expression. Private to el/.
#pragma once

#include "bpmn/el/expression.hpp"
#include "bpmn/el/members.hpp"
#include "bpmn/el/syntax.hpp"

namespace dsf::bpmn::el {

// An intermediate result. `pending`: it depends on a question that has no answer yet.
struct operand {
  enum class kind : std::uint8_t { plain, execution, pending } is = kind::plain;
  value_ptr v;
};

// One evaluation of one expression. Operators that always evaluate both sides collect the questions of both; behind a pending condition
// nothing is asked, since the process might not get there.
class evaluator {
public:
  evaluator(const syntax& s, context& c) : syntax_(s), context_(c) {}
  base::result<outcome> run();

private:
  base::result<operand> term_value(const term& t);
  base::result<operand> identifier(const std::string& name);
  base::result<operand> path(const term& t);
  base::result<operand> member(const term& path, std::size_t at, const operand& base);
  base::result<operand> unary(const term& t);
  base::result<operand> ternary(const term& t);
  base::result<operand> logic(const term& t);
  base::result<operand> chain(const term& t);
  base::result<operand> apply(operation op, const term& left, const operand& a, const term& right, const operand& b);
  base::result<operand> text_of(const term& t, const operand& o);
  // The answer to a question about an opaque value, or pending.
  operand ask(std::string text, const value_ptr& object, std::string member, bool is_method, std::vector<value> arguments);
  base::result<> step();

  const syntax& syntax_;
  context& context_;
  int steps_ = 0;
  std::vector<question> questions_;
};

}  // namespace dsf::bpmn::el

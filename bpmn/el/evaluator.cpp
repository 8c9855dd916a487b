#include "bpmn/el/evaluator.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/mutant.hpp"
#include "bpmn/el/coerce.hpp"
#include "bpmn/el/operators.hpp"
#include "bpmn/errc.hpp"

namespace dsf::bpmn::el {
namespace {

using base::fail;
using base::result;

const operand pending{operand::kind::pending, nullptr};
operand plain(value v) { return {operand::kind::plain, share(std::move(v))}; }
operand plain(value_ptr v) { return {operand::kind::plain, std::move(v)}; }
bool is_pending(const operand& o) { return o.is == operand::kind::pending; }

// Only its worker understands it (docs/design.md, decision 6).
bool is_opaque(const value& v) { return v.as<opaque_object>() != nullptr || v.as<plugin_typed>() != nullptr; }

result<value_ptr> plain_value(const operand& o) {
  if (o.is == operand::kind::execution) return fail(errc::wrong_type, "execution is not a value; use one of its properties or methods");
  return o.v;
}

// A name in brackets may be the value of a variable, so the error shows the expression instead.
result<value_ptr> without_key(result<value_ptr> found, const term& path, std::size_t at) {
  if (found || !path.suffixes[at].index || !found.error().is(errc::evaluation)) return found;
  return fail(errc::evaluation, fmt::format("Could not find {}", canonical(path, at + 1)));
}

}  // namespace

result<> evaluator::step() {
  if (++steps_ > max_expression_steps)
    return fail(errc::limit, fmt::format("the expression takes more than {} steps", max_expression_steps));
  return {};
}

result<outcome> evaluator::run() {
  outcome out;
  const bool composite = syntax_.parts.size() != 1 || !syntax_.parts[0].expression;
  std::string text;
  for (const auto& part : syntax_.parts) {
    if (!part.expression) {
      text += part.text;
      continue;
    }
    auto found = TRY(term_value(*part.expression));
    if (composite) found = TRY(text_of(*part.expression, found));
    if (is_pending(found)) continue;
    const auto v = TRY(plain_value(found));
    if (!composite) {
      out.result = *v;
    } else {
      text += *v->as<std::string>();
      if (text.size() > max_text_bytes) return fail(errc::limit, "the text an expression builds is too long");
    }
  }
  if (composite) out.result = value(std::move(text));
  out.questions = std::move(questions_);
  if (!out.questions.empty()) out.result = value();
  return out;
}

// The recursion is bounded by max_expression_depth, which the parser enforces.
result<operand> evaluator::term_value(const term& t) {
  TRY(step());
  switch (t.is) {
    case term::kind::literal: return plain(t.literal);
    case term::kind::function: return plain(value(context_.now()));
    case term::kind::identifier: return identifier(t.name);
    case term::kind::path: return path(t);
    case term::kind::unary: return unary(t);
    case term::kind::ternary: return ternary(t);
    case term::kind::chain: {
      const auto op = t.rest[0].first;
      return op == operation::and_ || op == operation::or_ ? logic(t) : chain(t);
    }
  }
  return fail(errc::bug, "unknown kind of term");
}

// `execution` goes before variables (engine 2c).
result<operand> evaluator::identifier(const std::string& name) {
  if (name == "execution") return operand{operand::kind::execution, nullptr};
  const auto* found = context_.variable(name);
  if (found == nullptr) return fail(errc::unknown_identifier, fmt::format("Cannot resolve identifier '{}'", name));
  // setVariable in the same expression may replace what the pointer points to.
  if (syntax_.writes) return plain(*found);
  return plain(value_ptr(value_ptr(), found));
}

result<operand> evaluator::path(const term& t) {
  auto base = TRY(term_value(*t.first));
  for (std::size_t i = 0; i < t.suffixes.size() && !is_pending(base); ++i) {
    TRY(step());
    base = TRY(member(t, i, base));
  }
  return base;
}

result<operand> evaluator::member(const term& path, std::size_t at, const operand& base) {
  const auto& s = path.suffixes[at];
  if (base.is == operand::kind::plain && base.v->is_null()) {
    if (!s.is_call) return plain(value());  // AstProperty: a property of null is null
    return fail(errc::evaluation, fmt::format("Target unreachable, '{}' is null", canonical(path, at)));
  }
  auto key = plain(value(s.name));
  if (s.index) key = TRY(term_value(*s.index));
  arguments args;
  bool wait = is_pending(key);
  for (const auto& a : s.arguments) {
    const auto given = TRY(term_value(*a));
    wait = wait || is_pending(given);
    if (!is_pending(given)) args.push_back(TRY(plain_value(given)));
  }
  if (wait) return pending;
  const auto key_value = TRY(plain_value(key));
  if (s.is_call) {
    const auto method = TRY(to_text(*key_value));
    if (base.is == operand::kind::execution) return plain(TRY(without_key(call_on_execution(context_, method, args), path, at)));
    if (!is_opaque(*base.v)) return plain(TRY(without_key(call_on(base.v, method, args), path, at)));
    std::vector<value> values;
    for (const auto& a : args) values.push_back(*a);
    return ask(canonical(path, at + 1), base.v, method, true, std::move(values));
  }
  if (key_value->is_null()) return plain(value());
  if (base.is == operand::kind::execution) return plain(TRY(without_key(execution_property(context_, TRY(to_text(*key_value))), path, at)));
  if (!is_opaque(*base.v)) return plain(TRY(without_key(property_of(base.v, *key_value), path, at)));
  return ask(canonical(path, at + 1), base.v, TRY(to_text(*key_value)), false, {});
}

operand evaluator::ask(std::string text, const value_ptr& object, std::string member, bool is_method, std::vector<value> arguments) {
  for (const auto& a : context_.answers()) {
    if (a.text == text) return plain(a.result);
  }
  const auto known = std::ranges::any_of(questions_, [&](const question& q) { return q.text == text; });
  if (!known) questions_.push_back({std::move(text), *object, std::move(member), is_method, std::move(arguments)});
  return pending;
}

result<operand> evaluator::text_of(const term& t, const operand& o) {
  if (is_pending(o)) return o;
  const auto v = TRY(plain_value(o));
  if (!is_opaque(*v)) return plain(value(TRY(to_text(*v))));
  const auto answer = ask(canonical(t) + ".toString()", v, "toString", true, {});
  if (is_pending(answer)) return answer;
  return plain(value(TRY(to_text(*answer.v))));
}

result<operand> evaluator::unary(const term& t) {
  const auto o = TRY(term_value(*t.first));
  if (is_pending(o)) return o;
  const auto v = TRY(plain_value(o));
  switch (t.op) {
    case operation::not_: return plain(value(!TRY(to_boolean(*v))));
    case operation::negate: return plain(TRY(negated(*v)));
    default: return plain(value(is_empty(*v)));
  }
}

result<operand> evaluator::ternary(const term& t) {
  const auto condition = TRY(term_value(*t.first));
  if (is_pending(condition)) return condition;
  return term_value(TRY(to_boolean(*TRY(plain_value(condition)))) ? *t.then : *t.otherwise);
}

// Short circuit: what stands behind the deciding operand is not evaluated.
result<operand> evaluator::logic(const term& t) {
  const bool deciding = t.rest[0].first == operation::or_ || DSF_MUTANT("bpmn.and_is_or");
  const auto* next = t.first.get();
  for (std::size_t i = 0;; ++i) {
    const auto o = TRY(term_value(*next));
    if (is_pending(o)) return o;
    if (TRY(to_boolean(*TRY(plain_value(o)))) == deciding) return plain(value(deciding));
    if (i == t.rest.size()) return plain(value(!deciding));
    next = t.rest[i].second.get();
  }
}

result<operand> evaluator::chain(const term& t) {
  auto left = TRY(term_value(*t.first));
  const auto* left_term = t.first.get();
  for (const auto& [op, operand_term] : t.rest) {
    TRY(step());
    const auto right = TRY(term_value(*operand_term));
    left = is_pending(left) || is_pending(right) ? pending : TRY(apply(op, *left_term, left, *operand_term, right));
    left_term = &t;
  }
  return left;
}

// `left` and `right` name the operands in questions.
result<operand> evaluator::apply(operation op, const term& left, const operand& a, const term& right, const operand& b) {
  auto x = TRY(plain_value(a));
  auto y = TRY(plain_value(b));
  const bool comparison = op >= operation::eq && op <= operation::ge;
  if (!comparison) return plain(TRY(calculate(op, *x, *y)));
  // An object beside a string is compared by its toString(); two objects by equals().
  const bool text = x->as<std::string>() != nullptr || y->as<std::string>() != nullptr;
  if (text && (is_opaque(*x) || is_opaque(*y))) {
    const auto asked = is_opaque(*x) ? TRY(text_of(left, a)) : TRY(text_of(right, b));
    if (is_pending(asked)) return asked;
    (is_opaque(*x) ? x : y) = asked.v;
  } else if (is_opaque(*x) && is_opaque(*y) && (op == operation::eq || op == operation::ne) && !(*x == *y)) {
    const auto asked = ask(canonical(left) + ".equals(" + canonical(right) + ")", x, "equals", true, {*y});
    if (is_pending(asked)) return asked;
    return plain(value(TRY(to_boolean(*asked.v)) == (op == operation::eq)));
  }
  return plain(value(TRY(compare(op, *x, *y))));
}

}  // namespace dsf::bpmn::el

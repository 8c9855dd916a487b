#include "bpmn/el/expression.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "bpmn/el/condition.hpp"
#include "bpmn/el/evaluator.hpp"
#include "bpmn/el/syntax.hpp"
#include "bpmn/errc.hpp"

namespace dsf::bpmn::el {
namespace {

constexpr std::size_t shown_bytes = 200;

std::string shown(const std::string& text) { return text.size() <= shown_bytes ? text : text.substr(0, shown_bytes) + "..."; }

// The recursion is bounded by max_expression_depth.
void collect_roots(const term& t, std::vector<std::string>& out) {
  if (t.is == term::kind::identifier && std::ranges::find(out, t.name) == out.end()) out.push_back(t.name);
  for (const auto* child : {t.first.get(), t.then.get(), t.otherwise.get()}) {
    if (child != nullptr) collect_roots(*child, out);
  }
  for (const auto& [op, operand] : t.rest) collect_roots(*operand, out);
  for (const auto& s : t.suffixes) {
    if (s.index) collect_roots(*s.index, out);
    for (const auto& a : s.arguments) collect_roots(*a, out);
  }
}

}  // namespace

expression::~expression() = default;

base::result<std::shared_ptr<const expression>> expression::parse(std::string_view text) {
  auto tree = parse_syntax(text);
  if (!tree) return base::fail(errc::bad_expression, fmt::format("expression \"{}\": {}", shown(std::string(text)), tree.error().text()));
  std::shared_ptr<expression> out(new expression());
  out->text_ = std::string(text);
  out->constant_ = std::ranges::none_of(tree->parts, [](const part& p) { return p.expression != nullptr; });
  out->syntax_ = std::make_unique<const syntax>(std::move(*tree));
  return out;
}

std::shared_ptr<const expression> expression::literal(std::string text) {
  std::shared_ptr<expression> out(new expression());
  syntax tree;
  tree.parts.push_back({text, nullptr});
  out->text_ = std::move(text);
  out->syntax_ = std::make_unique<const syntax>(std::move(tree));
  return out;
}

base::result<outcome> expression::evaluate(context& c) const {
  auto out = evaluator(*syntax_, c).run();
  if (out) return out;
  return base::failure(base::error(std::move(out).error()).at(shown(text_)));
}

std::vector<std::string> expression::root_identifiers() const {
  std::vector<std::string> out;
  for (const auto& part : syntax_->parts) {
    if (part.expression) collect_roots(*part.expression, out);
  }
  return out;
}

base::result<condition_outcome> evaluate_condition(const expression& e, context& c) {
  auto out = TRY(e.evaluate(c));
  if (!out.questions.empty()) return condition_outcome{false, std::move(out.questions)};
  const auto* holds = out.result.as<bool>();
  if (holds == nullptr)
    return base::fail(errc::wrong_type,
                      fmt::format("condition expression returns {}: {}", out.result.is_null() ? "null" : "non-Boolean", shown(e.text())),
                      shown(e.text()));
  return condition_outcome{*holds, {}};
}

}  // namespace dsf::bpmn::el

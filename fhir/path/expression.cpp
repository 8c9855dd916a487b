#include "fhir/path/expression.hpp"

#include <algorithm>

#include "fhir/path/evaluation.hpp"
#include "fhir/path/functions.hpp"
#include "fhir/path/parser.hpp"

namespace dsf::fhir::path {

const function* find_function(std::string_view name) {
  static const auto all = [] {
    std::vector<const function*> out;
    for (const auto list :
         {existence_functions(), filtering_functions(), conversion_functions(), string_functions(), math_functions(), utility_functions()})
      for (const auto& f : list) out.push_back(&f);
    std::ranges::sort(out, {}, &function::name);
    return out;
  }();
  const auto it = std::ranges::lower_bound(all, name, {}, &function::name);
  return it != all.end() && (*it)->name == name ? *it : nullptr;
}

environment environment::of(const base::json& resource) {
  environment out;
  out.resource = out.root_resource = element::of(resource);
  return out;
}

std::optional<element> host::resolve(std::string_view) { return {}; }
std::optional<bool> host::conforms_to(const element&, std::string_view) { return {}; }
std::optional<bool> host::member_of(const element&, std::string_view) { return {}; }
std::optional<bool> host::html_checks(std::string_view) { return {}; }
void host::trace(std::string_view, const collection&) {}

result<expression> expression::compile(std::string_view text, const compile_limits& limits) {
  expression out;
  out.text_ = std::make_shared<const std::string>(text);
  out.root_ = std::make_shared<const syntax>(TRY(parse(text, limits)));
  return out;
}

result<collection> expression::evaluate(const collection& context, const environment& with) const {
  evaluation run(with, *text_, context);
  scope top;
  top.self = &context;
  return run.run(*root_, top);
}

result<collection> expression::evaluate(const element& context, const environment& with) const { return evaluate(one(context), with); }

result<std::optional<bool>> expression::test(const element& context, const environment& with) const {
  const auto self = one(context);
  evaluation run(with, *text_, self);
  scope top;
  top.self = &self;
  return boolean_of(run, TRY(run.run(*root_, top)), *root_);
}

}  // namespace dsf::fhir::path

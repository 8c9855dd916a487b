// Evaluates FHIRPath for the comparison with another implementation: one JSON object a line in, one a line out, in order.
//   {"expression": TEXT, "resource": RESOURCE}
//   {"result": [{"type": "FHIR.code", "value": JSON}, ...]} or {"error": CODE, "text": MESSAGE}
// An element's value is its JSON (null for a primitive that has extensions only), that of a System value its number, truth or text.
#include <cstdio>
#include <iostream>
#include <string>

#include "base/clock.hpp"
#include "fhir/path/expression.hpp"

namespace dsf::tests {
namespace {

using base::json;
namespace path = fhir::path;

json value_of(const path::item& i) {
  if (const auto* e = std::get_if<path::element>(&i)) return e->value ? *e->value : json();
  if (const auto* b = std::get_if<bool>(&i)) return *b;
  if (const auto* n = std::get_if<std::int32_t>(&i)) return *n;
  if (const auto* d = std::get_if<path::decimal>(&i)) return json::number{d->to_string()};
  if (const auto* t = std::get_if<std::shared_ptr<const path::type_ref>>(&i)) return (*t)->name_space + "." + (*t)->name;
  return path::text_of(i).value_or("");
}

json failed(const base::error& e) { return json::object{{"error", e.code()}, {"text", e.to_string()}}; }

json answer(const json& question) {
  const auto compiled = path::expression::compile(question["expression"].str());
  if (!compiled) return failed(compiled.error());
  const auto& resource = question["resource"];
  auto with = path::environment::of(resource);
  with.now = base::system_clock_source().now();
  const auto found = compiled->evaluate(path::element::of(resource), with);
  if (!found) return failed(found.error());
  json items = json::array{};
  for (const auto& i : *found) items.push_back(json::object{{"type", path::type_name_of(i)}, {"value", value_of(i)}});
  return json::object{{"result", std::move(items)}};
}

}  // namespace
}  // namespace dsf::tests

int main() {
  std::string line;
  for (std::size_t number = 1; std::getline(std::cin, line); ++number) {
    const auto question = dsf::base::json::parse(line);
    if (!question || !(*question)["expression"].if_string() || !(*question)["resource"].is_object()) {
      std::fprintf(stderr, "fhirpath_eval: line %zu is no object with an expression and a resource\n", number);
      return 2;
    }
    std::puts(dsf::tests::answer(*question).dump().c_str());
  }
  return 0;
}

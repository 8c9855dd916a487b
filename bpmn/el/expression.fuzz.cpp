// Parses and evaluates any text: no crash, no hang, errors only as results; and the questions' texts parse again.
#include "bpmn/el/expression.hpp"

#include <cstdlib>
#include <map>

#include "bpmn/el/condition.hpp"

namespace {

using namespace dsf::bpmn;

class fuzz_context : public el::context {
public:
  fuzz_context() {
    variables_ = {{"a", value("text")},
                  {"b", value(std::int64_t{7})},
                  {"c", value(decimal{"1.5"})},
                  {"d", value(value_list{value(true), value()})},
                  {"e", value(value_map{{"k", value(2.5)}})},
                  {"f", value(targets{{{"o", "e", "u", "c"}}})},
                  {"g", value(fhir_resource{"Patient", R"({"resourceType":"Patient","name":[{"family":"x"}]})"})},
                  {"h", value(opaque_object{"c", "d", "o"})}};
  }
  const value* variable(std::string_view name) const override {
    const auto it = variables_.find(name);
    return it == variables_.end() ? nullptr : &it->second;
  }
  const value* variable_local(std::string_view name) const override { return variable(name); }
  value execution_property(std::string_view) const override { return value("id"); }
  dsf::base::timestamp now() const override { return {0}; }
  dsf::base::result<> set_variable(std::string_view name, value v) override {
    variables_.insert_or_assign(std::string(name), std::move(v));
    return {};
  }

private:
  std::map<std::string, value, std::less<>> variables_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto e = el::expression::parse(text);
  if (!e) return 0;
  fuzz_context c;
  const auto out = (*e)->evaluate(c);
  (void)(*e)->root_identifiers();
  if (!out) return 0;
  for (const auto& q : out->questions) {
    if (q.text.size() < 60'000 && !el::expression::parse("${" + q.text + "}")) std::abort();
  }
  (void)el::evaluate_condition(**e, c);
  return 0;
}

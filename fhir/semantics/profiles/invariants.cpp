#include "fhir/semantics/profiles/invariants.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "fhir/path/expression.hpp"
#include "fhir/semantics/element.hpp"
#include "fhir/semantics/names.hpp"

namespace dsf::fhir {
namespace {

bool taken_up_has_business_key(const invariant_place& at) {
  const auto& status = at.resource["status"].str();
  if (status != "in-progress" && status != "completed" && status != "failed") return true;
  return std::ranges::any_of(at.resource["input"], [](const auto& input) {
    return std::ranges::any_of(input["type"]["coding"],
                               [](const auto& c) { return c["system"].str() == names::bpmn_message && c["code"].str() == "business-key"; });
  });
}

bool draft_has_identifier(const invariant_place& at) {
  return at.resource["status"].str() != "draft" ||
         std::ranges::any_of(at.resource["identifier"], [](const auto& i) { return i["system"].str() == names::task_sid; });
}

// The requester is an organization or a practitioner, and its type, if there is one, says so.
bool requester_is_known_kind(const invariant_place& at) {
  const auto& requester = at.resource["requester"];
  const auto& system = requester["identifier"]["system"].str();
  const auto& type = requester["type"].str();
  return (system == names::organization_sid && (type.empty() || type == "Organization")) ||
         (system == names::practitioner_sid && (type.empty() || type == "Practitioner"));
}

// Invariants on the way of every Task (dsf-bpe 1.3) in C++; the keys are DSF's.
struct native_rule {
  std::string_view key;
  bool (*holds)(const invariant_place&);
};
constexpr std::array<native_rule, 3> native_rules{{
    {"business-key-if-status-inprogress-completed-failed", taken_up_has_business_key},
    {"identifier-if-status-draft", draft_has_identifier},
    {"requester-organization-or-practitioner", requester_is_known_kind},
}};

}  // namespace

invariant make_invariant(const base::json& constraint) {
  invariant out;
  out.key = constraint["key"].str();
  out.human = constraint["human"].str();
  out.expression = constraint["expression"].str();
  out.error = constraint["severity"].str() != "warning";
  for (const auto& rule : native_rules)
    if (rule.key == out.key) out.native = rule.holds;
  if (out.native || out.expression.empty()) return out;
  auto compiled = path::expression::compile(out.expression);
  if (compiled)
    out.compiled = std::make_shared<const path::expression>(std::move(*compiled));
  else
    out.fault = compiled.error().to_string();
  return out;
}

base::result<bool> holds(const invariant& rule, const invariant_place& place) {
  if (rule.native) return rule.native(place);
  if (!rule.compiled) return true;
  auto with = path::environment::of(place.resource);
  const path::element at{place.value, place.sibling, place.type};
  const auto verdict = TRY(rule.compiled->test(at, with));
  return verdict.value_or(true);  // R4 conformance-rules.html: nothing is no violation
}

}  // namespace dsf::fhir

// Binary, PractitionerRole and Subscription (dsf-fhir-server 1.7.1).
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "fhir/semantics/access.hpp"
#include "fhir/semantics/element.hpp"
#include "fhir/semantics/names.hpp"
#include "fhir/semantics/rules/rule.hpp"
#include "fhir/semantics/search/index.hpp"
#include "fhir/semantics/search/query.hpp"

namespace dsf::fhir {
namespace {

denial security_context_fault(const rule_scope& scope, const base::json& context) {
  const auto literal = literal_of(context, &scope.allow_list, scope.config.base_url);
  const auto slash = literal.find('/');
  const auto type = literal.substr(0, slash);
  if (slash == literal.npos || !names::is_served(type) || type == "Binary" || type == "Task")
    return fmt::format("Binary.securityContext '{}' does not name a resource of this server that is neither Binary nor Task", literal);
  const auto id = base::uuid::parse(literal.substr(slash + 1));
  if (!id) return fmt::format("Binary.securityContext '{}' has no valid id", literal);
  const auto stored = scope.view.current(type, *id);
  if (!stored) return "the target of Binary.securityContext can't be read: " + stored.error().to_string();
  if (!*stored || (*stored)->deleted) return fmt::format("the target of Binary.securityContext '{}' does not exist", literal);
  return {};
}

denial binary_new(const rule_scope& scope, const base::json& binary) {
  const auto* context = binary.find("securityContext");
  const bool tagged = std::ranges::any_of(binary["meta"]["tag"], [](const auto& t) { return t["system"].str() == names::read_access_tag; });
  if (tagged == (context != nullptr)) return "Binary needs either a read-access tag or a securityContext";
  return tagged ? read_access_tag_fault(binary, &scope.allow_list, &scope.conformance) : security_context_fault(scope, *context);
}

denial practitioner_role_new(const rule_scope& scope, const base::json& role) {
  for (const auto m : {"organization", "practitioner"})
    if (literal_of(role[m], &scope.allow_list, scope.config.base_url).empty())
      return fmt::format("PractitionerRole.{} has no reference", m);
  return {};
}

denial subscription_new(const rule_scope& scope, const base::json& s) {
  if (s["status"].str().empty()) return "Subscription.status is missing";
  if (s["channel"]["type"].str() != "websocket") return "Subscription.channel.type must be websocket";
  if (const auto* payload = s["channel"].find("payload");
      payload && payload->str() != "application/fhir+json" && payload->str() != "application/fhir+xml")
    return "Subscription.channel.payload must be absent, application/fhir+json or application/fhir+xml";
  const auto& criteria = s["criteria"].str();
  const auto question = criteria.find('?');
  const auto type = criteria.substr(0, question);
  if (question == criteria.npos || !names::is_served(type))
    return fmt::format("Subscription.criteria '{}' is not Type?parameters of a supported type", criteria);
  const auto parameters = parse_query_string(std::string_view(criteria).substr(question));
  if (!parameters) return fmt::format("Subscription.criteria '{}' has a broken escape", criteria);
  const auto query = parse_search(type, *parameters, scope.config.base_url, scope.config.zone_offset_minutes);
  if (!query.errors.empty()) return fmt::format("Subscription.criteria '{}': {}", criteria, error_text(query.errors));
  return {};
}

void subscription_keys(const base::json& s, const directory&, std::string_view, std::vector<unique_key>& out) {
  out.push_back({"Subscription.criteria", s["criteria"].str() + " " + s["channel"]["type"].str() + " " + s["channel"]["payload"].str()});
}

denial subscription_change(const rule_scope&, const base::json& before, const base::json& after) {
  if (before["criteria"].str() != after["criteria"].str()) return "Subscription.criteria can't be changed";
  for (const auto m : {"type", "payload"})
    if (before["channel"][m].str() != after["channel"][m].str()) return fmt::format("Subscription.channel.{} can't be changed", m);
  return {};
}

constexpr std::array<type_rule, 3> rules = {{
    {"Binary", binary_new, nullptr, nullptr, true},
    {"PractitionerRole", practitioner_role_new, nullptr, nullptr},
    {"Subscription", subscription_new, subscription_keys, subscription_change},
}};

}  // namespace

const type_rule* other_rule(std::string_view type) {
  const auto found = std::ranges::find(rules, type, &type_rule::type);
  return found == rules.end() ? nullptr : &*found;
}

}  // namespace dsf::fhir

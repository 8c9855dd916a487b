// QuestionnaireResponse (dsf-fhir-server 1.7.3).
#include <fmt/format.h>

#include <algorithm>

#include "fhir/semantics/access.hpp"
#include "fhir/semantics/element.hpp"
#include "fhir/semantics/names.hpp"
#include "fhir/semantics/rules/rule.hpp"

namespace dsf::fhir {
namespace {

constexpr std::string_view type = "QuestionnaireResponse";

bool may_administer(const identity& who) { return who.is_local_organization() || who.is_admin(); }

// The string answer of the only item with this linkId.
std::optional<std::string> answer_of(const base::json& response, std::string_view link_id) {
  const base::json* only = nullptr;
  for (const auto& item : response["item"]) {
    if (item["linkId"].str() != link_id) continue;
    if (only) return {};
    only = &item;
  }
  if (!only || (*only)["answer"].size() != 1) return {};
  const auto* text = (*only)["answer"][std::size_t{0}]["valueString"].if_string();
  return text ? std::optional(*text) : std::nullopt;
}

denial author_fault(const rule_scope& scope, const base::json& response) {
  if (response["authored"].str().empty()) return "QuestionnaireResponse.authored is missing";
  const auto& identifier = response["author"]["identifier"];
  const bool person = scope.who.is_practitioner();
  if (identifier["system"].str() != (person ? names::practitioner_sid : names::organization_sid) ||
      identifier["value"].str() != (person ? scope.who.practitioner_identifier : scope.who.organization_identifier))
    return fmt::format("QuestionnaireResponse.author is not {}", scope.who.name());
  return {};
}

base::json authorization_extensions(const base::json& response) {
  base::json out(base::json::array{});
  for (const auto* e : extensions(response, names::ext_questionnaire_authorization)) out.push_back(*e);
  return out;
}

}  // namespace

denial deny_response_create(const rule_scope& scope, const base::json& response) {
  if (!scope.who.may(operation::create, type)) return fmt::format("{} has no role CREATE for {}", scope.who.name(), type);
  if (!may_administer(scope.who)) return fmt::format("{} is neither the local organization nor DSF_ADMIN", scope.who.name());
  if (response["status"].str() != "in-progress") return "a new QuestionnaireResponse has status in-progress";
  const auto id = answer_of(response, "user-task-id");
  if (!id || is_blank(*id)) return "QuestionnaireResponse needs exactly one item user-task-id with one string answer";
  if (response["questionnaire"].str().empty()) return "QuestionnaireResponse.questionnaire is missing";
  return {};
}

denial deny_response_update(const rule_scope& scope, const base::json& before, const base::json& after) {
  if (!scope.who.local || !scope.who.may(operation::update, type))
    return fmt::format("{} has no role UPDATE for {}", scope.who.name(), type);
  const auto& from = before["status"].str();
  const auto& to = after["status"].str();
  if (from == "in-progress" && to == "completed") {
    if (!may_administer(scope.who) &&
        !may_read_class(access_class_of(before, scope.allow_list, scope.config.base_url), scope.who, scope.allow_list, scope.view))
      return fmt::format("{} is not an authorized practitioner", scope.who.name());
    if (auto d = author_fault(scope, after)) return d;
    for (const auto link : {"user-task-id", "business-key"})
      if (answer_of(before, link) != answer_of(after, link)) return fmt::format("the answer of {} must not change", link);
    if (before["questionnaire"].str() != after["questionnaire"].str()) return "QuestionnaireResponse.questionnaire must not change";
    if (!same_element(authorization_extensions(before), authorization_extensions(after)))
      return "the questionnaire authorization must not change";
    return {};
  }
  if ((from == "in-progress" && to == "stopped") || (from == "completed" && to == "amended")) {
    if (!may_administer(scope.who)) return fmt::format("{} is neither the local organization nor DSF_ADMIN", scope.who.name());
    auto a = without_resolved(before), b = without_resolved(after);
    a.erase("status");
    b.erase("status");
    if (!same_element(a, b)) return "only the status may change";
    return {};
  }
  return fmt::format("a QuestionnaireResponse can't go from {} to {}", from, to);
}

denial deny_response_remove(const rule_scope& scope) {
  if (!scope.who.may(operation::remove, type)) return fmt::format("{} has no role DELETE for {}", scope.who.name(), type);
  if (!may_administer(scope.who)) return fmt::format("{} is neither the local organization nor DSF_ADMIN", scope.who.name());
  return {};
}

}  // namespace dsf::fhir

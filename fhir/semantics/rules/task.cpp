// Who may create, change and delete Tasks (dsf-fhir-server 1.7.2).
#include <fmt/format.h>

#include <algorithm>

#include "base/mutant.hpp"
#include "fhir/semantics/element.hpp"
#include "fhir/semantics/names.hpp"
#include "fhir/semantics/rules/rule.hpp"

namespace dsf::fhir {
namespace {

bool is_alnum(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// (?:[a-zA-Z0-9][a-zA-Z0-9-]{0,61}[a-zA-Z0-9]\.)+[a-zA-Z0-9]{1,63}
bool is_domain(std::string_view text) {
  bool any_label = false;
  while (true) {
    const auto dot = text.find('.');
    const auto label = text.substr(0, dot);
    if (dot == text.npos) return any_label && !label.empty() && label.size() <= 63 && std::ranges::all_of(label, is_alnum);
    if (label.size() < 2 || label.size() > 63 || !is_alnum(label.front()) || !is_alnum(label.back())) return false;
    if (!std::ranges::all_of(label, [](char c) { return is_alnum(c) || c == '-'; })) return false;
    any_label = true;
    text.remove_prefix(dot + 1);
  }
}

bool names_organization(const base::json& reference, base::uuid id, const rule_scope& scope) {
  if (const auto& literal = reference["reference"].str(); !literal.empty())
    return internal_target(literal, "Organization", scope.config.base_url) == id;
  if (reference["identifier"]["system"].str() != names::organization_sid) return false;
  const auto* organization = scope.allow_list.organization(reference["identifier"]["value"].str());
  return organization && organization->id == id;
}

const organization_entry* local_organization_of(const rule_scope& scope) {
  return scope.allow_list.organization(scope.config.organization_identifier);
}

bool is_local_organization(const base::json& reference, const rule_scope& scope) {
  const auto* local = local_organization_of(scope);
  return local && names_organization(reference, local->id, scope);
}

bool recipient_is_local(const base::json& task, const rule_scope& scope) {
  if (DSF_MUTANT("fhir.recipient_is_not_local")) return true;
  const auto& recipients = task["restriction"]["recipient"];
  return recipients.size() == 1 && is_local_organization(recipients[std::size_t{0}], scope);
}

bool may_administer(const identity& who) { return who.is_local_organization() || who.is_admin(); }

std::vector<std::string> task_identifiers(const base::json& task) {
  std::vector<std::string> out;
  for (const auto& i : task["identifier"])
    if (i["system"].str() == names::task_sid) out.push_back(i["value"].str());
  return out;
}

// What draft and requested have in common.
denial new_task_fault(const base::json& task, const rule_scope& scope) {
  if (!recipient_is_local(task, scope)) return "Task.restriction.recipient is not exactly the local organization";
  if (!parse_process_canonical(task["instantiatesCanonical"].str()))
    return fmt::format("Task.instantiatesCanonical '{}' is not http(s)://<domain>/bpe/Process/<name>|<major>.<minor>",
                       task["instantiatesCanonical"].str());
  const auto count = std::ranges::count_if(task["input"], [](const auto& input) {
    return std::ranges::any_of(input["type"]["coding"],
                               [](const auto& c) { return c["system"].str() == names::bpmn_message && c["code"].str() == "message-name"; });
  });
  const auto message = message_inputs(task, "message-name");
  if (count != 1 || message.size() != 1 || is_blank(message[0])) return "Task.input needs exactly one message-name with a valueString";
  if (task["output"].size() > 0) return "Task.output must be empty in a new Task";
  return {};
}

denial draft_fault(const base::json& task, const rule_scope& scope) {
  if (!may_administer(scope.who)) return fmt::format("{} is neither the local organization nor DSF_ADMIN", scope.who.name());
  const auto identifiers = task_identifiers(task);
  if (identifiers.size() != 1 || is_blank(identifiers[0]))
    return fmt::format("Task.identifier needs exactly one identifier of system {} in a draft", names::task_sid);
  if (!is_local_organization(task["requester"], scope)) return "Task.requester of a draft is not the local organization";
  return new_task_fault(task, scope);
}

denial requester_fault(const base::json& task, const rule_scope& scope) {
  if (DSF_MUTANT("fhir.requester_is_not_the_caller")) return {};
  const auto& identifier = task["requester"]["identifier"];
  if (scope.who.is_practitioner()) {
    if (identifier["system"].str() != names::practitioner_sid || identifier["value"].str() != scope.who.practitioner_identifier)
      return fmt::format("Task.requester is not the practitioner {}", scope.who.name());
    return {};
  }
  if (!scope.who.is_organization()) return fmt::format("{} is neither organization nor practitioner", scope.who.name());
  if (identifier["system"].str() != names::organization_sid || identifier["value"].str().empty() ||
      !names_organization(task["requester"], scope.who.organization_id, scope))
    return fmt::format("Task.requester is not the organization {}", scope.who.name());
  return {};
}

// Equal, or the Task's profile has no version and is the url of the authorization's.
bool profile_matches(std::string_view of_task, std::string_view authorized) {
  if (of_task == authorized) return true;
  return of_task.find('|') == of_task.npos && split_canonical(authorized).first == of_task;
}

enum class party : std::uint8_t { recipient_only, both };

denial process_fault(const base::json& task, const rule_scope& scope, party who) {
  const auto process = parse_process_canonical(task["instantiatesCanonical"].str());
  const auto* rules = process ? scope.processes.find(process->url, process->version) : nullptr;
  if (!rules && DSF_MUTANT("fhir.process_authorization_ignored")) return {};
  if (!rules) return fmt::format("no draft or active ActivityDefinition {} on this server", task["instantiatesCanonical"].str());
  const auto message = message_inputs(task, "message-name");
  const auto local = local_organization(scope.allow_list, {scope.config.base_url, scope.config.organization_identifier, {}});
  if (!local) return "the local organization is not active on this server";
  bool profile_seen = false;
  for (const auto& m : rules->messages) {
    if (message.empty() || m.message_name != message[0]) continue;
    const auto& profiles = task["meta"]["profile"];
    if (std::ranges::none_of(profiles, [&](const auto& p) { return profile_matches(p.str(), m.task_profile); })) continue;
    profile_seen = true;
    const bool recipient = std::ranges::any_of(m.recipients, [&](const auto& c) { return recipient_matches(c, *local, scope.allow_list); });
    const bool requester = who == party::recipient_only || std::ranges::any_of(m.requesters, [&](const auto& c) {
                             return requester_matches(c, scope.who, scope.allow_list);
                           });
    if (recipient && (requester || DSF_MUTANT("fhir.stranger_creates_task"))) return {};
    if (!recipient)
      return fmt::format("process {} does not allow the local organization to receive {}", task["instantiatesCanonical"].str(),
                         m.message_name);
    return fmt::format("process {} does not allow {} to send {}", task["instantiatesCanonical"].str(), scope.who.name(), m.message_name);
  }
  return profile_seen ? denial("no process authorization matches")
                      : fmt::format("process {} has no authorization for message {} with a profile of this Task",
                                    task["instantiatesCanonical"].str(), message.empty() ? "(none)" : message[0]);
}

bool is_business_key(const base::json& input) {
  return std::ranges::any_of(input["type"]["coding"],
                             [](const auto& c) { return c["system"].str() == names::bpmn_message && c["code"].str() == "business-key"; });
}

// The inputs are equal and in order, but for one business key that may be new.
bool inputs_kept(const base::json& before, const base::json& after, bool may_add_business_key) {
  const bool had = std::ranges::any_of(before, is_business_key);
  std::vector<const base::json*> rest;
  int added = 0;
  for (const auto& input : after) {
    if (may_add_business_key && !had && is_business_key(input))
      ++added;
    else
      rest.push_back(&input);
  }
  if (added > 1 || rest.size() != before.size()) return false;
  for (std::size_t i = 0; i < rest.size(); ++i)
    if (!same_element(without_resolved(before[i]), without_resolved(*rest[i]))) return false;
  return true;
}

denial changed_fault(const base::json& before, const base::json& after, bool may_add_business_key) {
  if (DSF_MUTANT("fhir.task_inputs_may_change")) return {};
  for (const auto m : {"requester", "restriction", "instantiatesCanonical"})
    if (!same_element(without_resolved(before[m]), without_resolved(after[m]))) return fmt::format("Task.{} must not change", m);
  if (!inputs_kept(before["input"], after["input"], may_add_business_key))
    return "Task.input must not change, but for a new business-key on leaving requested";
  return {};
}

denial received_fault(const base::json& task, const rule_scope& scope) {
  if (!recipient_is_local(task, scope)) return "Task.restriction.recipient is not the local organization";
  return process_fault(task, scope, party::recipient_only);
}

}  // namespace

std::optional<process_canonical> parse_process_canonical(std::string_view canonical) {
  const auto bar = canonical.rfind('|');
  if (bar == canonical.npos) return {};
  const auto url = canonical.substr(0, bar);
  const auto version = canonical.substr(bar + 1);
  const auto dot = version.find('.');
  if (dot == version.npos || dot == 0 || dot + 1 == version.size()) return {};
  if (!std::ranges::all_of(version.substr(0, dot), is_digit) || !std::ranges::all_of(version.substr(dot + 1), is_digit)) return {};
  auto rest = url;
  if (rest.starts_with("https://"))
    rest.remove_prefix(8);
  else if (rest.starts_with("http://"))
    rest.remove_prefix(7);
  else
    return {};
  constexpr std::string_view middle = "/bpe/Process/";
  const auto at = rest.find(middle);
  if (at == rest.npos || !is_domain(rest.substr(0, at))) return {};
  const auto name = rest.substr(at + middle.size());
  if (name.empty() || !std::ranges::all_of(name, [](char c) { return is_alnum(c) || c == '-'; })) return {};
  return process_canonical{std::string(url), std::string(version)};
}

base::result<denial> deny_task_create(const rule_scope& scope, const base::json& task) {
  if (!scope.who.may(operation::create, "Task") && !DSF_MUTANT("fhir.role_not_needed"))
    return denial(fmt::format("{} has no role CREATE for Task", scope.who.name()));
  const auto& status = task["status"].str();
  if (status == "draft") return draft_fault(task, scope);
  if (status != "requested") return denial(fmt::format("a new Task has status draft or requested, not '{}'", status));
  if (!task_identifiers(task).empty()) return denial(fmt::format("Task.identifier of system {} is for drafts only", names::task_sid));
  if (auto d = requester_fault(task, scope)) return d;
  if (auto d = new_task_fault(task, scope)) return d;
  return process_fault(task, scope, party::both);
}

base::result<denial> deny_task_update(const rule_scope& scope, base::uuid, const base::json& before, const base::json& after) {
  if (!scope.who.may(operation::update, "Task")) return denial(fmt::format("{} has no role UPDATE for Task", scope.who.name()));
  if (!may_administer(scope.who) && !DSF_MUTANT("fhir.foreign_task_updated"))
    return denial(fmt::format("{} is neither the local organization nor DSF_ADMIN", scope.who.name()));
  const auto& from = before["status"].str();
  const auto& to = after["status"].str();
  if (from == "draft" && to == "draft") {
    if (auto d = draft_fault(after, scope)) return d;
    if (task_identifiers(before) != task_identifiers(after)) return denial("the draft's Task.identifier must not change");
    return denial{};
  }
  if (from == "requested" && to == "in-progress") {
    if (auto d = changed_fault(before, after, true)) return d;
    if (after["output"].size() > 0) return denial("Task.output must be empty on leaving requested");
    return received_fault(after, scope);
  }
  if (from == "in-progress" && (to == "in-progress" || to == "completed")) {
    if (auto d = changed_fault(before, after, false)) return d;
    return received_fault(after, scope);
  }
  if (from == "requested" && to == "failed") return changed_fault(before, after, true);
  if (from == "in-progress" && to == "failed") return changed_fault(before, after, false);
  return denial(fmt::format("a Task can't go from {} to {}", from, to));
}

denial deny_task_remove(const rule_scope& scope, const base::json& task) {
  if (!scope.who.may(operation::remove, "Task")) return fmt::format("{} has no role DELETE for Task", scope.who.name());
  if (!may_administer(scope.who)) return fmt::format("{} is neither the local organization nor DSF_ADMIN", scope.who.name());
  if (task["status"].str() != "draft") return fmt::format("only drafts can be deleted; the Task is {}", task["status"].str());
  return {};
}

}  // namespace dsf::fhir

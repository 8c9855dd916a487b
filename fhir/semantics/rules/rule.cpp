// The generic rule (dsf-fhir-server 1.7.1) and the choice of a type's own.
#include "fhir/semantics/rules/rule.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "fhir/semantics/access.hpp"
#include "fhir/semantics/names.hpp"

namespace dsf::fhir {
namespace {

const type_rule* rule_of(std::string_view type) {
  for (const auto find : {canonical_rule, allow_list_rule, other_rule})
    if (const auto* rule = find(type)) return rule;
  return nullptr;
}

denial deny_role(const rule_scope& scope, operation op, std::string_view type, bool local_only = true) {
  if (local_only && !scope.who.local) return fmt::format("{} is not a local identity", scope.who.name());
  if (!scope.who.may(op, type)) return fmt::format("{} has no role {} for {}", scope.who.name(), name_of(op), type);
  return {};
}

denial deny_new(const rule_scope& scope, const type_rule* rule, const base::json& resource) {
  if (!rule || !rule->own_tag_check)
    if (auto fault = read_access_tag_fault(resource, &scope.allow_list, &scope.conformance)) return fault;
  return rule && rule->new_fault ? rule->new_fault(scope, resource) : denial{};
}

base::result<denial> deny_taken(const rule_scope& scope, const base::json& resource, std::optional<base::uuid> self) {
  for (const auto& key : unique_keys_of(resource, scope.allow_list, scope.config.base_url)) {
    const auto owner = TRY(scope.view.unique_owner(key.rule, key.key));
    if (owner && owner != self) return denial(fmt::format("{} '{}' is already used by resource {}", key.rule, key.key, owner->to_string()));
  }
  return denial{};
}

}  // namespace

base::result<denial> deny_create(const rule_scope& scope, const base::json& resource) {
  const auto& type = resource["resourceType"].str();
  if (type == "Task") {
    if (auto d = TRY(deny_task_create(scope, resource))) return d;
    return deny_taken(scope, resource, scope.self);
  }
  if (type == "QuestionnaireResponse") return deny_response_create(scope, resource);
  if (auto d = deny_role(scope, operation::create, type)) return d;
  if (auto d = deny_new(scope, rule_of(type), resource)) return d;
  return deny_taken(scope, resource, scope.self);
}

base::result<denial> deny_update(const rule_scope& scope, base::uuid id, const base::json& before, const base::json& after) {
  const auto& type = after["resourceType"].str();
  if (type == "Task") {
    if (auto d = TRY(deny_task_update(scope, id, before, after))) return d;
    return deny_taken(scope, after, id);
  }
  if (type == "QuestionnaireResponse") return deny_response_update(scope, before, after);
  if (auto d = deny_role(scope, operation::update, type)) return d;
  const auto* rule = rule_of(type);
  if (auto d = deny_new(scope, rule, after)) return d;
  if (rule && rule->change_fault)
    if (auto d = rule->change_fault(scope, before, after)) return d;
  return deny_taken(scope, after, id);
}

base::result<denial> deny_remove(const rule_scope& scope, const stored_resource& stored) {
  if (stored.type == "Task") {
    // A deletion has no content; the rule was asked when the Task was deleted.
    if (!stored.bytes) return deny_role(scope, operation::remove, stored.type);
    return deny_task_remove(scope, TRY(base::json::parse(*stored.bytes)));
  }
  if (stored.type == "QuestionnaireResponse") return deny_response_remove(scope);
  return deny_role(scope, operation::remove, stored.type);
}

base::result<denial> deny_purge(const rule_scope& scope, const stored_resource& stored) {
  if (auto d = deny_role(scope, operation::permanent_delete, stored.type)) return d;
  if (!stored.deleted) return deny_remove(scope, stored);
  const auto last = TRY(scope.view.version(stored.type, stored.id, stored.version - 1));
  return deny_remove(scope, last ? *last : stored);
}

denial deny_read(const rule_scope& scope, const stored_resource& stored) {
  if (auto d = deny_role(scope, operation::read, stored.type, false)) return d;
  if (!may_read_class(stored.access_class, scope.who, scope.allow_list, scope.view))
    return fmt::format("{} is not among the readers of {}/{}/_history/{}", scope.who.name(), stored.type, stored.id.to_string(),
                       stored.version);
  return {};
}

denial deny_search(const rule_scope& scope, std::string_view type) { return deny_role(scope, operation::search, type, false); }
denial deny_history(const rule_scope& scope, std::string_view type) { return deny_role(scope, operation::history, type, false); }
denial deny_websocket(const rule_scope& scope, std::string_view type) { return deny_role(scope, operation::websocket, type); }

std::vector<unique_key> unique_keys_of(const base::json& resource, const directory& allow_list, std::string_view base_url) {
  std::vector<unique_key> out;
  const auto& type = resource["resourceType"].str();
  if (type == "Task") {
    // The task-id identifier is unique among drafts.
    if (resource["status"].str() == "draft")
      for (const auto& i : resource["identifier"])
        if (i["system"].str() == names::task_sid && !i["value"].str().empty()) out.push_back({"Task.draft-identifier", i["value"].str()});
  } else if (const auto* rule = rule_of(type); rule && rule->keys) {
    rule->keys(resource, allow_list, base_url, out);
  }
  std::ranges::sort(out);
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

// Bounded by the depth limit of the JSON reader.
bool same_element(const base::json& a, const base::json& b) {
  if (const auto* x = a.if_object()) {
    if (!b.is_object() || x->size() != b.size()) return false;
    return std::ranges::all_of(*x, [&](const auto& m) {
      const auto* other = b.find(m.first);
      return other && same_element(m.second, *other);
    });
  }
  if (const auto* x = a.if_array()) {
    if (!b.is_array() || x->size() != b.size()) return false;
    for (std::size_t i = 0; i < x->size(); ++i)
      if (!same_element((*x)[i], b[i])) return false;
    return true;
  }
  return a == b;
}

base::json without_resolved(base::json element) {
  if (auto* o = element.if_object()) {
    if (element.find("identifier") && element["reference"].is_string() && !element.find("resourceType")) element.erase("reference");
    for (auto& m : *o) m.second = without_resolved(std::move(m.second));
  } else if (auto* a = element.if_array()) {
    for (auto& item : *a) item = without_resolved(std::move(item));
  }
  return element;
}

}  // namespace dsf::fhir

// Authorization (dsf-fhir-server 1.7): one rule per type; each says why not, for the log.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "base/result.hpp"
#include "fhir/semantics/conformance_cache.hpp"
#include "fhir/semantics/directory.hpp"
#include "fhir/semantics/identity.hpp"
#include "fhir/semantics/interaction.hpp"
#include "fhir/semantics/process_authorization.hpp"
#include "fhir/semantics/view.hpp"

namespace dsf::fhir {

// Why an operation is denied; nothing: it is allowed.
using denial = std::optional<std::string>;

struct rule_scope {
  const resource_view& view;
  const identity& who;
  const directory& allow_list;
  const process_authorizations& processes;
  const conformance_cache& conformance;
  const endpoint_config& config;
  std::optional<base::uuid> self = {};   // inside a bundle: the id that a new resource gets, which may hold its own keys already
};

base::result<denial> deny_create(const rule_scope& scope, const base::json& resource);
base::result<denial> deny_update(const rule_scope& scope, base::uuid id, const base::json& before, const base::json& after);
base::result<denial> deny_remove(const rule_scope& scope, const stored_resource& stored);
// $permanent-delete: the delete rule, asked of the last content, and the role.
base::result<denial> deny_purge(const rule_scope& scope, const stored_resource& stored);
denial deny_read(const rule_scope& scope, const stored_resource& stored);
denial deny_search(const rule_scope& scope, std::string_view type);
denial deny_history(const rule_scope& scope, std::string_view type);
// Connecting and each delivery over a websocket (1.7.4) beside the read rule.
denial deny_websocket(const rule_scope& scope, std::string_view type);

// Keys that no other current resource may own (1.7.1 "Uniqueness").
std::vector<unique_key> unique_keys_of(const base::json& resource, const directory& allow_list, std::string_view base_url);

// Parts of one type's rule; types without an entry have none.
struct type_rule {
  std::string_view type;
  // Null pointers: nothing beyond the read-access tag.
  denial (*new_fault)(const rule_scope&, const base::json&) = nullptr;
  void (*keys)(const base::json&, const directory&, std::string_view base_url, std::vector<unique_key>&) = nullptr;
  denial (*change_fault)(const rule_scope&, const base::json& before, const base::json& after) = nullptr;
  bool own_tag_check = false;  // new_fault decides about the read-access tag as well
};
const type_rule* canonical_rule(std::string_view type);  // ActivityDefinition, CodeSystem, StructureDefinition, ValueSet, NamingSystem
const type_rule* allow_list_rule(std::string_view type);  // Organization, Endpoint, OrganizationAffiliation
const type_rule* other_rule(std::string_view type);  // Binary, PractitionerRole, Subscription

// Task and QuestionnaireResponse have rules of their own.
base::result<denial> deny_task_create(const rule_scope& scope, const base::json& task);
base::result<denial> deny_task_update(const rule_scope& scope, base::uuid id, const base::json& before, const base::json& after);
denial deny_task_remove(const rule_scope& scope, const base::json& task);
denial deny_response_create(const rule_scope& scope, const base::json& response);
denial deny_response_update(const rule_scope& scope, const base::json& before, const base::json& after);
denial deny_response_remove(const rule_scope& scope);

// process|version of Task.instantiatesCanonical (1.7.2, canonical regex); nothing if it has another form.
struct process_canonical {
  std::string url;
  std::string version;
};
std::optional<process_canonical> parse_process_canonical(std::string_view canonical);

// Equal as FHIR elements: the order of members makes no difference, the order of lists does.
bool same_element(const base::json& a, const base::json& b);
// The element without `reference` where an identifier stands beside it, as it is served (4.3).
base::json without_resolved(base::json element);

}  // namespace dsf::fhir

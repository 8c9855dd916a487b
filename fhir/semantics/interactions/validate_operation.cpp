// T/$validate and T/{id}/$validate (R4 resource-operation-validate.html); not in DSF. The answer is an OperationOutcome with 200,
// whatever it says of the resource.
#include <fmt/format.h>

#include <algorithm>

#include "base/mutant.hpp"
#include "fhir/semantics/interactions/answer.hpp"
#include "fhir/semantics/interactions/operation_input.hpp"
#include "fhir/semantics/interactions/questionnaire_check.hpp"
#include "fhir/semantics/operation_outcome.hpp"
#include "fhir/semantics/profiles/profile.hpp"

namespace dsf::fhir {
namespace {

struct validation {
  std::string_view type;
  std::optional<base::uuid> id;
  std::string mode;
  const operation_input::resource* given = nullptr;
  const std::string* profile = nullptr;
};

base::json told(std::vector<issue> issues) {
  if (issues.empty()) issues.push_back({"information", "informational", "", "Nothing is wrong with it"});
  return operation_outcome(issues);
}

// A refusal of the rules, as the interaction itself would give it.
op_result<base::json> as_verdict(op_fault fault) {
  if (fault.status >= 500) return std::unexpected(std::move(fault));
  if (fault.outcome) return std::move(*fault.outcome);
  return told({{"error", "processing", "", fmt::format("The server would answer with {}", fault.status)}});
}

// What the named profile says, which need not be among those of the resource.
void check_named(const op_scope& scope, const base::json& resource, const std::string& canonical, std::vector<issue>& issues) {
  const auto known = scope.conformance.profile_of(canonical);
  const auto& type = resource["resourceType"].str();
  if (!known && (canonical == "http://hl7.org/fhir/StructureDefinition/" + type)) return;
  if (!known)
    issues.push_back({"error", "not-found", type, fmt::format("The profile '{}' is not on this server", canonical)});
  else if (known->type() != type)
    issues.push_back({"error", "invalid", type, fmt::format("The profile '{}' is for {}, not for {}", canonical, known->type(), type)});
  else
    std::ranges::move(check_profile(resource, *known, scope.conformance), std::back_inserter(issues));
}

// All that a create or update would find, up to what is to be written.
op_result<base::json> dry_run(const op_scope& scope, const validation& v, base::json resource, const std::vector<issue>& found) {
  auto admitted = v.mode == "create" ? admit_new(scope, resource, found) : op_result<void>{};
  std::uint64_t version = 0;
  if (v.mode == "update") {
    resource.set("id", v.id->to_string());
    const auto before = OP_PASS(update_base(scope, v.type, *v.id, {}));
    version = before.version;
    admitted = admit_change(scope, before, resource, found);
  }
  if (!admitted) return as_verdict(std::move(admitted).error());
  const auto what = v.mode == "create" ? resource_write::kind::create : resource_write::kind::update;
  std::vector<issue> issues;
  if (v.profile) check_named(scope, resource, *v.profile, issues);
  const auto id = v.id ? *v.id : base::uuid::random(scope.context.entropy);
  if (auto planned = plan_write(scope, std::move(resource), id, what, version); !planned) return as_verdict(std::move(planned).error());
  return told(std::move(issues));
}

op_result<base::json> look(const op_scope& scope, const validation& v, const base::json& resource, std::vector<issue> issues) {
  if (!has_errors(issues)) {
    if (v.profile) check_named(scope, resource, *v.profile, issues);
    if (v.mode != "profile") {
      std::ranges::move(content_issues(scope, resource), std::back_inserter(issues));
      std::ranges::move(OP_PASS(questionnaire_issues(scope, resource)), std::back_inserter(issues));
    }
  }
  // The same rule may be reached by two names.
  std::vector<issue> once;
  for (auto& i : issues)
    if (std::ranges::find(once, i) == once.end()) once.push_back(std::move(i));
  return told(std::move(once));
}

op_result<base::json> run(const interaction_request& request, const op_scope& scope, std::string_view type, std::optional<base::uuid> id) {
  // Who may read may validate.
  if (!scope.context.who.may(operation::read, type) && !DSF_MUTANT("fhir.validate_for_everyone"))
    return op_denied("validate", fmt::format("{} has no role READ for {}", scope.context.who.name(), type));
  std::optional<stored_resource> stored;
  if (id) stored = OP_PASS(read_version(scope, type, *id, {}));
  const auto input = OP_PASS(read_input(request, "resource", {"resource", "mode", "profile"}));
  validation v{type, id, input.value("mode") ? *input.value("mode") : std::string(), input.resource_named("resource"),
               input.value("profile")};
  if (!v.mode.empty() && v.mode != "create" && v.mode != "update" && v.mode != "delete" && v.mode != "profile")
    return op_fail(400, "invalid", fmt::format("The mode '{}' is none of create, update, delete, profile", v.mode));
  if (v.mode == "profile" && !v.profile) return op_fail(400, "required", "The mode profile needs the parameter 'profile'");
  if ((v.mode == "update" || v.mode == "delete") && !id)
    return op_fail(400, "invalid", fmt::format("The mode {} is for one resource: {}/[id]/$validate", v.mode, type));
  if (v.mode == "create" && id) return op_fail(400, "invalid", fmt::format("The mode create is for {}/$validate", type));
  if (v.mode == "delete") {
    auto removal = plan_remove(scope, type, *id);
    return removal ? told({}) : as_verdict(std::move(removal).error());
  }
  if (!v.given && (!id || v.mode == "update"))
    return op_fail(400, "required", "There is nothing to validate; send the resource as body, or as parameter 'resource' of Parameters");
  if (!v.given) return look(scope, v, OP_TRY(base::json::parse(*stored->bytes)), {});
  if (v.given->value["resourceType"].str() != type)
    return op_fail(400, "invalid", fmt::format("The resource is a {}, not a {}", v.given->value["resourceType"].str(), type));
  if (v.mode == "create" || v.mode == "update") return dry_run(scope, v, v.given->value, v.given->issues);
  return look(scope, v, v.given->value, v.given->issues);
}

}  // namespace

prepared prepare_validate(const interaction_request& request, const interaction_context& context, const answerer& answer,
                          std::string_view type, std::optional<base::uuid> id) {
  auto verdict = run(request, scope_of(context), type, id);
  if (!verdict) return answer.stop(std::move(verdict).error());
  return {answer.outcome(200, *std::move(verdict)), {}};
}

}  // namespace dsf::fhir

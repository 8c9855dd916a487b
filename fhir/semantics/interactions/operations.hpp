// The steps that single interactions and bundle entries share. Private to the interactions.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fhir/issue.hpp"
#include "fhir/semantics/interaction.hpp"
#include "fhir/semantics/references/references.hpp"
#include "fhir/semantics/rules/rule.hpp"
#include "fhir/semantics/search/run.hpp"

namespace dsf::fhir {

// An operation that ends here: a status and perhaps an OperationOutcome.
struct op_fault {
  int status = 500;
  std::optional<base::json> outcome;
  std::vector<std::pair<std::string, std::string>> headers;
  std::vector<std::string> denials;
};
template <class T>
using op_result = std::expected<T, op_fault>;

std::unexpected<op_fault> op_fail(int status, std::string_view code, std::string diagnostics, std::string_view severity = "error");
std::unexpected<op_fault> op_fail(int status);
std::unexpected<op_fault> op_denied(std::string_view operation, std::string reason);
// The store did not answer (3.4): 500; a search that is too wide: 403, too-costly.
std::unexpected<op_fault> op_store_error(const base::error& error);

// auto v = OP_TRY(store call);  hands a base::error to the caller as an op_fault. OP_PASS does so with an op_fault.
#define OP_TRY(...)                                               \
  ({                                                              \
    auto&& dsf_op_result_ = (__VA_ARGS__);                        \
    if (!dsf_op_result_) [[unlikely]]                             \
      return ::dsf::fhir::op_store_error(dsf_op_result_.error()); \
    *std::move(dsf_op_result_);                                   \
  })
#define OP_PASS(...)                                             \
  ({                                                             \
    auto&& dsf_op_result_ = (__VA_ARGS__);                       \
    if (!dsf_op_result_) [[unlikely]]                            \
      return std::unexpected(std::move(dsf_op_result_).error()); \
    *std::move(dsf_op_result_);                                  \
  })

// Where an operation works: the request's context, or a bundle's overlay over it.
struct op_scope {
  const interaction_context& context;
  const resource_view& view;
  const directory& allow_list;
  const process_authorizations& processes;
  const conformance_cache& conformance;
  std::optional<std::size_t> bundle_index;
  std::optional<base::uuid> self = {};   // of a new resource inside a bundle

  [[nodiscard]] rule_scope rules() const { return {view, context.who, allow_list, processes, conformance, context.config, self}; }
  [[nodiscard]] reference_scope references() const { return {view, allow_list, processes, context.config, conformance, bundle_index}; }
  [[nodiscard]] search_scope searching(bool filtered) const {
    return {view,
            allow_list,
            context.config.base_url,
            context.config.zone_offset_minutes,
            context.config.max_candidates,
            filtered ? &context.who : nullptr};
  }
};
op_scope scope_of(const interaction_context& context);

struct planned_write {
  resource_write write;
  std::vector<external_reference> external;
};

// Authorization, default profile and validation of a new resource; changes it. `issues`: what the codec found.
op_result<void> admit_new(const op_scope& scope, base::json& resource, const std::vector<issue>& issues);
op_result<void> admit_change(const op_scope& scope, const stored_resource& before, base::json& after, const std::vector<issue>& issues);
// What is wrong with a resource by the invariants of R4 and by the profiles.
std::vector<issue> content_issues(const op_scope& scope, const base::json& resource);
// References, index, keys, class: what is to be written.
op_result<planned_write> plan_write(const op_scope& scope, base::json resource, base::uuid id, resource_write::kind what,
                                    std::uint64_t expected_version);

struct removal {
  std::optional<resource_write> write;  // nothing: was deleted already
};
op_result<removal> plan_remove(const op_scope& scope, std::string_view type, base::uuid id);
std::string removed_text(std::string_view type, base::uuid id);

// The current version that an update builds on (3.4: 405, 410, 412).
op_result<stored_resource> update_base(const op_scope& scope, std::string_view type, base::uuid id,
                                       const std::optional<std::string>& if_match);
// The version for a read or vread, with 404, 410 and 403 in this order.
op_result<stored_resource> read_version(const op_scope& scope, std::string_view type, base::uuid id, std::optional<std::uint64_t> version);

// If-None-Exist and conditional update or delete: a strict search.
struct conditional_match {
  std::vector<stored_resource> found;
  std::vector<index_range> watched;
};
op_result<conditional_match> match_condition(const op_scope& scope, std::string_view type, const query_list& query, bool filtered,
                                             const std::function<std::string(const std::string& unsupported)>& bad_text);
// If-None-Exist: nothing matched (the ranges to watch), or the one resource.
struct none_exist {
  std::optional<stored_resource> existing;
  std::vector<index_range> watched;
};
op_result<none_exist> check_none_exist(const op_scope& scope, std::string_view type, std::string_view header);

std::string location_of(const endpoint_config& config, std::string_view type, base::uuid id, std::uint64_t version);
std::string weak_tag(std::uint64_t version);
// The versions in a list of entity tags; strong ones too if asked for.
std::vector<std::uint64_t> tag_versions(std::string_view header, bool strong_too);
std::optional<base::timestamp> parse_http_date(std::string_view text);

}  // namespace dsf::fhir

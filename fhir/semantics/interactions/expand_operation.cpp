// ValueSet/$expand and ValueSet/{id}/$expand (R4 valueset-operation-expand.html); not in DSF.
#include <fmt/format.h>

#include <algorithm>

#include "base/mutant.hpp"
#include "fhir/semantics/interactions/answer.hpp"
#include "fhir/semantics/interactions/conformance_lookup.hpp"
#include "fhir/semantics/interactions/operation_input.hpp"
#include "fhir/semantics/operation_outcome.hpp"
#include "fhir/semantics/profiles/value_sets.hpp"

namespace dsf::fhir {
namespace {

constexpr std::uint64_t max_listed = 10'000;  // codes of one answer

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

struct wanted {
  std::string filter;  // part of display or code, in small letters
  bool active_only = false;
  bool with_definition = false;
  std::uint64_t offset = 0;
  std::optional<std::uint64_t> count;

  [[nodiscard]] bool takes(const listed_concept& c) const {
    if (active_only && c.inactive) return false;
    return filter.empty() || lower(c.display).find(filter) != std::string::npos || lower(c.code).find(filter) != std::string::npos;
  }
};

base::json contained(const listed_concept& c) {
  base::json out;
  out.set("system", c.system);
  if (c.abstract) out.set("abstract", true);
  if (c.inactive) out.set("inactive", true);
  if (!c.version.empty()) out.set("version", c.version);
  out.set("code", c.code);
  if (!c.display.empty()) out.set("display", c.display);
  return out;
}

base::json parameter(std::string_view name, std::string_view member, base::json value) {
  base::json out;
  out.set("name", name);
  out.set(member, std::move(value));
  return out;
}

op_result<base::json> expansion_of(const op_scope& scope, const wanted& w, const concept_list& all) {
  base::json::array contains;
  std::uint64_t total = 0;
  for (const auto& c : all) {
    if (!w.takes(c)) continue;
    if (total++ < w.offset || (w.count && contains.size() >= *w.count)) continue;
    if (contains.size() == max_listed)
      return op_fail(422, "too-costly",
                     fmt::format("The expansion has more than {} codes; ask for pages with 'offset' and 'count'", max_listed));
    contains.push_back(contained(c));
  }
  base::json out;
  out.set("identifier", "urn:uuid:" + base::uuid::random(scope.context.entropy).to_string());
  out.set("timestamp", base::to_iso(scope.context.now));
  out.set("total", total);
  out.set("offset", w.offset);
  base::json::array parameters;
  if (!w.filter.empty()) parameters.push_back(parameter("filter", "valueString", w.filter));
  if (w.active_only) parameters.push_back(parameter("activeOnly", "valueBoolean", true));
  if (w.count) parameters.push_back(parameter("count", "valueInteger", *w.count));
  if (!parameters.empty()) out.set("parameter", std::move(parameters));
  if (!contains.empty()) out.set("contains", std::move(contains));
  return out;
}

// A server's value set that has only an expansion of its own can't be paged from a composition; it is told so.
op_result<base::json> expanded(const op_scope& scope, const wanted& w, const base::json& value_set, conformance_lookup& known) {
  value_set_lister lister([&](std::string_view type, std::string_view canonical) { return known.find(type, canonical); });
  const auto all = lister.list(value_set);
  if (!all) return op_fail(422, "not-supported", fmt::format("The value set can't be expanded: {}", all.error()));
  auto expansion = OP_PASS(expansion_of(scope, w, **all));
  auto out = value_set;
  out.erase("expansion");
  if (!w.with_definition) out.erase("compose");
  out.set("expansion", std::move(expansion));
  return out;
}

op_result<wanted> read_wanted(const operation_input& input) {
  wanted out;
  if (const auto* filter = input.value("filter")) out.filter = lower(*filter);
  out.active_only = OP_PASS(flag_of(input, "activeOnly", false));
  out.with_definition = OP_PASS(flag_of(input, "includeDefinition", false));
  // What these ask for is so anyway: no nesting, no designations.
  OP_PASS(flag_of(input, "excludeNested", true));
  if (OP_PASS(flag_of(input, "includeDesignations", false)))
    return op_fail(400, "not-supported", "The parameter 'includeDesignations' can't be true here");
  out.offset = OP_PASS(number_of(input, "offset", 0));
  if (input.value("count")) out.count = OP_PASS(number_of(input, "count", 0));
  return out;
}

op_result<base::json> run(const interaction_request& request, const op_scope& scope, std::optional<base::uuid> id) {
  if (!scope.context.who.may(operation::read, "ValueSet"))
    return op_denied("expand", fmt::format("{} has no role READ for ValueSet", scope.context.who.name()));
  const auto input = OP_PASS(read_input(request, "",
                                        {"url", "valueSet", "valueSetVersion", "filter", "offset", "count", "activeOnly",
                                         "includeDefinition", "includeDesignations", "excludeNested"}));
  const auto w = OP_PASS(read_wanted(input));
  conformance_lookup known(scope);
  const auto* url = input.value("url");
  const auto* given = input.resource_named("valueSet");
  if (int(id.has_value()) + int(url != nullptr) + int(given != nullptr) != 1)
    return op_fail(400, "invalid", "Give one value set: by id, by the parameter 'url', or as the parameter 'valueSet'");
  if (id) {
    const auto stored = OP_PASS(read_version(scope, "ValueSet", *id, {}));
    return expanded(scope, w, OP_TRY(base::json::parse(*stored.bytes)), known);
  }
  if (given) {
    if (given->value["resourceType"].str() != "ValueSet") return op_fail(400, "invalid", "The parameter 'valueSet' is not a ValueSet");
    if (has_errors(given->issues)) return std::unexpected(op_fault{400, operation_outcome(given->issues), {}, {}});
    return expanded(scope, w, given->value, known);
  }
  auto canonical = *url;
  if (const auto* version = input.value("valueSetVersion"); version && canonical.find('|') == canonical.npos) canonical += "|" + *version;
  const auto* found = OP_TRY(known.find("ValueSet", canonical));
  if (!found) return op_fail(404, "not-found", fmt::format("The value set {} is not on this server", canonical));
  return expanded(scope, w, *found, known);
}

}  // namespace

prepared prepare_expand(const interaction_request& request, const interaction_context& context, const answerer& answer,
                        std::optional<base::uuid> id) {
  auto made = run(request, scope_of(context), id);
  if (!made) return answer.stop(std::move(made).error());
  auto r = answer.empty(200);
  r.body = *std::move(made);
  return {std::move(r), {}};
}

}  // namespace dsf::fhir

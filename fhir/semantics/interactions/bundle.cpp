// POST {base} (dsf-fhir-server 3.9): a transaction is one preparation and one commit, a batch one of each for every entry.
#include <fmt/format.h>

#include <charconv>

#include "fhir/semantics/batch.hpp"
#include "fhir/semantics/interactions/bundle_run.hpp"
#include "fhir/semantics/operation_outcome.hpp"

namespace dsf::fhir {
namespace {

// The temporary id of a new resource is no FHIR id, but allowed here (3.9).
std::vector<issue> without_temporary_ids(std::vector<issue> issues) {
  std::erase_if(issues,
                [](const issue& i) { return i.expression.starts_with("Bundle.entry[") && i.expression.ends_with("].resource.id"); });
  return issues;
}

// The number in "Bundle.entry[2].resource..."; nothing for what is wrong with the Bundle itself.
std::optional<std::size_t> entry_of(const issue& i) {
  constexpr std::string_view head = "Bundle.entry[";
  if (!i.expression.starts_with(head)) return {};
  const auto* begin = i.expression.data() + head.size();
  const auto* end = i.expression.data() + i.expression.size();
  std::size_t n = 0;
  const auto [at, ec] = std::from_chars(begin, end, n);
  if (ec != std::errc{} || !std::string_view(at, end).starts_with("].resource")) return {};
  return n;
}

prepared transaction(const interaction_context& context, const answerer& answer, op_result<std::vector<bundle_entry>> entries) {
  auto plan = entries ? plan_entries(context, answer, std::move(*entries), {})
                      : op_result<bundle_plan>(std::unexpected(std::move(entries).error()));
  if (!plan) {
    // 3.9: a 403 stays 403, every other error becomes 400 with its outcome; a failing store and the limits keep theirs.
    auto fault = std::move(plan).error();
    if (!fault.outcome)
      fault.outcome =
          operation_outcome("error", "processing", fmt::format("An entry of the bundle was answered with status {}", fault.status));
    if (fault.status != 403 && fault.status != 413 && fault.status < 500) fault.status = 400;
    fault.headers.clear();
    return answer.stop(std::move(fault));
  }
  pending_commit out;
  out.writes = std::move(plan->writes);
  out.external_checks = std::move(plan->external);
  out.after = [answers = std::move(plan->answers), answer, config = context.config](const std::vector<written>& commits) {
    std::vector<std::string> texts;
    for (const auto& [index, a] : answers) texts.push_back(entry_text(a, answer, config, commits));
    return bundle_reply("transaction-response", texts, answer);
  };
  if (out.writes.writes.empty()) return {out.after({}), {}};
  return {std::move(out), {}};
}

prepared batch(const answerer& answer, op_result<std::vector<bundle_entry>> entries, const std::vector<issue>& issues) {
  if (!entries) return answer.stop(std::move(entries).error());
  if (entries->empty()) return {bundle_reply("batch-response", {}, answer), {}};
  // What is wrong with one entry's resource is that entry's matter.
  for (const auto& i : issues)
    if (const auto n = entry_of(i); n && *n < entries->size()) (*entries)[*n].issues.push_back(i);
  return {start_batch(answer, std::move(*entries)), {}};
}

}  // namespace

prepared prepare_bundle(const interaction_request& request, const interaction_context& context, const answerer& answer) {
  auto body = read_body(request, "");
  if (!body) return answer.stop(std::move(body).error());
  const auto type = body->resource["type"].str();
  const bool is_batch = type == "batch";
  if (body->resource["resourceType"].str() != "Bundle" || (!is_batch && type != "transaction"))
    return answer.stop(op_denied("bundle", "neither a transaction nor a batch").error());
  const auto issues = without_temporary_ids(std::move(body->issues));
  auto whole = issues;
  if (is_batch) std::erase_if(whole, [](const issue& i) { return entry_of(i).has_value(); });
  if (has_errors(whole)) return {answer.outcome(403, operation_outcome(whole)), {}};
  auto entries = read_entries(body->resource, context.config);
  return is_batch ? batch(answer, std::move(entries), issues) : transaction(context, answer, std::move(entries));
}

}  // namespace dsf::fhir

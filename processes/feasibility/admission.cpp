// Whose request it is, and whether that network may ask once more.
#include <algorithm>

#include "base/bytes.hpp"
#include "base/mutant.hpp"
#include "processes/errc.hpp"
#include "processes/feasibility/handlers.hpp"
#include "processes/feasibility/names.hpp"
#include "processes/feasibility/settings.hpp"
#include "processes/messages.hpp"
#include "processes/task_values.hpp"

namespace dsf::processes::feasibility {
namespace {

using base::json;
using base::result;

// Attempts of one step are close together; more steps than this are not under way at once.
constexpr std::size_t remembered_decisions = 1'024;

// The parent organisation for which the requester asks: one in which it is HRP and we are DIC, rather one that the site has configured.
result<std::string> parent_of_requester(plugins::services& s, const std::string& requester, const json& configuration) {
  auto parents = TRY(s.parents_of(requester, "HRP"));
  if (parents.empty()) parents = TRY(s.parents_of(requester, ""));
  const auto ours = TRY(s.parents_of(s.local().organization_identifier, "DIC"));
  std::vector<std::string> common;
  for (const auto& p : parents)
    if (std::ranges::find(ours, p) != ours.end()) common.push_back(p);
  if (!common.empty()) parents = std::move(common);
  if (parents.empty())
    return base::fail(errc::not_on_allow_list, "organization " + requester + " has no parent organization on the allow-list");
  for (const auto& p : parents)
    if (has_network(configuration, p)) return p;
  return parents.front();
}

// {"bucket": base64, "decided": [{"key": ..., "allowed": ...}]}, oldest first.
struct rate_state {
  privacy::rate_bucket bucket;
  json::array decided;
};

result<rate_state> read_state(const std::string& text) {
  rate_state out;
  if (text.empty()) return out;
  const auto document = TRY(json::parse(text));
  out.bucket = TRY(privacy::rate_bucket::deserialize(TRY(base::from_base64(document["bucket"].str()))));
  for (const auto& d : document["decided"]) out.decided.push_back(d);
  return out;
}

std::string write_state(const rate_state& state) {
  return json(json::object{{"bucket", base::to_base64(state.bucket.serialize())}, {"decided", state.decided}}).dump();
}

}  // namespace

plugins::outcome setup_evaluation_settings(const plugins::activation& a, plugins::services& s) {
  return attempt([&]() -> result<plugins::outcome> {
    const auto task = TRY(start_task(a));
    const auto configuration = s.process_configuration(execute_process);
    const auto parent = TRY(parent_of_requester(s, TRY(requester_of(*task.content)), configuration));
    TRY(network_for(configuration, parent));  // a site that is not set up says so before it counts the request
    return plugins::completed{.variables = {set(v_parent, parent), set(v_obfuscation, !DSF_MUTANT("processes.obfuscation_switched_off"))}};
  });
}

plugins::outcome evaluate_request_rate(const plugins::activation& a, plugins::services& s) {
  return attempt([&]() -> result<plugins::outcome> {
    const auto network = TRY(network_for(s.process_configuration(execute_process), a.variable_text(v_parent)));
    bool allowed = false;
    std::optional<base::error> broken;
    TRY(s.update_state("feasibility/rate/" + network.name, [&](const std::string& before) {
      auto state = read_state(before);
      if (!state) {
        broken = state.error();
        return before;
      }
      // A repeated attempt gets the answer of the first and counts no second time.
      for (const auto& d : state->decided)
        if (d["key"].str() == a.idempotency_key && !DSF_MUTANT("processes.repeated_attempt_counts_again")) {
          allowed = d["allowed"].bool_or(false);
          return before;
        }
      allowed = state->bucket.take(network.limit, s.now());
      state->decided.push_back(json::object{{"key", a.idempotency_key}, {"allowed", allowed}});
      if (state->decided.size() > remembered_decisions) state->decided.erase(state->decided.begin());
      return write_state(*state);
    }));
    if (broken) return base::failure(std::move(*broken));
    return plugins::completed{.variables = {set(v_below_limit, allowed)}};
  });
}

plugins::outcome reject_task(const plugins::activation& a, plugins::services& s) {
  return attempt([&]() -> result<plugins::outcome> {
    const auto task = TRY(start_task(a));
    const auto requester = TRY(requester_of(*task.content));
    s.log().warning("feasibility", "request refused: rate limit exceeded", context_of(s, requester, reference_to(task)));
    bpmn::task_change change{.task_id = task.id, .status = "failed"};
    change.status_reason = "The request rate limit of network " + a.variable_text(v_parent) + " is exceeded; ask again later.";
    return plugins::completed{.tasks = {std::move(change)}};
  });
}

}  // namespace dsf::processes::feasibility

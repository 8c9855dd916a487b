// Handlers that fail: retry cycle, incident, or the end of the instance (docs/design.md, decision 8; dsf-bpe 2.7).
#include <algorithm>
#include <charconv>

#include "base/mutant.hpp"
#include "bpmn/execution/elements/element.hpp"

namespace dsf::bpmn {
namespace {

struct retry_plan {
  std::int32_t attempts = 3;                     // "default 3 attempts per job, immediately re-acquired"
  std::vector<base::iso_duration> waits;         // before the 2nd, 3rd, ... attempt; the last one repeats
};

std::string trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\n' || text.front() == '\t' || text.front() == '\r'))
    text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\n' || text.back() == '\t' || text.back() == '\r')) text.remove_suffix(1);
  return std::string(text);
}

// R3/PT10S: 3 attempts, 10 s apart; R0: no second one; PT1M,PT5M: waits before the further attempts.
base::result<retry_plan> parse_cycle(const std::string& text) {
  retry_plan p;
  if (!text.starts_with('R')) {
    p.attempts = 1;
    for (std::size_t at = 0; at <= text.size();) {
      const auto comma = std::min(text.find(',', at), text.size());
      auto d = base::parse_duration(trimmed(std::string_view(text).substr(at, comma - at)));
      if (!d)
        return base::fail(errc::evaluation, "failedJobRetryTimeCycle '" + text + "' is neither Rn/<duration> nor a list of durations");
      p.waits.push_back(*d);
      ++p.attempts;
      at = comma + 1;
    }
    return p;
  }
  const auto slash = text.find('/');
  const std::string_view number = std::string_view(text).substr(1, slash == std::string::npos ? std::string::npos : slash - 1);
  std::int32_t n = 0;
  const auto end = std::from_chars(number.data(), number.data() + number.size(), n);
  auto d =
      slash == std::string::npos ? base::result<base::iso_duration>(base::iso_duration{}) : base::parse_duration(text.substr(slash + 1));
  if (end.ec != std::errc() || end.ptr != number.data() + number.size() || n < 0 || !d)
    return base::fail(errc::evaluation, "failedJobRetryTimeCycle '" + text + "' is neither Rn/<duration> nor a list of durations");
  p.attempts = std::max(n, 1) + (DSF_MUTANT("bpmn.retry_cycle_off_by_one") ? 1 : 0);
  p.waits.push_back(*d);
  return p;
}

// A lost worker, a time-out, a bug of ours: it takes a while to come back.
retry_plan back_off() { return {3, {base::iso_duration{0, 10 * base::us_per_s}, base::iso_duration{0, 60 * base::us_per_s}}}; }

}  // namespace

bool machine::covered(node_index n) const {
  if (n == no_node) return false;
  const node& at_node = node_at(n);
  return at_node.async_before || at_node.retry_cycle || (at_node.loop && (at_node.loop->async_before || at_node.loop->retry_cycle));
}

// Gives the job its next due time, or parks it as an incident. `j` is in the state already.
base::result<> machine::retry_or_raise(job j, const std::string& error, bool again, bool lost) {
  retry_plan plan = lost ? back_off() : retry_plan{};
  if (j.node != no_node) {
    const node& n = node_at(j.node);
    const bool inner_cycle = n.loop && n.loop->retry_cycle &&
                             (is_inner(j.execution, j.node) || (at(j.execution).parent && is_inner(at(j.execution).parent, j.node)));
    const expression_text& cycle =
        inner_cycle || !n.retry_cycle ? (n.loop && n.loop->retry_cycle ? n.loop->retry_cycle : n.retry_cycle) : n.retry_cycle;
    if (cycle) {
      auto text = evaluate_text(cycle, j.execution);
      if (asks()) return {};
      auto parsed = text ? parse_cycle(trimmed(*text)) : base::result<retry_plan>(base::failure(text.error()));
      // A cycle that can't be read must not hide the first error; the default applies.
      if (parsed) plan = std::move(*parsed);
    }
  }
  j.error = error;
  const bool was_ready = j.status == job_status::ready;
  const job before = j;
  j.retries_left = (j.retries_left < 0 ? plan.attempts : j.retries_left) - 1;
  if (j.retries_left > 0 && again) {
    const std::size_t wait = plan.waits.empty() ? 0 : std::min<std::size_t>(j.attempt - 1, plan.waits.size() - 1);
    j.due = plan.waits.empty() ? now : base::add(now, plan.waits[wait]);
    ++j.attempt;
    run_handler call;
    if (j.kind == job_kind::handler) {
      auto made = activation(j, j.reacts_to ? state.messages.find(j.reacts_to) : nullptr);
      if (asks()) return {};
      if (!made) {
        j.retries_left = 0;
        return retry_or_raise(std::move(j), made.error().to_string(), false, false);
      }
      call = std::move(*made);
    }
    if (was_ready) withdraw(before);
    emit(events::job_changed{j});
    announce(j, std::move(call));
    return {};
  }
  if (was_ready) withdraw(before);
  j.retries_left = 0;
  j.status = job_status::incident;
  emit(events::job_changed{j});
  emit(events::incident_raised{incident{j.id, j.execution, j.node, error, now}});
  tell(raise_incident{j.id, j.node, error});
  return {};
}

base::result<> machine::handler_failure(const handler_failed& c) {
  const job* found = state.jobs.find(c.job);
  if (!found || found->kind != job_kind::handler || found->status != job_status::ready)
    return base::fail(errc::not_waiting, "nothing waits for job " + std::to_string(c.job) + " (any more)");
  const job j = *found;
  if (c.lost || j.detached || covered(j.node)) return retry_or_raise(j, c.error, c.retryable || c.lost, c.lost);
  if (const auto* m = j.reacts_to ? state.messages.find(j.reacts_to) : nullptr) {
    // dsf-bpe 3.4, the default handlers' text of send activities
    const outgoing_message& o = *m->content;
    std::string text = "Task " + o.instantiates_canonical + " send failed [recipient: " + o.to.organization_identifier +
                       ", endpoint: " + o.to.endpoint_identifier + ", businessKey: " + o.business_key;
    if (!o.to.correlation_key.empty()) text += ", correlationKey: " + o.to.correlation_key;
    text += ", message: " + o.message_name + ", error: " + c.error + "]";
    fail_instance(text);
    return {};
  }
  fail(j.execution, j.node, c.error);
  return {};
}

base::result<> machine::retry(const retry_incident& c) {
  const job* found = state.jobs.find(c.job);
  if (!found || found->status != job_status::incident)
    return base::fail(errc::not_waiting, "there is no incident at job " + std::to_string(c.job));
  job j = *found;
  j.status = job_status::ready;
  j.retries_left = 1;
  j.due = {};
  ++j.attempt;
  run_handler call;
  if (j.kind == job_kind::handler) {
    auto made = activation(j, j.reacts_to ? state.messages.find(j.reacts_to) : nullptr);
    if (asks()) return {};
    if (!made) return base::failure(std::move(made).error());
    call = std::move(*made);
  }
  emit(events::incident_resolved{j.id});
  tell(resolve_incident{j.id});
  emit(events::job_changed{j});
  announce(j, std::move(call));
  return {};
}

}  // namespace dsf::bpmn

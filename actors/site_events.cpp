#include "actors/site_events.hpp"

namespace dsf::actors {

std::string_view to_string(site_event_kind kind) {
  switch (kind) {
    case site_event_kind::ready: return "ready";
    case site_event_kind::task_received: return "task-received";
    case site_event_kind::task_sent: return "task-sent";
    case site_event_kind::task_refused: return "task-refused";
    case site_event_kind::instance_started: return "instance-started";
    case site_event_kind::activity_entered: return "activity-entered";
    case site_event_kind::handler_started: return "handler-started";
    case site_event_kind::handler_finished: return "handler-finished";
    case site_event_kind::waiting: return "waiting";
    case site_event_kind::timer_fired: return "timer-fired";
    case site_event_kind::incident: return "incident";
    case site_event_kind::instance_ended: return "instance-ended";
    case site_event_kind::recovered: return "recovered";
  }
  return "unknown";
}

std::uint64_t site_events::subscribe(listener l) {
  const std::lock_guard lock{mutex_};
  listeners_.emplace(next_, std::move(l));
  return next_++;
}

void site_events::unsubscribe(std::uint64_t token) {
  const std::lock_guard lock{mutex_};
  listeners_.erase(token);
}

void site_events::publish(const site_event& e) const {
  counts_[static_cast<std::size_t>(e.kind)].fetch_add(1, std::memory_order_relaxed);
  const std::lock_guard lock{mutex_};
  for (const auto& [token, l] : listeners_) l(e);
}

std::uint64_t site_events::count(site_event_kind kind) const {
  return counts_[static_cast<std::size_t>(kind)].load(std::memory_order_relaxed);
}

bool site_events::anyone() const {
  const std::lock_guard lock{mutex_};
  return !listeners_.empty();
}

}  // namespace dsf::actors

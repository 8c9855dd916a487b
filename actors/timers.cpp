// One actor keeps the timers of the next minute in a heap; the rest stays in the store (docs/design.md, decision 10). It looks after the
// handlers' deadlines, too.
#include <queue>

#include "actors/engine_impl.hpp"
#include "base/memory.hpp"

namespace dsf::actors {
namespace {

constexpr std::int64_t horizon_us = 60'000'000;
constexpr std::size_t scan_rows = 1'000;
constexpr std::int64_t trim_every_us = 30'000'000;

struct timers_state {
  caf::event_based_actor* self = nullptr;
  shared_engine shared;
  std::shared_ptr<actor_record> record;
  using entry = std::pair<std::int64_t, std::uint64_t>;  // due, instance
  std::priority_queue<entry, std::vector<entry>, std::greater<>> heap;
  base::timestamp loaded_until{-1};
  base::timestamp trimmed{};
  std::string scan_from;  // key of T where the next scan goes on

  void tick() {
    if (shared->context.clock->now().us - trimmed.us > trim_every_us) {
      trimmed = shared->context.clock->now();
      base::release_free_memory();
    }
    const auto now = shared->context.clock->now();
    if (loaded_until.us < now.us + horizon_us / 2) scan(now.us + horizon_us);
    fire(now);
    const auto deadline = shared->deadlines.check(now);
    std::int64_t pause_us = 1'000'000;
    if (!heap.empty()) pause_us = std::min(pause_us, heap.top().first - now.us);
    if (deadline) pause_us = std::min(pause_us, deadline->us - now.us);
    pause_us = std::max<std::int64_t>(pause_us, 1'000);
    self->delayed_send(self, std::chrono::microseconds(pause_us), clock_tick{});
  }

  void fire(base::timestamp now) {
    std::uint64_t last = 0;
    while (!heap.empty() && heap.top().first <= now.us) {
      const auto instance = heap.top().second;
      heap.pop();
      if (instance == last) continue;
      last = instance;
      tell(shared->process_engine, deliver{instance, nullptr});
    }
  }

  void scan(std::int64_t until) {
    const auto view = shared->context.store->view();
    if (!view) return;
    const auto prefix = storage::keys::timer(0, {0}, 0).substr(0, 2);
    for (;;) {
      const auto rows = view->rows(storage::table::timer, prefix, scan_rows, scan_from);
      if (!rows) {
        shared->context.log->error("timers", "the timers can't be read", {}, {{"error", rows.error().to_string()}});
        return;
      }
      for (const auto& row : *rows) {
        storage::keys::timer_key key;
        if (!storage::keys::parse_timer(row.key, key)) continue;
        if (key.due.us > until) {
          scan_from = row.key;
          loaded_until = {until};
          return;
        }
        heap.push({key.due.us, key.instance});
        scan_from = row.key + '\0';
      }
      if (rows->size() < scan_rows) break;
    }
    // Rows below this that come later are announced by their instances.
    scan_from = storage::keys::timer(0, {until + 1}, 0);
    loaded_until = {until};
  }
};

}  // namespace

caf::behavior timers_actor(caf::event_based_actor* self, shared_engine shared, std::shared_ptr<actor_record> record) {
  auto state = std::make_shared<timers_state>();
  state->self = self;
  state->shared = std::move(shared);
  state->record = std::move(record);
  return {
      [=](const timer_request& r) {
        handled(state->record);
        if (r.due.us > state->loaded_until.us) return;  // the scan will find its row
        const bool first = state->heap.empty() || r.due.us < state->heap.top().first;
        state->heap.push({r.due.us, r.instance});
        if (first) {
          const auto now = state->shared->context.clock->now();
          self->delayed_send(self, std::chrono::microseconds(std::max<std::int64_t>(0, r.due.us - now.us)), pump_again{});
        }
      },
      // A second beat for a timer that came after the tick was set: it fires what is due and sets nothing new.
      [=](const pump_again&) { state->fire(state->shared->context.clock->now()); },
      [=](const clock_tick&) { state->tick(); },
  };
}

}  // namespace dsf::actors

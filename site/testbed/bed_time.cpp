// How a bed moves: one step after the other until nothing is left to do, and from one due time to the next.
#include <algorithm>

#include "fhir/semantics/access.hpp"
#include "site/running/errc.hpp"
#include "site/testbed/bed.hpp"

namespace dsf::site {
namespace {

using base::fail;
using base::result;

constexpr std::int64_t look_us = 500;          // a store by hand does not say that something was queued
constexpr std::int64_t short_wait_us = 200'000;  // for handlers that may go on
constexpr std::size_t steps_at_most = 10'000'000;

}  // namespace

bool bed::step() {
  if (main_.run_one()) return true;
  if (store_->run_one_group()) return true;
  auto hand = engine_->hand();
  if (hand.actors() > 0) {
    hand.run_actor(0);
    return true;
  }
  if (hand.handlers() > 0) {
    hand.run_handler(0);
    return true;
  }
  if (const auto wake = hand.next_wake_us(); wake && *wake == 0) {
    hand.advance_us(0);
    return hand.actors() > 0;
  }
  return false;
}

void bed::look_around(std::int64_t at_most_us) {
  while (step()) {}
  main_.wait_us(at_most_us);
}

result<> bed::settle(bool wait) {
  auto& real = base::system_clock_source();
  const auto until = real.steady_us() + (wait ? config_.patience_us : short_wait_us);
  std::size_t steps = 0;
  for (;;) {
    while (step())
      if (++steps > steps_at_most)
        return fail(running_errc::cannot_start, "the site does not come to rest: ten million steps without the clock moving");
    if (open_.none()) return {};
    if (real.steady_us() > until) {
      if (!wait) return {};
      std::string all;
      for (const auto& what : open_.all()) all += (all.empty() ? "" : ", ") + what;
      return fail(running_errc::bad_request, "handlers still run after " + std::to_string(config_.patience_us / 1'000) + " ms: " + all +
                                                 "; advance with wait=False to let time pass while they do");
    }
    main_.wait_us(look_us);
  }
}

// The earliest row that is due later than now; while Tasks or messages are under way, whatever the engine wakes for.
base::timestamp bed::next_event(base::timestamp at_most) const {
  auto next = at_most;
  const auto now = clock_.now();
  const auto view = store_->view();
  const auto rows =
      view->rows(storage::table::timer, storage::keys::timer(0, {0}, 0).substr(0, 2), 1, storage::keys::timer(0, {now.us + 1}, 0));
  storage::keys::timer_key key;
  if (rows && !rows->empty() && storage::keys::parse_timer(rows->front().key, key)) next = std::min(next, key.due);
  const auto some = [&](storage::table t) {
    const auto found = view->rows(t, {}, 1);
    return found && !found->empty();
  };
  if (some(storage::table::inbox) || some(storage::table::outbox))
    if (const auto wake = engine_->hand().next_wake_us()) next = std::min(next, base::timestamp{now.us + std::max<std::int64_t>(1, *wake)});
  return next;
}

result<> bed::advance(base::timestamp to, bool wait) {
  TRY(settle(wait));
  while (clock_.now() < to) {
    const auto next = next_event(to);
    const auto by = next.us - clock_.now().us;
    clock_.set(next);
    engine_->hand().advance_us(by);
    TRY(settle(wait));
  }
  return {};
}

}  // namespace dsf::site

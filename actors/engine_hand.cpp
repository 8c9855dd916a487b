#include <algorithm>

#include "actors/engine_impl.hpp"

namespace dsf::actors {

engine_hand engine::hand() { return engine_hand(*impl_); }

std::size_t engine_hand::actors() const { return impl_->hand ? impl_->hand->jobs.size() : 0; }

std::uint64_t engine_hand::actor_id(std::size_t n) const {
  const auto* actor = dynamic_cast<caf::abstract_actor*>(impl_->hand->jobs.at(n));
  return actor ? actor->id() : 0;
}

void engine_hand::run_actor(std::size_t n) {
  auto& jobs = impl_->hand->jobs;
  // The one chosen comes first; the others keep their order.
  std::rotate(jobs.begin(), jobs.begin() + static_cast<std::ptrdiff_t>(n), jobs.begin() + static_cast<std::ptrdiff_t>(n) + 1);
  impl_->hand->run_once();
}

std::size_t engine_hand::handlers() const { return impl_->shared->handlers->waiting(); }
void engine_hand::run_handler(std::size_t n) { impl_->shared->handlers->run_one(n); }

std::optional<std::int64_t> engine_hand::next_wake_us() const {
  if (!impl_->hand) return std::nullopt;
  const auto& clock = impl_->hand->clock();
  if (clock.schedule().empty()) return std::nullopt;
  const auto left = std::chrono::ceil<std::chrono::microseconds>(clock.schedule().begin()->first - clock.now()).count();
  return std::max<std::int64_t>(0, left);
}

void engine_hand::advance_us(std::int64_t by) {
  if (impl_->hand) impl_->hand->advance_time(std::chrono::microseconds(by));
}

}  // namespace dsf::actors

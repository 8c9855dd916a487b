#include "storage/index_changes.hpp"

#include <algorithm>

namespace dsf::storage {

index_changes::parameter_changes& index_changes::of(std::string_view type, std::string_view parameter) {
  name_.assign(type);
  name_ += '\0';
  name_ += parameter;
  const auto hit = parameters_.find(name_);
  if (hit != parameters_.end()) return hit->second;
  return parameters_.emplace(name_, parameter_changes{.last = 0}).first->second;
}

void index_changes::type_written(std::string_view type, std::uint64_t sequence) { of(type, {}).last = sequence; }

void index_changes::entry_changed(std::string_view type, std::string_view parameter, std::string_view value, std::uint64_t sequence) {
  auto& p = of(type, parameter);
  p.last = sequence;
  if (!p.tracked) return;
  const auto at = p.values.try_emplace(std::string(value), 0).first;
  if (at->second == sequence) return;
  at->second = sequence;
  order_.push_back({&p, at, sequence});
  while (order_.size() > remembered_) {
    const auto oldest = order_.front();
    order_.pop_front();
    oldest.parameter->tracked_from = std::max(oldest.parameter->tracked_from, oldest.sequence);
    // A later change of the same value has its own place in the queue.
    if (oldest.value->second == oldest.sequence) oldest.parameter->values.erase(oldest.value);
  }
}

bool index_changes::holds(std::string_view type, std::string_view parameter, std::string_view from, std::string_view to,
                          std::uint64_t since) {
  if (since < start_) return false;
  auto& p = of(type, parameter);
  if (p.last <= since) return true;
  if (parameter.empty()) return false;
  if (!p.tracked) {
    p.tracked = true;
    p.tracked_from = p.last;
    return false;
  }
  if (since < p.tracked_from) return false;
  for (auto at = p.values.lower_bound(from); at != p.values.end() && (to.empty() || at->first < to); ++at)
    if (at->second > since) return false;
  return true;
}

}  // namespace dsf::storage

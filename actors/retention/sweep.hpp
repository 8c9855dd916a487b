// Removes what has reached its age (docs/decisions/retention.md), in steps of at most some hundred things. No thread, no clock of its own.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "storage/store.hpp"

namespace dsf::actors {

// Ages; nothing: never.
struct retention_rules {
  std::optional<base::iso_duration> instances;      // since its end: an instance's data, that is its data key
  std::optional<base::iso_duration> instance_log;   // since its end: all of an instance
  std::optional<base::iso_duration> tasks;          // since their last version, in a final status
  std::optional<base::iso_duration> binaries;
  std::optional<base::iso_duration> questionnaire_responses;  // in a final status
};

enum class removal : std::uint8_t { instance_data, instance_log, tasks, binaries, questionnaire_responses };
inline constexpr std::size_t removal_count = 5;
std::string_view to_string(removal r) noexcept;
const std::optional<base::iso_duration>& age_of(const retention_rules& rules, removal r) noexcept;

struct removed_things {
  std::array<std::uint64_t, removal_count> count{};
  std::uint64_t looked_at = 0;
  [[nodiscard]] std::uint64_t of(removal r) const { return count[static_cast<std::size_t>(r)]; }
  [[nodiscard]] std::uint64_t all() const {
    std::uint64_t n = 0;
    for (const auto c : count) n += c;
    return n;
  }
};

// The type of resource that a rule removes; empty for instances.
std::string_view type_of(removal r) noexcept;

// Knows from sweep to sweep how far everything is done, in memory only: a sweep looks at what is new, at what it had to leave, and at the first
// things that are still too young. Not thread-safe.
class retention_walks {
public:
  // `dry_run`: only counts.
  retention_walks(storage::store& store, retention_rules rules, bool dry_run = false);
  ~retention_walks();
  retention_walks(retention_walks&&) noexcept;

  // A new sweep; ages are counted at `now`.
  void begin(base::timestamp now);
  // False: the sweep is done. Waits for its commits. After an error the next begin() goes on where things stand.
  base::result<bool> step();
  // Of the sweep under way.
  [[nodiscard]] const removed_things& removed() const;

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace dsf::actors

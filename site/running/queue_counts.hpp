// What waits in the store's tables, counted for metrics. A site with a million instances takes a second for it, so it is not done at each question.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>

#include "base/clock.hpp"
#include "storage/view.hpp"

namespace dsf::site {

struct queue_counts {
  struct instances {
    std::uint64_t running = 0;
    std::uint64_t incident = 0;  // with at least one
  };
  struct outbox {
    std::uint64_t entries = 0;
    base::timestamp oldest;
  };
  std::map<std::string, instances> processes;  // by key|version
  std::map<std::string, outbox> outboxes;  // by endpoint URL
  std::uint64_t incidents = 0, timers = 0, inbox = 0;
  base::timestamp counted;
};

base::result<queue_counts> count_queues(const storage::store_view& view, base::timestamp now);

// Counts again when the last count is old enough for counting to take no more than a fiftieth of the time.
class queue_watch {
public:
  // On an error the last numbers: `counted` says how old they are; 0: there are none.
  queue_counts look(const storage::store_view* view, const base::clock& clock);

private:
  std::mutex mutex_;
  queue_counts last_;
  std::int64_t next_us_ = 0;  // steady
};

}  // namespace dsf::site

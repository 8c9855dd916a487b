// Tasks of the endpoint become copies and inbox rows in the engine's own store: each once, by whichever way it comes.
#pragma once

#include <functional>
#include <span>

#include "actors/thread_drive.hpp"
#include "base/clock.hpp"
#include "base/json.hpp"
#include "base/log.hpp"
#include "storage/store.hpp"

namespace dsf::actors {

// How long a Task's position is kept at least, by the endpoint's time: until the newest Task that was taken over is so much younger. What comes with an
// older date may have been done and forgotten.
inline constexpr std::int64_t positions_kept_us = 3'600 * base::us_per_s;

class arrivals {
public:
  using make_put = std::function<base::result<storage::put_resource>(const base::json& resource, base::uuid id)>;
  arrivals(storage::store& store, make_put put, const base::logger& log, thread_drive* drive = nullptr)
      : store_(&store), put_(std::move(put)), log_(&log), drive_(drive) {}

  struct outcome {
    std::size_t taken = 0;
    std::size_t known = 0;
    std::size_t left = 0;  // new work for which the disk has no room: they stay requested at the endpoint
  };
  // Comes back when all are durable. Resources that are no requested Tasks are passed over. Not on several threads at once.
  base::result<outcome> take(std::span<const base::json> resources);
  // When the newest Task that was taken over had been written at the endpoint; nothing before the first one.
  base::result<std::optional<base::timestamp>> cursor() const;
  // The Task is so old that its position may have been trimmed: only the endpoint knows whether it is still requested.
  base::result<bool> may_be_forgotten(const base::json& task) const;

private:
  base::result<bool> starts_new_work(const storage::store_view& view, const base::json& task) const;
  storage::store* store_;
  make_put put_;
  const base::logger* log_;
  thread_drive* drive_;
};

}  // namespace dsf::actors

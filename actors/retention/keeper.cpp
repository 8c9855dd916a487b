#include "actors/retention/keeper.hpp"

#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "storage/blobs/blob_store.hpp"
#include "storage/cleaning.hpp"

namespace dsf::actors {
namespace {

constexpr std::string_view component = "retention";
constexpr std::int64_t between_steps_us = 2'000;  // others come first

void add(removed_things& to, const removed_things& more) {
  for (std::size_t i = 0; i < removal_count; ++i) to.count[i] += more.count[i];
  to.looked_at += more.looked_at;
}

}  // namespace

retention_keeper::retention_keeper(retention_options options) : options_(std::move(options)), walks_(*options_.store, options_.rules) {
  status_.next = {options_.clock->now().us + options_.first_us};
  thread_ = std::thread([this] {
    ::pthread_setname_np(::pthread_self(), "retention");
    loop();
  });
}

void retention_keeper::stop() {
  {
    const std::lock_guard lock{mutex_};
    stopping_ = true;
  }
  stop_cleaning_ = true;
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

bool retention_keeper::pause(std::int64_t us) {
  std::unique_lock lock{mutex_};
  return !changed_.wait_for(lock, std::chrono::microseconds(us), [this] { return stopping_; });
}

void retention_keeper::loop() {
  std::string said;
  for (auto wait = options_.first_us; pause(wait); wait = options_.interval_us) {
    const auto done = run(false);
    {
      const std::lock_guard lock{mutex_};
      if (stopping_) return;
      status_.next = {options_.clock->now().us + options_.interval_us};
    }
    const auto why = done ? std::string() : done.error().to_string();
    // Once for each reason: a store that is read-only for days says so itself.
    if (!why.empty() && why != said) options_.log->warning(component, "a sweep ended early; the next one goes on", {}, {{"error", why}});
    said = why;
  }
}

base::result<removed_things> retention_keeper::sweep(retention_walks& walks, base::timestamp now) {
  walks.begin(now);
  for (;;) {
    if (!TRY(walks.step())) return walks.removed();
    if (!pause(between_steps_us)) return base::fail(storage::errc::closed, "dsfd is stopping");
  }
}

void retention_keeper::on_commit(std::span<const storage::feed_entry> entries) {
  const std::lock_guard lock{mutex_};
  for (const auto& e : entries) {
    for (const auto& r : e.resources)
      if (r.what == storage::resource_change::kind::purged) leftovers_.types.insert(r.type);
    for (const auto& i : e.instances)
      if (i.what == storage::instance_change::kind::forgotten) {
        leftovers_.first_instance = std::min(leftovers_.first_instance, i.instance);
        leftovers_.last_instance = std::max(leftovers_.last_instance, i.instance);
      }
  }
}

base::result<> retention_keeper::clean_files() {
  leftovers now;
  {
    const std::lock_guard lock{mutex_};
    now = std::exchange(leftovers_, {});
  }
  if (!now.any()) return {};
  // A data key may have gone with any of them.
  auto ranges = storage::ranges_of_data_keys();
  const auto append = [&](std::vector<storage::file_range> more) { ranges.insert(ranges.end(), more.begin(), more.end()); };
  for (const auto& type : now.types) append(storage::ranges_of_type(type));
  if (now.first_instance <= now.last_instance) append(storage::ranges_of_instances(now.first_instance, now.last_instance));
  auto cleaned = storage::clean_files(*options_.store, ranges, stop_cleaning_);
  if (auto* blobs = options_.store->blobs(); cleaned && blobs && now.types.contains("Binary"))
    if (auto swept = blobs->sweep([this] { return options_.store->view(); }); !swept) cleaned = base::failure(std::move(swept).error());
  if (!cleaned) {
    const std::lock_guard lock{mutex_};
    leftovers_.types.merge(now.types);
    leftovers_.first_instance = std::min(leftovers_.first_instance, now.first_instance);
    leftovers_.last_instance = std::max(leftovers_.last_instance, now.last_instance);
    leftovers_.data_keys = true;
  }
  return cleaned;
}

base::result<retention_report> retention_keeper::run(bool dry_run) {
  const std::lock_guard one{sweep_mutex_};
  retention_report out;
  out.dry_run = dry_run;
  out.at = options_.clock->now();
  const auto began = options_.clock->steady_us();
  if (dry_run) {
    retention_walks fresh(*options_.store, options_.rules, true);
    out.removed = TRY(sweep(fresh, out.at));
    out.took_us = options_.clock->steady_us() - began;
    return out;
  }
  auto swept = sweep(walks_, out.at);
  out.removed = walks_.removed();
  if (out.removed.of(removal::instance_data) > 0) {
    const std::lock_guard lock{mutex_};
    leftovers_.data_keys = true;
  }
  base::result<> cleaned;
  if (swept) cleaned = clean_files();
  out.took_us = options_.clock->steady_us() - began;
  {
    const std::lock_guard lock{mutex_};
    add(status_.total, out.removed);
    status_.last_error.clear();
    if (swept && cleaned) {
      ++status_.sweeps;
      status_.last = out.at;
      status_.last_took_us = out.took_us;
    } else {
      ++status_.failed;
      status_.last_error = (swept ? cleaned.error() : swept.error()).to_string();
    }
  }
  if (out.removed.all() > 0) {
    std::vector<base::logger::field> fields;
    for (std::size_t i = 0; i < removal_count; ++i)
      if (out.removed.count[i] > 0)
        fields.emplace_back(to_string(static_cast<removal>(i)), static_cast<std::int64_t>(out.removed.count[i]));
    fields.emplace_back("ms", out.took_us / base::us_per_ms);
    options_.log->info(component, "what had reached its age was removed", {}, std::move(fields));
  }
  TRY(std::move(swept));
  TRY(std::move(cleaned));
  return out;
}

retention_status retention_keeper::status() const {
  const std::lock_guard lock{mutex_};
  return status_;
}

}  // namespace dsf::actors

#include "site/audit/audit_log.hpp"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "base/mutant.hpp"
#include "site/audit/file.hpp"

namespace dsf::site {
namespace {

constexpr std::size_t events_at_once = 1'000;
constexpr std::int64_t minute_us = 60 * base::us_per_s, tidy_interval_us = 3'600 * base::us_per_s;

}  // namespace

struct audit_log::impl {
  impl(audit_options o, const base::logger& l, const base::clock& t) : options(std::move(o)), log(&l), clock(&t), file(options.file) {}

  void loop() {
    std::string lines;  // not written yet
    std::size_t in_lines = 0;
    for (;;) {
      std::vector<audit_event> next;
      bool ending = false;
      {
        std::unique_lock lock{mutex};
        if (in_lines > 0)  // the last write failed: what waits stays where the limit counts it
          wake.wait_for(lock, std::chrono::microseconds(options.retry_us), [this] { return stopping || reopening; });
        else if (!stopping && !reopening && events.empty() && unsaid == 0)
          wake.wait_for(lock, std::chrono::microseconds(rest_us()));
        if (in_lines == 0) take(next);
        ending = stopping && events.empty() && unsaid == 0 && summed == 0;
        if (std::exchange(reopening, false)) file.close();
      }
      for (const auto& e : next) to_fhir(e, options.source).append_to(lines), lines += '\n';
      in_lines += next.size();
      tidy();
      const auto written = in_lines > 0 || !file.is_open() ? put(lines) : base::result<>{};
      const std::lock_guard lock{mutex};
      if (written) {
        counted.written += in_lines;
        in_lines = 0;
        if (std::exchange(counted.failing, false)) log->info("audit", "the audit log is written again", {}, {{"file", options.file}});
      } else if (!std::exchange(counted.failing, true)) {
        log->error("audit", "the audit log can't be written; it is tried again and again", {}, {{"error", written.error().to_string()}});
      }
      if (!stopping || (!ending && written)) continue;
      if (!written || in_lines > 0)
        log->error("audit", "events of the audit log were not written", {},
                   {{"events", std::uint64_t(in_lines + events.size())}, {"file", options.file}});
      return;
    }
  }

  // Under the mutex. Until something is due that nobody wakes the thread for.
  [[nodiscard]] std::int64_t rest_us() const {
    const auto now = clock->steady_us();
    auto due = now + tidy_interval_us;
    if (options.keep) due = std::min(due, tidy_at_us);
    if (summed > 0) due = std::min(due, summed_since_us + minute_us);
    return std::max<std::int64_t>(1'000, due - now);
  }

  void tidy() {
    if (!options.keep || clock->steady_us() < tidy_at_us) return;
    tidy_at_us = clock->steady_us() + tidy_interval_us;
    if (const auto removed = remove_put_aside(options.file, *options.keep, clock->now()); !removed)
      log->warning("audit", "files of the audit log are kept longer than they should be", {}, {{"error", removed.error().to_string()}});
    else if (*removed > 0)
      log->info("audit", "files of the audit log that reached audit.keep were deleted", {}, {{"files", *removed}});
  }

  // Under the mutex: false for a refusal beyond those of its minute, which is counted instead.
  bool told_alone(const audit_event& e) {
    if (options.refusals_per_minute == 0 || !is_refusal(e) || DSF_MUTANT("audit.refusals_unbounded")) return true;
    const auto now = clock->steady_us();
    if (now - minute_began_us >= minute_us) minute_began_us = now, refusals = 0;
    if (refusals++ < options.refusals_per_minute) return true;
    ++counted.summed;
    if (summed++ == 0) summed_since_us = minute_began_us, wake.notify_one();
    return false;
  }

  [[nodiscard]] audit_event own_event(audit_kind kind, audit_outcome outcome, std::string why) const {
    audit_event e;
    e.kind = kind;
    e.time = clock->now();
    e.outcome = outcome;
    e.why = std::move(why);
    e.agent.organization = options.source.organization;
    e.agent.name = "dsfd";
    return e;
  }

  // Under the mutex. What was lost is told when the queue has been emptied, after what came before it.
  void take(std::vector<audit_event>& next) {
    if (summed > 0 && (stopping || clock->steady_us() - summed_since_us >= minute_us))
      next.push_back(own_event(audit_kind::summed, audit_outcome::minor_failure,
                               std::to_string(std::exchange(summed, 0)) + " refusals beyond the " +
                                   std::to_string(options.refusals_per_minute) + " of a minute have no lines of their own"));
    while (!events.empty() && next.size() < events_at_once) {
      next.push_back(std::move(events.front()));
      events.pop_front();
    }
    if (unsaid == 0 || !events.empty()) return;
    auto e = own_event(audit_kind::lost, audit_outcome::major_failure,
                       std::to_string(std::exchange(unsaid, 0)) + " events found no room in the queue and are not in this log");
    if (!DSF_MUTANT("audit.loss_not_told")) next.push_back(std::move(e));
  }

  base::result<> put(std::string& lines) {
    if (!file.is_open()) TRY(file.open());
    // Between stretches only, so that no line is cut in two.
    if (options.max_bytes > 0 && file.size() > 0 && file.size() + lines.size() > options.max_bytes && !torn) {
      TRY(file.put_aside(clock->now()));
      tidy_at_us = 0;
      TRY(file.open());
    }
    auto written = file.write(lines);
    torn = !written && !lines.empty();
    TRY(std::move(written));
    return options.sync ? file.sync() : base::result<>{};
  }

  audit_options options;
  const base::logger* log;
  const base::clock* clock;
  audit_file file;  // the thread's, and so is:
  bool torn = false;  // the file may end within a line, whose rest is next
  std::int64_t tidy_at_us = 0;
  mutable std::mutex mutex;
  std::condition_variable wake;
  std::deque<audit_event> events;
  audit_statistics counted;
  std::uint64_t unsaid = 0;  // lost, and not yet told of
  std::int64_t minute_began_us = 0;
  std::uint64_t refusals = 0;  // of this minute
  std::uint64_t summed = 0;    // without a line, and not yet told of; the first in the minute that began:
  std::int64_t summed_since_us = 0;
  bool stopping = false, reopening = false;
  std::thread thread;
};

audit_log::audit_log(std::unique_ptr<impl> i) : impl_(std::move(i)) {}
audit_log::~audit_log() { stop(); }

base::result<std::unique_ptr<audit_log>> audit_log::open(audit_options options, const base::logger& log, const base::clock& time) {
  auto i = std::make_unique<impl>(std::move(options), log, time);
  TRY(i->file.open());
  i->thread = std::thread([raw = i.get()] { raw->loop(); });
  return std::unique_ptr<audit_log>(new audit_log(std::move(i)));
}

bool audit_log::wants(audit_kind kind) const noexcept {
  const auto n = static_cast<std::size_t>(kind);
  return n >= chosen_audit_kinds || impl_->options.kinds[n];
}

void audit_log::record(audit_event e) {
  if (!wants(e.kind)) return;
  e.time = impl_->clock->now();
  const std::lock_guard lock{impl_->mutex};
  if (impl_->stopping || !impl_->told_alone(e)) return;
  if (impl_->events.size() >= impl_->options.queue) {
    if (impl_->counted.lost++ == 0 || impl_->unsaid == 0)
      impl_->log->error("audit", "the audit log's queue is full: events are lost; a line of the log will say how many", {},
                        {{"queue", std::uint64_t(impl_->options.queue)}, {"file", impl_->options.file}});
    ++impl_->unsaid;
    return;
  }
  impl_->events.push_back(std::move(e));
  impl_->wake.notify_one();
}

void audit_log::reopen() {
  const std::lock_guard lock{impl_->mutex};
  impl_->reopening = true;
  impl_->wake.notify_one();
}

audit_statistics audit_log::statistics() const {
  const std::lock_guard lock{impl_->mutex};
  auto s = impl_->counted;
  s.waiting = impl_->events.size();
  return s;
}

void audit_log::stop() {
  if (!impl_->thread.joinable()) return;
  {
    const std::lock_guard lock{impl_->mutex};
    impl_->stopping = true;
    impl_->wake.notify_one();
  }
  impl_->thread.join();
}

}  // namespace dsf::site

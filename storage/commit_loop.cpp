// The commit thread: takes what is queued as one group, applies it in order, writes it with one sync, answers.
#include <fmt/format.h>

#include "base/bytes.hpp"
#include "base/mutant.hpp"
#include "storage/store_impl.hpp"

namespace dsf::storage {
namespace {

// The feed is cut once in so many commits.
constexpr std::uint64_t trim_every = 1'000;
constexpr std::string_view component = "storage";

void note_duration(base::histogram& in, std::int64_t us) { in.observe(static_cast<std::uint64_t>(std::max<std::int64_t>(0, us))); }

}  // namespace

void store::impl::run() {
  std::vector<item> group;
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      waiting_ = true;
      wake_.wait(lock, [&] { return !queue_.empty() || !open_; });
      waiting_ = false;
      if (queue_.empty()) return;
      take_group(group);
    }
    process(group);
    group.clear();
  }
}

bool store::impl::run_one_group() {
  std::vector<item> group;
  {
    const std::lock_guard lock(mutex_);
    if (queue_.empty()) return false;
    take_group(group);
  }
  process(group);
  return true;
}

void store::impl::take_group(std::vector<item>& group) {
  std::size_t bytes = 0;
  while (!queue_.empty() && group.size() < options_.limits.group_commits) {
    auto& next = queue_.front();
    if (!group.empty() && bytes + next.bytes > options_.limits.group_bytes) break;
    bytes += next.bytes;
    group.push_back(std::move(next));
    queue_.pop_front();
  }
  queued_bytes_ -= bytes;
}

void store::impl::process(std::vector<item>& group) {
  batch_.clear();
  entries_.clear();
  answers_.clear();
  {
    std::unique_lock lock(mutex_);
    if (broken_) {
      for (std::size_t i = 0; i < group.size(); ++i) answers_.emplace_back(refusal());
      lock.unlock();
      return deliver(group, answers_);
    }
  }
  const auto now = options_.clock->now();
  std::optional<base::error> fatal;
  for (auto& one : group) {
    feed_entry entry;
    auto answer = applier_->apply(one.c, now, batch_, entry);
    if (answer) {
      if (entry.touches(table::meta)) note_cursors(one.c);
      entries_.push_back(std::move(entry));
    } else if (is_fatal(answer.error())) {
      fatal = answer.error();
      break;
    }
    answers_.push_back(std::move(answer));
  }
  if (!fatal && !entries_.empty()) {
    trim_feed();
    if (DSF_MUTANT("storage.answer_before_sync")) {
      deliver(group, answers_);
      for (auto& one : group) one.done = {};
    }
    memory_->before_write(entries_);
    const auto began = options_.clock->steady_us();
    if (auto written = rows_->write(batch_, !DSF_MUTANT("answer-before-sync")); !written)
      fatal = written.error();
    else
      note_duration(sync_us_, options_.clock->steady_us() - began);
  }
  if (fatal) {
    turn_read_only(*fatal, "writing a commit");
    const std::lock_guard lock(mutex_);
    // Refusals stand: they would have been refused anyway. Whatever was accepted is not written.
    for (auto& a : answers_)
      if (a) a = refusal();
    while (answers_.size() < group.size()) answers_.emplace_back(refusal());
    entries_.clear();
  } else if (!entries_.empty()) {
    const std::lock_guard lock(mutex_);
    ++counters_.groups;
    counters_.commits += entries_.size();
    counters_.conflicts += group.size() - entries_.size();
    counters_.largest_group = std::max<std::uint64_t>(counters_.largest_group, entries_.size());
    counters_.bytes_written += batch_.size_bytes();
    group_commits_.observe(entries_.size());
    rows_written_.fetch_add(batch_.rows(), std::memory_order_relaxed);
  } else {
    const std::lock_guard lock(mutex_);
    counters_.conflicts += group.size();
  }
  if (!entries_.empty()) {
    published_.store(entries_.back().sequence, std::memory_order_release);
    const std::lock_guard lock(view_mutex_);
    view_.reset();
  }
  applier_->end_of_group();
  if (!entries_.empty()) {
    const auto now_us = options_.clock->steady_us();
    for (std::size_t i = 0; i < group.size(); ++i)
      if (answers_[i]) note_duration(commit_us_, now_us - group[i].submitted_us);
  }
  deliver(group, answers_);
  if (entries_.empty()) return;
  if (DSF_MUTANT("storage.feed_out_of_order")) std::reverse(entries_.begin(), entries_.end());
  std::vector<listener> to_tell;
  {
    const std::lock_guard lock(listeners_mutex_);
    to_tell = listeners_;
  }
  for (const auto& l : to_tell) l(entries_);
}

void store::impl::deliver(std::vector<item>& group, std::vector<result<receipt>>& answers) {
  for (std::size_t i = 0; i < group.size(); ++i)
    if (group[i].done) group[i].done(std::move(answers[i]));
}

void store::impl::turn_read_only(const base::error& why, std::string_view doing) {
  {
    const std::lock_guard lock(mutex_);
    if (broken_) return;
    break_off(why, fmt::format("{} failed", doing));
  }
  if (options_.log != nullptr)
    options_.log->error(component, "the store turned read-only", {}, {{"why", why.to_string()}, {"while", std::string(doing)}});
}

// With mutex_ held.
void store::impl::break_off(const base::error& why, std::string text) {
  broken_ = base::error(errc::read_only, std::move(text)).because(why);
  may_recover_ = why.is(errc::io);
}

void store::impl::note_cursors(const commit& c) {
  for (const auto& op : c.operations) {
    if (const auto* put = std::get_if<put_row>(&op); put != nullptr && put->in == table::meta && put->key.starts_with(cursor_rows))
      about_.cursors[put->key] = base::byte_reader(put->value).u64();
    if (const auto* gone = std::get_if<delete_row>(&op); gone != nullptr && gone->in == table::meta && gone->key.starts_with(cursor_rows))
      about_.cursors.erase(gone->key);
  }
}

// Behind the slowest cursor, and in any case to the limit; the last row stays, since it holds sequence and time.
void store::impl::trim_feed() {
  const auto last = applier_->last().sequence;
  if (last < next_trim_ + trim_every) return;
  next_trim_ = last;
  std::uint64_t keep_from = about_.feed_first;
  std::uint64_t slowest = UINT64_MAX;
  std::string_view who;
  for (const auto& [name, at] : about_.cursors)
    if (at < slowest) {
      slowest = at;
      who = name;
    }
  if (slowest != UINT64_MAX) keep_from = std::max(keep_from, slowest + 1);
  const std::uint64_t limit_from = last >= options_.limits.feed_rows ? last - options_.limits.feed_rows + 1 : 0;
  const bool over = limit_from > keep_from;
  if (over) keep_from = limit_from;
  if (over && slowest != UINT64_MAX && !overrun_) {
    {
      const std::lock_guard lock(mutex_);
      ++counters_.feed_overruns;
    }
    if (options_.log != nullptr)
      options_.log->warning(component, "the feed was cut in front of a follower that is too slow", {},
                            {{"cursor", std::string(who)}, {"limit", options_.limits.feed_rows}});
  }
  overrun_ = over;
  keep_from = std::min(keep_from, last);
  if (keep_from <= about_.feed_first) return;
  batch_.erase_range(family::feed, row_keys::feed(about_.feed_first), row_keys::feed(keep_from));
  about_.feed_first = keep_from;
}

}  // namespace dsf::storage

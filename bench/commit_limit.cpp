#include "bench/commit_limit.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>

#include "actors/instance_host.hpp"
#include "base/bytes.hpp"
#include "bench/figure.hpp"

namespace dsf::bench {
namespace {

using base::fail;
using base::result;

// Different from anything that may stand beside it in a key.
constexpr std::uint64_t recorded_instance = storage::make_instance(0, 0x7d5f'b3a1'c2e4ULL);
constexpr std::uint64_t recorded_key = 0x5eed'0000'0000ULL;
constexpr std::size_t made_at_once = 8'000;  // commits; bounds the memory

std::string bytes_of(std::uint64_t n) {
  std::string out;
  base::put_u64(out, n);
  return out;
}

// Texts of equal length, old and new.
using renames = std::vector<std::pair<std::string, std::string>>;

void rename(std::string& in, const renames& names) {
  for (const auto& [from, to] : names)
    for (auto at = in.find(from); at != std::string::npos; at = in.find(from, at + from.size())) in.replace(at, from.size(), to);
}

struct renamer {
  const renames& names;
  const std::vector<std::pair<base::uuid, base::uuid>>& tasks;
  std::uint64_t instance;

  void id(base::uuid& u) const {
    for (const auto& [from, to] : tasks)
      if (u == from) u = to;
  }
  void number(std::uint64_t& n) const {
    if (n == recorded_instance) n = instance;
  }
  void operator()(storage::version_is& p) const { id(p.id); }
  void operator()(storage::absent& p) const { rename(p.key, names); }
  void operator()(storage::instance_at& p) const { number(p.instance); }
  void operator()(storage::unchanged& p) const {
    rename(p.from, names);
    rename(p.to, names);
  }
  void operator()(storage::row_is& p) const { rename(p.key, names); }
  void operator()(storage::put_resource& o) const {
    id(o.id);
    rename(o.body, names);
    for (auto& e : o.index) rename(e.value, names);
    std::ranges::sort(o.index);
    for (auto& k : o.unique) rename(k.key, names);
  }
  void operator()(storage::delete_resource& o) const { id(o.id); }
  void operator()(storage::purge_resource& o) const { id(o.id); }
  void operator()(storage::append_events& o) const {
    number(o.instance);
    for (auto& e : o.events) rename(e, names);
    if (o.snapshot) rename(*o.snapshot, names);
  }
  void operator()(storage::end_instance& o) const { number(o.instance); }
  void operator()(storage::forget_instance& o) const { number(o.instance); }
  void operator()(storage::put_row& o) const {
    rename(o.key, names);
    rename(o.value, names);
  }
  void operator()(storage::delete_row& o) const { rename(o.key, names); }
  void operator()(storage::put_inbox& o) const { rename(o.value, names); }
};

// The row an inbox commit wrote has its sequence in its key, which is known only once it was written.
void set_inbox_row(storage::commit& c, const std::string& from, const std::string& to) {
  for (auto& p : c.preconditions)
    if (auto* row = std::get_if<storage::row_is>(&p); row && row->in == storage::table::inbox && row->key == from) row->key = to;
  for (auto& o : c.operations)
    if (auto* row = std::get_if<storage::delete_row>(&o); row && row->in == storage::table::inbox && row->key == from) row->key = to;
}

}  // namespace

result<recorded_life> record(engine_site& site, life what) {
  recorded_life out;
  out.key = business_key(recorded_key);
  out.instance = recorded_instance;
  actors::instance_host host(site.context(), recorded_instance);
  const auto process = site.definitions().find(what == life::one_task ? "benchexample_oneTask" : "benchexample_oneWait", "1.0");
  if (!process) return fail(base::errc::invalid_argument, "the model is not deployed");
  host.create(process);

  const auto post = [&](task_kind kind) -> result<base::uuid> {
    storage::commit copy;
    const auto reply = site.post_task_and_wait(task_text(kind, out.key), [&](storage::commit& c, const fhir::write_set& w) {
      copy = c;
      storage::append(copy, w);
    });
    const auto id = created_id(reply);
    if (!id) return fail(base::errc::invalid_argument, "a Task was refused: " + describe(reply));
    out.commits.push_back(std::move(copy));
    out.inbox_from.push_back(-1);
    out.tasks.push_back(*id);
    return *id;
  };
  const auto advance = [&](bpmn::command command, base::uuid task) -> result<> {
    const auto rows = TRY(site.store().view()->rows(storage::table::inbox, storage::keys::inbox_prefix(0), 2));
    if (rows.size() != 1) return fail(base::errc::invalid_argument, fmt::format("{} rows in the inbox instead of one", rows.size()));
    actors::incoming in;
    in.what = std::move(command);
    in.task_id = task.to_string();
    in.consumes.emplace_back(storage::table::inbox, rows.front().key);
    std::vector<actors::incoming> commands;
    commands.push_back(std::move(in));
    auto step = TRY(host.plan(std::move(commands)));
    if (!step.refused.empty()) return base::failure(std::move(step.refused.front().second));
    out.inbox_from.push_back(static_cast<int>(out.commits.size()) - 1);
    out.inbox_rows.push_back(rows.front().key);
    out.commits.push_back(step.commit);
    TRY(site.store().submit_wait(std::move(step.commit)));
    host.adopt(step);
    return {};
  };

  const auto now = [&] { return site.context().clock->now(); };
  const auto start = TRY(post(what == life::one_task ? task_kind::start_one_task : task_kind::start_one_wait));
  const auto node = process->definition->starts.at(0);
  TRY(advance({now(), "task Task/" + start.to_string(),
               bpmn::start_instance{{}, out.key, node, process->definition->nodes[node].event.name, std::nullopt, {}}},
              start));
  if (what == life::one_wait) {
    const auto second = TRY(post(task_kind::go_on));
    TRY(advance({now(), "task Task/" + second.to_string(), bpmn::message_received{"goOn", {}, false, std::nullopt}}, second));
  }
  if (what != life::until_wait && host.running()) return fail(base::errc::invalid_argument, "the recorded instance did not end");
  return out;
}

namespace {

struct chain {
  std::vector<storage::commit> commits;
  std::size_t next = 0;
  std::int64_t submitted = 0;
};

class replay {
public:
  replay(engine_site& site, const recorded_life& life) : site_(&site), life_(&life), clock_(&base::system_clock_source()) {}

  result<> make(std::uint64_t first, std::size_t count) {
    auto& store = site_->store();
    auto& entropy = base::system_entropy();
    const auto number = TRY(store.allocate_instance_ids(0, static_cast<std::uint32_t>(count)));
    const auto old_text = store.external_id(recorded_instance);
    chains_.assign(count, {});
    for (std::size_t i = 0; i < count; ++i) {
      std::vector<std::pair<base::uuid, base::uuid>> tasks;
      renames names{{life_->key, business_key(recorded_key + 1 + first + i)},
                    {old_text, store.external_id(number + i)},
                    {bytes_of(recorded_instance), bytes_of(number + i)}};
      for (const auto& old : life_->tasks) {
        const auto fresh = base::uuid::random(entropy);
        tasks.emplace_back(old, fresh);
        names.emplace_back(old.to_string(), fresh.to_string());
        names.emplace_back(std::string(old.raw()), std::string(fresh.raw()));
      }
      const renamer change{names, tasks, number + i};
      auto& c = chains_[i].commits = life_->commits;
      for (auto& commit : c) {
        for (auto& p : commit.preconditions) std::visit(change, p);
        for (auto& o : commit.operations) std::visit(change, o);
      }
    }
    return {};
  }

  result<> run(unsigned in_flight, std::int64_t& took_us, std::vector<std::int64_t>& samples) {
    samples_ = &samples;
    begun_ = std::min<std::size_t>(in_flight, chains_.size());
    ended_ = 0;
    const auto from = clock_->steady_us();
    for (std::size_t i = 0, n = begun_; i < n; ++i) submit(i);
    std::unique_lock lock{mutex_};
    over_.wait(lock, [&] { return ended_ == chains_.size() || failure_; });
    took_us += clock_->steady_us() - from;
    if (failure_) return base::failure(*failure_);
    return {};
  }

private:
  void submit(std::size_t i) {
    auto& c = chains_[i];
    c.submitted = clock_->steady_us();
    site_->store().submit(std::move(c.commits[c.next]), [this, i](storage::result<storage::receipt> r) { answered(i, std::move(r)); });
  }

  // On the commit thread: the next one goes in before the next group is taken, so the concurrency is kept.
  void answered(std::size_t i, storage::result<storage::receipt> r) {
    auto& c = chains_[i];
    if (!r) {
      const std::lock_guard lock{mutex_};
      failure_ = r.error();
      over_.notify_all();
      return;
    }
    samples_->push_back(clock_->steady_us() - c.submitted);
    if (const auto next = c.next + 1; next < c.commits.size() && life_->inbox_from[next] == static_cast<int>(c.next))
      set_inbox_row(c.commits[next], life_->inbox_rows[next / 2], storage::keys::inbox(0, r->sequence, 0));
    if (++c.next < c.commits.size()) return submit(i);
    if (begun_ < chains_.size()) submit(begun_++);
    if (++ended_ < chains_.size()) return;
    const std::lock_guard lock{mutex_};
    over_.notify_all();
  }

  engine_site* site_;
  const recorded_life* life_;
  base::clock* clock_;
  std::vector<chain> chains_;
  std::vector<std::int64_t>* samples_ = nullptr;
  std::mutex mutex_;
  std::condition_variable over_;
  std::size_t begun_ = 0;
  std::atomic<std::size_t> ended_{0};
  std::optional<base::error> failure_;
};

}  // namespace

result<limit_outcome> commit_limit(engine_site& site, const recorded_life& life, std::uint64_t count, unsigned in_flight) {
  static std::uint64_t used = 0;  // business keys of this program's earlier runs
  const auto chains_at_once = made_at_once / life.commits.size();
  std::int64_t took_us = 0;
  std::vector<std::int64_t> samples;
  for (std::uint64_t made = 0; made < count;) {
    const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(chains_at_once, count - made));
    replay r(site, life);
    TRY(r.make(used, n));
    TRY(r.run(in_flight, took_us, samples));
    made += n;
    used += n;
  }
  limit_outcome out;
  out.commits_per_second = static_cast<double>(samples.size()) * 1e6 / static_cast<double>(std::max<std::int64_t>(1, took_us));
  out.p50_us = percentile(samples, 0.5);
  out.p99_us = percentile(samples, 0.99);
  return out;
}

}  // namespace dsf::bench

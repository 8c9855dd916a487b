#include "actors/retention/sweep.hpp"

#include <algorithm>
#include <future>

#include "actors/retention/rules_impl.hpp"

namespace dsf::actors {
namespace {

using base::result;

constexpr std::size_t things_at_once = 200;      // read in a step, and removed by as many commits
constexpr std::size_t young_at_most = 1'000;     // in a row, before the rest is taken to be younger still
constexpr std::size_t remembered_at_most = 10'000;

// How far one rule has come. Everything below `position` is gone, or stands in `kept`.
struct walk {
  explicit walk(std::unique_ptr<retention_rule> r) : rule(std::move(r)) {}
  std::unique_ptr<retention_rule> rule;
  std::uint64_t position = 0;
  std::vector<std::uint64_t> kept;
  // Of the sweep under way.
  std::size_t next_kept = 0;
  std::vector<std::uint64_t> still_kept;
  std::uint64_t at = 0;
  std::size_t young = 0;
  bool advancing = true;

  void begin() {
    next_kept = 0;
    still_kept.clear();
    at = position;
    young = 0;
    advancing = true;
  }
};

// What became of the candidates of one step; in their order.
struct judged {
  candidate what;
  verdict is = verdict::done;
  std::future<storage::result<storage::receipt>> answer;
};

}  // namespace

struct retention_walks::impl {
  impl(storage::store& s, const retention_rules& rules, bool dry) : store(&s), dry_run(dry) {
    // Data before the log: what is forgotten takes its data key along.
    for (std::size_t r = 0; r < removal_count; ++r)
      if (const auto& age = age_of(rules, static_cast<removal>(r))) walks.emplace_back(make_rule(static_cast<removal>(r), *age));
  }

  storage::store* store;
  bool dry_run;
  base::timestamp now;
  std::vector<walk> walks;
  std::size_t current = 0;
  removed_things removed;

  // Judges, and removes what is due. Its commits are on their way together: the commit thread writes them with few syncs.
  result<std::vector<judged>> remove(const walk& w, const storage::store_view& view, std::vector<candidate> candidates) {
    std::vector<judged> out;
    for (auto& c : candidates) {
      storage::commit commit;
      judged one{std::move(c), verdict::done, {}};
      one.is = TRY(w.rule->judge(view, one.what, now, commit));
      ++removed.looked_at;
      if (one.is == verdict::due && !dry_run) {
        auto promise = std::make_shared<std::promise<storage::result<storage::receipt>>>();
        one.answer = promise->get_future();
        store->submit(std::move(commit), [promise](storage::result<storage::receipt> r) { promise->set_value(std::move(r)); });
      }
      out.push_back(std::move(one));
    }
    std::optional<base::error> failed;
    for (auto& one : out) {
      if (one.is != verdict::due) continue;
      if (!dry_run) {
        auto answer = one.answer.get();
        if (!answer) {
          // A race: it was written meanwhile, and is looked at again with the next sweep.
          if (answer.error().kind() != base::error_kind::conflict) failed = std::move(answer).error();
          one.is = verdict::keep;
          continue;
        }
      }
      ++removed.count[static_cast<std::size_t>(w.rule->what())];
      one.is = verdict::done;
    }
    if (failed) return base::failure(std::move(*failed));
    return out;
  }

  result<void> look_at_kept(walk& w, const storage::store_view& view) {
    const auto end = std::min(w.next_kept + things_at_once, w.kept.size());
    std::vector<candidate> candidates;
    for (auto i = w.next_kept; i < end; ++i)
      for (auto& c : TRY(w.rule->read(view, w.kept[i], 1)))
        if (c.number == w.kept[i]) candidates.push_back(std::move(c));
    for (const auto& one : TRY(remove(w, view, std::move(candidates))))
      if (one.is != verdict::done) w.still_kept.push_back(one.what.number);
    w.next_kept = end;
    if (end == w.kept.size()) w.kept = std::exchange(w.still_kept, {});
    if (w.next_kept > w.kept.size()) w.next_kept = w.kept.size();
    return {};
  }

  // False: this rule is done.
  result<bool> go_on(walk& w, const storage::store_view& view) {
    auto candidates = TRY(w.rule->read(view, w.at, things_at_once));
    const bool last = candidates.size() < things_at_once;
    for (const auto& one : TRY(remove(w, view, std::move(candidates)))) {
      w.at = one.what.number + 1;
      w.young = one.is == verdict::young ? w.young + 1 : 0;
      if (!w.advancing) continue;
      const bool remembered = one.is == verdict::keep && w.kept.size() < remembered_at_most;
      if (remembered) w.kept.push_back(one.what.number);
      if (one.is == verdict::done || remembered)
        w.position = w.at;
      else
        w.advancing = false;
    }
    w.next_kept = w.kept.size();  // what was found in this sweep is not looked at twice
    return !last && w.young < young_at_most;
  }

  result<bool> step() {
    if (current >= walks.size()) return false;
    const auto view = store->view();
    if (!view) return base::fail(storage::errc::closed, "the store is closed");
    auto& w = walks[current];
    if (w.next_kept < w.kept.size())
      TRY(look_at_kept(w, *view));
    else if (!TRY(go_on(w, *view)))
      ++current;
    return current < walks.size();
  }
};

retention_walks::retention_walks(storage::store& store, retention_rules rules, bool dry_run)
    : impl_(std::make_unique<impl>(store, rules, dry_run)) {}
retention_walks::~retention_walks() = default;
retention_walks::retention_walks(retention_walks&&) noexcept = default;

void retention_walks::begin(base::timestamp now) {
  impl_->now = now;
  impl_->current = 0;
  impl_->removed = {};
  for (auto& w : impl_->walks) w.begin();
}

result<bool> retention_walks::step() { return impl_->step(); }
const removed_things& retention_walks::removed() const { return impl_->removed; }

}  // namespace dsf::actors

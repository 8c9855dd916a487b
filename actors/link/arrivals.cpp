#include "actors/link/arrivals.hpp"

#include <charconv>
#include <future>
#include <unordered_set>

#include "actors/inbox.hpp"
#include "actors/link/rows.hpp"
#include "actors/task_document.hpp"
#include "base/mutant.hpp"

namespace dsf::actors {

using base::json;
using base::result;

result<std::optional<base::timestamp>> arrivals::cursor() const {
  const auto view = store_->view();
  if (!view) return base::fail(storage::errc::closed, "the store is closed");
  const auto row = TRY(view->row_value(storage::table::meta, cursor_key("Task")));
  if (!row) return std::nullopt;
  return TRY(base::parse_iso(TRY(decode_text(*row))));
}

result<bool> arrivals::may_be_forgotten(const json& task) const {
  const auto newest = TRY(cursor());
  if (!newest) return false;
  return TRY(base::parse_iso(task["meta"]["lastUpdated"].str())).us + positions_kept_us <= newest->us;
}

// docs/design.md, decision 18: running work is finished, new work waits for room.
result<bool> arrivals::starts_new_work(const storage::store_view& view, const json& task) const {
  const auto facts = facts_of(task);
  if (!facts.process || facts.business_key.empty()) return true;
  return !TRY(view.row_value(storage::table::business_key,
                             storage::keys::business_key(0, facts.process->key + "|" + facts.process->version, facts.business_key)))
              .has_value();
}

result<arrivals::outcome> arrivals::take(std::span<const json> resources) {
  outcome out;
  const auto view = store_->view();
  if (!view) return base::fail(storage::errc::closed, "the store is closed");
  const bool low_space = store_->status().low_space;
  const auto before = TRY(cursor());
  auto newest = before;
  std::unordered_set<std::string> here;
  std::vector<std::future<storage::result<storage::receipt>>> answers;
  for (const auto& task : resources) {
    if (task["resourceType"].str() != "Task" || task["status"].str() != "requested") continue;
    const auto& name = task["id"].str();
    const auto id = TRY(base::uuid::parse(name));
    if (!here.insert(name).second || TRY(view->row_value(storage::table::meta, task_key(name)))) {
      ++out.known;
      continue;
    }
    if (low_space && TRY(starts_new_work(*view, task))) {
      ++out.left;
      continue;
    }
    task_position at;
    const auto& version = task["meta"]["versionId"].str();
    if (std::from_chars(version.data(), version.data() + version.size(), at.remote).ec != std::errc{})
      return base::fail(base::errc::parse, "a Task of the endpoint has no version", "Task/" + name);
    at.written = TRY(base::parse_iso(task["meta"]["lastUpdated"].str()));
    storage::commit c;
    c.preconditions.push_back(storage::row_is{storage::table::meta, task_key(name), false});
    c.preconditions.push_back(storage::version_is{"Task", id, 0});
    c.operations.push_back(TRY(put_(task, id)));
    c.operations.push_back(storage::put_inbox{encode_inbox({inbox_kind::task, name})});
    c.operations.push_back(storage::put_row{storage::table::meta, task_key(name), encode(at)});
    if (!newest || at.written.us > newest->us) newest = at.written;
    auto promise = std::make_shared<std::promise<storage::result<storage::receipt>>>();
    answers.push_back(promise->get_future());
    // All are on their way before the first one is waited for: the commit thread writes them with one sync.
    store_->submit(std::move(c), [promise](storage::result<storage::receipt> r) { promise->set_value(std::move(r)); });
  }
  std::optional<base::error> failed;
  for (auto& a : answers) {
    const auto r = get_on(drive_, a);
    if (r) {
      ++out.taken;
    } else if (r.error().kind() == base::error_kind::conflict) {
      ++out.known;
    } else {
      failed = r.error();
    }
  }
  if (failed) return base::failure(std::move(*failed));
  // Only now: what failed or was left must be found again.
  if (DSF_MUTANT("link-cursor-is-ahead") && newest) newest = base::timestamp{newest->us + 3'600 * base::us_per_s};
  if (out.left == 0 && newest && newest != before) {
    storage::commit c;
    c.operations.push_back(storage::put_row{storage::table::meta, cursor_key("Task"), encode_text(base::to_iso(*newest))});
    TRY(store_->submit_wait(std::move(c)));
  }
  if (out.left > 0)
    log_->warning("link", "Tasks wait at the endpoint: the disk is nearly full", {}, {{"tasks", static_cast<std::int64_t>(out.left)}});
  return out;
}

}  // namespace dsf::actors

#include "actors/link/trimming.hpp"

#include <future>
#include <vector>

#include "actors/link/arrivals.hpp"
#include "actors/link/rows.hpp"
#include "actors/task_document.hpp"
#include "base/mutant.hpp"

namespace dsf::actors {
namespace {

using base::result;

constexpr std::size_t rows_at_once = 256;

// The commit that removes it; nothing if it is still needed.
result<std::optional<storage::commit>> removal(const storage::store_view& view, const storage::row& row, base::timestamp newest) {
  const auto at = TRY(decode_task_position(row.value));
  // What the endpoint refused may still be requested there: without its position it would be taken over again.
  if (at.delivered == given_up || at.written.us == 0 || at.written.us + positions_kept_us > newest.us) return std::nullopt;
  const auto name = row.key.substr(task_prefix.size());
  const auto id = TRY(base::uuid::parse(name));
  storage::commit c;
  c.preconditions.push_back(storage::row_is{storage::table::meta, undelivered_key(name), false});
  const auto current = TRY(view.current("Task", id));
  if (current && !current->deleted) {
    const auto task = TRY(base::json::parse(*current->bytes));
    const auto& status = task["status"].str();
    if ((status != "completed" && status != "failed") || at.delivered != current->version) return std::nullopt;
    const auto facts = facts_of(task);
    if (facts.process) {
      // Handlers of a living instance read all its Tasks.
      const auto key = storage::keys::business_key(0, facts.process->key + "|" + facts.process->version, facts.business_key);
      if (TRY(view.row_value(storage::table::business_key, key)) && !DSF_MUTANT("actors.living_instance_loses_tasks")) return std::nullopt;
      if (!DSF_MUTANT("actors.living_instance_loses_tasks"))
        c.preconditions.push_back(storage::row_is{storage::table::business_key, key, false});
    }
    if (TRY(view.row_value(storage::table::meta, undelivered_key(name)))) return std::nullopt;
    c.preconditions.push_back(storage::version_is{"Task", id, current->version});
    c.operations.push_back(storage::purge_resource{"Task", id});
  }
  c.operations.push_back(storage::delete_row{storage::table::meta, row.key});
  return c;
}

}  // namespace

result<trimming::outcome> trimming::step(base::timestamp newest) {
  outcome out;
  const auto view = store_->view();
  if (!view) return base::fail(storage::errc::closed, "the store is closed");
  const auto rows = TRY(view->rows(storage::table::meta, task_prefix, rows_at_once, from_));
  std::vector<std::future<storage::result<storage::receipt>>> answers;
  for (const auto& row : rows) {
    from_ = row.key + '\0';
    auto c = TRY(removal(*view, row, newest));
    if (!c) continue;
    auto promise = std::make_shared<std::promise<storage::result<storage::receipt>>>();
    answers.push_back(promise->get_future());
    store_->submit(std::move(*c), [promise](storage::result<storage::receipt> r) { promise->set_value(std::move(r)); });
  }
  std::optional<base::error> failed;
  for (auto& a : answers) {
    const auto r = get_on(drive_, a);
    // A conflict: it is needed again; the next round looks anew.
    if (r)
      ++out.trimmed;
    else if (r.error().kind() != base::error_kind::conflict)
      failed = r.error();
  }
  if (failed) return base::failure(std::move(*failed));
  out.round_over = rows.size() < rows_at_once;
  if (out.round_over) from_.clear();
  return out;
}

}  // namespace dsf::actors

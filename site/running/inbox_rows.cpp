#include "site/running/inbox_rows.hpp"

#include <unordered_set>

#include "actors/inbox.hpp"
#include "base/json.hpp"
#include "storage/keys.hpp"

namespace dsf::site {
namespace {

using base::result;

constexpr std::size_t rows_at_once = 500;
// Row of table M: requested Tasks of this store may lack their inbox rows.
constexpr std::string_view no_rows_key = "inbox/none";

result<> drop_rows(storage::store& store, const base::logger& log) {
  std::size_t dropped = 0;
  std::string from;
  for (;;) {
    const auto rows = TRY(store.view()->rows(storage::table::inbox, storage::keys::inbox_prefix(0), rows_at_once, from));
    storage::commit c;
    for (const auto& row : rows) {
      from = row.key + '\0';
      // Signals are of instances, which wait for an engine to come back.
      if (TRY(actors::decode_inbox(row.value)).kind != actors::inbox_kind::task) continue;
      c.operations.push_back(storage::delete_row{storage::table::inbox, row.key});
      ++dropped;
    }
    if (!c.operations.empty()) TRY(store.submit_wait(std::move(c)));
    if (rows.size() < rows_at_once) break;
  }
  if (dropped > 0)
    log.info("site", "inbox rows were dropped: this program has no engine", {}, {{"rows", static_cast<std::int64_t>(dropped)}});
  return {};
}

result<> add_rows(storage::store& store, const base::logger& log) {
  std::unordered_set<std::string> there;
  const auto view = store.view();
  std::string from;
  for (;;) {
    const auto rows = TRY(view->rows(storage::table::inbox, storage::keys::inbox_prefix(0), rows_at_once, from));
    for (const auto& row : rows) {
      from = row.key + '\0';
      there.insert(TRY(actors::decode_inbox(row.value)).subject);
    }
    if (rows.size() < rows_at_once) break;
  }
  std::size_t added = 0;
  storage::commit c;
  for (const auto& id : TRY(view->all_ids("Task", SIZE_MAX))) {
    const auto stored = TRY(view->current("Task", id));
    if (!stored || stored->deleted || there.contains(id.to_string())) continue;
    if (TRY(base::json::parse(*stored->bytes))["status"].str() != "requested") continue;
    c.operations.push_back(storage::put_inbox{actors::encode_inbox({actors::inbox_kind::task, id.to_string()})});
    ++added;
    if (c.operations.size() < rows_at_once) continue;
    TRY(store.submit_wait(std::move(c)));
    c = {};
  }
  // Last: what was interrupted is done again.
  c.operations.push_back(storage::delete_row{storage::table::meta, std::string(no_rows_key)});
  TRY(store.submit_wait(std::move(c)));
  log.info("site", "this program has an engine now: requested Tasks were put into its inbox", {},
           {{"tasks", static_cast<std::int64_t>(added)}});
  return {};
}

}  // namespace

result<> settle_inbox(storage::store& store, bool engine_here, const base::logger& log) {
  const auto noted = TRY(store.view()->row_value(storage::table::meta, std::string(no_rows_key))).has_value();
  if (engine_here) return noted ? add_rows(store, log) : result<>{};
  if (!noted) {
    storage::commit c;
    c.operations.push_back(storage::put_row{storage::table::meta, std::string(no_rows_key), "\1"});
    TRY(store.submit_wait(std::move(c)));
  }
  return drop_rows(store, log);
}

}  // namespace dsf::site

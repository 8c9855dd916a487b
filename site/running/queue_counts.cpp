#include "site/running/queue_counts.hpp"

#include <unordered_set>

#include "actors/inbox.hpp"
#include "base/bytes.hpp"

namespace dsf::site {
namespace {

constexpr std::size_t rows_at_once = 1'000;
constexpr std::int64_t pause_factor = 50;

base::result<> for_each_row(const storage::store_view& view, storage::table in, std::string_view prefix,
                            const std::function<void(const storage::row&)>& what) {
  std::string from;
  for (;;) {
    const auto rows = TRY(view.rows(in, prefix, rows_at_once, from));
    for (const auto& row : rows) what(row);
    if (rows.size() < rows_at_once) return {};
    from = rows.back().key + '\0';
  }
}

}  // namespace

base::result<queue_counts> count_queues(const storage::store_view& view, base::timestamp now) {
  queue_counts out;
  out.counted = now;
  std::unordered_set<std::uint64_t> with_incident;
  TRY(for_each_row(view, storage::table::subscription, storage::keys::subscription_prefix(0, 'i', "incident", {}),
                   [&](const storage::row& row) {
                     ++out.incidents;
    // ... instance (8 bytes), job (4 bytes)
                     if (row.key.size() >= 12)
                       with_incident.insert(base::byte_reader{std::string_view(row.key).substr(row.key.size() - 12, 8)}.u64());
                   }));
  TRY(for_each_row(view, storage::table::business_key, {}, [&](const storage::row& row) {
    base::byte_reader key{row.key}, value{row.value};
    key.u16();
    const auto process = key.ordered();
    value.u8();
    const auto instance = value.u64();
    if (!key.ok() || !value.ok()) return;
    auto& counts = out.processes[process];
    ++(with_incident.contains(instance) ? counts.incident : counts.running);
  }));
  TRY(for_each_row(view, storage::table::timer, {}, [&](const storage::row&) { ++out.timers; }));
  TRY(for_each_row(view, storage::table::inbox, {}, [&](const storage::row&) { ++out.inbox; }));
  TRY(for_each_row(view, storage::table::outbox, {}, [&](const storage::row& row) {
    const auto entry = actors::decode_outbox(row.value);
    if (!entry) return;  // the actor that reads it says so
    auto& box = out.outboxes[entry->endpoint_url];
    if (box.entries++ == 0 || entry->created < box.oldest) box.oldest = entry->created;
  }));
  return out;
}

queue_counts queue_watch::look(const storage::store_view* view, const base::clock& clock) {
  const std::lock_guard lock{mutex_};
  const auto began = clock.steady_us();
  if (!view || began < next_us_) return last_;
  if (auto counted = count_queues(*view, clock.now())) last_ = std::move(*counted);
  const auto ended = clock.steady_us();
  next_us_ = ended + (ended - began) * pause_factor;
  return last_;
}

}  // namespace dsf::site

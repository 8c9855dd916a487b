// Removing by age, and backups, of a running site.
#include <algorithm>

#include "actors/erasure.hpp"
#include "site/running/errc.hpp"
#include "site/running/parts.hpp"
#include "storage/backup/backup.hpp"
#include "storage/erase.hpp"

namespace dsf::site {
namespace {

using base::fail;
using base::result;

constexpr std::int64_t first_sweep_us = 5 * 60 * base::us_per_s;

// "P1M", "P30D", "PT90S"
std::string to_text(const std::optional<base::iso_duration>& age) {
  if (!age) return "never";
  constexpr std::int64_t day_us = 86'400 * base::us_per_s;
  std::string out = "P";
  if (age->months != 0) out += age->months % 12 == 0 ? std::to_string(age->months / 12) + "Y" : std::to_string(age->months) + "M";
  if (const auto days = age->us / day_us; days != 0) out += std::to_string(days) + "D";
  if (const auto rest = age->us % day_us; rest != 0) out += "T" + std::to_string(rest / base::us_per_s) + "S";
  return out;
}

actors::retention_rules rules_of(const retention_config& c) {
  return {c.instances, c.instance_log, c.tasks, c.binaries, c.questionnaire_responses};
}

std::vector<retention_line> lines_of(const retention_config& c, const actors::removed_things& removed) {
  std::vector<retention_line> out;
  for (std::size_t i = 0; i < actors::removal_count; ++i) {
    const auto what = static_cast<actors::removal>(i);
    out.push_back({std::string(to_string(what)), to_text(age_of(rules_of(c), what)), removed.of(what)});
  }
  return out;
}

}  // namespace

void running_site::parts::start_retention() {
  actors::retention_options o;
  o.store = store.get();
  o.log = log.get();
  o.clock = &base::system_clock_source();
  o.rules = rules_of(config.retention);
  o.interval_us = config.retention.interval_us;
  o.first_us = std::min(first_sweep_us, config.retention.interval_us);
  retention = std::make_unique<actors::retention_keeper>(std::move(o));
}

result<retention_overview> running_site::retention() {
  const auto s = parts_->retention->status();
  return retention_overview{lines_of(parts_->config.retention, s.total), s.sweeps, s.failed, s.last, s.last_took_us, s.next, s.last_error};
}

result<retention_result> running_site::run_retention(bool dry_run) {
  const auto r = TRY(parts_->retention->run(dry_run));
  return retention_result{lines_of(parts_->config.retention, r.removed), r.removed.looked_at, r.took_us, r.dry_run};
}

result<> running_site::back_up(const std::string& destination, const std::string& keys,
                               const std::function<bool(const store_copy_progress&)>& progress) {
  auto& p = *parts_;
  store_copy_progress now;
  bool broken = false;
  const auto report = storage::back_up(*p.store, base::system_clock_source(), destination, keys, [&](const storage::backup_progress& b) {
    now.rows = b.rows;
    now.bytes = b.bytes;
    // A store that failed has to be closed and opened again, which a snapshot in use would hold up.
    broken = p.store->status().may_recover;
    return !broken && progress(now);
  });
  if (broken) return fail(running_errc::cannot_start, "the store's disk failed meanwhile; try again when /status is well", destination);
  if (!report) return base::failure(report.error());
  p.log->info("site", "backup taken", {},
              {{"destination", destination},
               {"rows", static_cast<std::int64_t>(report->rows)},
               {"sequence", static_cast<std::int64_t>(report->sequence)},
               {"data_keys", keys.empty() ? std::string("left out") : keys}});
  progress({report->rows, report->bytes, report->keys, report->sequence, true});
  return {};
}

result<> running_site::erase_data(const std::string& what, bool for_ever) {
  if (!for_ever)
    return fail(running_errc::bad_request,
                "what is erased can't be brought back, not from backups either; it must be said that this is meant", what);
  auto& store = *parts_->store;
  if (const auto slash = what.find('/'); slash != what.npos) {
    const auto id = base::uuid::parse(std::string_view(what).substr(slash + 1));
    if (slash == 0 || !id) return fail(running_errc::bad_request, "a resource is named as Type/id, with a UUID as id", what);
    TRY(actors::erase_resource(store, what.substr(0, slash), *id));
  } else {
    TRY(storage::erase_instance(store, TRY(store.internal_id_of(what)).instance));
  }
  parts_->log->info("site", "data erased", {}, {{"what", what}});
  return {};
}

result<store_copy_progress> running_site::write_data_keys(const std::string& file) {
  const auto report = TRY(storage::write_data_keys(*parts_->store, file));
  parts_->log->info("site", "data keys written", {}, {{"file", file}, {"keys", static_cast<std::int64_t>(report.keys)}});
  return store_copy_progress{0, 0, report.keys, report.sequence, true};
}

}  // namespace dsf::site

#include "site/admin/convert_impl.hpp"

namespace dsf::site {
namespace {

template <class Lines>
void add_lines(const std::vector<retention_line>& from, Lines& to) {
  for (const auto& l : from) {
    auto& line = *to.Add();
    line.set_what(l.what);
    line.set_age(l.age);
    line.set_removed(l.removed);
  }
}

template <class Lines>
std::vector<retention_line> lines_of(const Lines& from) {
  std::vector<retention_line> to;
  for (const auto& l : from) to.push_back({l.what(), l.age(), l.removed()});
  return to;
}

}  // namespace

void to_proto(const retention_overview& from, pb::RetentionOverview& to) {
  add_lines(from.rules, *to.mutable_rules());
  to.set_sweeps(from.sweeps);
  to.set_failed(from.failed);
  to.set_last_us(from.last.us);
  to.set_last_took_us(from.last_took_us);
  to.set_next_us(from.next.us);
  to.set_last_error(from.last_error);
}

retention_overview from_proto(const pb::RetentionOverview& from) {
  return {lines_of(from.rules()), from.sweeps(), from.failed(), {from.last_us()}, from.last_took_us(), {from.next_us()}, from.last_error()};
}

void to_proto(const retention_result& from, pb::RetentionResult& to) {
  add_lines(from.rules, *to.mutable_rules());
  to.set_looked_at(from.looked_at);
  to.set_took_us(from.took_us);
  to.set_dry_run(from.dry_run);
}

retention_result from_proto(const pb::RetentionResult& from) {
  return {lines_of(from.rules()), from.looked_at(), from.took_us(), from.dry_run()};
}

void to_proto(const store_copy_progress& from, pb::BackupProgress& to) {
  to.set_rows(from.rows);
  to.set_bytes(from.bytes);
  to.set_keys(from.keys);
  to.set_sequence(from.sequence);
  to.set_finished(from.finished);
}

store_copy_progress from_proto(const pb::BackupProgress& from) {
  return {from.rows(), from.bytes(), from.keys(), from.sequence(), from.finished()};
}

void to_proto(const restored_overview& from, pb::RestoredOverview& to) {
  to.set_backup_taken(from.backup_taken);
  to.set_messages(from.messages);
  to.set_tasks(from.tasks);
  to.set_handlers(from.handlers);
  to.set_timers(from.timers);
  for (const auto& l : from.lines) {
    auto& line = *to.add_lines();
    line.set_kind(l.kind);
    line.set_instance(l.instance);
    line.set_process(l.process);
    line.set_business_key(l.business_key);
    line.set_what(l.what);
    line.set_partner(l.partner);
    line.set_since_us(l.since.us);
    line.set_there(l.there);
  }
}

restored_overview from_proto(const pb::RestoredOverview& from) {
  restored_overview to{from.backup_taken(), {}, from.messages(), from.tasks(), from.handlers(), from.timers()};
  for (const auto& l : from.lines())
    to.lines.push_back({l.kind(), l.instance(), l.process(), l.business_key(), l.what(), l.partner(), {l.since_us()}, l.there()});
  return to;
}

}  // namespace dsf::site

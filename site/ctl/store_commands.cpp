#include "site/ctl/store_commands.hpp"

#include <fmt/format.h>

#include <ostream>

#include "fhir/semantics/directory.hpp"
#include "fhir/semantics/search/index.hpp"
#include "site/ctl/render.hpp"
#include "site/ctl/text_table.hpp"
#include "storage/backup/backup.hpp"
#include "storage/errors.hpp"
#include "storage/index_check.hpp"
#include "storage/store.hpp"

namespace dsf::site::ctl {
namespace {

using base::json;
using base::result;

json to_json(const std::vector<retention_line>& rules) {
  json::array lines;
  for (const auto& r : rules) lines.push_back(json::object{{"what", r.what}, {"age", r.age}, {"removed", r.removed}});
  return lines;
}

std::string table_of(const std::vector<retention_line>& rules, const char* removed, std::size_t width) {
  text_table t({"WHAT", "AGE", removed});
  t.align_right(2);
  for (const auto& r : rules) t.add({r.what, r.age, std::to_string(r.removed)});
  return t.str(width);
}

json to_json(const store_copy_progress& p) {
  return json::object{{"rows", p.rows}, {"bytes", p.bytes}, {"keys", p.keys}, {"sequence", p.sequence}};
}

// Tells on standard error how far it is.
class progress_line {
public:
  explicit progress_line(ctl_output& o, std::string_view doing) : o_(o), doing_(doing) {}
  void show(std::uint64_t rows, std::uint64_t bytes, bool last) {
    if (o_.json || (!o_.terminal && !last)) return;
    o_.err << (o_.terminal ? "\r" : "") << fmt::format("{}: {} rows, {}", doing_, rows, human_bytes(bytes)) << std::flush;
    if (last) o_.err << "\n";
  }

private:
  ctl_output& o_;
  std::string_view doing_;
};

}  // namespace

result<> retention_status(ctl_output& o, admin_calls& site) {
  const auto s = TRY(site.retention());
  if (o.json) {
    o.out << json(json::object{{"rules", to_json(s.rules)},
                               {"sweeps", s.sweeps},
                               {"failed", s.failed},
                               {"last", json_time(s.last)},
                               {"last_took_us", s.last_took_us},
                               {"next", json_time(s.next)},
                               {"last_error", s.last_error}})
                 .dump()
          << "\n";
    return {};
  }
  o.out << table_of(s.rules, "REMOVED", o.width);
  const auto now = o.clock.now();
  o.out << (s.last.us == 0
                ? std::string("no sweep since the start")
                : fmt::format("last sweep {}, {} ms; {} since the start", relative_time(s.last, now), s.last_took_us / 1'000, s.sweeps))
        << fmt::format("; next {}\n", relative_time(s.next, now));
  if (!s.last_error.empty()) o.out << fmt::format("{} failed, the last one: {}\n", s.failed, s.last_error);
  return {};
}

result<> retention_run(ctl_output& o, admin_calls& site, bool dry_run) {
  const auto r = TRY(site.run_retention(dry_run));
  if (o.json) {
    o.out << json(json::object{{"rules", to_json(r.rules)}, {"looked_at", r.looked_at}, {"took_us", r.took_us}, {"dry_run", r.dry_run}})
                 .dump()
          << "\n";
    return {};
  }
  o.out << table_of(r.rules, r.dry_run ? "WOULD GO" : "REMOVED", o.width);
  o.out << fmt::format("looked at {} in {} ms\n", r.looked_at, r.took_us / 1'000);
  return {};
}

result<> store_restored(ctl_output& o, admin_calls& site) {
  const auto r = TRY(site.restored());
  if (o.json) {
    json::array lines;
    for (const auto& l : r.lines)
      lines.push_back(json::object{{"kind", l.kind},
                                   {"instance", l.instance},
                                   {"process", l.process},
                                   {"business_key", l.business_key},
                                   {"what", l.what},
                                   {"partner", l.partner},
                                   {"since", json_time(l.since)},
                                   {"there", l.there}});
    o.out << json(json::object{{"backup_taken", r.backup_taken},
                               {"messages", r.messages},
                               {"tasks", r.tasks},
                               {"handlers", r.handlers},
                               {"timers", r.timers},
                               {"lines", std::move(lines)}})
                 .dump()
          << "\n";
    return {};
  }
  if (r.backup_taken.empty()) {
    o.out << "nothing is held: the site goes on\n";
    return {};
  }
  text_table t({"KIND", "WHAT", "PARTNER", "THERE ALREADY", "PROCESS", "BUSINESS KEY", "SINCE"});
  for (const auto& l : r.lines)
    t.add({l.kind, l.what, l.partner, l.there, l.process, l.business_key, relative_time(l.since, o.clock.now())});
  o.out << fmt::format("the backup was taken {}; since then the site may have done what follows already\n", r.backup_taken)
        << t.str(o.width);
  o.out << fmt::format("{} messages to send, {} Tasks to take up, {} handlers to run again, {} timers due", r.messages, r.tasks, r.handlers,
                       r.timers);
  if (r.messages + r.tasks + r.handlers + r.timers > r.lines.size()) o.out << fmt::format("; {} are listed", r.lines.size());
  o.out << "\nA message that its receiver has already is recognised there and taken once. `dsfctl store release --yes` lets the site go "
           "on.\n";
  return {};
}

result<> store_release(ctl_output& o, admin_calls& site, bool yes) {
  if (!yes)
    return base::fail(admin_errc::invalid,
                      "this lets the site send and run what `dsfctl store restored` shows; say --yes when you have seen it");
  TRY(site.release_restored());
  o.out << (o.json ? "{}\n" : "released: the site goes on\n");
  return {};
}

result<> store_backup(ctl_output& o, admin_calls& site, const store_places& options) {
  store_copy_progress last;
  progress_line line(o, "backup");
  TRY(site.back_up(options.backup, options.keys, [&](const store_copy_progress& p) {
    last = p;
    line.show(p.rows, p.bytes, p.finished);
    return true;
  }));
  if (o.json) {
    o.out << json(to_json(last)).dump() << "\n";
  } else {
    o.out << fmt::format("backup of commit {} in {}: {} rows, {}; ", last.sequence, options.backup, last.rows, human_bytes(last.bytes))
          << (options.keys.empty() ? fmt::format("{} data keys left out\n", last.keys)
                                   : fmt::format("{} data keys in {}\n", last.keys, options.keys));
  }
  return {};
}

result<> store_keys(ctl_output& o, admin_calls& site, const std::string& file) {
  const auto done = TRY(site.write_data_keys(file));
  if (o.json)
    o.out << json(to_json(done)).dump() << "\n";
  else
    o.out << fmt::format("{} data keys of commit {} in {}\n", done.keys, done.sequence, file);
  return {};
}

result<> store_restore(ctl_output& o, const store_places& options) {
  progress_line line(o, "restore");
  const auto made = TRY(storage::restore(options.backup, options.store, options.keys, [&](const storage::backup_progress& p) {
    line.show(p.rows, p.bytes, false);
    return true;
  }));
  line.show(made.rows, made.bytes, true);
  if (o.json) {
    o.out << json(json::object{{"rows", made.rows}, {"bytes", made.bytes}, {"keys", made.keys}, {"sequence", made.sequence}}).dump()
          << "\n";
  } else {
    o.out << fmt::format("store of commit {} in {}: {} rows, {}; ", made.sequence, options.store, made.rows, human_bytes(made.bytes))
          << (options.keys.empty() ? std::string("no data keys: what is under one can't be read\n")
                                   : fmt::format("{} data keys\n", made.keys));
  }
  return {};
}

result<> store_verify(ctl_output& o, const loaded_settings& settings) {
  if (!settings.problems.empty()) return base::failure(settings.problems.front());
  const auto& config = settings.config;
  storage::store_options options;
  options.path = config.store_path;
  options.master_key_file = config.store_master_key_file;
  options.create = false;
  options.read_only = true;
  const auto store = TRY(storage::store::open(std::move(options)));
  const auto view = store->view();
  const auto allow_list = TRY(fhir::directory::build(*view, config.base_url));
  progress_line line(o, "verify");
  const auto r = TRY(storage::check_index(
      *view, [&](const json& resource) { return fhir::index_entries(resource, allow_list.get(), config.base_url); },
      [&](std::uint64_t rows) {
        line.show(rows, 0, false);
        return true;
      }));
  line.show(r.rows, 0, true);
  if (o.json) {
    json::array examples;
    for (const auto& e : r.examples) examples.push_back(e);
    o.out << json(json::object{{"resources", r.resources},
                               {"rows", r.rows},
                               {"missing", r.missing},
                               {"stray", r.stray},
                               {"different", r.different},
                               {"examples", std::move(examples)}})
                 .dump()
          << "\n";
  } else {
    o.out << fmt::format("{} resources, {} rows of the index: {} missing, {} of no resource, {} resources whose content gives others\n",
                         r.resources, r.rows, r.missing, r.stray, r.different);
    for (const auto& e : r.examples) o.out << "  " << e << "\n";
  }
  if (!r.whole()) return base::fail(storage::errc::damaged, "the index is not the one that the resources give", config.store_path);
  return {};
}

result<> store_check(ctl_output& o, const std::string& path) {
  progress_line line(o, "check");
  const auto found = TRY(storage::check(path, [&](const storage::backup_progress& p) {
    line.show(p.rows, p.bytes, false);
    return true;
  }));
  line.show(found.rows, found.bytes, true);
  if (o.json) {
    o.out << json(json::object{{"kind", found.is_backup ? "backup" : "store"},
                               {"rows", found.rows},
                               {"bytes", found.bytes},
                               {"keys", found.keys},
                               {"sequence", found.sequence}})
                 .dump()
          << "\n";
  } else {
    o.out << fmt::format("this {} is whole: commit {}, {} rows, {}\n", found.is_backup ? "backup" : "store", found.sequence, found.rows,
                         human_bytes(found.bytes));
  }
  return {};
}

}  // namespace dsf::site::ctl

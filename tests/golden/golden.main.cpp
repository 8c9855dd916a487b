// Writes a golden store: tests/golden/stores/NAME.tar.gz and the ledger NAME.json beside it. An old one is never written again.
#include <fmt/format.h>

#include <fstream>
#include <functional>
#include <iostream>
#include <thread>

#include "actors/inbox.hpp"
#include "site/version.hpp"
#include "tests/golden/golden_site.hpp"
#include "tests/support/programs.hpp"

namespace dsf::tests {
namespace {

namespace fs = std::filesystem;
using base::fail;
using base::json;
using base::result;

constexpr int wait_ms = 20'000;

result<> eventually(const std::string& what, const std::function<result<bool>()>& so) {
  for (int waited = 0; waited < wait_ms; waited += 5) {
    if (TRY(so())) return {};
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return fail(base::errc::io, "it did not come to this: " + what);
}

struct planned {
  const char* process;
  const char* key;
  std::vector<std::string> waits;  // where it stands in the store
};
const planned plan[] = {
    {"message", "message-1", {"message wait"}},
    {"message", "message-2", {"message wait"}},
    {"message", "ended-1", {}},
    {"timer", "timer-1", {"timer sleep"}},
    {"user", "user-1", {"user task decide"}},
    {"each", "each-1", {"user task one", "user task one"}},
    {"backoff", "backoff-1", {"handler work"}},
    {"incident", "incident-1", {"incident work"}},
    {"send", "send-1", {"delivery send"}},
    {"signal", "signal-1", {"signal hear"}},
};

result<bool> stands(golden_site& s, const std::string& key, const std::vector<std::string>& waits) {
  const auto all = TRY(s.instances());
  const auto at = all.find(key);
  if (at == all.end()) return false;
  const auto h = TRY(s.load(at->second));
  if (waits.empty()) return !h.running();
  // Back-off: not the first attempt.
  for (const auto& j : h.state().jobs)
    if (key == "backoff-1" && j.attempt < 2) return false;
  return TRY(s.waits(at->second)) == waits;
}

result<> write_group(golden_site& s) {
  const auto id = TRY(base::uuid::parse(golden_group));
  for (const char* name : {"first", "second"}) {
    const json group = json::object{{"resourceType", "Group"}, {"type", "person"}, {"actual", false}, {"name", name}};
    storage::commit c;
    c.operations.push_back(TRY(s.put(group, id)));
    TRY(s.store().submit_wait(std::move(c)));
  }
  storage::commit c;
  c.operations.push_back(storage::delete_resource{"Group", id});
  TRY(s.store().submit_wait(std::move(c)));
  return {};
}

result<json> fill(golden_site& s) {
  TRY(write_group(s));
  s.handlers_fail = true;
  s.start_engine();
  json tasks(json::object{}), instances(json::object{});
  for (const auto& p : plan) {
    const auto id = TRY(s.post(p.process, "start", p.key));
    tasks.set(id, "in-progress");
    if (std::string_view(p.key) == "ended-1") {
      TRY(eventually("ended-1 waits", [&] { return stands(s, p.key, {"message wait"}); }));
      tasks.set(TRY(s.post(p.process, "goOn", p.key)), "completed");
      tasks.set(id, "completed");
    }
    if (std::string_view(p.key) == "each-1") {
      TRY(eventually("each-1 waits", [&] { return stands(s, p.key, {"user task one", "user task one", "user task one"}); }));
      const auto instance = TRY(s.instances()).at(p.key);
      const auto user_task = (*TRY(s.load(instance)).state().user_tasks.begin()).id;
      TRY(s.command(instance, {s.clock.now(), "operator", bpmn::complete_user_task{user_task, {}}}));
    }
    TRY(eventually(std::string(p.key) + " stands", [&] { return stands(s, p.key, p.waits); }));
    json waits(json::array{});
    for (const auto& w : p.waits) waits.push_back(w);
    instances.set(p.key, json::object{{"process", "goldenexample_" + std::string(p.process) + "|1.0"}, {"waits", std::move(waits)}});
  }
  s.stop_engine();
  // What has come so far goes to RocksDB's table files, the rest stays in its log.
  TRY(s.store().reopen());
  // Received, and not taken over: one starts an instance, one is for an instance that waits.
  tasks.set(TRY(s.post("message", "start", "received-1")), "requested");
  tasks.set(TRY(s.post("message", "goOn", "message-2")), "requested");
  json sent(json::array{});
  for (const auto& row : TRY(s.store().view()->rows(storage::table::outbox, {}, 10))) {
    const auto e = TRY(actors::decode_outbox(row.value));
    sent.push_back(e.outbox_id);
  }
  const auto count = [&](storage::table t) { return json(static_cast<std::uint64_t>(s.rows(t))); };
  return json(json::object{{"release", std::string(site::release)},
                           {"written", base::to_iso(s.clock.now(), 6)},
                           {"sequence", s.store().status().sequence},
                           {"instances", std::move(instances)},
                           {"tasks", std::move(tasks)},
                           {"outbox", std::move(sent)},
                           {"rows", json::object{{"inbox", count(storage::table::inbox)},
                                                 {"outbox", count(storage::table::outbox)},
                                                 {"timer", count(storage::table::timer)},
                                                 {"value", count(storage::table::value)},
                                                 {"business_key", count(storage::table::business_key)}}}});
}

result<> write(const std::string& name) {
  const fs::path stores = DSF_SOURCE_DIR "/tests/golden/stores";
  const auto archive = stores / (name + ".tar.gz"), ledger = stores / (name + ".json");
  if (fs::exists(archive) || fs::exists(ledger))
    return fail(base::errc::invalid_argument, "this golden store exists; an old one is never written again. Choose another name",
                archive.string());
  fs::create_directories(stores);
  const temp_folder folder("golden");
  auto site = TRY(golden_site::open(folder / "store", true));
  const auto about = TRY(fill(*site));
  TRY(site->close());
  // Without RocksDB's own log, which names this machine's folders, and without locks.
  const auto packed =
      run_to_end({"/usr/bin/tar", "--create", "--gzip", "--file", archive.string(), "--directory", folder.path().string(), "--owner=0",
                  "--group=0", "--numeric-owner", "--exclude=LOG*", "--exclude=LOCK", "--exclude=lock", "store"});
  if (packed.exit_code != 0) return fail(base::errc::io, "tar failed: " + packed.err, archive.string());
  write_text(ledger, about.dump_pretty() + "\n");
  fmt::print("{} ({} KiB)\n", archive.string(), fs::file_size(archive) >> 10);
  return {};
}

}  // namespace
}  // namespace dsf::tests

int main(int argc, char** argv) {
  if (argc != 3 || std::string_view(argv[1]) != "write") {
    std::cerr << "usage: dsf_golden write NAME      a store of today's code, in tests/golden/stores\n";
    return 2;
  }
  const auto done = dsf::tests::write(argv[2]);
  if (!done) std::cerr << "dsf_golden: " << done.error().to_string() << "\n";
  return done ? 0 : 1;
}

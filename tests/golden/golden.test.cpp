// Every store that a landed state ever wrote opens, holds what its ledger says, and its instances come to their end.
#include <algorithm>
#include <catch2/catch.hpp>
#include <set>
#include <thread>

#include "tests/golden/golden_site.hpp"
#include "tests/support/programs.hpp"

using namespace dsf;
using namespace dsf::tests;
namespace fs = std::filesystem;
using base::json;

namespace {

const fs::path stores = DSF_SOURCE_DIR "/tests/golden/stores";
constexpr int finish_ms = 30'000;
constexpr std::uintmax_t archive_bytes_at_most = 300 << 10;

template <class T>
T must(base::result<T>&& r) {
  if (!r) throw std::runtime_error(r.error().to_string());
  if constexpr (!std::is_void_v<T>) return *std::move(r);
}

std::vector<std::string> names() {
  std::vector<std::string> out;
  for (const auto& file : fs::directory_iterator(stores))
    if (file.path().extension() == ".json") out.push_back(file.path().stem().string());
  std::ranges::sort(out);
  return out;
}

// As the store lies there, before anything goes on.
void check_ledger(const golden_site& s, const json& ledger) {
  const auto instances = must(s.instances());
  CHECK(instances.size() == ledger["instances"].if_object()->size());
  for (const auto& [key, expected] : *ledger["instances"].if_object()) {
    INFO(key);
    REQUIRE(instances.contains(key));
    const auto h = must(s.load(instances.at(key)));
    CHECK(h.process_name() == expected["process"].str());
    CHECK(h.running() == !expected["waits"].if_array()->empty());
    std::vector<std::string> waits;
    for (const auto& w : expected["waits"]) waits.push_back(w.str());
    CHECK(must(s.waits(instances.at(key))) == waits);
    if (!key.starts_with("message") && !key.starts_with("user") && !key.starts_with("each") && !key.starts_with("ended")) continue;
    const auto with_values = must(s.load(instances.at(key), true));
    for (const auto& [name, value] : golden_values()) {
      INFO(name);
      const auto& variables = (*with_values.state().executions.begin()).variables;
      const auto at = std::ranges::find(variables, name, [](const auto& v) { return v.name; });
      REQUIRE(at != variables.end());
      CHECK(at->content.get() == value);
    }
  }
  for (const auto& [id, status] : *ledger["tasks"].if_object()) CHECK(must(s.status_of_task(id)) == status.str());
  const std::pair<const char*, storage::table> tables[] = {{"inbox", storage::table::inbox},
                                                           {"outbox", storage::table::outbox},
                                                           {"timer", storage::table::timer},
                                                           {"value", storage::table::value},
                                                           {"business_key", storage::table::business_key}};
  for (const auto& [name, table] : tables) {
    INFO(name);
    CHECK(s.rows(table) == static_cast<std::size_t>(ledger["rows"][name].int_or(-1)));
  }
}

void check_group(golden_site& s) {
  const auto id = must(base::uuid::parse(golden_group));
  const auto view = s.store().view();
  const auto now = must(view->current("Group", id));
  REQUIRE(now);
  CHECK(now->deleted);
  const auto history = must(view->history("Group", id, 10));
  REQUIRE(history.size() == 3);
  for (const auto& [version, name] : {std::pair{1, "first"}, {2, "second"}}) {
    const auto old = must(view->version("Group", id, static_cast<std::uint64_t>(version)));
    REQUIRE(old);
    const auto group = must(json::parse(*old->bytes));
    CHECK(group["name"].str() == name);
    CHECK(group["meta"]["versionId"].str() == std::to_string(version));
  }
}

// Does what each of them waits for, once.
class finisher {
public:
  explicit finisher(golden_site& s) : s_(s) {}

  bool all_ended() {
    for (int waited = 0; waited < finish_ms; waited += 20) {
      bool open = s_.rows(storage::table::inbox) > 0 || s_.rows(storage::table::outbox) > 0;
      for (const auto& [key, instance] : must(s_.instances())) {
        const auto h = must(s_.load(instance));
        if (!h.running()) continue;
        open = true;
        for (const auto& w : bpmn::waits_for(h.definition(), h.state())) help(key, h, w);
      }
      if (!open) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return false;
  }
  std::vector<std::string> tasks;  // posted

private:
  void help(const std::string& key, const actors::instance_host& h, const bpmn::wait_point& w) {
    const auto first = [&](const std::string& what) { return done_.insert(key + " " + what).second; };
    if (w.kind == "message" && first("message")) {
      // The one for message-2 has come already.
      if (key != "message-2") tasks.push_back(must(s_.post("message", "goOn", key)));
    } else if (w.kind == "signal" && first("signal")) {
      must(s_.signal("all"));
    } else if (w.kind == "user task") {
      for (const auto& t : h.state().user_tasks)
        if (first("user task " + std::to_string(t.id)))
          must(s_.command(h.id(), {s_.clock.now(), "operator", bpmn::complete_user_task{t.id, {{"answer", bpmn::value("yes")}}}}));
    } else if (w.kind == "incident") {
      for (const auto& i : h.state().incidents)
        if (first("incident " + std::to_string(i.id))) must(s_.command(h.id(), {s_.clock.now(), "operator", bpmn::retry_incident{i.id}}));
    } else if (w.due > s_.clock.now()) {
      s_.clock.set({w.due.us + base::us_per_s});
    }
  }
  golden_site& s_;
  std::set<std::string> done_;
};

void open_and_finish(const std::string& name) {
  INFO(name);
  CHECK(fs::file_size(stores / (name + ".tar.gz")) < archive_bytes_at_most);
  const auto ledger = must(json::parse(read_text(stores / (name + ".json"))));
  const temp_folder folder("golden");
  const auto unpacked = run_to_end(
      {"/usr/bin/tar", "--extract", "--gzip", "--file", (stores / (name + ".tar.gz")).string(), "--directory", folder.path().string()});
  INFO(unpacked.err);
  REQUIRE(unpacked.exit_code == 0);
  auto site = must(golden_site::open(folder / "store", false));
  auto& s = *site;
  // As if no time had gone by: what lay an hour ahead lies an hour ahead.
  s.clock.set({must(base::parse_iso(ledger["written"].str())).us + base::us_per_s});
  CHECK(s.store().status().sequence == static_cast<std::uint64_t>(ledger["sequence"].int_or(-1)));
  check_ledger(s, ledger);
  check_group(s);

  s.network.answers = true;
  s.start_engine();
  finisher f(s);
  REQUIRE(f.all_ended());
  s.stop_engine();

  // What was under way once is done once.
  for (const auto& [id, status] : *ledger["tasks"].if_object()) {
    INFO(id << ", " << status.str() << " when the store was written");
    CHECK(must(s.status_of_task(id)) == "completed");
  }
  for (const auto& id : f.tasks) CHECK(must(s.status_of_task(id)) == "completed");
  for (const auto& [key, instance] : must(s.instances())) {
    INFO(key);
    CHECK(must(s.load(instance)).state().status == bpmn::instance_status::completed);
  }
  CHECK(must(s.instances()).size() == ledger["instances"].if_object()->size() + 1);  // received-1
  CHECK(s.worked == 2);
  CHECK(s.checked == 1);
  CHECK(s.checked_wrong == 0);
  std::vector<std::string> waiting;
  for (const auto& id : ledger["outbox"]) waiting.push_back(id.str());
  CHECK(s.network.taken() == waiting);
  for (const auto t :
       {storage::table::timer, storage::table::inbox, storage::table::outbox, storage::table::subscription, storage::table::business_key})
    CHECK(s.rows(t) == 0);
  check_group(s);

  // And what this code has written over it opens again.
  REQUIRE(s.close());
  site = must(golden_site::open(folder / "store", false));
  CHECK(must(site->instances()).size() == ledger["instances"].if_object()->size() + 1);
}

}  // namespace

TEST_CASE("golden stores open, hold what they held, and their instances end", "[golden]") {
  REQUIRE_FALSE(names().empty());
  for (const auto& name : names()) open_and_finish(name);
}

// Removing by age and backups of a real site, as an operator sees them. Would find: an instance or a Task that stays, one that lives and goes, a
// backup that can't be restored, or that a running site writes from two moments.
#include <fmt/format.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include <sstream>

#include "site/admin/admin_client.hpp"
#include "site/ctl/cli.hpp"
#include "tests/wire/lone_site.hpp"

using namespace dsf;
using namespace dsf::tests;
namespace fs = std::filesystem;

namespace {

struct aging_site : lone_site {
  explicit aging_site(const std::string& interval) {
    settings += fmt::format("plugins: {{folders: ['{}']}}\nretention: {{instance_log: PT2S, tasks: 2s, interval: {}}}\n",
                            (fs::path(DSF_SOURCE_DIR) / "processes/ping/bundle").string(), interval);
  }
  site::admin_client admin{folder / "admin.sock"};

  // Its business key.
  std::string begin() { return must(admin.start_task({.process = "dsfdev_ping|1.0", .message = "startPing"})).business_key; }
  std::string state(const std::string& key) {
    const auto found = admin.show_instance(key);
    return found ? found->summary.state : "unknown";
  }
  void wait_for(const std::string& key, const std::string& wanted) {
    for (int i = 0; i < 400 && state(key) != wanted; ++i) ::usleep(50'000);
    REQUIRE(state(key) == wanted);
  }
  // Alone in its consortium a site has nobody to ping, so it ends at once. Its id.
  std::string begin_and_end() {
    const auto key = begin();
    wait_for(key, "completed");
    return must(admin.show_instance(key)).summary.id;
  }
  // Until the program ends; then its handler runs again.
  std::string begin_and_hold() {
    must(admin.hold_handler("dev.dsf.bpe.service.SelectPingTargets", true));
    auto key = begin();
    wait_for(key, "running");
    return key;
  }
  static std::uint64_t removed(const std::vector<site::retention_line>& lines, const std::string& what) {
    for (const auto& l : lines)
      if (l.what == what) return l.removed;
    return UINT64_MAX;
  }
};

struct ran {
  int code;
  std::string out, err;
};
ran dsfctl(std::vector<std::string> arguments) {
  std::vector<const char*> argv{"dsfctl"};
  for (const auto& a : arguments) argv.push_back(a.c_str());
  std::ostringstream out, err;
  const int code = site::run_dsfctl(static_cast<int>(argv.size()), argv.data(), out, err);
  return {code, out.str(), err.str()};
}

}  // namespace

TEST_CASE("retention: what ended goes when an operator looks, what lives stays; a backup of before brings it back", "[retention]") {
  aging_site s("PT1H");
  const auto socket = (s.folder / "admin.sock").string(), backup = (s.folder / "backup").string(), keys = (s.folder / "keys").string(),
             again = (s.folder / "again").string();
  std::string live, ended;
  {
    auto process = s.start();
    ended = s.begin_and_end();
    live = s.begin_and_hold();
    const auto early = must(s.admin.run_retention(false));
    CHECK(aging_site::removed(early.rules, "instance_log") == 0);
    ::usleep(2'500'000);
    const auto would = must(s.admin.run_retention(true));
    CHECK(would.dry_run);
    CHECK(aging_site::removed(would.rules, "instance_log") == 1);
    CHECK(aging_site::removed(would.rules, "tasks") == 1);
    CHECK(s.state(ended) == "completed");

    const auto taken = dsfctl({"--socket", socket, "store", "backup", backup, "--keys", keys});
    INFO(taken.err);
    REQUIRE(taken.code == 0);
    CHECK(taken.out.find("backup of commit") == 0);
    CHECK(dsfctl({"--socket", socket, "store", "backup", backup}).code == 1);

    const auto done = dsfctl({"--socket", socket, "retention", "run"});
    CHECK(done.code == 0);
    INFO(done.out);
    CHECK(done.out.find("instance_log") != std::string::npos);
    CHECK(s.state(ended) == "unknown");
    CHECK(s.state(live) == "running");
    const auto overview = must(s.admin.retention());
    CHECK(overview.sweeps == 2);
    CHECK(aging_site::removed(overview.rules, "instance_log") == 1);
    CHECK(aging_site::removed(overview.rules, "tasks") == 1);
    CHECK(aging_site::removed(must(s.admin.run_retention(false)).rules, "tasks") == 0);
    CHECK(process.stop(15'000));
  }
  {
    // Everything is as it was left.
    auto process = s.start();
    CHECK(s.state(ended) == "unknown");
    s.wait_for(live, "completed");
    CHECK(process.stop(15'000));
  }
  CHECK(dsfctl({"store", "check", backup}).code == 0);
  CHECK(dsfctl({"store", "check", (s.folder / "store").string()}).code == 0);
  CHECK(dsfctl({"store", "restore", backup, (s.folder / "store").string()}).code == 1);
  const auto restored = dsfctl({"store", "restore", backup, again, "--keys", keys});
  INFO(restored.err);
  REQUIRE(restored.code == 0);
  // The master key is in no backup.
  REQUIRE(fs::exists(s.folder / "store/master.key"));
  fs::copy_file(s.folder / "store/master.key", s.folder / "again/master.key");
  s.replace("store: {path: store,", "store: {path: again,");
  {
    // What the backup's store would do next waits for a word, also over a restart.
    auto held = s.start(false);
    CHECK(s.state(live) == "running");
    ::usleep(1'000'000);
    CHECK(s.state(live) == "running");
    const auto next = must(s.admin.restored());
    CHECK_FALSE(next.backup_taken.empty());
    CHECK(next.handlers == 1);
    REQUIRE(next.lines.size() == 1);
    CHECK(next.lines.front().business_key == live);
    CHECK(s.admin.cancel_instance(live, "no").error().text().find("dsfctl store release") != std::string::npos);
    CHECK(must(s.admin.status()).not_ready_because.find("dsfctl store release") != std::string::npos);
    CHECK(held.stop(15'000));
  }
  auto process = s.start(false);
  CHECK(s.state(live) == "running");
  const auto begun = s.begin();  // is received and waits, too
  ::usleep(500'000);
  CHECK(s.state(begun) == "unknown");
  CHECK(must(s.admin.restored()).tasks == 1);
  must(s.admin.release_restored());
  CHECK_FALSE(s.admin.release_restored());
  s.wait_for(begun, "completed");
  CHECK(s.state(ended) == "completed");
  s.wait_for(live, "completed");
  s.begin_and_end();
  CHECK(process.stop(15'000));
}

TEST_CASE("retention: a site looks by itself, and goes on working meanwhile", "[retention]") {
  aging_site s("1s");
  auto process = s.start();
  std::vector<std::string> ended;
  for (int i = 0; i < 5; ++i) ended.push_back(s.begin_and_end());
  const auto live = s.begin_and_hold();
  for (int i = 0; i < 400 && aging_site::removed(must(s.admin.retention()).rules, "instance_log") < ended.size(); ++i) ::usleep(50'000);
  for (const auto& id : ended) CHECK(s.state(id) == "unknown");
  CHECK(s.state(live) == "running");
  const auto overview = must(s.admin.retention());
  CHECK(aging_site::removed(overview.rules, "instance_log") == ended.size());
  CHECK(overview.last_error.empty());
  CHECK(process.stop(15'000));
}

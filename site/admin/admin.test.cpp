#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>

#include "site/admin/admin_client.hpp"
#include "site/admin/admin_server.hpp"
#include "site/admin/event_queue.hpp"
#include "site/admin/fake_port.hpp"

using namespace dsf::site;
using dsf::base::fail;
using dsf::base::result;

namespace {

struct folder {
  std::filesystem::path path = std::filesystem::temp_directory_path() / ("dsfd-admin-" + std::to_string(::getpid()));
  folder() { std::filesystem::create_directories(path); }
  ~folder() { std::filesystem::remove_all(path); }
  std::string socket() const { return (path / "admin.sock").string(); }
};

template <class Condition>
bool eventually(Condition holds) {
  for (int i = 0; i < 500 && !holds(); ++i) ::usleep(10'000);
  return holds();
}

}  // namespace

TEST_CASE("every call arrives with all its fields, and so does its answer", "[admin]") {
  folder f;
  fake_port port;
  auto server = admin_server::start(f.socket(), port);
  REQUIRE(server.has_value());
  admin_client client(f.socket());

  CHECK(client.status().value() == port.status_value);
  const instance_filter filter{"p|1", "bk", "running", "after", 17};
  CHECK(client.list_instances(filter).value() == instance_page{{port.summary, port.summary}, "next"});
  CHECK(port.asked_instances == filter);
  CHECK(client.show_instance("x").value() == port.show_instance("x").value());
  const incident_filter incidents{"p", "a", 3};
  CHECK(client.list_incidents(incidents).value() == port.list_incidents(incidents).value());
  CHECK(port.asked_incidents == incidents);
  CHECK(client.why("bk").value() == port.why("bk").value());
  CHECK(client.partners().value() == port.partners().value());
  const start_request start{"http://x|1.0", "m", "d", "bk", {{"sys", "code", "string", "v"}, {"s", "c", "reference", "Measure/1"}}};
  CHECK(client.start_task(start).value() == started_task{"Task/1", "bk"});
  CHECK(port.asked_start == start);
  const user_task_completion completion{"ut", {{"a", "1"}, {"b", "2"}}};
  REQUIRE(client.complete_user_task(completion).has_value());
  CHECK(port.asked_completion == completion);
  CHECK(client.cohort_count("four").value() == 4);
  CHECK(client.actors(3).value() == port.actors(3).value());
  CHECK(client.workers().value() == port.workers().value());
  CHECK(client.deploy_plugin("/p").value() == deploy_result{"/p", "1.0", {"p|1.0"}, 4, {"w"}});
  CHECK(client.plugins().value() == port.plugins().value());
  CHECK(client.set_process_state("p|1.0", "retired").value() == process_state_line{"p|1.0", "retired", "an operator wants it"});
  CHECK(client.remove_plugin("n", "2.0.0.0").value() == deploy_result{"n", "2.0.0.0", {"p|1.0"}, 4, {}});
  REQUIRE(client.erase_data("Task/1", true).has_value());
  CHECK(port.asked == "erase Task/1");
  CHECK(client.erase_data("Task/1", false).error().is(admin_errc::invalid));
  REQUIRE(client.retry_incident("1").has_value());
  CHECK(port.asked == "retry 1");
  REQUIRE(client.cancel_incident("2").has_value());
  CHECK(port.asked == "cancel 2");
  REQUIRE(client.cancel_instance("3", "because").has_value());
  CHECK(port.asked == "cancel instance 3 because");
  REQUIRE(client.hold_handler("a.B", true).has_value());
  CHECK(port.asked == "hold a.B");
  CHECK(client.retention().value() == port.retention().value());
  for (const bool dry : {false, true}) CHECK(client.run_retention(dry).value() == port.run_retention(dry).value());
  CHECK(client.restored().value() == port.restored().value());
  REQUIRE(client.release_restored().has_value());
  CHECK(port.asked == "release");
  std::uint64_t rows = 0;
  REQUIRE(client
              .back_up("/b", "/k",
                       [&](const store_copy_progress& p) {
                         CHECK(p == store_copy_progress{p.rows, 10 * p.rows, 3, 4, p.rows == 100});
                         rows = p.rows;
                         return true;
                       })
              .has_value());
  CHECK(rows == 100);
  CHECK(port.asked == "backup /b /k");
  CHECK(client.back_up("/b", "", [](const store_copy_progress&) { return false; }).error().is(admin_errc::cancelled));
  CHECK(client.back_up("full", "", [](const store_copy_progress&) { return true; }).error().text() == "this folder is not empty");
  CHECK(client.write_data_keys("/k").value() == store_copy_progress{0, 0, 3, 4, true});
  CHECK(port.asked == "keys /k");
  REQUIRE(client.shutdown("test").has_value());
  CHECK(port.asked == "shutdown test");
}

TEST_CASE("errors keep kind, text and place", "[admin]") {
  folder f;
  fake_port port;
  auto server = admin_server::start(f.socket(), port);
  REQUIRE(server.has_value());
  admin_client client(f.socket());
  const auto missing = client.show_instance("none");
  REQUIRE_FALSE(missing.has_value());
  CHECK(missing.error().is(admin_errc::not_found));
  CHECK(missing.error().text() == "there is no instance 'none'; `dsfctl instances` lists them");
  CHECK(missing.error().place() == "none");
  CHECK(client.cohort_count("").error().is(admin_errc::invalid));
}

TEST_CASE("nobody listens: one sentence says what to do", "[admin]") {
  folder f;
  admin_client client(f.socket(), 2'000);
  const auto status = client.status();
  REQUIRE_FALSE(status.has_value());
  CHECK(status.error().is(admin_errc::no_server));
  CHECK(status.error().to_string() == "no dsfd listens at " + f.socket() + "; start it or pass --socket");
}

TEST_CASE("the socket is for its owner only, and is gone after the stop", "[admin]") {
  folder f;
  fake_port port;
  auto server = admin_server::start(f.socket(), port);
  REQUIRE(server.has_value());
  struct stat found{};
  REQUIRE(::stat(f.socket().c_str(), &found) == 0);
  CHECK((found.st_mode & 0777) == 0600);
  server->stop();
  CHECK_FALSE(std::filesystem::exists(f.socket()));
}

TEST_CASE("a socket in use is refused, a left-over one is taken over, another file is kept", "[admin]") {
  folder f;
  fake_port port;
  {
    auto first = admin_server::start(f.socket(), port);
    REQUIRE(first.has_value());
    const auto second = admin_server::start(f.socket(), port);
    REQUIRE_FALSE(second.has_value());
    CHECK(second.error().to_string() == f.socket() + ": another dsfd listens here; stop it or set another admin.socket");
    CHECK(admin_client(f.socket()).status().has_value());
  }
  {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, f.socket().c_str(), sizeof address.sun_path - 1);
    REQUIRE(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    ::close(fd);
    REQUIRE(std::filesystem::exists(f.socket()));
    auto server = admin_server::start(f.socket(), port);
    CHECK(server.has_value());
  }
  std::ofstream(f.socket()) << "precious";
  const auto refused = admin_server::start(f.socket(), port);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().to_string() == f.socket() + ": there is a file that is no socket; remove it or set another admin.socket");
  CHECK(std::filesystem::file_size(f.socket()) == 8);
  const auto too_long = admin_server::start("/" + std::string(200, 'x'), port);
  REQUIRE_FALSE(too_long.has_value());
  CHECK(too_long.error().text() == "the path of a Unix socket has at most 107 bytes; set a shorter admin.socket");
}

TEST_CASE("an import reports its progress and stops when the operator does", "[admin]") {
  folder f;
  fake_port port;
  auto server = admin_server::start(f.socket(), port);
  REQUIRE(server.has_value());
  admin_client client(f.socket());
  std::uint64_t seen = 0;
  bool finished = false;
  REQUIRE(client
              .import("/data",
                      [&](const import_progress& p) {
                        ++seen;
                        finished = p.finished;
                        return true;
                      })
              .has_value());
  CHECK(seen == 1000);
  CHECK(finished);
  CHECK(port.asked == "import finished");
  CHECK(client.import("/data", [](const import_progress&) { return false; }).error().is(admin_errc::cancelled));
}

TEST_CASE("watchers see events in order, leave no listener behind, and end with the server", "[admin]") {
  folder f;
  fake_port port;
  auto server = admin_server::start(f.socket(), port);
  REQUIRE(server.has_value());
  const site_event_line event{"task_sent", {1}, "p|1", "inst", "bk", "act", "site-b", "ping"};
  admin_client client(f.socket());
  std::vector<site_event_line> seen;
  REQUIRE(client
              .watch([&](const site_event_line& e) {
                if (e.kind == "watching")
                  for (int i = 0; i < 100; ++i) port.publish({.kind = "task_received", .text = std::to_string(i)});
                if (e.text == "99") port.publish(event);
                if (e.kind != "watching") seen.push_back(e);
                return e.kind != "task_sent";
              })
              .has_value());
  REQUIRE(seen.size() == 101);
  CHECK(seen[42].text == "42");
  CHECK(seen.back() == event);
  CHECK(eventually([&] { return port.watchers() == 0; }));

  admin_client other(f.socket());
  std::atomic<bool> watching = false;
  result<> ended;
  std::thread watcher([&] { ended = other.watch([&](const site_event_line&) { return watching = true; }); });
  REQUIRE(eventually([&] { return watching.load(); }));
  server->stop();
  watcher.join();
  CHECK_FALSE(ended.has_value());

  admin_client stopped(f.socket());
  stopped.stop_watching();
  CHECK(stopped.watch([](const site_event_line&) { return true; }).has_value());
}

TEST_CASE("a slow watcher loses events and is told how many", "[admin]") {
  event_queue queue(2);
  for (int i = 0; i < 5; ++i) queue.push({.kind = "waiting", .time = {i}, .text = std::to_string(i)});
  const auto seen = queue.pop(0);
  REQUIRE(seen.size() == 3);
  CHECK(seen[1].text == "1");
  CHECK(seen[2].kind == "lost");
  CHECK(seen[2].text == "3");
  CHECK(queue.pop(0).empty());
}

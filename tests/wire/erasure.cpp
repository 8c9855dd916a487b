// Erasing data of a real site while it runs. Would find: a body that is still served, one that comes back with a restart, something
// erased under an instance that runs, an erasure that nobody meant.
#include <fmt/format.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include <sstream>

#include "base/json.hpp"
#include "site/admin/admin_client.hpp"
#include "site/ctl/cli.hpp"
#include "tests/wire/lone_site.hpp"

using namespace dsf;
using namespace dsf::tests;
using base::json;
namespace fs = std::filesystem;

namespace {

struct erasing_site : lone_site {
  explicit erasing_site(std::uint16_t port) : lone_site(port), base(fmt::format("https://localhost:{}/fhir", port)) {
    settings += fmt::format("plugins: {{folders: ['{}']}}\n", (fs::path(DSF_SOURCE_DIR) / "processes/ping/bundle").string());
  }
  net::client_response ask(const std::string& method, const std::string& path, const std::string& body = {}) {
    if (!client) {
      net::client_options o;
      o.identity = must(net::tls_identity::load({folder / "client.pem", folder / "client.key", {}, {}, folder / "ca.pem"}));
      client = std::make_unique<net::https_client>(std::move(o));
    }
    net::client_request r{.method = method, .url = base + "/" + path, .headers = {{"Accept", "application/fhir+json"}}, .body = {}};
    if (!body.empty()) {
      r.headers.set("Content-Type", "application/fhir+json");
      r.body = body;
    }
    return must(client->send_and_wait(std::move(r), 10'000));
  }
  int status(const std::string& path) { return ask("GET", path).status; }
  // dsfctl's exit code; what it said is in `said`.
  int dsfctl(std::vector<std::string> arguments) {
    std::vector<std::string> all{"dsfctl", "--socket", (folder / "admin.sock").string()};
    all.insert(all.end(), arguments.begin(), arguments.end());
    std::vector<const char*> argv;
    for (const auto& a : all) argv.push_back(a.c_str());
    std::ostringstream out, err;
    const int code = site::run_dsfctl(static_cast<int>(argv.size()), argv.data(), out, err);
    said = out.str() + err.str();
    return code;
  }
  bool eventually_ended(const std::string& key) {
    for (int i = 0; i < 400; ++i) {
      if (const auto found = admin.show_instance(key); found && found->summary.state != "running") return true;
      ::usleep(50'000);
    }
    return false;
  }
  const std::string base;
  std::unique_ptr<net::https_client> client;
  site::admin_client admin{folder / "admin.sock"};
  std::string said;
};

std::string binary(const std::string& data, const std::string& id = {}) {
  return fmt::format(
      R"({{"resourceType":"Binary",{}"meta":{{"tag":[{{"system":"http://dsf.dev/fhir/CodeSystem/read-access-tag","code":"LOCAL"}}]}},"contentType":"text/plain","data":"{}"}})",
      id.empty() ? "" : "\"id\":\"" + id + "\",", data);
}

}  // namespace

TEST_CASE("erasure: an erased resource is answered 410 at once and for ever", "[erasure]") {
  erasing_site s(static_cast<std::uint16_t>(free_port()));
  std::string name, id;
  {
    auto process = s.start();
    const auto made = s.ask("POST", "Binary", binary("cGxhbnRlZA=="));
    REQUIRE(made.status == 201);
    id = must(json::parse(made.body))["id"].str();
    name = "Binary/" + id;
    REQUIRE(s.ask("PUT", name, binary("c2Vjb25k", id)).status == 200);
    CHECK(s.status(name) == 200);

    CHECK(s.dsfctl({"data", "erase", "resource", name}) == 1);
    CHECK(s.said.find("--yes") != std::string::npos);
    CHECK_FALSE(s.admin.erase_data(name, false));
    CHECK(s.status(name) == 200);

    CHECK(s.dsfctl({"data", "erase", "resource", name, "--yes"}) == 0);
    CHECK(s.said.find("Erased: all that " + name) == 0);
    CHECK(s.status(name) == 410);
    CHECK(s.status(name + "/_history/1") == 410);
    CHECK(s.status(name + "/_history/2") == 410);
    const auto found = s.ask("GET", "Binary?_id=" + id);
    CHECK(found.status == 200);
    CHECK(found.body.find("c2Vjb25k") == std::string::npos);
    CHECK(must(json::parse(found.body))["entry"].size() == 0);
    CHECK(s.ask("GET", name + "/_history").body.find("c2Vjb25k") == std::string::npos);
    CHECK(s.dsfctl({"data", "erase", "resource", name, "--yes"}) == 1);
    CHECK(s.said.find("erased before") != std::string::npos);

    CHECK(s.dsfctl({"data", "erase", "resource", "Binary/nothing", "--yes"}) == 1);
    CHECK(s.dsfctl({"data", "erase", "resource", "Binary/00000000-0000-4000-8000-000000000000", "--yes"}) == 1);
    CHECK(process.stop(15'000));
  }
  auto process = s.start();
  CHECK(s.status(name) == 410);
  // As of what was deleted: no new version is taken, a new resource is.
  CHECK(s.ask("PUT", name, binary("dGhpcmQ=", id)).status == 410);
  const auto other = s.ask("POST", "Binary", binary("dGhpcmQ="));
  REQUIRE(other.status == 201);
  CHECK(s.ask("GET", "Binary/" + must(json::parse(other.body))["id"].str()).body.find("dGhpcmQ=") != std::string::npos);
  CHECK(s.status(name + "/_history/2") == 410);
  CHECK(process.stop(15'000));
}

TEST_CASE("erasure: of what runs nothing is erased; cancelled it is", "[erasure]") {
  erasing_site s(static_cast<std::uint16_t>(free_port()));
  auto process = s.start();
  REQUIRE(s.admin.hold_handler("dev.dsf.bpe.service.SelectPingTargets", true));
  const auto started = must(s.admin.start_task({.process = "dsfdev_ping|1.0", .message = "startPing"}));
  std::string instance;
  for (int i = 0; i < 200 && instance.empty(); ++i, ::usleep(20'000))
    if (const auto found = s.admin.show_instance(started.business_key)) instance = found->summary.id;
  REQUIRE_FALSE(instance.empty());
  CHECK(s.dsfctl({"data", "erase", "instance", instance, "--yes"}) == 1);
  CHECK(s.said.find("still runs") != std::string::npos);
  CHECK(s.dsfctl({"data", "erase", "resource", started.task, "--yes"}) == 1);
  INFO(s.said);
  CHECK(s.said.find("still runs") != std::string::npos);
  REQUIRE(s.admin.cancel_instance(instance, "to be erased"));
  REQUIRE(s.eventually_ended(started.business_key));
  // Nothing of this one was sealed; it can be asked for all the same.
  CHECK(s.dsfctl({"data", "erase", "instance", instance, "--yes"}) == 1);
  CHECK(s.said.find("it has no data key") != std::string::npos);
  CHECK(s.dsfctl({"data", "erase", "resource", started.task, "--yes"}) == 1);
  CHECK(s.said.find("it has no data key") != std::string::npos);
  CHECK(must(s.admin.show_instance(instance)).summary.state == "failed");
  CHECK(process.stop(15'000));
}

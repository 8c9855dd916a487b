// Plugins of an engine whose endpoint is another program. Would find: a plugin that stays away for good because the endpoint refused it once.
#include "plugins/plugin_set.hpp"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include <unistd.h>

#include "plugins/bundle_template.hpp"
#include "plugins/errc.hpp"
#include "storage/memory_kv.hpp"

using namespace dsf;
using namespace dsf::plugins;
using base::json;

namespace {

// What the endpoint says to transactions.
struct endpoint_says {
  std::string fault;  // empty: all is well
  int transactions = 0;
};

struct scripted_endpoint final : fhir_client {
  explicit scripted_endpoint(endpoint_says& s) : says(&s) {}
  base::result<json> read(std::string_view, std::string_view, std::uint64_t) override { return base::fail(errc::http_status, "HTTP 404"); }
  base::result<json> create(const json&, std::string_view) override { return base::fail(errc::http_status, "HTTP 400"); }
  base::result<json> search(std::string_view) override {
    return json(json::object{{"resourceType", "Bundle"}, {"total", 0}, {"entry", json::array{}}});
  }
  base::result<json> transaction(const json& bundle) override {
    ++says->transactions;
    if (!says->fault.empty()) return base::fail(errc::http_status, says->fault, "https://dmz/fhir");
    json::array entries;
    for (std::size_t i = 0; i < bundle["entry"].size(); ++i)
      entries.push_back(json::object{{"response", json::object{{"status", "201 Created"}}}});
    return json(json::object{{"resourceType", "Bundle"}, {"entry", std::move(entries)}});
  }
  endpoint_says* says;
};

struct folder {
  folder() : path(std::filesystem::temp_directory_path() / ("dsf-plugin-set-" + std::to_string(::getpid()))) {
    const auto files = bundle_template({"small", "exampleorg_hello", "example.org", "2026-05-01"}).value();
    for (const auto& [name, text] : files) {
      std::filesystem::create_directories((path / name).parent_path());
      std::ofstream(path / name, std::ios::binary) << text;
    }
  }
  ~folder() {
    std::error_code ec;
    std::filesystem::remove_all(path, ec);
  }
  std::filesystem::path path;
};

}  // namespace

TEST_CASE("plugin set: what the endpoint elsewhere refuses is told with its reason, and tried again", "[plugin_set]") {
  folder bundle;
  storage::store_options so;
  so.rows = storage::memory_kv::create();
  const auto store = *storage::store::open(std::move(so));
  actors::definitions definitions;
  const base::logger log{base::system_clock_source(), "test", base::log_level::off, base::null_log_sink()};
  endpoint_says says;
  bool connected = false;
  handler_registry none;
  plugin_set_options o;
  o.context = {.organization = "org.example", .handlers = &none};
  o.endpoint = [&] { return std::make_unique<scripted_endpoint>(says); };
  o.connected = [&] { return connected; };
  plugin_set set(std::move(o), *store, definitions, log, base::system_clock_source());
  REQUIRE(set.start({bundle.path.string()}));
  REQUIRE(set.list().plugins.size() == 1);
  CHECK(says.transactions == 0);
  connected = true;

  says.fault = "HTTP 503: busy";
  CHECK_FALSE(set.bring_waiting());
  CHECK(set.list().plugins.front().reasons.empty());

  says.fault = "HTTP 422: Unprocessable: the profile is not known";
  REQUIRE(set.bring_waiting());
  auto list = set.list();
  REQUIRE(list.plugins.size() == 1);
  REQUIRE(list.plugins.front().reasons.size() == 1);
  CHECK(list.plugins.front().reasons.front().find("the endpoint refused its resources") != std::string::npos);
  CHECK(list.plugins.front().reasons.front().find("the profile is not known") != std::string::npos);

  const auto before = says.transactions;
  REQUIRE(set.bring_waiting());
  CHECK(says.transactions > before);
  CHECK(set.list().plugins.size() == 1);

  says.fault.clear();
  REQUIRE(set.bring_waiting());
  list = set.list();
  REQUIRE(list.plugins.size() == 1);
  CHECK(list.plugins.front().reasons.empty());
  REQUIRE(list.plugins.front().processes.size() == 1);
  CHECK(list.plugins.front().processes.front().state == "active");
  const auto at_peace = says.transactions;
  REQUIRE(set.bring_waiting());
  CHECK(says.transactions == at_peace);
}

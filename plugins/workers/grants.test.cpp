// What workers may use. Faults these find: a service or secret without a permission, settings that widen what the manifest gives, a refusal
// that does not say what would grant it, a permission of one bundle that counts for another one's activation.
#include <catch2/catch.hpp>

#include "plugins/workers/testing_impl.hpp"

using namespace dsf::plugins;
using namespace dsf::plugins::workers;
using namespace dsf::plugins::workers::testing;

namespace {

struct manifests {
  std::shared_ptr<worker_grant> old_one = std::make_shared<worker_grant>(), new_one = std::make_shared<worker_grant>();
  worker_options options;

  manifests() {
    old_one->manifest = "plugin.yaml of b 1.0.0.0 (/old)";
    old_one->permissions = {{"directory"}, {"org.timeout"}, {}, {}};
    old_one->defaults = {{"org.timeout", "PT5S"}, {"org.other", "x"}};
    new_one->manifest = "plugin.yaml of b 1.1.0.0 (/new)";
    new_one->permissions = {{"directory", "fhir-stores", "crypto"}, {"org.timeout"}, {"org.token"}, {"own"}};
    options.plugins["p"].processes = {"proc"};
    options.settings = {{"org.token", "planted"}, {"org.other", "y"}, {"HOME_OF_ALL", "z"}};
    options.grants = [this](std::string_view key, std::string_view version) {
      std::vector<std::shared_ptr<const worker_grant>> out;
      if (key == "proc" && version != "1.1") out.push_back(old_one);
      if (key == "proc" && version != "1.0") out.push_back(new_one);
      return out;
    };
  }
  entitlement for_version(const char* version) {
    a.process_key = "proc";
    a.version_tag = version;
    return {options, plugin, &a};
  }
  entitlement for_all() { return {options, plugin, nullptr}; }
  activation a;
  const std::string plugin = "p";
};

std::string text_of(const dsf::base::result<>& r) { return r ? "granted" : r.error().to_string(); }

}  // namespace

TEST_CASE("a worker gets what the manifest of the activation's bundle grants, and nothing else") {
  manifests m;
  const auto before = m.for_version("1.0");
  CHECK(before.service("directory"));
  CHECK(before.setting("org.timeout"));
  CHECK(before.default_of("org.timeout") == "PT5S");
  const auto refused = before.service("crypto");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == "worker.permission_denied");
  CHECK(refused.error().kind() == dsf::base::error_kind::forbidden);
  CHECK_THAT(text_of(refused), Catch::Contains("PERMISSION_DENIED: the service 'crypto' is not granted to workers of process proc|1.0"));
  CHECK_THAT(text_of(refused), Catch::Contains("add it to permissions.services"));
  CHECK_THAT(text_of(refused), Catch::Contains("plugin.yaml of b 1.0.0.0 (/old)"));
  CHECK_THAT(text_of(before.setting("org.token")), Catch::Contains("permissions.secrets"));
  CHECK_FALSE(before.setting("HOME_OF_ALL"));
  const auto after = m.for_version("1.1");
  CHECK(after.service("crypto"));
  CHECK(after.setting("org.token"));
  CHECK_FALSE(after.setting("org.other"));
}

TEST_CASE("without an activation all bundles of the plugin's processes count together") {
  manifests m;
  CHECK(m.for_all().service("crypto"));
  CHECK(m.for_all().settings() == std::map<std::string, std::string>{{"org.timeout", "PT5S"}, {"org.token", "planted"}});
  m.options.plugins["p"].processes = {"another"};
  CHECK(m.for_all().settings().empty());
  CHECK_THAT(text_of(m.for_all().service("directory")), Catch::Contains("no deployed bundle has the processes of plugin p"));
  CHECK_THAT(text_of(m.for_version("2.0").service("no such")), Catch::Contains("plugin.yaml"));
  m.options.grants = nullptr;
  CHECK_FALSE(m.for_version("1.1").service("directory"));
}

TEST_CASE("the site's settings take away and never add") {
  manifests m;
  auto& p = m.options.plugins["p"];
  p.services = {"crypto", "state"};
  p.settings = {"org.timeout", "HOME_OF_ALL"};
  const auto now = m.for_version("1.1");
  CHECK(now.service("crypto"));
  CHECK_THAT(text_of(now.service("directory")),
             Catch::Contains("the site's settings leave it out") && Catch::Contains("workers.plugins.p.services"));
  CHECK_THAT(text_of(now.service("state")), Catch::Contains("is not granted"));
  CHECK(now.setting("org.timeout"));
  CHECK_FALSE(now.setting("org.token"));
  CHECK_FALSE(now.setting("HOME_OF_ALL"));
  CHECK(m.for_all().settings() == std::map<std::string, std::string>{{"org.timeout", "PT5S"}});
  p.services.reset();
  // Which stores there are is the site's matter: both must name one.
  CHECK_THAT(text_of(m.for_version("1.1").store("own")), Catch::Contains("workers.plugins.p.stores"));
  p.stores = {"own", "other"};
  CHECK(m.for_version("1.1").store("own"));
  CHECK_FALSE(m.for_version("1.1").store("other"));
  CHECK_FALSE(m.for_version("1.0").store("own"));
}

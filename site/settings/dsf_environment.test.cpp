#include "site/settings/dsf_environment.hpp"

#include <unistd.h>

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <set>

#include "site/settings/describe.hpp"

using namespace dsf::site;

namespace {

struct secrets {
  std::filesystem::path path = std::filesystem::temp_directory_path() / ("dsfd-dsf-environment-" + std::to_string(::getpid()));
  secrets() {
    std::filesystem::create_directories(path);
    for (auto name : {"client.pem", "client.key", "server.pem", "server.key", "ca.pem", "bundle.xml"}) std::ofstream(path / name) << "x\n";
    std::ofstream(path / "password.txt") << "planted-secret\nnot this\n";
  }
  ~secrets() { std::filesystem::remove_all(path); }
  std::string operator()(const char* name) const { return (path / name).string(); }
};

using environment = std::map<std::string, std::string>;

// As an operator of DSF's two containers has it, both in one file.
environment installation(const secrets& s) {
  return {{"DEV_DSF_FHIR_SERVER_BASE_URL", "https://dsf.hospital-a.example/fhir"},
          {"DEV_DSF_FHIR_SERVER_ORGANIZATION_IDENTIFIER_VALUE", "hospital-a.example"},
          {"DEV_DSF_FHIR_SERVER_INIT_BUNDLE", s("bundle.xml")},
          {"DEV_DSF_FHIR_SERVER_ROLECONFIG", "- admins:\n    thumbprint: " + std::string(128, 'a') + "\n    dsf-role: [READ]\n"},
          {"DEV_DSF_FHIR_CLIENT_CERTIFICATE", s("client.pem")},
          {"DEV_DSF_FHIR_CLIENT_CERTIFICATE_PRIVATE_KEY", s("client.key")},
          {"DEV_DSF_FHIR_CLIENT_CERTIFICATE_PRIVATE_KEY_PASSWORD_FILE", s("password.txt")},
          {"DEV_DSF_FHIR_DB_URL", "jdbc:postgresql://db/fhir"},
          {"DEV_DSF_FHIR_DB_USER_PASSWORD_FILE", s("password.txt")},
          {"DEV_DSF_BPE_FHIR_SERVER_BASE_URL", "https://dsf.hospital-a.example/fhir"},
          {"DEV_DSF_BPE_FHIR_CLIENT_CERTIFICATE", s("client.pem")},
          {"DEV_DSF_BPE_FHIR_CLIENT_CERTIFICATE_PRIVATE_KEY", s("client.key")},
          {"DEV_DSF_BPE_FHIR_CLIENT_CERTIFICATE_PRIVATE_KEY_PASSWORD", "planted-too"},
          {"DEV_DSF_BPE_PROCESS_EXCLUDED", "dsfdev_ping|1.0\ndsfdev_pong|1.0"},
          {"DEV_DSF_BPE_PROCESS_ENGINE_MAXPOOLSIZE", "12"},
          {"DEV_DSF_BPE_PROCESS_TIMEOUT", "PT7M"},
          {"DEV_DSF_SERVER_API_PORT", "8443"},
          {"DEV_DSF_SERVER_STATUS_PORT", "10001"},
          {"DEV_DSF_SERVER_CONTEXT_PATH", "/fhir"},
          {"DEV_DSF_SERVER_CERTIFICATE", s("server.pem")},
          {"DEV_DSF_SERVER_CERTIFICATE_KEY", s("server.key")},
          {"DEV_DSF_SERVER_AUTH_TRUST_CLIENT_CERTIFICATE_CAS", s("ca.pem")},
          {"DEV_DSF_BPE_FHIR_CLIENT_TRUST_SERVER_CERTIFICATE_CAS", s("ca.pem")},
          {"DEV_DSF_LOG_CONSOLE_OUT_LEVEL", "WARN"},
          {"DEV_DSF_LOG_FILE_STYLE", ""},
          {"HOME", "/root"}};
}

loaded_settings load(environment e, const char* file = nullptr) {
  settings_sources s;
  s.environment = std::move(e);
  if (file) s.file_text = file;
  return load_settings(s);
}

std::string problems(const loaded_settings& loaded) {
  std::string out;
  for (const auto& p : loaded.problems) out += p.to_string() + "\n";
  return out;
}

std::string note(const loaded_settings& loaded, std::string_view variable) {
  for (const auto& n : loaded.notes)
    if (n.variable == variable) return n.text;
  return "(no note)";
}

}  // namespace

TEST_CASE("every variable of DSF names a setting that exists, or says in one line why it has none", "[settings]") {
  std::set<std::string_view> seen;
  for (const auto& v : dsf_variables()) {
    INFO(v.name);
    CHECK(v.name.starts_with("DEV_DSF_"));
    CHECK(seen.insert(v.name).second);
    if (v.setting.empty()) {
      CHECK(v.note.size() > 10);
      CHECK(v.note.find('\n') == std::string_view::npos);
    } else {
      const auto* row = find_setting(v.setting);
      REQUIRE(row != nullptr);
      // DSF's secrets may come from a file, so the setting must be able to.
      if (v.name.ends_with("_PASSWORD") || v.name.ends_with("_SECRET")) CHECK(row->kind == setting_kind::secret);
    }
  }
}

TEST_CASE("an installation's environment file, and nothing else, configures a site", "[settings]") {
  const secrets s;
  const auto loaded = load(installation(s));
  REQUIRE(problems(loaded).empty());
  const auto& c = loaded.config;
  CHECK(c.role_fhir);
  CHECK(c.role_bpe);
  CHECK(c.base_url == "https://dsf.hospital-a.example/fhir");
  CHECK(c.bpe_endpoint.empty());
  CHECK(c.organization_identifier == "hospital-a.example");
  CHECK(c.allow_list == s("bundle.xml"));
  CHECK(c.client_tls.certificate == s("client.pem"));
  CHECK(c.client_tls.key_password.reveal() == "planted-too");
  CHECK(c.server_tls.key == s("server.key"));
  CHECK(c.server_tls.trust == s("ca.pem"));
  CHECK(c.fhir_listen.port == 8443);
  CHECK(c.status_listen.port == 10001);
  CHECK(c.handler_threads == 12);
  CHECK(c.excluded_processes == std::vector<std::string>{"dsfdev_ping|1.0", "dsfdev_pong|1.0"});
  CHECK(c.process_environment.at("DEV_DSF_BPE_PROCESS_TIMEOUT") == "PT7M");
  CHECK(c.log_level == dsf::base::log_level::warning);
  CHECK(c.practitioner_rules.size() == 1);
  CHECK(c.store_path.ends_with("store"));

  CHECK(note(loaded, "DEV_DSF_FHIR_DB_URL").find("store.path") != std::string::npos);
  CHECK(note(loaded, "DEV_DSF_FHIR_DB_USER_PASSWORD_FILE").find("store.path") != std::string::npos);
  CHECK(note(loaded, "DEV_DSF_FHIR_CLIENT_CERTIFICATE_PRIVATE_KEY_PASSWORD_FILE").find("one program") != std::string::npos);
  CHECK(note(loaded, "DEV_DSF_LOG_FILE_STYLE") == "(no note)");  // set to nothing is not set
  const auto text = explain_settings(loaded);
  CHECK(text.find("planted") == std::string::npos);
  CHECK(text.find("DEV_DSF_SERVER_STATUS_PORT\n") != std::string::npos);
  CHECK(text.find("DEV_DSF_FHIR_DB_URL: this program") != std::string::npos);
}

TEST_CASE("the engine's variables alone make an engine whose endpoint is another program", "[settings]") {
  const secrets s;
  auto e = installation(s);
  std::erase_if(e, [](const auto& v) { return v.first.starts_with("DEV_DSF_FHIR_"); });
  e["DSFD_ORGANIZATION_IDENTIFIER"] = "hospital-a.example";
  e["DEV_DSF_BPE_FHIR_CLIENT_CERTIFICATE_PRIVATE_KEY_PASSWORD"].clear();
  e["DEV_DSF_BPE_FHIR_CLIENT_CERTIFICATE_PRIVATE_KEY_PASSWORD_FILE"] = s("password.txt");
  const auto loaded = load(e);
  REQUIRE(problems(loaded).empty());
  CHECK_FALSE(loaded.config.role_fhir);
  CHECK(loaded.config.role_bpe);
  CHECK(loaded.config.bpe_endpoint == "https://dsf.hospital-a.example/fhir");
  CHECK(loaded.config.client_tls.key_password.reveal() == "planted-secret");
  CHECK(note(loaded, "DEV_DSF_SERVER_API_PORT").find("dsfctl") != std::string::npos);
}

TEST_CASE("without a certificate for the listener it is the one for the reverse proxy, which has to be listed", "[settings]") {
  const secrets s;
  auto e = installation(s);
  e.erase("DEV_DSF_SERVER_CERTIFICATE");
  e.erase("DEV_DSF_SERVER_CERTIFICATE_KEY");
  e["DEV_DSF_SERVER_API_HOST"] = "0.0.0.0";
  e["DEV_DSF_SERVER_AUTH_CLIENT_CERTIFICATE_HEADER"] = "X-Client";
  e["DSFD_TLS_SERVER_CERTIFICATE"] = s("server.pem");
  e["DSFD_TLS_SERVER_KEY"] = s("server.key");
  CHECK(problems(load(e)).find("fhir.proxies lists nobody") != std::string::npos);
  e["DSFD_FHIR_PROXIES"] = "10.2.0.0/16";
  const auto loaded = load(e);
  REQUIRE(problems(loaded).empty());
  CHECK(loaded.config.proxy_listen.port == 8443);
  CHECK(loaded.config.proxy_listen.address == "0.0.0.0");
  CHECK(loaded.config.proxy_header == "X-Client");
}

TEST_CASE("DSF's OpenID provider and forward proxy are ours", "[settings]") {
  const secrets s;
  auto e = installation(s);
  e["DEV_DSF_SERVER_AUTH_OIDC_BEARER_TOKEN"] = "true";
  e["DEV_DSF_SERVER_AUTH_OIDC_CLIENT_ID"] = "dsf";
  e["DEV_DSF_SERVER_AUTH_OIDC_CLIENT_SECRET_FILE"] = s("password.txt");
  e["DEV_DSF_SERVER_AUTH_OIDC_PROVIDER_REALM_BASE_URL"] = "https://id.hospital-a.example/realms/dsf";
  e["DEV_DSF_SERVER_AUTH_OIDC_PROVIDER_CLIENT_TRUST_SERVER_CERTIFICATE_CAS"] = s("ca.pem");
  e["DEV_DSF_PROXY_URL"] = "http://proxy.hospital-a.example:3128";
  e["DEV_DSF_PROXY_USERNAME"] = "dsf";
  e["DEV_DSF_PROXY_PASSWORD_FILE"] = s("password.txt");
  e["DEV_DSF_PROXY_NOPROXY"] = "localhost, hospital-a.example:443";
  const auto loaded = load(e);
  REQUIRE(problems(loaded).empty());
  CHECK(loaded.config.proxy.url == "http://proxy.hospital-a.example:3128");
  CHECK(loaded.config.proxy.no_proxy.size() == 2);
  CHECK(note(loaded, "DEV_DSF_PROXY_PASSWORD_FILE") == "(no note)");
}

TEST_CASE("DSF's variables stand between the file and our own; what follows from them stands below the file", "[settings]") {
  const secrets s;
  auto e = installation(s);
  e["DSFD_LOG_LEVEL"] = "error";
  const auto loaded = load(e, "store: {path: data}\nroles: [fhir]\nlog: {level: debug}\nstatus: {port: 3}\n");
  REQUIRE(problems(loaded).empty());
  CHECK(loaded.config.store_path == "data");
  CHECK_FALSE(loaded.config.role_bpe);
  CHECK(loaded.config.status_listen.port == 10001);
  CHECK(loaded.config.log_level == dsf::base::log_level::error);
}

TEST_CASE("wrong values and unknown names of DSF's variables are told, each by its name", "[settings]") {
  const secrets s;
  auto e = installation(s);
  e["DEV_DSF_SERVER_STATUS_PORT"] = "many";
  e["DEV_DSF_BPE_FHIR_SERVER_BASE_URL"] = "https://other.example/fhir";
  const auto wrong = problems(load(e));
  CHECK(wrong.find("DEV_DSF_SERVER_STATUS_PORT: status.port is 'many'") != std::string::npos);
  CHECK(wrong.find("DEV_DSF_BPE_FHIR_SERVER_BASE_URL: DEV_DSF_FHIR_SERVER_BASE_URL is another address") != std::string::npos);

  auto typo = installation(s);
  typo["DEV_DSF_SERVER_STATUS_PROT"] = "1";
  typo["DEV_DSF_LOG_CONSOLE_OUT_LEVEL"] = "LOUD";
  const auto loaded = load(typo);
  CHECK(problems(loaded).empty());
  CHECK(note(loaded, "DEV_DSF_SERVER_STATUS_PROT").find("did you mean DEV_DSF_SERVER_STATUS_PORT?") != std::string::npos);
  CHECK(note(loaded, "DEV_DSF_LOG_CONSOLE_OUT_LEVEL").find("TRACE") != std::string::npos);
}

TEST_CASE("without DSF's variables nothing is implied", "[settings]") {
  const auto layer = dsf_environment_layer({{"DSFD_LOG_LEVEL", "info"}, {"PATH", "/bin"}});
  CHECK(layer.implied.empty());
  CHECK(layer.given.assignments.empty());
  CHECK(layer.notes.empty());
}

TEST_CASE("DSF's variables of mail and FHIR connections mean ours, and what stands in them stays hidden", "[settings]") {
  const auto load_with = [](const std::string& smtps) {
    const secrets s;
    auto environment = installation(s);
    environment["DEV_DSF_BPE_MAIL_HOST"] = "smtp.hospital-a.example";
    environment["DEV_DSF_BPE_MAIL_PORT"] = "465";
    environment["DEV_DSF_BPE_MAIL_USESMTPS"] = smtps;
    environment["DEV_DSF_BPE_MAIL_FROMADDRESS"] = "dsf@hospital-a.example";
    environment["DEV_DSF_BPE_MAIL_TOADDRESSES"] = "a@hospital-a.example, b@hospital-a.example";
    environment["DEV_DSF_BPE_FHIR_CLIENT_CONNECTIONS_CONFIG"] =
        "lab:\n  base-url: https://lab.example/fhir\n  bearer-auth: {token: planted}\n";
    environment["DEV_DSF_BPE_FHIR_CLIENT_CONNECTIONS_CONFIG_DEFAULT_TIMEOUT_CONNECT"] = "PT5S";
    return load(environment);
  };
  const auto loaded = load_with("true");
  CHECK(problems(loaded).empty());
  const auto& c = loaded.config;
  CHECK(c.mail.host == "smtp.hospital-a.example");
  CHECK(c.mail.security == mail_security::tls);
  CHECK(c.mail.to.size() == 2);
  CHECK(c.fhir_connections.yaml.reveal().find("planted") != std::string::npos);
  CHECK(c.fhir_connections.connect_timeout_us == 5'000'000);
  CHECK(explain_settings(loaded).find("planted") == std::string::npos);
  const auto plain = load_with("false");
  CHECK(plain.config.mail.security == mail_security::starttls);
  CHECK(note(plain, "DEV_DSF_BPE_MAIL_USESMTPS").find("mail.security: none") != std::string::npos);
}

#include <unistd.h>

#include <catch2/catch.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "site/settings/describe.hpp"
#include "site/settings/load.hpp"

using namespace dsf::site;

namespace {

// A folder with the files a good configuration names.
struct folder {
  std::filesystem::path path = std::filesystem::temp_directory_path() / ("dsfd-settings-" + std::to_string(::getpid()));
  folder() {
    std::filesystem::create_directories(path);
    for (auto name : {"cert.pem", "key.pem", "ca.pem", "mapping.json", "tree.json"}) std::ofstream(path / name) << "x\n";
    std::ofstream(path / "password.txt") << "s3cret\nsecond line\n";
    std::ofstream(path / "empty.txt");
  }
  ~folder() { std::filesystem::remove_all(path); }
  std::string file() const { return (path / "site.yaml").string(); }
};

constexpr const char* good = R"(organization:
  identifier: hospital-a.example
fhir:
  base_url: https://localhost:8443/fhir
tls:
  server: {certificate: cert.pem, key: key.pem, trust: ca.pem}
  client: {certificate: cert.pem, key: key.pem, trust: ca.pem}
store:
  path: data
)";

loaded_settings load(const folder& f, std::string text, std::map<std::string, std::string> environment = {},
                     std::vector<std::pair<std::string, std::string>> command_line = {}) {
  settings_sources s;
  s.file = f.file();
  s.file_text = std::move(text);
  s.environment = std::move(environment);
  s.command_line = std::move(command_line);
  return load_settings(s);
}

// All problems as lines, with the folder's path replaced by "@".
std::string problems(const folder& f, const loaded_settings& loaded) {
  std::string out;
  for (const auto& p : loaded.problems) out += p.to_string() + "\n";
  const auto path = f.path.string();
  for (auto at = out.find(path); at != std::string::npos; at = out.find(path)) out.replace(at, path.size(), "@");
  return out;
}

const assignment& named(const loaded_settings& loaded, std::string_view name) {
  for (const auto& a : loaded.assignments)
    if (a.name == name) return a;
  FAIL("no assignment for " << name);
  throw 0;
}

}  // namespace

TEST_CASE("a good file gives a config with all defaults in place", "[settings]") {
  folder f;
  const auto loaded = load(f, good);
  REQUIRE(problems(f, loaded) == "");
  const auto& c = loaded.config;
  CHECK(c.name == "hospital-a.example");
  CHECK(c.role_fhir);
  CHECK(c.role_bpe);
  CHECK_FALSE(c.role_repository);
  CHECK(c.base_url == "https://localhost:8443/fhir");
  CHECK(c.fhir_listen.address == "127.0.0.1");
  CHECK(c.fhir_listen.port == 8443);
  CHECK(c.status_listen.port == 10000);
  CHECK(c.store_path == (f.path / "data").string());
  CHECK(c.admin_socket == (f.path / "data/admin.sock").string());
  CHECK(c.repository_path == (f.path / "data/repository").string());
  CHECK(c.server_tls.certificate == (f.path / "cert.pem").string());
  CHECK(c.send_deadline_us == 300'000'000);
  CHECK(c.limits.body_bytes == 16 * 1024 * 1024);
  CHECK(c.limits.connections == 1000);
  CHECK(c.log_file == "-");
  CHECK(c.log_level == dsf::base::log_level::info);
  REQUIRE(c.feasibility.networks.contains("all"));
  CHECK(c.feasibility.networks.at("all").obfuscate);
  CHECK(c.feasibility.networks.at("all").rate_limit_count == 999);
  CHECK(c.feasibility.networks.at("all").rate_limit_interval_us == 3'600'000'000);
}

TEST_CASE("wrong settings: the exact text, with file and line", "[settings]") {
  folder f;
  struct row {
    const char* lines;  // after the good file, which has 9 lines
    const char* expected;
  };
  const row rows[] = {
      {"stroe: {path: x}\n", "@/site.yaml:10: unknown setting 'stroe.path'; did you mean 'store.path'?\n"},
      {"log:\n  level: loud\n", "@/site.yaml:11: log.level is 'loud'; it must be one of debug, info, warning, error, off\n"},
      {"log:\n  levle: info\n", "@/site.yaml:11: unknown setting 'log.levle'; did you mean 'log.level'?\n"},
      {"certificate: cert.pem\n", "@/site.yaml:10: unknown setting 'certificate'; did you mean 'tls.server.certificate'?\n"},
      {"zzzzzzzzzzzz: 1\n", "@/site.yaml:10: unknown setting 'zzzzzzzzzzzz'; `dsfd config docs` lists all\n"},
      {"status:\n  port: 70000\n", "@/site.yaml:11: status.port is '70000'; it must be in 0..65535\n"},
      {"status:\n  port: http\n", "@/site.yaml:11: status.port is 'http'; it must be a whole number\n"},
      {"status:\n  port: [1, 2]\n", "@/site.yaml:11: status.port is a list; it must be one value (port)\n"},
      {"status:\n  port: {a: 1}\n", "@/site.yaml:11: status.port is one value; there must be no names below it\n"},
      {"limits:\n  body: 16 parsecs\n",
       "@/site.yaml:11: limits.body is '16 parsecs'; it must be a size such as 4096, 64KiB, 16MiB or 1GB\n"},
      {"limits:\n  body: 2GiB\n", "@/site.yaml:11: limits.body is '2GiB'; it must be in 1KiB..1GiB\n"},
      {"engine:\n  send_deadline: soon\n",
       "@/site.yaml:11: engine.send_deadline is 'soon'; it must be a duration such as 500ms, 10s, 5m, 1h, 7d or PT10S\n"},
      {"engine:\n  send_deadline: P1M\n",
       "@/site.yaml:11: engine.send_deadline is 'P1M'; it must be a duration such as 500ms, 10s, 5m, 1h, 7d or PT10S\n"},
      {"engine:\n  send_deadline: 0s\n", "@/site.yaml:11: engine.send_deadline is '0s'; it must be in 1s..30d\n"},
      {"allow_repository_beside_fhir: yes\n", "@/site.yaml:10: allow_repository_beside_fhir is 'yes'; it must be true or false\n"},
      {"roles: [fhir, engine]\n", "@/site.yaml:10: roles is 'engine'; each item must be one of fhir, bpe, repository\n"},
      {"roles: []\n", "@/site.yaml:10: roles is empty; name at least one of fhir, bpe, repository\n"},
      {"roles: [fhir, bpe, repository]\n",
       "@/site.yaml:10: roles has fhir and repository: clinical data must not stand beside an endpoint that faces other sites; run the "
       "repository as a program of its own, or set "
       "allow_repository_beside_fhir: true on a development machine\n"},
      {"name: a\nname: b\n", "@/site.yaml:11: name is set twice; it was set in line 10 already\n"},
      {"processes:\n  retired: [dsfdev_ping]\n",
       "@/site.yaml:11: processes.retired has 'dsfdev_ping'; it must be key|version, e.g. dsfdev_ping|1.0\n"},
      {"feasibility:\n  networks:\n    all:\n      obfuscate: false\n",
       "@/site.yaml:13: feasibility.networks.all.obfuscate is false; this program never lets an exact count leave the site. Set it to true "
       "or leave it out\n"},
      {"feasibility:\n  networks:\n    net.example:\n      stores: [main]\n",
       "@/site.yaml:13: feasibility.networks.net.example.stores has 'main'; there is no feasibility.stores.main\n"},
      {"feasibility:\n  networks:\n    all:\n      obfuscat: true\n",
       "@/site.yaml:13: unknown setting 'feasibility.networks.all.obfuscat'; did you mean 'feasibility.networks.all.obfuscate'?\n"},
      {"feasibility:\n  mapping: mapping.json\n",
       "@/site.yaml:11: feasibility.mapping and feasibility.tree go together; set both or none\n"},
      {"feasibility:\n  stores:\n    main:\n      native: true\n      base_url: https://a/fhir\n  mapping: mapping.json\n  tree: "
       "tree.json\n",
       "@/site.yaml:14: feasibility.stores.main must have exactly one of native: true (the site's own repository) and base_url (another "
       "server)\n"},
      {"feasibility:\n  mapping: mapping.json\n  tree: tree.json\n  stores:\n    main:\n      native: true\n      evaluation_strategy: "
       "cql\n",
       "@/site.yaml:16: feasibility.stores.main.evaluation_strategy must be ccdl; the site's own repository evaluates CCDL queries\n"},
      {"pluginz\n", "@/site.yaml:10: unknown setting 'pluginz'; `dsfd config docs` lists all\n"},
      {"name: {a: b\n", "@/site.yaml:11: not YAML: end of map flow not found\n"},
  };
  for (const auto& r : rows) {
    CAPTURE(r.lines);
    CHECK(problems(f, load(f, std::string(good) + r.lines)) == r.expected);
  }
}

TEST_CASE("all problems are reported, not only the first", "[settings]") {
  folder f;
  const auto text = problems(f, load(f, std::string(good) + "log: {level: loud}\nstatus: {port: x}\nfoo: 1\n"));
  CHECK(std::count(text.begin(), text.end(), '\n') == 3);
}

TEST_CASE("what is required is named with its reason", "[settings]") {
  folder f;
  CHECK(problems(f, load(f, "roles: repository\n")) ==
        "organization.identifier is not set; it is the organisation's identifier in the allow-list, e.g. hospital-a.example\n"
        "store.path is not set; it is the folder in which the site keeps everything\n");
  const auto text = problems(f, load(f, ""));
  CHECK(text.find("fhir.base_url is not set; it is the address under which other sites reach the FHIR endpoint\n") != std::string::npos);
  CHECK(text.find("tls.server.key is not set; the FHIR endpoint speaks only mutual TLS\n") != std::string::npos);
}

TEST_CASE("addresses and files are checked where they are written", "[settings]") {
  folder f;
  auto with = [&](std::string from, std::string to) {
    std::string text = good;
    text.replace(text.find(from), from.size(), to);
    return problems(f, load(f, text));
  };
  CHECK(with("https://localhost:8443/fhir", "http://localhost/fhir") ==
        "@/site.yaml:4: fhir.base_url is 'http://localhost/fhir'; it must begin with https://\n");
  CHECK(with("https://localhost:8443/fhir", "https://localhost/fhir/") ==
        "@/site.yaml:4: fhir.base_url is 'https://localhost/fhir/'; leave out the slash at its end\n");
  CHECK(with("https://localhost:8443/fhir", "https:///fhir") == "@/site.yaml:4: fhir.base_url is 'https:///fhir'; it names no host\n");
  CHECK(with("server: {certificate: cert.pem", "server: {certificate: nope.pem") ==
        "@/site.yaml:6: tls.server.certificate is '@/nope.pem'; there is no such file or folder\n");
}

TEST_CASE("command line over environment over file over default", "[settings]") {
  folder f;
  const auto text = std::string(good) + "log: {level: warning}\nstatus: {port: 1}\n";
  auto loaded = load(f, text, {{"DSFD_LOG_LEVEL", "error"}, {"DSFD_STATUS_PORT", "2"}}, {{"status.port", "3"}});
  REQUIRE(problems(f, loaded) == "");
  CHECK(loaded.config.log_level == dsf::base::log_level::error);
  CHECK(loaded.config.status_listen.port == 3);
  CHECK(named(loaded, "log.level").place == "DSFD_LOG_LEVEL");
  CHECK(named(loaded, "status.port").place == "--status.port");
  CHECK(named(loaded, "store.path").place == f.file() + ":9");
  CHECK(named(loaded, "fhir.port").place == "");
}

TEST_CASE("variables and options are as strict as the file", "[settings]") {
  folder f;
  CHECK(problems(f, load(f, good, {{"DSFD_STORE_PAHT", "x"}})) == "DSFD_STORE_PAHT: unknown variable; did you mean DSFD_STORE_PATH?\n");
  CHECK(problems(f, load(f, good, {{"DSFD_STATUS_PORT", "x"}})) == "DSFD_STATUS_PORT: status.port is 'x'; it must be a whole number\n");
  CHECK(problems(f, load(f, good, {}, {{"status.prot", "1"}})) ==
        "--status.prot: unknown setting 'status.prot'; did you mean 'status.port'?\n");
  CHECK(problems(f, load(f, good, {}, {{"status.port", "1"}, {"status.port", "2"}})) == "--status.port: status.port is given twice\n");
  const auto lists = load(f, good, {{"DSFD_PROCESSES_EXCLUDED", "a|1.0, b|1.0"}}, {{"plugins.folders", "/p"}, {"plugins.folders", "/q"}});
  CHECK(lists.config.excluded_processes == std::vector<std::string>{"a|1.0", "b|1.0"});
  CHECK(lists.config.plugin_folders == std::vector<std::string>{"/p", "/q"});
}

TEST_CASE("a secret's file form is its first line; both forms at one place are refused", "[settings]") {
  folder f;
  auto with = [&](std::string extra) {
    std::string text = good;
    const std::string from = "server: {certificate";
    text.replace(text.find(from), from.size(), "server: {" + extra + ", certificate");
    return load(f, text);
  };
  CHECK(with("key_password_file: password.txt").config.server_tls.key_password.reveal() == "s3cret");
  CHECK(with("key_password: direct").config.server_tls.key_password.reveal() == "direct");
  CHECK(problems(f, with("key_password: direct, key_password_file: password.txt")) ==
        "@/site.yaml:6: tls.server.key_password and tls.server.key_password_file are both set; leave one out\n");
  CHECK(problems(f, with("key_password_file: nope.txt")) ==
        "@/site.yaml:6: tls.server.key_password_file is '@/nope.txt'; there is no such file or folder\n");
  CHECK(problems(f, with("key_password_file: empty.txt")) ==
        "@/site.yaml:6: tls.server.key_password_file is '@/empty.txt'; the first line of this file is empty\n");
  auto loaded = load(f, good, {{"DSFD_TLS_CLIENT_KEY_PASSWORD_FILE", (f.path / "password.txt").string()}});
  CHECK(loaded.config.client_tls.key_password.reveal() == "s3cret");
}

TEST_CASE("explain never shows a secret", "[settings]") {
  folder f;
  const auto loaded =
      load(f, std::string(good) + "process_environment: {A_PASSWORD: planted1, B: seen}\n", {{"DSFD_TLS_SERVER_KEY_PASSWORD", "planted2"}},
           {{"feasibility.stores.x.bearer_token", "planted3"}, {"feasibility.stores.x.base_url", "https://x/fhir"}});
  REQUIRE(problems(f, loaded) == "");
  const auto text = explain_settings(loaded);
  CHECK(text.find("planted") == std::string::npos);
  CHECK(text.find("seen") != std::string::npos);
  CHECK(text.find("(hidden)") != std::string::npos);
  CHECK(text.find("DSFD_TLS_SERVER_KEY_PASSWORD") != std::string::npos);
}

TEST_CASE("process variables read their _FILE form", "[settings]") {
  folder f;
  auto loaded =
      load(f, std::string(good) + "process_environment:\n  X_PASSWORD_FILE: " + (f.path / "password.txt").string() + "\n  Y: PT1H\n");
  REQUIRE(problems(f, loaded) == "");
  CHECK(loaded.config.process_environment.at("X_PASSWORD") == "s3cret");
  CHECK(loaded.config.process_environment.at("Y") == "PT1H");
}

TEST_CASE("feasibility networks and stores are read by the names the user gives", "[settings]") {
  folder f;
  auto loaded = load(f, std::string(good) + R"(feasibility:
  general: {request_task_timeout: PT1H}
  mapping: mapping.json
  tree: tree.json
  networks:
    net.example:
      rate_limit: {count: 3, interval: 1h}
      stores: [main, other]
  stores:
    main: {native: true}
    other: {base_url: 'http://blaze/fhir', evaluation_strategy: cql, username: u, password_file: password.txt}
)");
  REQUIRE(problems(f, loaded) == "");
  const auto& c = loaded.config.feasibility;
  CHECK(c.request_task_timeout_us == 3'600'000'000);
  REQUIRE(c.networks.size() == 1);
  const auto& n = c.networks.at("net.example");
  CHECK(n.obfuscate);
  CHECK(n.rate_limit_count == 3);
  CHECK(n.stores == std::vector<std::string>{"main", "other"});
  CHECK(c.stores.at("main").native);
  CHECK(c.stores.at("main").strategy == evaluation_strategy::ccdl);
  CHECK(c.stores.at("other").strategy == evaluation_strategy::cql);
  CHECK(c.stores.at("other").password.reveal() == "s3cret");
  CHECK(c.stores.at("other").request_timeout_us == 300'000'000);
}

TEST_CASE("a socket path that the system can't bind is refused at start", "[settings]") {
  folder f;
  const auto text = problems(f, load(f, good, {{"DSFD_ADMIN_SOCKET", "/" + std::string(120, 'x')}}));
  CHECK(text.starts_with("DSFD_ADMIN_SOCKET: admin.socket is '/xxx"));
  CHECK(text.ends_with("the path of a Unix socket has at most 107 bytes, this one has 121; set a shorter one\n"));
}

TEST_CASE("a file that is not there or not settings", "[settings]") {
  folder f;
  settings_sources s;
  s.file = (f.path / "none.yaml").string();
  auto loaded = load_settings(s);
  CHECK(problems(f, loaded) == "@/none.yaml: the settings file can't be read: No such file or directory; `dsfctl site init` makes one\n");
  CHECK(problems(f, load(f, "- a\n- b\n")).starts_with("@/site.yaml:1: the file must hold settings as `name: value` lines\n"));
  CHECK(problems(f, load(f, "name: x\n\tfoo: 1\n")).starts_with("@/site.yaml:2: not YAML: "));
  CHECK(problems(f, load(f, "name: [[[[[[\n")).starts_with("@/site.yaml:"));
}

TEST_CASE("durations and sizes", "[settings]") {
  CHECK(parse_duration_us("500ms").value() == 500'000);
  CHECK(parse_duration_us("PT1M30S").value() == 90'000'000);
  CHECK(parse_duration_us("7 d").value() == 7LL * 86'400'000'000);
  CHECK_FALSE(parse_duration_us("").has_value());
  CHECK_FALSE(parse_duration_us("10").has_value());
  CHECK_FALSE(parse_duration_us("-1s").has_value());
  CHECK_FALSE(parse_duration_us("99999999999999999d").has_value());
  CHECK(parse_size_bytes("4096").value() == 4096);
  CHECK(parse_size_bytes("16 MiB").value() == 16 << 20);
  CHECK(parse_size_bytes("1GB").value() == 1'000'000'000);
  CHECK_FALSE(parse_size_bytes("16M").has_value());
  CHECK_FALSE(parse_size_bytes("99999999999TiB").has_value());
}

TEST_CASE("the table is consistent", "[settings]") {
  std::set<std::string> names, variables;
  for (const auto& row : settings_table()) {
    CAPTURE(row.name);
    CHECK(names.insert(std::string(row.name)).second);
    CHECK(row.apply != nullptr);
    CHECK(row.help.ends_with('.'));
    if (auto v = environment_name(row); !v.empty()) CHECK(variables.insert(v).second);
    if (!row.fallback.empty()) {
      auto parsed = parse_setting(row, row.name, {std::string(row.fallback)}, "");
      CHECK(parsed.has_value());
    }
  }
}

TEST_CASE("PKCS#12 holds its key, and revocation lists need a policy that reads them", "[settings]") {
  const folder f;
  std::ofstream(f.path / "site.p12") << "x";
  const auto with = [&](const std::string& server) {
    std::string text = good;
    const std::string from = "server: {certificate: cert.pem, key: key.pem, trust: ca.pem}";
    text.replace(text.find(from), from.size(), "server: {" + server + ", trust: ca.pem}");
    return load(f, text);
  };
  const auto loaded = with("certificate: site.p12, revocation: required, revocation_lists: ca.pem");
  CHECK(problems(f, loaded).empty());
  CHECK(loaded.config.server_tls.revocation == revocation_policy::required);
  CHECK(problems(f, with("certificate: site.p12, key: key.pem")) ==
        "@/site.yaml:6: tls.server.key is set, and tls.server.certificate is PKCS#12, which holds its key; leave tls.server.key out\n");
  CHECK(problems(f, with("certificate: cert.pem")) == "tls.server.key is not set; the FHIR endpoint speaks only mutual TLS\n");
  CHECK(problems(f, with("certificate: site.p12, revocation_lists: ca.pem")) ==
        "@/site.yaml:6: tls.server.revocation_lists is set, but tls.server.revocation is off, so they would decide nothing; set it to "
        "if-present or required\n");
  CHECK(problems(f, with("certificate: site.p12, revocation: if-present")) ==
        "@/site.yaml:6: tls.server.revocation is set, but tls.server.revocation_lists is not; name a file or a folder\n");
}

TEST_CASE("proxies on either side: what is wrong is told with its place", "[settings]") {
  const folder f;
  const auto fhir = [&](const std::string& more) {
    std::string text = good;
    text.insert(text.find("tls:"), "  " + more + "\n");
    return problems(f, load(f, text));
  };
  CHECK(fhir("proxies: [10.1.0.0/16, '::1', " + std::string(128, 'a') + "]").empty());
  CHECK(fhir("proxies: [proxy.example]") ==
        "@/site.yaml:5: fhir.proxies: 'proxy.example' is not an IP address or network; write 192.0.2.7, 10.1.0.0/16 or fd00::/8, or the "
        "SHA-512 "
        "thumbprint of the proxy's client certificate (128 lower-case hexadecimal digits)\n");
  CHECK(fhir("proxy_port: 8080") ==
        "@/site.yaml:5: fhir.proxy_port is set, but fhir.proxies lists nobody who may come there; list the proxy's address\n");
  CHECK(fhir("proxy_header: 'X Client'") ==
        "@/site.yaml:5: fhir.proxy_header is 'X Client', which is no name of a header; the usual one is X-ClientCert\n");
  const auto proxy = [&](const std::string& text) { return problems(f, load(f, good + text)); };
  CHECK(proxy("proxy: {url: 'http://p.example:3128', username: u, password: p, no_proxy: [a.example], targets: {b.example: direct}}\n")
            .empty());
  CHECK(proxy("proxy: {username: u}\n") == "@/site.yaml:10: proxy.username is set, but proxy.url is not; set both or none\n");
  CHECK(proxy("proxy: {url: 'https://p.example:3128'}\n").find("is no address of a proxy") != std::string::npos);
  CHECK(proxy("proxy:\n  targets:\n    b.example: drect\n").starts_with("@/site.yaml:12: proxy.targets.b.example: 'drect' is no address"));
}

TEST_CASE("an OpenID provider needs its name, its authorities and something it is for", "[settings]") {
  const folder f;
  const auto with = [&](const std::string& text) { return load(f, good + text); };
  const auto whole = with("oidc: {issuer: 'https://id.example/realms/dsf', client_id: dsf, trust: ca.pem, bearer_token: true}\n");
  CHECK(problems(f, whole).empty());
  CHECK(whole.config.oidc.audience == "dsf");
  CHECK(whole.config.oidc.callback_path == "/login/callback");
  CHECK(with("oidc: {issuer: 'https://id.example', client_id: dsf, trust: ca.pem, bearer_token: true, bearer_token_audience: any}\n")
            .config.oidc.audience.empty());
  CHECK(problems(f, with("oidc: {bearer_token: true}\n")) ==
        "oidc.issuer is not set; oidc is on, and believes the tokens of this OpenID provider\n"
        "oidc.client_id is not set; oidc is on; it is the name of this site at the OpenID provider\n"
        "oidc.trust is not set; oidc is on; it holds the authorities of the OpenID provider's server\n");
  CHECK(problems(f, with("oidc: {issuer: 'https://id.example'}\n")) ==
        "@/site.yaml:10: oidc.issuer is set, but neither oidc.authorization_code_flow nor oidc.bearer_token is on: no token would be "
        "believed\n");
  CHECK(problems(
            f,
            with("oidc: {issuer: 'https://id.example', client_id: dsf, trust: ca.pem, bearer_token: true, back_channel_logout: true}\n")) ==
        "@/site.yaml:10: oidc.back_channel_logout is on, but oidc.authorization_code_flow is not: there are no sessions to end\n");
}

TEST_CASE("docs/settings.md is current", "[settings]") {
  std::ifstream in(DSF_SOURCE_DIR "/docs/settings.md");
  std::stringstream text;
  text << in.rdbuf();
  INFO("bring it up to date with: dsfd config docs > docs/settings.md");
  CHECK(text.str() == settings_markdown());
}

TEST_CASE("workers: a socket when a plugin is set, one plugin a process, TCP only with certificates", "[settings]") {
  folder f;
  CHECK(load(f, good).config.workers.socket == "off");
  const auto with = [&](const std::string& lines) { return load(f, std::string(good) + "workers:\n" + lines); };
  const auto loaded = with("  plugins: {p: {processes: [k1, k2], settings: [A]}}\n");
  REQUIRE(problems(f, loaded) == "");
  CHECK(loaded.config.workers.socket == (f.path / "data/workers.sock").string());
  CHECK(loaded.config.workers.plugins.at("p").processes == std::vector<std::string>{"k1", "k2"});
  CHECK_FALSE(loaded.config.workers.plugins.at("p").cohort_count);
  CHECK_FALSE(loaded.config.workers.tcp);
  CHECK(with("  socket: off\n  plugins: {p: {processes: [k]}}\n").config.workers.socket == "off");
  CHECK(problems(f, with("  plugins: {p: {settings: [A]}}\n")) ==
        "workers.plugins.p.processes is not set; workers.plugins.p needs the keys of its processes\n");
  CHECK(problems(f, with("  plugins: {p: {processes: [k]}, q: {processes: [k]}}\n")).find("a process belongs to one plugin") !=
        std::string::npos);
  CHECK(problems(f, with("  plugins: {p: {processes: [k], stores: [s]}}\n")).find("there is no feasibility.stores.s") != std::string::npos);
  CHECK(problems(f, with("  address: 0.0.0.0\n  plugins: {p: {processes: [k]}}\n")).find("workers.tls.certificate is not set") !=
        std::string::npos);
}

TEST_CASE("ages: ISO 8601 or never, and nothing that would remove all at once by a slip", "[settings]") {
  CHECK(parse_age("never")->has_value() == false);
  CHECK((*parse_age("P30D"))->us == 30 * 86'400 * dsf::base::us_per_s);
  CHECK((*parse_age("P6M"))->months == 6);
  CHECK((*parse_age("P1Y"))->months == 12);
  CHECK((*parse_age("12h"))->us == 12 * 3'600 * dsf::base::us_per_s);
  CHECK((*parse_age("1s"))->us == dsf::base::us_per_s);
  for (const auto* bad :
       {"", "0", "0s", "PT0S", "999ms", "-1d", "P-1D", "30", "P30", "Never", "forever", "P9999999Y", "9999999999d", "P1D "})
    CHECK_FALSE(parse_age(bad));
}

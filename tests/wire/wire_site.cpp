#include "tests/wire/wire_site.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include "net/pki.hpp"
#include "site/ctl/demo/allow_list.hpp"

namespace dsf::tests {
namespace {

const std::string parent = "parent.example";
constexpr std::int64_t start_timeout_ms = 30'000;
constexpr std::int64_t answer_timeout_ms = 10'000;

struct sender {
  const char* who;
  const char* name;  // organisation identifier, or e-mail address
};
constexpr sender senders[] = {{"local", "site-a.example"},         {"site-b", "site-b.example"},      {"site-c", "site-c.example"},
                              {"person", "person@site-a.example"}, {"admin", "admin@site-a.example"}, {"nobody", "nobody@site-a.example"},
                              {"unlisted", "unlisted.example"},    {"expired", "expired.example"},    {"stranger", "stranger.example"}};

}  // namespace

wire_site& wire_site::shared() {
  static wire_site site;
  return site;
}

wire_site::wire_site() {
  port_ = free_port();
  base_ = fmt::format("https://localhost:{}/fhir", port_);
  make_certificates();
  write_settings();
  process_ = must(site::ctl::child::start({dsfd_program(), "--config", folder_ / "site.yaml"}, folder_ / "output.log"));
  admin_ = std::make_unique<site::admin_client>(folder_ / "admin.sock");
  for (std::int64_t waited = 0;; waited += 50) {
    if (const auto s = admin_->status(); s && s->fhir_port != 0) break;
    if (!process_.running() || waited > start_timeout_ms)
      throw std::runtime_error("the site did not start: " + read_text(folder_ / "output.log"));
    ::usleep(50'000);
  }
  load_definitions();
}

void wire_site::make_certificates() {
  const net::pki_files ca{folder_ / "ca.pem", folder_ / "ca.key"}, other{folder_ / "other-ca.pem", folder_ / "other-ca.key"};
  must(net::create_ca({}, ca));
  must(net::create_ca({.common_name = "another CA"}, other));
  must(net::issue_certificate({.use = net::certificate_use::server, .common_name = "localhost"}, ca, {},
                              {folder_ / "server.pem", folder_ / "server.key"}));
  for (const auto& s : senders) {
    net::certificate_request q;
    const std::string name = s.name, who = s.who;
    q.common_name = name;
    if (name.find('@') != name.npos) q.email = name;
    if (who == "expired") q.valid_days = -1;
    must(net::issue_certificate(q, who == "stranger" ? other : ca, {}, {folder_ / (who + ".pem"), folder_ / (who + ".key")}));
  }
}

void wire_site::write_settings() {
  const auto print = [&](const std::string& who) { return must(net::thumbprint_of(folder_ / (who + ".pem"))); };
  const site::ctl::allow_list_member members[] = {
      {"site-a.example", "a", "site-a.localhost", base_, print("local"), "DIC"},
      {"site-b.example", "b", "site-b.localhost", "https://site-b.localhost/fhir", print("site-b"), "HRP"},
      {"site-c.example", "c", "site-c.localhost", "https://site-c.localhost/fhir", print("site-c"), "DIC"},
  };
  write_text(folder_ / "allow-list.json", site::ctl::allow_list_bundle(parent, members).dump());
  const std::string rights = "dsf-role: [CREATE, READ, UPDATE, DELETE, SEARCH, HISTORY]";
  write_text(folder_ / "site.yaml", fmt::format(R"(name: site-a
roles: [fhir]
organization: {{identifier: site-a.example}}
endpoint: {{identifier: site-a.localhost}}
fhir:
  base_url: '{0}'
  port: {1}
  allow_list: allow-list.json
  role_config:
  - person: {{thumbprint: {2}, {5}, practitioner-role: 'http://dsf.dev/fhir/CodeSystem/practitioner-role|DIC_USER'}}
  - admin: {{thumbprint: {3}, {5}, practitioner-role: 'http://dsf.dev/fhir/CodeSystem/practitioner-role|DSF_ADMIN'}}
  - nobody: {{thumbprint: {4}, {5}}}
status: {{port: 0}}
admin: {{socket: admin.sock}}
store: {{path: store, low_water_mark: 0}}
log: {{file: log.jsonl}}
limits: {{body: 256KiB, head: 16KiB}}
tls:
  server: {{certificate: server.pem, key: server.key, trust: ca.pem}}
  client: {{certificate: local.pem, key: local.key, trust: ca.pem}}
)",
                                                base_, port_, print("person"), print("admin"), print("nobody"), rights));
}

// The process that the cases are about; created as an operator would, over the wire.
void wire_site::load_definitions() {
  for (const auto* name : {"task-profile", "any-task-profile", "activity-definition", "questionnaire"}) {
    net::client_request q;
    q.method = "POST";
    const auto body = read_text(std::filesystem::path(DSF_SOURCE_DIR) / "tests/wire/bodies" / (std::string(name) + ".json"));
    q.url = base_ + "/" + must(base::json::parse(body))["resourceType"].str();
    q.headers = {{"Content-Type", "application/fhir+json"}, {"Accept", "application/fhir+json"}};
    q.body = body;
    const auto answer = must(client("local").send_and_wait(std::move(q), answer_timeout_ms));
    if (answer.status != 201) throw std::runtime_error(fmt::format("{} is refused: {} {}", name, answer.status, answer.body));
  }
}

net::https_client& wire_site::client(const std::string& who) {
  auto& c = clients_[who];
  if (!c) {
    net::tls_files files;
    files.trust = folder_ / "ca.pem";
    if (who != "none") {
      files.certificate = folder_ / (who + ".pem");
      files.key = folder_ / (who + ".key");
    }
    // Loading checks the dates as of now; one that has ended is loaded as of when it was valid.
    base::manual_clock back({base::system_clock_source().now().us - 36 * 3'600 * base::us_per_s});
    net::client_options o;
    o.identity =
        must(net::tls_identity::load(files, who == "expired" ? static_cast<const base::clock&>(back) : base::system_clock_source()));
    c = std::make_unique<net::https_client>(std::move(o));
  }
  return *c;
}

std::string wire_site::name_of(const std::string& who) {
  for (const auto& s : senders)
    if (who == s.who) return s.name;
  return {};
}

std::uint64_t wire_site::store_sequence() { return must(admin_->status()).store_sequence; }

}  // namespace dsf::tests

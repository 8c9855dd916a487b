// What changes around a split site while it runs: certificates, roles, and what it says of itself. Would find: Tasks that get lost with such a change.
#include <fmt/format.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <set>

#include "actors/inbox.hpp"
#include "base/entropy.hpp"
#include "base/uuid.hpp"
#include "net/pki.hpp"
#include "storage/keys.hpp"
#include "storage/store.hpp"
#include "tests/wire/split_pair.hpp"
#include "tests/wire/wire_site.hpp"

using namespace dsf;
using namespace dsf::tests;

namespace {

std::string new_key() { return base::uuid::random(base::system_entropy()).to_string(); }

void replace(const std::string& file, const std::string& what, const std::string& by) {
  auto text = read_text(file);
  const auto at = text.find(what);
  if (at == text.npos) throw std::runtime_error(file + " has no " + what);
  text.replace(at, what.size(), by);
  write_text(file, text);
}

template <class So>
bool soon(So so) {
  for (int i = 0; i < 400; ++i) {
    if (so()) return true;
    ::usleep(50'000);
  }
  return false;
}

std::size_t count_of(const std::string& text, const std::string& what) {
  std::size_t n = 0;
  for (auto at = text.find(what); at != text.npos; at = text.find(what, at + 1)) ++n;
  return n;
}

// A value of /metrics as it stands there; "" if there is none.
std::string metric(std::uint16_t port, const std::string& name) {
  net::https_client client{net::client_options{}};
  const auto page =
      must(client.send_and_wait({.url = fmt::format("http://localhost:{}/metrics", port), .headers = {}, .body = {}}, 10'000)).body;
  const auto at = page.find("\n" + name + " ");
  if (at == page.npos) return {};
  const auto from = at + name.size() + 2;
  return page.substr(from, page.find('\n', from) - from);
}

std::size_t inbox_rows(const std::string& folder) {
  storage::store_options o;
  o.path = folder;
  o.create = false;
  o.read_only = true;
  const auto store = must(storage::store::open(std::move(o)));
  return must(store->view()->rows(storage::table::inbox, storage::keys::inbox_prefix(0), 1'000)).size();
}

}  // namespace

TEST_CASE("split: the engine's certificate is changed while it runs, and no Task is lost", "[split]") {
  split_pair s;
  const net::pki_files ca{s.folder / "ca.pem", s.folder / "ca.key"}, next{s.folder / "next.pem", s.folder / "next.key"};
  must(net::issue_certificate({.common_name = "split.example"}, ca, {}, next));
  const auto before = must(net::thumbprint_of(s.folder / "split.pem")), after = must(net::thumbprint_of(next.certificate));
  const std::string extension = R"({"url":"http://dsf.dev/fhir/StructureDefinition/extension-certificate-thumbprint","valueString":")";
  // First the new thumbprint joins the old one, at all partners.
  replace(s.folder / "allow-list.json", extension + before + "\"}", extension + before + "\"}," + extension + after + "\"}");
  s.start_all();
  std::vector<std::string> tasks;
  for (int i = 0; i < 5; ++i) tasks.push_back(s.ping_by_post(new_key()));
  write_text(s.folder / "split.pem", read_text(next.certificate));
  write_text(s.folder / "split.key", read_text(next.key));
  ::kill(s.engine.process.pid(), SIGHUP);
  CHECK(soon([&] { return count_of(read_text(s.folder / "engine.jsonl"), "were read again") == 1; }));
  for (int i = 0; i < 5; ++i) tasks.push_back(s.ping_by_post(new_key()));
  for (const auto& t : tasks) CHECK(s.outcome_of(s.endpoint, t) == "");

  // Then the old one leaves the list, and only who shows the new one is known.
  net::client_options o;
  o.identity = must(net::tls_identity::load({next.certificate, next.key, {}, {}, s.folder / "ca.pem"}));
  net::https_client with_next(std::move(o));
  const auto url = fmt::format("https://localhost:{}/fhir/Organization", s.endpoint_port);
  const auto found = must(
      base::json::parse(must(with_next.send_and_wait({.url = url + "?identifier=http://dsf.dev/sid/organization-identifier%7Csplit.example",
                                                      .headers = {{"Accept", "application/fhir+json"}},
                                                      .body = {}},
                                                     10'000))
                            .body));
  REQUIRE(found["total"].int_or(0) == 1);
  auto organization = found["entry"][std::size_t{0}]["resource"];
  organization.set("extension", base::json::array{must(base::json::parse(extension + after + "\"}"))});
  const auto put =
      must(with_next.send_and_wait({.method = "PUT",
                                    .url = url + "/" + organization["id"].str(),
                                    .headers = {{"Content-Type", "application/fhir+json"}, {"Accept", "application/fhir+json"}},
                                    .body = organization.dump()},
                                   10'000));
  INFO(put.body);
  REQUIRE(put.status == 200);
  s.proxy->cut();
  const auto late = s.ping(s.other, new_key());
  CHECK(s.outcome_of(s.other, late) == "");
  s.wait_until_ready(s.engine);
}

// Would find: a half that goes on trusting what it read at its start.
TEST_CASE("split: the endpoint moves to a certificate of another authority; both halves read trust again, and no Task is lost", "[split]") {
  split_pair s;
  const net::pki_files ca{s.folder / "next-ca.pem", s.folder / "next-ca.key"}, next{s.folder / "next.pem", s.folder / "next.key"};
  must(net::create_ca({.common_name = "the next CA"}, ca));
  must(net::issue_certificate({.use = net::certificate_use::server, .common_name = "localhost"}, ca, {}, next));
  s.start_all();
  std::vector<std::string> tasks;
  const auto both = [&] {
    for (int i = 0; i < 3; ++i) tasks.push_back(s.ping(s.engine, new_key()));
  };
  const auto hang_up = [&](split_pair::program& p) {
    const auto log = s.folder / (p.name + ".jsonl");
    const auto before = count_of(read_text(log), "were read again");
    ::kill(p.process.pid(), SIGHUP);
    return soon([&] { return count_of(read_text(log), "were read again") == before + 1; });
  };
  both();
  write_text(s.folder / "ca.pem", read_text(s.folder / "ca.pem") + read_text(ca.certificate));
  for (auto* p : {&s.engine, &s.other, &s.endpoint}) CHECK(hang_up(*p));
  both();
  write_text(s.folder / "server.pem", read_text(next.certificate));
  write_text(s.folder / "server.key", read_text(next.key));
  CHECK(hang_up(s.endpoint));
  s.proxy->cut();
  both();
  s.wait_until_ready(s.engine);
  s.trust_again();
  for (const auto& t : tasks) CHECK(s.outcome_of(s.endpoint, t) == "");
}

TEST_CASE("split: an endpoint has no inbox, and one that gets an engine finds the Tasks that wait", "[split]") {
  split_pair s;
  s.start_all();
  CHECK(s.outcome_of(s.endpoint, s.ping_by_post(new_key())) == "");
  REQUIRE(s.engine.process.stop(15'000));
  std::vector<std::string> waiting;
  for (int i = 0; i < 8; ++i) waiting.push_back(s.ping_by_post(new_key()));
  REQUIRE(s.endpoint.process.stop(15'000));
  CHECK(inbox_rows(s.folder / "endpoint") == 0);

  const auto other = read_text(s.folder / "other.yaml");
  replace(s.folder / "endpoint.yaml", "roles: [fhir]", "roles: [fhir, bpe]");
  write_text(s.folder / "endpoint.yaml", read_text(s.folder / "endpoint.yaml") + other.substr(other.find("plugins:")));
  s.start(s.endpoint);
  s.wait_until_ready(s.endpoint);
  for (const auto& t : waiting) CHECK(soon([&] { return s.read("Task/" + t)["status"].str() == "completed"; }));
  REQUIRE(s.endpoint.process.stop(15'000));
  CHECK(inbox_rows(s.folder / "endpoint") == 0);

  // And back: the engine elsewhere goes on.
  replace(s.folder / "endpoint.yaml", "roles: [fhir, bpe]", "roles: [fhir]");
  auto text = read_text(s.folder / "endpoint.yaml");
  write_text(s.folder / "endpoint.yaml", text.substr(0, text.find("plugins:")));
  s.start(s.endpoint);
  s.start(s.engine);
  s.wait_until_ready(s.engine);
  CHECK(s.outcome_of(s.endpoint, s.ping_by_post(new_key())) == "");
}

TEST_CASE("split: metrics tell how the halves are connected", "[split][metrics]") {
  split_pair s;
  const auto endpoint_status = free_port();
  replace(s.folder / "endpoint.yaml", "status: {port: 0}", fmt::format("status: {{port: {}}}", endpoint_status));
  const std::string open = R"(dsfd_websocket_clients{state="open"})", bound = R"(dsfd_websocket_clients{state="bound"})";
  s.start(s.engine);
  s.wait_until_ready(s.engine, false);
  CHECK(metric(s.engine_status_port, "dsfd_link_connected") == "0");
  CHECK(metric(s.engine_status_port, "dsfd_link_bound") == "0");
  CHECK(metric(s.engine_status_port, "dsfd_link_catch_ups_total") == "0");
  CHECK(metric(s.engine_status_port, "dsfd_link_last_event_seconds").empty());
  CHECK(metric(s.engine_status_port, open).empty());
  s.start(s.endpoint);
  s.start(s.other);
  s.wait_until_ready(s.engine);
  s.wait_until_ready(s.other);
  CHECK(metric(s.engine_status_port, "dsfd_link_connected") == "1");
  CHECK(metric(s.engine_status_port, "dsfd_link_bound") == "1");
  CHECK(metric(s.engine_status_port, "dsfd_link_catch_ups_total") == "1");
  CHECK(soon([&] { return metric(endpoint_status, bound) == "1"; }));
  CHECK(metric(endpoint_status, open) == "1");
  CHECK(metric(endpoint_status, "dsfd_link_connected").empty());
  ::usleep(1'200'000);
  CHECK(std::stod(metric(s.engine_status_port, "dsfd_link_last_event_seconds")) > 1);
  CHECK(s.outcome_of(s.endpoint, s.ping_by_post(new_key())) == "");
  CHECK(std::stod(metric(s.engine_status_port, "dsfd_link_last_event_seconds")) < 60);
  s.proxy->cut();
  CHECK(soon([&] { return metric(s.engine_status_port, "dsfd_link_catch_ups_total") == "2"; }));
  CHECK(soon([&] { return metric(endpoint_status, bound) == "1"; }));
  s.engine.process.kill_hard();
  CHECK(soon([&] { return metric(endpoint_status, open) == "0"; }));
  CHECK(metric(endpoint_status, bound) == "0");
}

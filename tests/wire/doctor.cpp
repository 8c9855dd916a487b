// `dsfctl doctor` against real sites of which something is broken: it must name exactly that.
#include <fmt/format.h>

#include <algorithm>
#include <catch2/catch.hpp>

#include "net/pki.hpp"
#include "site/ctl/demo/consortium.hpp"
#include "site/ctl/doctor/doctor.hpp"
#include "tests/support/programs.hpp"
#include "tests/wire/wire_site.hpp"

using namespace dsf;
using namespace dsf::tests;
using site::ctl::finding;
using site::ctl::health;

namespace {

constexpr std::int64_t start_ms = 60'000;
constexpr int ports_from = 20'440;

// research, hospital-a and hospital-b, of which hospital-b is the faulty one.
struct set_up {
  temp_folder folder{"doctor"};
  std::unique_ptr<site::ctl::consortium> sites;

  explicit set_up(const std::string& broken = {}) {
    site::ctl::demo_options d;
    d.folder = (folder / "sites").string();
    d.patients = 1;
    d.hospitals = 2;
    d.first_port = free_block(ports_from);
    d.program = dsfd_program();
    d.processes = DSF_SOURCE_DIR "/processes";
    d.broken = broken;
    sites = must(site::ctl::consortium::prepare(d));
  }
  ~set_up() { sites->stop_all(); }

  site::ctl::demo_site& at(const std::string& name) {
    for (auto& s : sites->sites)
      if (s->name == name) return *s;
    throw std::runtime_error("there is no site " + name);
  }
  void start(const std::vector<std::string>& names) {
    for (const auto& n : names) must(sites->start(at(n)));
    for (const auto& n : names) must(sites->wait_until_ready(at(n), start_ms));
  }
  site::loaded_settings settings(const std::string& name) {
    site::settings_sources s;
    s.file = (at(name).folder / "site.yaml").string();
    return site::load_settings(s);
  }
  void replace_in_allow_list(const std::string& of, const std::string& from, const std::string& to) {
    const auto file = at(of).folder / "allow-list.json";
    auto text = read_text(file);
    const auto at = text.find(from);
    if (at == std::string::npos) throw std::runtime_error("the allow-list lacks " + from);
    write_text(file, text.replace(at, from.size(), to));
  }
};

site::ctl::findings examine(const site::loaded_settings& settings, std::vector<std::string> partners = {},
                            const base::clock& clock = base::system_clock_source()) {
  return site::ctl::examine(settings, {std::move(partners), 5}, clock);
}

// "hospital-b.example: name", one a line; faults only.
std::string faults(const site::ctl::findings& all) {
  std::string out;
  for (const auto& f : all) {
    if (f.how != health::fault) continue;
    UNSCOPED_INFO(f.about << ": " << f.text << " -> " << f.mend);
    CHECK_FALSE(f.mend.empty());
    out += f.about + ": " + f.cause + "\n";
  }
  return out;
}

}  // namespace

// Catches: a check that cries wolf.
TEST_CASE("doctor: nothing is wrong with sites that work", "[doctor]") {
  set_up s;
  s.start({"research", "hospital-a", "hospital-b"});
  const auto all = examine(s.settings("research"));
  CHECK(faults(all).empty());
  const auto said = [&](const std::string& about, const std::string& check) {
    return std::ranges::any_of(all, [&](const finding& f) { return f.about == about && f.check == check && f.how == health::good; });
  };
  for (const auto* partner : {"hospital-a.example", "hospital-b.example"})
    for (const auto* check : {"listing", "connection", "role", "heard"}) CHECK(said(partner, check));
  CHECK(said("own endpoint", "websocket"));
  CHECK(said("this host", "clock"));

  // Ten minutes off: of this machine, since both partners agree. 9 of 10: the line is at five.
  base::manual_clock off;
  off.set({base::system_clock_source().now().us - 10 * 60 * base::us_per_s});
  CHECK(faults(examine(s.settings("research"), {}, off)) == "this host: clock\n");

  // A certificate for servers, shown as a client's.
  auto server_only = s.settings("research");
  server_only.config.client_tls.certificate = (s.at("research").certificates / "server.pem").string();
  server_only.config.client_tls.key = (s.at("research").certificates / "server.key").string();
  CHECK(faults(examine(server_only, {"hospital-a.example"})) ==
        "this host: client-usage\nown endpoint: client-usage\nhospital-a.example: client-usage\n");

  // Servers of an authority that we don't trust.
  const net::pki_files other{(s.folder / "other.pem").string(), (s.folder / "other.key").string()};
  must(net::create_ca({}, other));
  auto other_ca = s.settings("research");
  other_ca.config.client_tls.trust = other.certificate;
  CHECK(faults(examine(other_ca, {"hospital-a.example"})) == "own endpoint: unknown-authority\nhospital-a.example: unknown-authority\n");

  CHECK(faults(examine(s.settings("research"), {"hospital-x.example"})) == "hospital-x.example: not-listed-here\n");
}

TEST_CASE("doctor: wrong names and closed ports", "[doctor]") {
  set_up s;
  s.replace_in_allow_list("research", s.at("hospital-a").base_url(), "https://no-such-host.invalid:8443/fhir");
  s.start({"research"});
  CHECK(faults(examine(s.settings("research"))) == "hospital-a.example: name\nhospital-b.example: closed-port\n");
  // The own endpoint is down: partners are taken from the allow-list's file.
  CHECK(faults(examine(s.settings("hospital-b"), {"research.example"})) == "own endpoint: closed-port\n");
}

TEST_CASE("doctor: a client certificate of an authority that partners don't trust", "[doctor]") {
  set_up s("wrong-ca");
  s.start({"research"});
  const auto found = faults(examine(s.settings("hospital-b"), {"research.example"}));
  CHECK(found.find("research.example: certificate-refused\n") != std::string::npos);
}

TEST_CASE("doctor: an expired client certificate", "[doctor]") {
  set_up s("expired");
  CHECK(faults(examine(s.settings("hospital-b"))) == "this host: own-certificate-expired\n");
}

TEST_CASE("doctor: not listed, seen from both sides", "[doctor]") {
  set_up s("not-listed");
  s.start({"research", "hospital-b"});
  CHECK(faults(examine(s.settings("research"), {"hospital-b.example"})) == "hospital-b.example: not-listed-here\n");
  CHECK(faults(examine(s.settings("hospital-b"), {"research.example"})) == "research.example: not-listed-there\n");
}

TEST_CASE("doctor: a partner lists us with another role", "[doctor]") {
  set_up s("wrong-role");
  s.start({"research", "hospital-a"});
  CHECK(faults(examine(s.settings("research"), {"hospital-a.example"})) == "hospital-a.example: wrong-role\n");
}

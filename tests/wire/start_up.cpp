// What stops a site from starting: each fault's exact words, its exit code, and that what is stored stays as it was.
#include <fmt/format.h>
#include <re2/re2.h>
#include <unistd.h>
#include <algorithm>
#include <catch2/catch.hpp>

#include <map>

#include "net/https_server.hpp"
#include "tests/wire/lone_site.hpp"

using namespace dsf;
using namespace dsf::tests;
namespace fs = std::filesystem;

namespace {

constexpr int settings_are_wrong = 2, can_not_start = 1;

// A site that would start; each test breaks one thing.
class faulty_site : public lone_site {
public:
  // Runs until it is ready, stops it, and returns what it said.
  void run_once() {
    auto process = start();
    CHECK(process.stop(15'000));
  }
  void fails(int exit_code, const std::string& text) {
    const auto ended = run_to_end(command(), {}, 30'000);
    INFO(ended.err);
    CHECK(ended.exit_code == exit_code);
    CHECK(RE2::PartialMatch(ended.err, text));
    CHECK(ended.err.starts_with("dsfd: "));
    CHECK(std::ranges::count(ended.err, '\n') == 1);  // one line, no stack trace
  }
  // Names and contents; not the files that say who looks at it just now.
  std::map<std::string, std::string> stored() const {
    std::map<std::string, std::string> out;
    for (const auto& file : fs::recursive_directory_iterator(folder / "store"))
      if (file.is_regular_file() && file.path().filename() != "lock" && file.path().filename() != "LOCK" &&
          !file.path().filename().string().starts_with("LOG"))
        out[file.path().string()] = read_text(file.path());
    return out;
  }
};

}  // namespace

TEST_CASE("start-up: a port in use", "[start]") {
  faulty_site s;
  net::server_options o;
  o.certificates = net::client_certificate::none;
  auto other = must(net::https_server::start(std::move(o), [](net::request&&, net::responder a) { a({}); }));
  s.replace("port: 0, allow_list", fmt::format("port: {}, allow_list", other.port()));
  s.fails(can_not_start, fmt::format("port {} is in use by another program; stop that program, or set another port", other.port()));
}

TEST_CASE("start-up: certificates and keys", "[start]") {
  faulty_site s;
  SECTION("expired") {
    s.issue("old", {.use = net::certificate_use::server, .common_name = "localhost", .valid_days = -1});
    s.replace("certificate: server.pem, key: server.key", "certificate: old.pem, key: old.key");
    s.fails(can_not_start, R"(old\.pem: .*expired on \d{4}-\d\d-\d\dT\S+; renew it)");
  }
  SECTION("not valid yet") {
    s.issue("new", {.common_name = "site-a.example", .starts_in_days = 2});
    s.replace("certificate: client.pem, key: client.key", "certificate: new.pem, key: new.key");
    s.fails(can_not_start, R"(new\.pem: .*is not valid before \S+; check the clock)");
  }
  SECTION("wrong key password") {
    s.issue("locked", {.use = net::certificate_use::server, .common_name = "localhost", .key_password = base::secret("right")});
    s.replace("certificate: server.pem, key: server.key", "certificate: locked.pem, key: locked.key, key_password: planted-wrong-password");
    s.fails(can_not_start, R"(locked\.key: the key password is wrong for this private key)");
    CHECK(read_text(s.folder / "log.jsonl").find("planted-wrong-password") == std::string::npos);
  }
  SECTION("no key password") {
    s.issue("locked", {.use = net::certificate_use::server, .common_name = "localhost", .key_password = base::secret("right")});
    s.replace("certificate: server.pem, key: server.key", "certificate: locked.pem, key: locked.key");
    s.fails(can_not_start, R"(locked\.key: the private key is encrypted, but no key password is set)");
  }
  SECTION("key of another certificate") {
    s.replace("certificate: server.pem, key: server.key", "certificate: server.pem, key: client.key");
    s.fails(can_not_start, R"(client\.key: the private key does not belong to the certificate of .* in .*server\.pem)");
  }
}

TEST_CASE("start-up: settings", "[start]") {
  faulty_site s;
  SECTION("unknown") {
    s.settings += "stroe: {path: x}\n";
    s.fails(settings_are_wrong, R"(site\.yaml:13: unknown setting 'stroe\.path'; did you mean 'store\.path'\?)");
  }
  SECTION("wrong value") {
    s.replace("status: {port: 0}", "status: {port: 70000}");
    s.fails(settings_are_wrong, R"(site\.yaml:6: .*status\.port.*70000)");
  }
  SECTION("missing") {
    s.replace("organization: {identifier: site-a.example}\n", "");
    s.fails(settings_are_wrong, R"(organization\.identifier is not set; it is the organisation's identifier in the allow-list)");
  }
  SECTION("a file that is not there") {
    s.replace("certificate: server.pem", "certificate: nowhere.pem");
    s.fails(settings_are_wrong, R"(site\.yaml:11: .*tls\.server\.certificate.*nowhere\.pem)");
  }
  SECTION("exact counts are never let out") {
    s.settings += "feasibility: {networks: {all: {obfuscate: false}}}\n";
    s.fails(settings_are_wrong,
            R"(site\.yaml:13: feasibility\.networks\.all\.obfuscate is false; this program never lets an exact count leave the site)");
  }
  SECTION("clinical data beside the endpoint") {
    s.replace("roles: [fhir, bpe]", "roles: [fhir, bpe, repository]");
    s.fails(settings_are_wrong, R"(site\.yaml:2: roles has fhir and repository: .*allow_repository_beside_fhir: true)");
  }
  SECTION("not YAML") {
    s.settings += "a: [\n";
    s.fails(settings_are_wrong, R"(site\.yaml:\d+: not YAML: )");
  }
}

TEST_CASE("start-up: the allow-list", "[start]") {
  faulty_site s;
  write_text(s.folder / "allow-list.json", "{\"resourceType\":\"Bundle\",");
  s.fails(can_not_start, R"(allow-list\.json: the allow-list is not a valid Bundle: )");
}

TEST_CASE("start-up: the store", "[start]") {
  faulty_site s;
  s.run_once();
  SECTION("of a newer release") {
    write_text(s.folder / "store/STORE", "dsfd store\nformat 99\nrelease 9.9.9\nstate ready\n");
    const auto before = s.stored();
    s.fails(
        can_not_start,
        R"(this store was written by release 9\.9\.9, format 99; this program knows formats up to \d+\. Install release 9\.9\.9 or newer)");
    CHECK(s.stored() == before);
  }
  SECTION("without its marker's format") {
    write_text(s.folder / "store/STORE", "dsfd store\nstate ready\n");
    const auto before = s.stored();
    s.fails(can_not_start, R"(the store's file STORE names no format\. Nothing was changed; restore the store from a backup)");
    CHECK(s.stored() == before);
  }
  SECTION("with a damaged byte") {
    fs::path largest;
    for (const auto& file : fs::directory_iterator(s.folder / "store/rows"))
      if ((file.path().extension() == ".sst" || file.path().extension() == ".log") &&
          (largest.empty() || file.file_size() > fs::file_size(largest)))
        largest = file.path();
    REQUIRE_FALSE(largest.empty());
    auto bytes = read_text(largest);
    bytes[bytes.size() / 3] = static_cast<char>(bytes[bytes.size() / 3] ^ 0x40);
    write_text(largest, bytes);
    const auto before = s.stored();
    s.fails(can_not_start, R"(damaged.*[Rr]estore (it|the store) from a backup)");
    CHECK(s.stored()[largest.string()] == before.at(largest.string()));
  }
  SECTION("without its rows") {
    fs::remove(s.folder / "store/rows/CURRENT");
    const auto before = s.stored();
    s.fails(can_not_start, R"(the store's rows are missing\. Nothing was changed; restore the store from a backup)");
    CHECK(s.stored() == before);
  }
  SECTION("in use") {
    auto first = s.start();
    s.fails(
        can_not_start,
        fmt::format(R"(this store is used by a running dsfd \(pid {}\); stop that first, or ask it over its admin socket)", first.pid()));
    CHECK(first.running());
    CHECK(first.stop(15'000));
  }
}

// A bundle that can't be deployed does not take the site along; the log says what is wrong with it.
TEST_CASE("start-up: bundles that can't be deployed", "[start]") {
  faulty_site s;
  const auto bundle = s.folder / "bundle";
  fs::copy(fs::path(DSF_SOURCE_DIR) / "processes/ping/bundle", bundle, fs::copy_options::recursive);
  s.settings += "plugins: {folders: [bundle]}\n";
  auto model = read_text(bundle / "bpe/pong.bpmn");
  const auto edit = [&](const std::string& what, const std::string& by) {
    const auto at = model.find(what);
    REQUIRE(at != model.npos);
    model.replace(at, what.size(), by);
    write_text(bundle / "bpe/pong.bpmn", model);
  };
  std::string expected;
  SECTION("broken XML") {
    edit("</bpmn:process>", "</bpmn:proces>");
    expected = R"(pong\.bpmn)";
  }
  SECTION("an element this program does not execute") {
    edit("<bpmn:serviceTask id=\"LogPing\"", "<bpmn:complexGateway id=\"Strange\"/><bpmn:serviceTask id=\"LogPing\"");
    expected = R"(Strange|complexGateway)";
  }
  SECTION("a handler that nobody has") {
    edit("dev.dsf.bpe.service.LogPing", "dev.dsf.bpe.service.Nobody");
    expected = R"(dev\.dsf\.bpe\.service\.Nobody)";
  }
  s.run_once();
  const auto log = read_text(s.folder / "log.jsonl");
  INFO(log);
  CHECK(RE2::PartialMatch(log, R"("message":"a bundle was not deployed".*)" + expected));
}

// The allow-list from a coordinating site to a member, over TLS, as operators do it: dsfctl at two real sites. Would find: a bundle that our own
// endpoint does not store or does not let members read, a transaction that it refuses, a dry run that changes something, a change that does not
// count at once.
#include <catch2/catch.hpp>

#include <sstream>

#include "site/ctl/cli.hpp"
#include "site/ctl/demo/consortium.hpp"
#include "tests/support/programs.hpp"
#include "tests/wire/wire_site.hpp"

using namespace dsf;
using namespace dsf::tests;

namespace {

constexpr std::int64_t start_ms = 60'000;
constexpr int ports_from = 21'040;

struct network {
  temp_folder folder{"allow-list"};
  std::unique_ptr<site::ctl::consortium> sites;

  network() {
    site::ctl::demo_options d;
    d.folder = (folder / "sites").string();
    d.patients = 1;
    d.hospitals = 2;
    d.first_port = free_block(ports_from);
    d.program = dsfd_program();
    d.processes = DSF_SOURCE_DIR "/processes";
    sites = must(site::ctl::consortium::prepare(d));
  }
  ~network() { sites->stop_all(); }

  site::ctl::demo_site& at(const std::string& name) {
    for (auto& s : sites->sites)
      if (s->name == name) return *s;
    throw std::runtime_error("there is no site " + name);
  }
  void start(const std::string& name) {
    must(sites->start(at(name)));
    must(sites->wait_until_ready(at(name), start_ms));
  }

  struct said {
    int code = 0;
    std::string out, err;
  };
  said dsfctl(const std::string& who, std::vector<std::string> words) {
    std::vector<std::string> all{"dsfctl", "--socket", at(who).socket()};
    all.insert(all.end(), words.begin(), words.end());
    std::vector<const char*> argv;
    for (const auto& a : all) argv.push_back(a.c_str());
    std::ostringstream out, err;
    said s;
    s.code = site::run_dsfctl(static_cast<int>(argv.size()), argv.data(), out, err);
    s.out = out.str();
    s.err = err.str();
    UNSCOPED_INFO(who << ": " << words.front() << " " << words.at(1) << ": " << s.out << s.err);
    return s;
  }
  base::json organization(const std::string& who, const std::string& identifier) {
    const auto found = must(sites->read(at(who), "Organization?identifier=http://dsf.dev/sid/organization-identifier|" + identifier));
    return found["entry"][0]["resource"];
  }
  // At the coordinating site, as its operator would: an update of the stored resource.
  void change(const std::string& who, const std::string& identifier, const std::string& element, base::json value) {
    auto r = organization(who, identifier);
    r.erase("id");
    r.set(element, std::move(value));
    // References to what is stored stay as they are.
    base::json request =
        base::json::object{{"method", "PUT"}, {"url", "Organization?identifier=http://dsf.dev/sid/organization-identifier|" + identifier}};
    base::json entry = base::json::object{
        {"fullUrl", "urn:uuid:00000000-0000-4000-8000-0000000000aa"}, {"resource", std::move(r)}, {"request", std::move(request)}};
    must(sites->post(
        at(who), "",
        base::json::object{{"resourceType", "Bundle"}, {"type", "transaction"}, {"entry", base::json::array{std::move(entry)}}}));
  }
};

std::string without_newline(std::string text) {
  while (text.ends_with('\n')) text.pop_back();
  return text;
}
bool contains(const std::string& text, std::string_view part) { return text.find(part) != text.npos; }

}  // namespace

TEST_CASE("allow-list: published, compared, refused and taken over between two sites", "[allow-list]") {
  network n;
  n.start("research");
  n.start("hospital-a");

  // The demo's sites begin with the same list.
  const auto first = without_newline(n.dsfctl("research", {"allow-list", "publish"}).out);
  REQUIRE(first.starts_with(n.at("research").base_url() + "/Bundle/"));
  REQUIRE(first.ends_with("/_history/1"));
  CHECK(without_newline(n.dsfctl("research", {"allow-list", "publish"}).out) == first);
  const auto bundle = first.substr(0, first.find("/_history/"));
  auto s = n.dsfctl("hospital-a", {"allow-list", "apply", bundle});
  CHECK(s.code == 0);
  CHECK(without_newline(s.out) == "the own allow-list is as the bundle says");

  // hospital-b leaves, research gets another name.
  n.change("research", "hospital-b.example", "active", false);
  n.change("research", "research.example", "name", "Research portal");
  CHECK(contains(n.dsfctl("research", {"allow-list", "publish"}).out, "/_history/2"));
  const auto version = n.organization("hospital-a", "hospital-b.example")["meta"]["versionId"].str();
  s = n.dsfctl("hospital-a", {"allow-list", "diff", bundle});
  CHECK(s.code == 0);
  CHECK(contains(s.out, "~ organization hospital-b.example (hospital-b): active true -> false\n"));
  CHECK(contains(s.out, "~ organization research.example (Research portal): name 'research' -> 'Research portal'\n"));
  CHECK(contains(s.out, "- thumbprint of hospital-b.example " + n.at("hospital-b").thumbprint));
  CHECK(contains(s.out, "dry run, nothing was changed: 2 organizations changed, 1 thumbprint removed\n"));
  CHECK(n.organization("hospital-a", "hospital-b.example")["active"].bool_or(false));
  CHECK(n.organization("hospital-a", "hospital-b.example")["meta"]["versionId"].str() == version);

  // The version before is still there, and is as it was.
  CHECK(contains(n.dsfctl("hospital-a", {"allow-list", "diff", first}).out, "dry run, nothing was changed: no difference"));

  s = n.dsfctl("hospital-a", {"--json", "allow-list", "apply", bundle});
  CHECK(s.code == 0);
  const auto told = must(base::json::parse(s.out));
  CHECK(told["dry_run"].bool_or(true) == false);
  CHECK(told["difference"]["organizations"]["changed"].size() == 2);
  CHECK(told["difference"]["endpoints"]["changed"].size() == 0);
  CHECK_FALSE(n.organization("hospital-a", "hospital-b.example")["active"].bool_or(true));
  CHECK(n.organization("hospital-a", "research.example")["name"].str() == "Research portal");
  CHECK(n.organization("hospital-a", "hospital-b.example")["endpoint"][0]["reference"].str().find("Endpoint/") != std::string::npos);

  // A bundle against the member itself.
  n.change("research", "hospital-a.example", "active", false);
  // Now it may not even read it: the coordinating site no longer knows hospital-a.
  n.dsfctl("research", {"allow-list", "publish"});
  s = n.dsfctl("hospital-a", {"allow-list", "apply", bundle});
  CHECK(s.code == 1);
  CHECK(contains(s.err, "can't be read, and nothing was changed"));
  n.change("research", "hospital-a.example", "active", true);
  s = n.dsfctl("hospital-a", {"allow-list", "apply", bundle});
  CHECK(s.code == 1);
  CHECK(contains(s.err, "the bundle deactivates the own organization hospital-a.example"));
  CHECK(contains(s.err, "accept-own-changes"));
  CHECK(n.organization("hospital-a", "hospital-a.example")["active"].bool_or(false));

  // What is no allow-list, and who is not there.
  s = n.dsfctl("hospital-a", {"allow-list", "diff", n.at("research").base_url() + "/Bundle/none"});
  CHECK(s.code == 1);
  CHECK(contains(s.err, "can't be read, and nothing was changed"));
  n.at("research").process.stop(15'000);
  s = n.dsfctl("hospital-a", {"allow-list", "diff", bundle});
  CHECK(s.code == 1);
  CHECK(contains(s.err, "can't be read, and nothing was changed"));
  CHECK(contains(s.err, "dsfctl doctor"));
}

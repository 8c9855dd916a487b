#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include "base/bytes.hpp"
#include "privacy/calendar.hpp"
#include "privacy/demo_data.hpp"
#include "privacy/search_parameters.hpp"
#include "processes/feasibility/handlers.hpp"
#include "processes/feasibility/names.hpp"
#include "processes/feasibility/search_store.hpp"
#include "processes/testing/fake_site.test.hpp"

namespace dsf::processes::feasibility {
namespace {

using namespace testing;
namespace fs = std::filesystem;

template <class T>
T must(result<T> r) {
  if (!r) FAIL(r.error().to_string());
  return std::move(*r);
}

const std::string base = "https://store.example/fhir";

std::string decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      out += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

// A FHIR server's search over resources in memory, written from R4 and not from the translation: token, quantity and date parameters,
// pages of its own size.
class small_server final : public plugins::fhir_client {
public:
  std::vector<json> resources;
  std::size_t page = 70;
  std::size_t asked = 0;

  result<json> search(std::string_view query) override {
    ++asked;
    std::size_t from = 0;
    if (query.starts_with("__page/")) {
      const auto number = query.substr(7, query.find('?') - 7);
      from = std::stoul(std::string(number));
      query = query.substr(query.find('?') + 1);
    }
    const auto type = std::string(query.substr(0, query.find('?')));
    json entries{json::array{}};
    std::size_t matched = 0;
    bool more = false;
    for (const auto& r : resources) {
      if (r["resourceType"].str() != type || !matches(r, query.substr(type.size() + 1))) continue;
      if (matched++ < from) continue;
      if (entries.size() == page) {
        more = true;
        break;
      }
      json shown = json::object{{"resourceType", type}, {"id", r["id"]}};
      for (const auto* name : {"subject", "patient"})
        if (const auto* m = r.find(name)) shown.set(name, *m);
      entries.push_back(json::object{{"resource", shown}, {"search", json::object{{"mode", "match"}}}});
    }
    json out = json::object{{"resourceType", "Bundle"}, {"type", "searchset"}, {"entry", entries}};
    if (more) {
      const auto url = base + "/__page/" + std::to_string(from + page) + "?" + std::string(query);
      out.set("link", json::array{json::object{{"relation", "next"}, {"url", url}}});
    }
    return out;
  }
  result<json> read(std::string_view, std::string_view, std::uint64_t) override { return json{}; }
  result<json> create(const json&, std::string_view) override { return json{}; }
  result<json> transaction(const json&) override { return json{}; }

private:
  static bool matches(const json& r, std::string_view query) {
    while (!query.empty()) {
      const auto one = query.substr(0, query.find('&'));
      query.remove_prefix(std::min(query.size(), one.size() + 1));
      const auto name = one.substr(0, one.find('='));
      if (!name.starts_with('_') && !holds(r, name, decoded(one.substr(name.size() + 1)))) return false;
    }
    return true;
  }
  static bool holds(const json& r, std::string_view name, const std::string& value) {
    if (name == "gender") return r["gender"].str() == value;
    if (name == "code") {
      for (const auto& c : r["code"]["coding"])
        if (c["system"].str() + "|" + c["code"].str() == value) return true;
      return false;
    }
    const auto prefix = value.substr(0, 2);
    const auto rest = value.substr(2);
    if (name == "value-quantity") {
      const auto& q = r["valueQuantity"];
      if (q.is_null() || "|" + q["system"].str() + "|" + q["code"].str() != rest.substr(rest.find('|'))) return false;
      return compare(prefix, std::stod(q["value"].dump()), std::stod(rest));
    }
    const auto& date = r[name == "birthdate" ? "birthDate" : name == "recorded-date" ? "recordedDate" : "effectiveDateTime"].str();
    if (date.empty()) return false;
    return compare(prefix, date.substr(0, 10), rest);
  }
  template <class T>
  static bool compare(const std::string& prefix, const T& a, const T& b) {
    if (prefix == "ge") return a >= b;
    if (prefix == "le") return a <= b;
    if (prefix == "gt") return a > b;
    if (prefix == "lt") return a < b;
    throw std::runtime_error("a prefix this server does not know: " + prefix);
  }
};

// Answers in the order of the list, whatever is asked.
class scripted final : public plugins::fhir_client {
public:
  std::vector<result<json>> answers;
  std::vector<std::string> asked;
  result<json> search(std::string_view query) override {
    asked.emplace_back(query);
    return answers.at(std::min(asked.size(), answers.size()) - 1);
  }
  result<json> read(std::string_view, std::string_view, std::uint64_t) override { return json{}; }
  result<json> create(const json&, std::string_view) override { return json{}; }
  result<json> transaction(const json&) override { return json{}; }
};

std::string slurp(const fs::path& p) {
  std::ifstream in(p, std::ios::binary);
  std::stringstream out;
  out << in.rdbuf();
  return out.str();
}

privacy::search_plan plan_of(std::initializer_list<std::vector<std::string>> inclusion,
                             std::initializer_list<std::vector<std::string>> exclusion = {}) {
  privacy::search_plan out;
  for (const auto& [from, to] : {std::pair{&inclusion, &out.inclusion}, std::pair{&exclusion, &out.exclusion}})
    for (const auto& group : *from) {
      to->emplace_back();
      for (const auto& query : group) to->back().push_back({{{query.substr(0, query.find('?')), query}}, "c"});
    }
  return out;
}
json found(const std::string& type, std::initializer_list<const char*> patients, const std::string& next = "") {
  json entries{json::array{}};
  for (const std::string p : patients) {
    json r = json::object{{"resourceType", type}, {"id", p}};
    if (type != "Patient") r.set("subject", json::object{{"reference", "Patient/" + p}});
    entries.push_back(json::object{{"resource", r}});
  }
  json out = json::object{{"resourceType", "Bundle"}, {"entry", entries}};
  if (!next.empty()) out.set("link", json::array{json::object{{"relation", "next"}, {"url", next}}});
  return out;
}
result<std::uint64_t> run(plugins::fhir_client& store, const privacy::search_plan& plan, search_limits limits = {}) {
  search_run r{store, base, [] { return result<void>{}; }, limits};
  return count_by_searches(r, plan);
}
void says(const result<std::uint64_t>& r, std::string_view text) {
  REQUIRE_FALSE(r);
  INFO(r.error().to_string());
  const bool there = r.error().to_string().find(text) != std::string::npos;
  CHECK(there);
}

}  // namespace

// Would find: a wrong set operation, a patient counted once per resource, a Patient and a subject taken for two people.
TEST_CASE("feasibility: searches are combined as the query says") {
  struct by_name final : plugins::fhir_client {
    result<json> search(std::string_view q) override {
      const std::map<std::string, json, std::less<>> all{
          {"Patient?a", found("Patient", {"1", "2", "3", "4"})}, {"Condition?b", found("Condition", {"2", "2", "3", "9"})},
          {"Observation?c", found("Observation", {"4"})},        {"Observation?d", found("Observation", {"3", "4"})},
          {"Observation?e", found("Observation", {"1", "3"})},
      };
      return all.at(std::string(q));
    }
    result<json> read(std::string_view, std::string_view, std::uint64_t) override { return json{}; }
    result<json> create(const json&, std::string_view) override { return json{}; }
    result<json> transaction(const json&) override { return json{}; }
  } server;
  CHECK(must(run(server, plan_of({{"Patient?a"}}))) == 4);
  CHECK(must(run(server, plan_of({{"Condition?b"}}))) == 3);
  CHECK(must(run(server, plan_of({{"Condition?b", "Observation?c"}}))) == 4);
  CHECK(must(run(server, plan_of({{"Patient?a"}, {"Condition?b", "Observation?c"}}))) == 3);
  CHECK(must(run(server, plan_of({{"Patient?a"}}, {{"Observation?d", "Observation?e"}}))) == 3);
  CHECK(must(run(server, plan_of({{"Patient?a"}}, {{"Observation?d"}, {"Observation?e"}}))) == 1);
  CHECK(must(run(server, plan_of({{"Observation?c"}, {"Observation?e"}}))) == 0);
}

// Would find: a page left out, credentials carried to another host, an endless loop, half an answer taken for a whole one.
TEST_CASE("feasibility: pages are followed to the end, and only below the store's address") {
  const auto plan = plan_of({{"Patient?a"}});
  scripted server;
  server.answers = {found("Patient", {"1", "2"}, base + "/__page/2?x=1"), found("Patient", {"2", "3"}, base + "?_getpages=7"),
                    found("Patient", {"4"}, "Patient?a&p=3"), found("Patient", {"5"})};
  CHECK(must(run(server, plan)) == 5);
  CHECK(server.asked == std::vector<std::string>{"Patient?a", "__page/2?x=1", "?_getpages=7", "Patient?a&p=3"});
  server.asked.clear();
  says(run(server, plan, {.pages = 3}), "more than 3 pages");
  server.asked.clear();
  says(run(server, plan, {.patients = 2}), "more than 2 patients");

  for (const std::string elsewhere : {"https://evil.example/fhir?p=2", "https://store.example/fhirx/p", "/fhir/p"}) {
    scripted other;
    other.answers = {found("Patient", {"1"}, elsewhere)};
    says(run(other, plan), "not below the store's base_url");
  }
  scripted circle;
  circle.answers = {found("Patient", {"1"}, base + "/p?2")};
  says(run(circle, plan), "in a circle");
  scripted wrong;
  wrong.answers = {parsed(R"({"resourceType":"OperationOutcome"})")};
  says(run(wrong, plan), "Patient?a: the server answered a search with 'OperationOutcome'");
  scripted warned;
  warned.answers = {parsed(
      R"({"resourceType":"Bundle","entry":[{"resource":{"resourceType":"OperationOutcome","issue":[{"severity":"warning","code":"not-supported","diagnostics":"parameter a is ignored"}]}}]})")};
  says(run(warned, plan), "not-supported parameter a is ignored");
  scripted down;
  down.answers = {base::fail(site_errc::http_status, "HTTP 503", "u")};
  says(run(down, plan), "HTTP 503");
  search_run cancelled{down, base, [] { return result<void>(base::fail(site_errc::not_configured, "stopped")); }};
  says(count_by_searches(cancelled, plan), "stopped");
}

// Would find: a translation that a FHIR server understands otherwise than the own repository does.
TEST_CASE("feasibility: an external FHIR server gives the published counts of the corpus") {
  const fs::path folder = fs::path(DSF_SOURCE_DIR) / "../shared/corpus/domain/ccdl-mini";
  if (!fs::exists(folder)) {
    std::cout << "skipped: feasibility search store: no folder " << folder << "\n";
    return;
  }
  const auto server = std::make_shared<small_server>();
  for (const auto* type : {"Patient", "Condition", "Observation"}) {
    std::ifstream in(folder / (std::string(type) + ".ndjson"));
    for (std::string line; std::getline(in, line);) server->resources.push_back(parsed(line));
  }
  const auto expected = parsed(slurp(folder / "expected.json"));
  fake_site site("dic-a.example");
  site.time.set({std::int64_t{privacy::parse_day(expected["today"].str())->number} * 86'400 * base::us_per_s});
  site.configuration =
      parsed(R"({"networks":{"all":{}},"stores":{"blaze":{"baseUrl":"https://store.example/fhir/","evaluationStrategy":"ccdl"}}})");
  site.configuration.set("mapping", slurp(folder / "mapping.json"));
  site.configuration.set("tree", slurp(folder / "mapping_tree.json"));
  site.stores["blaze"] = server;
  for (const auto& [name, count] : *expected["expected"].if_object()) {
    INFO(name);
    auto a = started_by("hrp.example", {});
    const json content =
        json::object{{"contentType", "application/json"}, {"data", base::to_base64(slurp(folder / (name + ".ccdl.json")))}};
    const json library = json::object{{"resourceType", "Library"}, {"content", json::array{content}}};
    a.variables = {{v_library, bpmn::value(bpmn::fhir_resource{"Library", library.dump()})},
                   {v_parent, bpmn::value(std::string("network.example"))}};
    const auto o = evaluate_ccdl_measure(a, site);
    if (const auto* f = std::get_if<plugins::failed>(&o)) FAIL(f->error);
    CHECK(std::get<plugins::completed>(o).variables.at(0) == set(v_result_ccdl, count.int_or(-1)));
  }
  CHECK(server->asked > 50);
}

TEST_CASE("feasibility: a search evaluation ends when it is cancelled or out of time") {
  fake_site site("dic-a.example");
  site.configuration = parsed(R"({"networks":{"all":{}},"stores":{"s":{"baseUrl":"https://store.example/fhir"}}})");
  site.configuration.set("mapping", privacy::demo_mapping());
  site.configuration.set("tree", privacy::demo_tree());
  const auto server = std::make_shared<small_server>();
  site.stores["s"] = server;
  auto a = started_by("hrp.example", {});
  const json content = json::object{{"contentType", "application/json"}, {"data", base::to_base64(privacy::demo_ccdl())}};
  const json library = json::object{{"resourceType", "Library"}, {"content", json::array{content}}};
  a.variables = {{v_library, bpmn::value(bpmn::fhir_resource{"Library", library.dump()})},
                 {v_parent, bpmn::value(std::string("network.example"))}};
  CHECK(std::get<plugins::completed>(evaluate_ccdl_measure(a, site)).variables.at(0) == set(v_result_ccdl, std::int64_t{0}));
  site.stores.clear();
  CHECK(std::get<plugins::failed>(evaluate_ccdl_measure(a, site)).error.find("feasibility.stores.s") != std::string::npos);
  site.stores["s"] = server;
  a.deadline = {site.now().us - 1};
  if (a.deadline.us == 0) a.deadline.us = -1;
  CHECK(std::get<plugins::failed>(evaluate_ccdl_measure(a, site)).error.find("not done in time") != std::string::npos);
  a.cancelled = std::make_shared<const std::atomic<bool>>(true);
  CHECK(std::get<plugins::failed>(evaluate_ccdl_measure(a, site)).error.find("cancelled") != std::string::npos);
}

}  // namespace dsf::processes::feasibility

// Would find: a history that shows what its reader may not see, skips or repeats versions from page to page, or tells them in the wrong order
// (dsf-fhir-server 3.8); what is left of a purged resource (1.7.1).
#include "fhir/semantics/site.test.hpp"

using namespace dsf::fhir;
using dsf::base::json;

namespace {

constexpr auto nobody = "6f0a5c1e-0000-4000-8000-000000000009";

json group(std::string_view tag) {
  return parsed(fmt::format(R"({{"resourceType":"Group",{},"type":"person","actual":true}})", test_site::tag(tag)));
}
json patient(std::string_view tag) { return parsed(fmt::format(R"({{"resourceType":"Patient",{}}})", test_site::tag(tag))); }

std::string name(const json& entry) {
  const auto& url = entry["response"]["location"].str();
  return url.substr(std::string_view("https://site-a.example/fhir/").size());
}
const std::string* link(const json& bundle, std::string_view relation) {
  for (const auto& l : bundle["link"])
    if (l["relation"].str() == relation) return l["url"].if_string();
  return nullptr;
}
query_list query_of(const std::string& url) { return *parse_query_string(url.substr(url.find('?'))); }

}  // namespace

TEST_CASE("histories of a type and of the server: what is in an entry", "[history]") {
  test_site site;
  const auto made = site.post(site.local, group("LOCAL"));
  const auto id = made.body()["id"].str();
  REQUIRE(site.put(site.local, group("LOCAL"), id).status() == 200);
  REQUIRE(site.remove(site.local, "Group/" + id).status() == 200);
  for (const auto* path : {"Group/_history", "_history"}) {
    const auto all = site.get(site.local, path, {{"_since", "2026-05-28T20:26:40Z"}, {"_count", "1000"}}).body();
    INFO(all.dump());
    CHECK(all["type"].str() == "history");
    const auto from = all["entry"].size() - 3;
    const auto entry = [&](std::size_t i) -> const json& { return all["entry"][from + i]; };
    CHECK(entry(0)["request"]["method"].str() == "POST");
    CHECK(entry(0)["request"]["url"].str() == "Group");
    CHECK(entry(0)["response"]["status"].str() == "201 Created");
    CHECK(entry(0)["response"]["etag"].str() == "W/\"1\"");
    CHECK(entry(0)["fullUrl"].str() == "https://site-a.example/fhir/Group/" + id);
    CHECK(entry(0)["resource"]["id"].str() == id);
    CHECK(entry(1)["request"]["method"].str() == "PUT");
    CHECK(entry(1)["response"]["status"].str() == "200 OK");
    CHECK(entry(2)["request"]["method"].str() == "DELETE");
    CHECK(entry(2)["request"]["url"].str() == "Group/" + id + "/_history/3");
    CHECK(entry(2).find("resource") == nullptr);
  }
}

TEST_CASE("a history's reader sees the versions that he may read, of types for which he has HISTORY and READ", "[history]") {
  test_site site;
  const auto id = site.post(site.local, group("ALL")).body()["id"].str();
  REQUIRE(site.put(site.local, group("LOCAL"), id).status() == 200);
  REQUIRE(site.put(site.local, group("ALL"), id).status() == 200);
  const auto total = [&](const identity& who, std::string path) { return site.get(who, std::move(path)).body()["total"].int_or(-1); };
  CHECK(total(site.local, "Group/_history") == 3);
  CHECK(total(site.remote_b, "Group/_history") == 2);
  CHECK(total(site.remote_b, "Group/" + id + "/_history") == 2);
  // Without the role HISTORY for a type it is not in the history of the server, and has none of its own.
  auto who = site.local;
  who.roles = {{operation::history, {"Patient"}}, {operation::read, {"Group", "Patient"}}};
  CHECK(site.get(who, "Group/_history").text() == "Operation history forbidden");
  CHECK(total(who, "_history") == 0);
  who.roles = {{operation::history, {"Group"}}, {operation::read, {"Patient"}}};
  CHECK(total(who, "Group/_history") == 0);
  who.roles = {{operation::read, {}}};
  CHECK(site.get(who, "_history").text() == "Operation history forbidden");
}

TEST_CASE("pages of a history: all that a plain walk over all versions finds, once and in order", "[history]") {
  const auto seed = GENERATE(1u, 2u, 3u);
  CAPTURE(seed);
  test_site site;
  dsf::base::seeded_entropy random(seed);
  const auto below = [&](std::uint64_t n) { return random.u64() % n; };
  std::vector<std::string> made;
  for (int i = 0; i < 60; ++i) {
    const std::string_view tag = below(2) ? "ALL" : "LOCAL";
    const auto fresh = below(2) ? group(tag) : patient(tag);
    if (made.empty() || below(3) == 0) {
      made.push_back(fresh["resourceType"].str() + "/" + site.post(site.local, fresh).body()["id"].str());
      continue;
    }
    const auto& at = made[below(made.size())];
    const auto slash = at.find('/');
    if (below(4) == 0)
      site.remove(site.local, at);
    else
      site.put(site.local, at.starts_with("Group") ? group(tag) : patient(tag), at.substr(slash + 1));
  }
  for (int i = 0; i < 40; ++i) {
    const auto& who = below(2) ? site.local : site.remote_b;
    const bool system = below(2) == 0;
    // All versions, past the index of the history.
    std::vector<stored_resource> all;
    for (const auto& at : made) {
      const auto slash = at.find('/');
      const auto versions = site.view.history(at.substr(0, slash), *dsf::base::uuid::parse(at.substr(slash + 1)), 1000);
      for (const auto& v : *versions)
        if (system || v.type == "Group") all.push_back(v);
    }
    std::ranges::sort(all, {}, [](const auto& s) { return std::pair(s.last_updated, s.id); });
    const auto since = all[below(all.size())].last_updated, until = all[below(all.size())].last_updated;
    std::vector<std::string> wanted;
    for (const auto& s : all)
      if (s.last_updated >= since && s.last_updated <= until && may_find(s, who, *site.allow_list, site.view))
        wanted.push_back(fmt::format("{}/{}/_history/{}", s.type, s.id.to_string(), s.version));
    query_list query = {
        {"_since", dsf::base::to_iso(since)}, {"_at", "le" + dsf::base::to_iso(until)}, {"_count", std::to_string(1 + below(9))}};
    std::vector<std::string> found;
    for (int pages = 0; pages < 100; ++pages) {
      const auto b = site.get(who, system ? "_history" : "Group/_history", query).body();
      CHECK(b["total"].int_or(-1) == static_cast<std::int64_t>(wanted.size()));
      for (const auto& e : b["entry"]) found.push_back(name(e));
      const auto* next = link(b, "next");
      if (!next) break;
      query = query_of(*next);
    }
    CHECK(found == wanted);
  }
}

TEST_CASE("faulty parameters of a history", "[history]") {
  test_site site;
  auto a = site.get(site.local, "_history", {{"_since", "yesterday"}, {"name", "x"}, {"_count", "0"}});
  const auto b = a.body();
  REQUIRE(b["entry"].size() == 1);
  CHECK(b["entry"][std::size_t{0}]["search"]["mode"].str() == "outcome");
  CHECK(*link(b, "self") == "https://site-a.example/fhir/_history?_count=0");
  a = site.send(site.local, {.path = "Task/_history", .query = {{"_since", "yesterday"}}, .prefer = "handling=strict"});
  CHECK(a.status() == 400);
  CHECK(a.text() == "parameter: _since, error: UNPARSABLE_VALUE, value: yesterday");
  site.config.max_history_rows = 5;
  a = site.get(site.local, "_history");
  CHECK(a.status() == 403);
  CHECK(a.issue_code() == "too-costly");
}

TEST_CASE("$permanent-delete: of what is marked deleted, by who may", "[purge]") {
  test_site site;
  const auto purge = [&](const identity& who, const std::string& path) {
    return site.send(who, {.method = http_method::post, .path = path + "/$permanent-delete"});
  };
  const auto id = site.post(site.local, group("ALL")).body()["id"].str();
  const auto path = "Group/" + id;
  auto a = purge(site.local, path);
  CHECK(a.status() == 400);
  CHECK(a.text() == "Group with id " + id + " is not marked deleted");
  REQUIRE(site.remove(site.local, path).status() == 200);
  CHECK(purge(site.remote_b, path).status() == 403);
  CHECK(purge(site.practitioner, path).status() == 403);  // has DELETE but not PERMANENT_DELETE
  auto person = site.practitioner;
  person.roles.push_back({operation::permanent_delete, {"Patient"}});
  CHECK(purge(person, path).status() == 403);
  person.roles.push_back({operation::permanent_delete, {"Group"}});
  person.roles.push_back({operation::remove, {}});
  a = purge(person, path);
  CHECK(a.status() == 200);
  CHECK(a.text() == "Group with id " + id + " permanently deleted");
  CHECK(site.get(site.local, path).status() == 404);
  CHECK(site.get(site.local, path + "/_history/1").status() == 404);
  CHECK(site.get(site.local, "Group/_history").body()["total"].int_or(-1) == 0);
  a = purge(site.local, path);
  CHECK(a.status() == 404);
  CHECK(a.text() == "Group with id " + id + " not found");
  CHECK(purge(site.local, "Group/x").text() == "Group with id (not a UUID) not found");
  CHECK(site.get(site.local, fmt::format("Group/{}/$permanent-delete", nobody)).status() == 405);
  // A Task that came can never be deleted, and so never goes.
  const auto task = site.post(site.remote_b, test_site::ping_task()).body()["id"].str();
  CHECK(purge(site.local, "Task/" + task).status() == 403);
}

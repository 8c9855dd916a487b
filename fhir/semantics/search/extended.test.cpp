// What searches understand beyond DSF (docs/decisions/beyond-dsf.md). Faults these find: a caller who learns of resources it may not read, over a chain,
// _has or _include:iterate; a page that shows a resource twice or never because of a write; a comma that DSF would have found as it stands.
#include <set>

#include "fhir/semantics/site.test.hpp"

using namespace dsf::fhir;

namespace {

std::size_t total(test_site& site, const identity& who, std::string type, query_list query) {
  const auto a = site.send(who, {.path = std::move(type), .query = std::move(query), .prefer = "handling=strict"});
  INFO(a.body().dump().substr(0, 500));
  REQUIRE(a.status() == 200);
  return std::stoul(a.body()["total"].if_number()->text);
}
int strict_status(test_site& site, std::string type, query_list query) {
  return site.send(site.local, {.path = std::move(type), .query = std::move(query), .prefer = "handling=strict"}).status();
}

struct hidden_parts : test_site {
  std::string hidden_organization, seen_endpoint, seen_organization, hidden_endpoint;
  static std::string organization_text(std::string_view name, char print, std::string_view access) {
    return fmt::format(R"({{"resourceType":"Organization",{},"extension":[{{"url":"{}","valueString":"{}"}}],
      "identifier":[{{"system":"http://dsf.dev/sid/organization-identifier","value":"{}"}}],"active":true,"name":"{}"}})",
                       tag(access), names::ext_thumbprint, thumbprint(print), name, name);
  }
  static std::string endpoint_text(std::string_view name, std::string_view organization, std::string_view access) {
    return fmt::format(R"({{"resourceType":"Endpoint",{},"identifier":[{{"system":"http://dsf.dev/sid/endpoint-identifier","value":"{}"}}],
      "status":"active","name":"{}","managingOrganization":{{"reference":"Organization/{}"}},"address":"https://{}.example/fhir"}})",
                       tag(access), name, name, organization, name.substr(0, name.find(' ')));
  }
  hidden_parts() {
    hidden_organization = store(organization_text("Hidden house", '1', "LOCAL"));
    seen_endpoint = store(endpoint_text("Seen door", hidden_organization, "ALL"));
    seen_organization = store(organization_text("Seen house", '2', "ALL"));
    hidden_endpoint = store(endpoint_text("Hidden door", seen_organization, "LOCAL"));
  }
};

}  // namespace

TEST_CASE("extended search: a chain finds by what a reference leads to, as far as the caller may find that itself", "[search]") {
  hidden_parts site;
  CHECK(total(site, site.local, "Endpoint", {{"organization.name", "seen"}}) == 1);
  CHECK(total(site, site.local, "Endpoint", {{"organization:Organization.name:exact", "Seen house"}}) == 1);
  CHECK(total(site, site.local, "Endpoint", {{"organization.name", "nobody"}}) == 0);
  CHECK(total(site, site.local, "Endpoint", {{"organization.name", "hidden"}, {"status", "active"}}) == 1);
  CHECK(total(site, site.local, "Endpoint", {{"organization.name", "hidden"}, {"_id", site.seen_endpoint}}) == 1);
  CHECK(total(site, site.local, "Endpoint", {{"organization.name", "seen"}, {"_id", site.seen_endpoint}}) == 0);
  // The pair: the Endpoint is seen by both, its organisation by one.
  CHECK(total(site, site.remote_b, "Endpoint", {{"name", "Seen door"}}) == 1);
  CHECK(total(site, site.remote_b, "Endpoint", {{"organization.name", "hidden"}}) == 0);
  CHECK(total(site, site.remote_b, "Endpoint", {{"organization.name", "hidden"}, {"_id", site.seen_endpoint}}) == 0);
  CHECK(total(site, site.remote_b, "Endpoint", {{"organization._id", site.hidden_organization}}) == 0);
  CHECK(total(site, site.remote_b, "Endpoint", {{"organization.active", "true"}, {"name", "Seen door"}}) == 0);
  // A negation tells nothing either: what may not be found is not looked at.
  CHECK(total(site, site.local, "Endpoint", {{"organization.type:not", "x"}, {"name", "Seen door"}}) == 1);
  CHECK(total(site, site.remote_b, "Endpoint", {{"organization.type:not", "x"}, {"name", "Seen door"}}) == 0);
  CHECK(total(site, site.remote_b, "Endpoint", {{"organization.name:missing", "false"}, {"name", "Seen door"}}) == 0);
  // Nor does a caller that may read Organizations, but not search them, search them here.
  auto narrow = site.local;
  narrow.roles = {{operation::search, {"Endpoint"}}, {operation::read, {}}};
  CHECK(total(site, narrow, "Endpoint", {{"name", "Seen door"}}) == 1);
  CHECK(total(site, narrow, "Endpoint", {{"organization.name", "seen"}}) == 0);
}

TEST_CASE("extended search: _has finds what is referred to, as far as the caller may find who refers", "[search]") {
  hidden_parts site;
  CHECK(total(site, site.local, "Organization", {{"_has:Endpoint:organization:name", "seen"}}) == 1);
  CHECK(total(site, site.local, "Organization", {{"_has:Endpoint:organization:name", "hidden"}}) == 1);
  CHECK(total(site, site.local, "Organization", {{"_has:Endpoint:organization:name", "hidden"}, {"_id", site.seen_organization}}) == 1);
  CHECK(total(site, site.local, "Organization", {{"_has:Endpoint:organization:name", "hidden"}, {"_id", site.hidden_organization}}) == 0);
  // The pair: the Organization is seen by both, the Endpoint that refers to it by one.
  CHECK(total(site, site.remote_b, "Organization", {{"_id", site.seen_organization}}) == 1);
  CHECK(total(site, site.remote_b, "Organization", {{"_has:Endpoint:organization:name", "hidden"}}) == 0);
  CHECK(total(site, site.remote_b, "Organization", {{"_has:Endpoint:organization:_id", site.hidden_endpoint}}) == 0);
  CHECK(total(site, site.remote_b, "Organization",
              {{"_has:Endpoint:organization:name:missing", "false"}, {"_id", site.seen_organization}}) == 0);
  // And the other way: who refers is seen, what it refers to is not.
  CHECK(total(site, site.remote_b, "Organization", {{"_has:Endpoint:organization:name", "seen"}}) == 0);
  auto narrow = site.local;
  narrow.roles = {{operation::search, {"Organization"}}, {operation::read, {}}};
  CHECK(total(site, narrow, "Organization", {{"_id", site.seen_organization}}) == 1);
  CHECK(total(site, narrow, "Organization", {{"_has:Endpoint:organization:name", "hidden"}}) == 0);
}

TEST_CASE("extended search: chains that are none are refused, and conditions of interactions know no chains", "[search]") {
  hidden_parts site;
  for (const char* name : {"organization.nothing", "organization:Task.status", "name.name", "organization.endpoint.name",
                           "_has:Endpoint:organization", "_has:Endpoint:name:name", "_has:Nothing:organization:name",
                           "_has:Task:requester:requester.name", "_has:ResearchStudy:enrollment:identifier"})
    CHECK(strict_status(site, name[0] == '_' ? "Organization" : "Endpoint", {{name, "x"}}) == 400);
  CHECK(strict_status(site, "Endpoint", {{"organization.active", "perhaps"}}) == 400);
  auto group = parsed(fmt::format(R"({{"resourceType":"Endpoint",{},"status":"active"}})", test_site::tag("ALL")));
  interaction_request create{.method = http_method::post, .path = "Endpoint", .body = group.dump()};
  create.if_none_exist = "nothing=hidden";
  const auto unknown = site.send(site.local, create);
  create.if_none_exist = "organization.name=hidden";
  const auto chained = site.send(site.local, create);
  CHECK(chained.status() >= 400);
  CHECK(chained.status() == unknown.status());
}

TEST_CASE("search: the bar in an address is no version", "[search]") {
  test_site site;
  site.store(
      fmt::format(R"({{"resourceType":"Endpoint",{},"status":"active","address":"http://x.example/a|1.0/b"}})", test_site::tag("ALL")));
  CHECK(total(site, site.local, "Endpoint", {{"address:below", "http://x.example/a|1.0"}}) == 1);
  CHECK(total(site, site.local, "Endpoint", {{"address:below", "http://x.example/a|1.1"}}) == 0);
  CHECK(total(site, site.local, "Endpoint", {{"address", "http://x.example/a|1.0/b"}}) == 1);
}

TEST_CASE("extended search: the comma is OR where no value can hold one", "[search]") {
  test_site site;
  const auto group = [&](std::string_view identifier) {
    return site.store(fmt::format(R"({{"resourceType":"Group",{},"identifier":[{}]}})", test_site::tag("ALL"), identifier));
  };
  const auto one = group(R"({"system":"http://s","value":"a"})"), two = group(R"({"system":"http://s","value":"b"})"),
             both = group(R"({"value":"a,b"})");
  CHECK(total(site, site.local, "Group", {{"identifier", "http://s|a,http://s|b"}}) == 2);
  CHECK(total(site, site.local, "Group", {{"identifier:not", "http://s|a,http://s|b"}}) == 1);
  CHECK(total(site, site.local, "Group", {{"identifier", "a,b"}}) == 1);  // as DSF
  CHECK(total(site, site.local, "Group", {{"_id", one + "," + two}}) == 2);
  CHECK(total(site, site.local, "Group", {{"_id", one + "," + two}, {"identifier", "a"}}) == 1);
  CHECK(strict_status(site, "Group", {{"_id", one + ",x"}}) == 400);
  const auto all = total(site, site.local, "Organization", {});
  CHECK(total(site, site.local, "Organization", {{"active", "true,false"}}) == all);
  CHECK(total(site, site.local, "Endpoint", {{"organization", site.organization_a + "," + site.organization_b}}) == 2);
  CHECK(total(site, site.local, "Endpoint", {{"status", "off,active"}}) == 3);
  CHECK(strict_status(site, "Endpoint", {{"status", "off,on"}}) == 400);
  site.store(fmt::format(R"({{"resourceType":"Location",{},"name":"Berlin, Mitte"}})", test_site::tag("ALL")));
  CHECK(total(site, site.local, "Location", {{"name", "Berlin, M"}}) == 1);
  CHECK(total(site, site.local, "Location", {{"name", "Berlin,Hamburg"}}) == 0);
  const auto dated = [&](const char* date) {
    return total(site, site.local, "ActivityDefinition", {{"date", date}, {"_lastUpdated", "2001,2026,2027"}});
  };
  CHECK(dated("2026") > 0);
  CHECK(dated("2025,2026") == dated("2025") + dated("2026"));
  CHECK(dated("2024,2023") == 0);
}

TEST_CASE("extended search: pages by cursor show what is there all the time exactly once, whatever is written between", "[search]") {
  test_site site;
  const auto group = [&](int n) {
    return site.store(fmt::format(R"({{"resourceType":"Group",{},"identifier":[{{"value":"{}"}}]}})", test_site::tag("ALL"), n));
  };
  std::vector<std::string> ids;
  for (int i = 0; i < 20; ++i) ids.push_back(group(i));
  std::ranges::sort(ids);
  std::set<std::string> removed;
  std::multiset<std::string> seen;
  std::string cursor = "start";
  for (int page = 0;; ++page) {
    REQUIRE(page < 30);
    const auto a = site.send(site.local, {.path = "Group", .query = {{"_cursor", cursor}, {"_count", "3"}}, .prefer = "handling=strict"});
    REQUIRE(a.status() == 200);
    const auto body = a.body();
    for (const auto& e : body["entry"]) seen.insert(e["resource"]["id"].str());
    cursor.clear();
    for (const auto& link : body["link"])
      if (link["relation"].str() == "next") cursor = link["url"].str().substr(link["url"].str().find("_cursor=") + 8, 36);
    if (cursor.empty()) break;
    // A seen one goes, a seen one and one that comes later are written, new ones come.
    if (page == 1) {
      removed.insert(ids[0]);
      REQUIRE(site.remove(site.local, "Group/" + ids[0]).status() == 200);
    }
    for (const auto& id : {ids[2], ids[15]}) {
      const auto stored = **site.view.current("Group", *dsf::base::uuid::parse(id));
      resource_write w{.what = resource_write::kind::update, .type = "Group", .id = stored.id, .expected_version = stored.version};
      w.access_class = stored.access_class;
      w.body = *make_storable(parsed(*stored.bytes), stored.id);
      write_set set;
      set.writes.push_back(std::move(w));
      REQUIRE(site.view.commit(set));
    }
    group(100 + page);
  }
  for (const auto& id : ids) CHECK(seen.count(id) == 1);
  // A cursor goes with no other order, and with no page number.
  CHECK(strict_status(site, "Group", {{"_cursor", "start"}, {"_sort", "_id"}}) == 200);
  CHECK(strict_status(site, "Group", {{"_cursor", "start"}, {"_sort", "identifier"}}) == 400);
  CHECK(strict_status(site, "Group", {{"_cursor", "start"}, {"_page", "2"}}) == 400);
  CHECK(strict_status(site, "Group", {{"_cursor", "somewhere"}}) == 400);
}

TEST_CASE("extended search: _include:iterate follows what was included, as far as the caller may read it", "[search]") {
  hidden_parts site;
  const auto role = site.store(fmt::format(R"({{"resourceType":"OrganizationAffiliation",{},"active":true,
    "endpoint":[{{"reference":"Endpoint/{}"}},{{"reference":"Endpoint/{}"}}]}})",
                                           test_site::tag("ALL"), site.seen_endpoint, site.hidden_endpoint));
  const auto included = [&](const identity& who, query_list query) {
    query.emplace_back("_id", role);
    const auto a = site.send(who, {.path = "OrganizationAffiliation", .query = std::move(query), .prefer = "handling=strict"});
    REQUIRE(a.status() == 200);
    const auto body = a.body();
    std::multiset<std::string> out;
    for (const auto& e : body["entry"])
      if (e["search"]["mode"].str() == "include") out.insert(e["resource"]["name"].str());
    return out;
  };
  using names = std::multiset<std::string>;
  const query_list asked = {{"_include", "OrganizationAffiliation:endpoint"},
                            {"_include:iterate", "Endpoint:organization"},
                            {"_include:iterate", "Organization:endpoint"}};
  CHECK(included(site.local, asked) == names{"Seen door", "Hidden door", "Seen house", "Hidden house"});
  CHECK(included(site.remote_b, asked) == names{"Seen door"});
  CHECK(included(site.local, {{"_include:iterate", "OrganizationAffiliation:endpoint"}}) == names{"Seen door", "Hidden door"});
  CHECK(strict_status(site, "Endpoint", {{"_include:iterate", "Endpoint:name"}}) == 400);
}

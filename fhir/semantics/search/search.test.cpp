// Would find: a query form that finds too much or too little, a wrong error text, unstable paging.
#include "fhir/semantics/site.test.hpp"

using namespace dsf::fhir;

namespace {

std::vector<std::string> values(const dsf::base::json& bundle, std::string_view member, std::string_view mode = "match") {
  std::vector<std::string> out;
  for (const auto& e : bundle["entry"])
    if (e["search"]["mode"].str() == mode) out.push_back(e["resource"][member].str());
  return out;
}

}  // namespace

TEST_CASE("query forms on Organization", "[search]") {
  test_site site;
  site.store(R"({"resourceType":"Organization","meta":{"tag":[{"system":"http://dsf.dev/fhir/CodeSystem/read-access-tag","code":"ALL"}]},
    "identifier":[{"value":"bare"}],"active":false,"name":"Universit\u00e4t Z\u00dcRICH","alias":["UZH"]})");
  struct row {
    const char *name, *value;
    int total;
  };
  const std::vector<row> rows = {
      {"identifier", "site-b.example", 1},
      {"identifier", "http://dsf.dev/sid/organization-identifier|site-b.example", 1},
      {"identifier", "http://other|site-b.example", 0},
      {"identifier", "|site-b.example", 0},
      {"identifier", "|bare", 1},
      {"identifier", "bare", 1},
      {"identifier", "http://dsf.dev/sid/organization-identifier|", 4},
      {"identifier:not", "site-b.example", 4},
      {"active", "true", 4},
      {"active", "false", 1},
      {"name", "site", 3},
      {"name", "SITE-B", 1},
      {"name", "universit\xc3\xa4t z\xc3\xbcrich", 1},
      {"name", "uzh", 1},
      {"name:exact", "UZH", 1},
      {"name:exact", "uzh", 0},
      {"name:contains", "example", 4},
      {"name:contains", "\xc3\x9cRIC", 1},
      {"name", "", 5},
  };
  for (const auto& r : rows) {
    INFO(r.name << "=" << r.value);
    const auto a = site.get(site.local, "Organization", {{r.name, r.value}});
    CHECK(a.status() == 200);
    CHECK(a.body()["total"].int_or(-1) == r.total);
  }
}

TEST_CASE("query forms on conformance resources", "[search]") {
  test_site site;
  struct row {
    const char *type, *name, *value;
    int total;
  };
  const std::vector<row> rows = {
      {"CodeSystem", "url", "http://dsf.dev/fhir/CodeSystem/bpmn-message", 1},
      {"CodeSystem", "url", "http://dsf.dev/fhir/CodeSystem/bpmn-message|2.0.0", 1},
      {"CodeSystem", "url", "http://dsf.dev/fhir/CodeSystem/bpmn-message|1.0.0", 0},
      {"CodeSystem", "url", "http://dsf.dev/fhir/CodeSystem/bpmn", 0},
      {"CodeSystem", "url:below", "http://dsf.dev/fhir/CodeSystem/bpmn", 1},
      {"CodeSystem", "version", "2.0.0", 5},
      {"CodeSystem", "status", "active", 6},
      {"CodeSystem", "status:not", "active", 0},
      {"CodeSystem", "date", "2025-11-26", 6},
      {"CodeSystem", "date", "2025", 6},
      {"CodeSystem", "date", "gt2025-11-26", 0},
      {"CodeSystem", "date", "ge2025-11-26", 6},
      {"CodeSystem", "date", "lt2025-11-27", 6},
      {"CodeSystem", "date", "lt2025-11-26", 0},
      {"CodeSystem", "date", "ne2025-11-26", 0},
      {"CodeSystem", "_profile", "http://dsf.dev/fhir/StructureDefinition/code-system", 6},
      {"CodeSystem", "_profile", "http://dsf.dev/fhir/StructureDefinition/code", 0},
      {"CodeSystem", "_profile:below", "http://dsf.dev/fhir/StructureDefinition/code", 6},
      {"CodeSystem", "_lastUpdated", "gt2000-01-01", 6},
      {"CodeSystem", "_lastUpdated", "lt2000-01-01", 0},
      {"Subscription", "criteria:exact", "Task?status=requested", 1},
      {"Subscription", "criteria", "task", 1},
      {"Subscription", "payload", "application/fhir+json", 2},
      {"Subscription", "type", "websocket", 2},
      {"Endpoint", "address", "https://site-b.example/fhir", 1},
      {"Endpoint", "address", "https://site-b.example", 0},
      {"Endpoint", "address:below", "https://site-b.example", 1},
      {"Endpoint", "organization:identifier", "http://dsf.dev/sid/organization-identifier|site-b.example", 1},
      {"Endpoint", "organization:identifier", "nobody", 0},
      {"OrganizationAffiliation", "role", "HRP", 1},
      {"OrganizationAffiliation", "primary-organization:identifier", "parent.example", 2},
  };
  for (const auto& r : rows) {
    INFO(r.type << "?" << r.name << "=" << r.value);
    const auto a = site.get(site.local, r.type, {{r.name, r.value}});
    CHECK(a.body()["total"].int_or(-1) == r.total);
    CHECK(a.body()["entry"].size() <= 20);
  }
  for (const auto& form :
       {site.organization_b, "Organization/" + site.organization_b, "https://site-a.example/fhir/Organization/" + site.organization_b})
    CHECK(site.get(site.local, "Endpoint", {{"organization", form}}).body()["total"].int_or(-1) == 1);
  CHECK(site.get(site.local, "Organization", {{"_id", site.organization_b}}).body()["total"].int_or(-1) == 1);
  CHECK(site.get(site.local, "Organization", {{"_id", site.organization_b}, {"active", "false"}}).body()["total"].int_or(-1) == 0);
}

// R4 beyond DSF; a DSF client never asks for it.
TEST_CASE("search by POST, _total and _elements", "[search]") {
  test_site site;
  const auto post = [&](std::string body, query_list query = {}) {
    return site.send(site.local, {.method = http_method::post,
                                  .path = "Organization/_search",
                                  .query = std::move(query),
                                  .content_type = "application/x-www-form-urlencoded",
                                  .body = std::move(body)});
  };
  const auto same = site.get(site.local, "Organization", {{"identifier", "site-b.example"}, {"active", "true"}}).body();
  const auto posted = post("identifier=site-b.example", {{"active", "true"}}).body();
  CHECK(posted["entry"] == same["entry"]);
  CHECK(posted["link"] == same["link"]);
  CHECK(post("identifier=%7Csite-b.example").body()["total"].int_or(-1) == 0);
  CHECK(post("").body()["total"].int_or(-1) == 4);
  CHECK(post("_format=xml").r.xml);
  CHECK(post("identifier=%zz").status() == 400);
  const auto none = site.get(site.local, "Organization", {{"_total", "none"}}).body();
  CHECK(none.find("total") == nullptr);
  CHECK(none["entry"].size() == 4);
  CHECK(site.get(site.local, "Organization", {{"_total", "accurate"}}).body()["total"].int_or(-1) == 4);
  const auto part = site.get(site.local, "Organization", {{"identifier", "site-b.example"}, {"_elements", "name, active"}}).body();
  const auto& found = part["entry"][std::size_t{0}]["resource"];
  INFO(found.dump());
  CHECK(found["name"].str() == "site-b.example");
  CHECK(found.find("active"));
  CHECK(found.find("id"));
  CHECK(found.find("identifier") == nullptr);
  CHECK(found["meta"]["tag"][std::size_t{1}]["code"].str() == "SUBSETTED");
  const auto task = site.post(site.remote_b, site.ping_task()).body()["id"].str();
  const auto read = site.get(site.local, "Task/" + task, {{"_elements", "requester"}}).body();
  CHECK(read.find("intent"));  // must be there
  CHECK(read.find("requester"));
  CHECK(read.find("input") == nullptr);
}

TEST_CASE("the four Subscription parameters of an engine find exactly one", "[search]") {
  test_site site;
  const auto query =
      parse_query_string("criteria:exact=Task%3Fstatus%3Drequested&status=active&type=websocket&payload=application/fhir%2Bjson");
  REQUIRE(query);
  auto request = interaction_request{.path = "Subscription", .query = *query, .prefer = "handling=strict"};
  CHECK(site.send(site.local, request).body()["total"].int_or(-1) == 1);
}

TEST_CASE("errors are lenient or strict", "[search]") {
  test_site site;
  struct row {
    const char *name, *value, *text;
  };
  const std::vector<row> rows = {
      {"foo", "bar", "parameter: foo, error: UNSUPPORTED_PARAMETER, message: 'Query parameter `foo` not supported'"},
      {"status:exact", "active",
       "parameter: status:exact, error: UNSUPPORTED_PARAMETER, message: 'Query parameter `status:exact` not supported'"},
      {"_sort", "foo", "parameter: _sort, error: UNPARSABLE_VALUE, message: '_sort query parameter value `foo` not supported'"},
      {"_include", "Task:foo",
       "parameter: _include, error: UNPARSABLE_VALUE, message: '_include query parameter value Task:foo not supported'"},
      {"_include", "Task:requester",
       "parameter: _include, error: UNPARSABLE_VALUE, message: '_include query parameter value Task:requester not supported'"},
      {"_id", "x", "parameter: _id, error: UNPARSABLE_VALUE, message: 'UUID expected', value: x"},
      {"status", "nonsense", "parameter: status, error: UNPARSABLE_VALUE, value: nonsense"},
      {"authored-on", "gt2020", "parameter: authored-on, error: UNPARSABLE_VALUE, value: gt2020"},
  };
  for (const auto& r : rows) {
    INFO(r.name << "=" << r.value);
    auto request = interaction_request{.path = "Task", .query = {{r.name, r.value}}, .prefer = "handling=strict"};
    const auto strict = site.send(site.local, request);
    CHECK(strict.status() == 400);
    CHECK(strict.text() == r.text);
    request.prefer.reset();
    const auto lenient = site.send(site.local, request);
    CHECK(lenient.status() == 200);
    const auto entry = lenient.body()["entry"][std::size_t{0}];
    CHECK(entry["search"]["mode"].str() == "outcome");
    CHECK(entry["resource"]["issue"][std::size_t{0}]["severity"].str() == "warning");
    CHECK(entry["resource"]["issue"][std::size_t{0}]["diagnostics"].str() == r.text);
    CHECK(lenient.body()["total"].int_or(-1) == 0);
  }
  const auto twice = site.send(site.local, {.path = "Task", .query = {{"_count", "1"}, {"_count", "2"}}, .prefer = "handling=strict"});
  CHECK(twice.text() == "parameter: _count, error: UNSUPPORTED_NUMBER_OF_VALUES");
  // revinclude is offered on three types only
  CHECK(site.send(site.local, {.path = "Task", .query = {{"_revinclude", "x"}}, .prefer = "handling=strict"}).text() ==
        "parameter: _revinclude, error: UNSUPPORTED_PARAMETER, message: 'Query parameter `_revinclude` not supported'");
}

TEST_CASE("pages and links", "[search]") {
  test_site site;
  const auto link = [](const dsf::base::json& bundle, std::string_view relation) {
    for (const auto& l : bundle["link"])
      if (l["relation"].str() == relation) return l["url"].str();
    return std::string{};
  };
  const auto b = site.get(site.local, "CodeSystem", {{"_count", "2"}, {"_page", "2"}, {"_sort", "-url"}, {"status", "active"}}).body();
  CHECK(b["total"].int_or(0) == 6);
  CHECK(b["entry"].size() == 2);
  CHECK(values(b, "url") == std::vector<std::string>{"http://dsf.dev/fhir/CodeSystem/process-authorization",
                                                     "http://dsf.dev/fhir/CodeSystem/practitioner-role"});
  const std::string base = "https://site-a.example/fhir/CodeSystem?_sort=-url&status=active&_page=";
  CHECK(link(b, "self") == base + "2&_count=2");
  CHECK(link(b, "first") == base + "1&_count=2");
  CHECK(link(b, "previous") == base + "1&_count=2");
  CHECK(link(b, "next") == base + "3&_count=2");
  CHECK(link(b, "last") == base + "3&_count=2");
  for (const auto& only :
       std::vector<query_list>{{{"_count", "0"}}, {{"_page", "0"}}, {{"_page", "99"}}, {{"_count", "-1"}}, {{"_summary", "count"}}}) {
    const auto c = site.get(site.local, "CodeSystem", only).body();
    CHECK(c["total"].int_or(0) == 6);
    CHECK(c.find("entry") == nullptr);
    CHECK(link(c, "self").find("_count=0") != std::string::npos);
  }
  CHECK(site.get(site.local, "CodeSystem", {{"_page", "2000000000"}, {"_count", "2000000000"}}).body()["entry"].size() == 6);
  CHECK(link(site.get(site.local, "CodeSystem", {{"date", "2025-11-26"}}).body(), "self") ==
        "https://site-a.example/fhir/CodeSystem?date=eq2025-11-26&_page=1&_count=20");
}

TEST_CASE("includes", "[search]") {
  test_site site;
  const auto b = site.get(site.remote_b, "Endpoint",
                          {{"status", "active"}, {"address", "https://site-a.example/fhir"}, {"_include", "Endpoint:organization"}})
                     .body();
  CHECK(b["entry"].size() == 2);
  CHECK(b["total"].int_or(0) == 1);
  CHECK(values(b, "name", "include") == std::vector<std::string>{"site-a.example"});
  const auto m = site.get(site.local, "OrganizationAffiliation",
                          {{"role", "HRP"},
                           {"_include", "OrganizationAffiliation:endpoint"},
                           {"_include", "OrganizationAffiliation:participating-organization:Organization"}})
                     .body();
  CHECK(m["entry"].size() == 3);
  const auto r = site.get(site.local, "Organization",
                          {{"identifier", "parent.example"}, {"_revinclude", "OrganizationAffiliation:primary-organization"}})
                     .body();
  CHECK(r["entry"].size() == 3);
  site.store(
      R"({"resourceType":"Library","meta":{"tag":[{"system":"http://dsf.dev/fhir/CodeSystem/read-access-tag","code":"LOCAL"}]},"url":"urn:uuid:11111111-1111-4111-8111-111111111111","status":"active","type":{"text":"x"}})");
  site.store(
      R"({"resourceType":"Measure","meta":{"tag":[{"system":"http://dsf.dev/fhir/CodeSystem/read-access-tag","code":"ALL"}]},"library":["urn:uuid:11111111-1111-4111-8111-111111111111"],"status":"active"})");
  CHECK(site.get(site.local, "Measure", {{"_include", "Measure:depends-on"}}).body()["entry"].size() == 2);
  CHECK(site.get(site.remote_b, "Measure", {{"_include", "Measure:depends-on"}}).body()["entry"].size() == 1);  // the Library is LOCAL
  CHECK(site.get(site.local, "Measure", {{"depends-on", "urn:uuid:11111111-1111-4111-8111-111111111111"}}).body()["total"].int_or(0) == 1);
}

TEST_CASE("search needs the role", "[search]") {
  test_site site;
  auto who = site.practitioner;
  who.roles = {{operation::read, {}}};
  const auto a = site.get(who, "Task");
  CHECK(a.status() == 403);
  CHECK(a.text() == "Operation search forbidden");
  who.roles = {{operation::search, {}}};
  CHECK(site.get(who, "CodeSystem").body()["total"].int_or(-1) == 0);
}

TEST_CASE("dates", "[search]") {
  const auto range = [](std::string_view text, int zone = 0) { return parse_date_range(text, zone).value(); };
  CHECK(range("1970").to == 365LL * 86'400'000'000);
  CHECK(range("1970-01-02").from == 86'400'000'000);
  CHECK(range("1970-01-01T00:00:01Z") == date_range{1'000'000, 2'000'000, true});
  CHECK(range("1970-01-01T00:00:01.5Z") == date_range{1'500'000, 1'600'000, true});
  CHECK(range("1970-01-01T01:00:00+01:00").from == 0);
  CHECK(range("1970-01-01T01:00:00 01:00").from == 0);  // a plus sign that became a blank
  CHECK(range("1970-01-01T01:00:00", 60).from == 0);
  for (const auto bad :
       {"", "x", "19", "1970-13", "1970-02-30", "1970-01-01T", "1970-01-01T25:00", "1970-01-01T00:00:00+1", "1970-01-01T00:00:0"}) {
    INFO(bad);
    CHECK_FALSE(parse_date_range(bad, 0));
  }
}

TEST_CASE("a subscription's criteria match as the search finds", "[search]") {
  test_site site;
  const auto id = site.post(site.remote_b, site.ping_task()).body()["id"].str();
  const auto stored = **site.view.current("Task", *dsf::base::uuid::parse(id));
  const search_scope scope{site.view, *site.allow_list, site.config.base_url};
  const auto hits = [&](query_list q) {
    return *matches(parse_search("Task", q, site.config.base_url), stored, parsed(*stored.bytes), scope);
  };
  CHECK(hits({{"status", "requested"}}));
  CHECK_FALSE(hits({{"status", "draft"}}));
  CHECK(hits({{"requester", "Organization/" + site.organization_b}}));
  CHECK(hits({{"requester:identifier", "site-b.example"}}));
  CHECK_FALSE(hits({{"requester:identifier", "site-c.example"}}));
}

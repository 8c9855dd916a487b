// Would find: a transaction that writes half, a reference that is not rewritten, entries answered in the wrong order (dsf-fhir-server 3.9).
#include "fhir/semantics/site.test.hpp"

using namespace dsf::fhir;
using dsf::base::json;

namespace {

constexpr auto u1 = "urn:uuid:11111111-1111-4111-8111-111111111111";
constexpr auto u2 = "urn:uuid:22222222-2222-4222-8222-222222222222";

std::string request(std::string_view method, std::string_view url, std::string_view more = "") {
  return fmt::format(R"("request":{{"method":"{}","url":"{}"{}}})", method, url, more);
}
std::string post_entry(std::string_view full_url, std::string_view resource, std::string_view type, std::string_view more = "") {
  return fmt::format(R"({{"fullUrl":"{}","resource":{},{}}})", full_url, resource, request("POST", type, more));
}
std::string plain_entry(std::string_view method, std::string_view url) { return fmt::format("{{{}}}", request(method, url)); }
std::string put_query(std::string_view full_url, std::string_view resource, std::string_view url) {
  return fmt::format(R"({{"fullUrl":"{}","resource":{},{}}})", full_url, resource, request("PUT", url));
}
std::string group(std::string_view value, std::string_view tag = "LOCAL", std::string_view more = "") {
  return fmt::format(R"({{"resourceType":"Group",{},"type":"person","actual":true,"identifier":[{{"system":"http://g","value":"{}"}}]{}}})",
                     test_site::tag(tag), value, more);
}
answered send(test_site& site, const std::vector<std::string>& entries, const identity* who = nullptr,
              std::optional<std::string> prefer = {}, std::string_view type = "transaction") {
  return site.send(who ? *who : site.local,
                   {.method = http_method::post,
                    .path = "",
                    .prefer = prefer,
                    .body = fmt::format(R"({{"resourceType":"Bundle","type":"{}","entry":[{}]}})", type, fmt::join(entries, ","))});
}
std::string new_organization(std::string_view name, char print) {
  return fmt::format(
      R"({{"resourceType":"Organization",{},"extension":[{{"url":"{}","valueString":"{}"}}],"identifier":[{{"system":"http://dsf.dev/sid/organization-identifier","value":"{}"}}],
    "active":true,"endpoint":[{{"reference":"{}"}}]}})",
      test_site::tag("ALL"), names::ext_thumbprint, std::string(128, print), name, u2);
}
std::string new_endpoint(std::string_view host) {
  return fmt::format(
      R"({{"resourceType":"Endpoint",{},"identifier":[{{"system":"http://dsf.dev/sid/endpoint-identifier","value":"{}"}}],"status":"active",
    "connectionType":{{"system":"http://terminology.hl7.org/CodeSystem/endpoint-connection-type","code":"hl7-fhir-rest"}},"managingOrganization":{{"reference":"{}"}},
    "payloadType":[{{"coding":[{{"system":"http://hl7.org/fhir/resource-types","code":"Task"}}]}}],"payloadMimeType":["application/fhir+xml","application/fhir+json"],"address":"https://{}/fhir"}})",
      test_site::tag("ALL"), host, u1, host);
}

}  // namespace

TEST_CASE("an allow-list bundle with mutual references", "[bundle]") {
  test_site site;
  const std::vector<std::string> entries = {
      put_query(u1, new_organization("site-d.example", '1'),
                "Organization?identifier=http://dsf.dev/sid/organization-identifier|site-d.example"),
      put_query(u2, new_endpoint("site-d.example"), "Endpoint?identifier=http://dsf.dev/sid/endpoint-identifier|site-d.example")};
  const auto a = send(site, entries);
  INFO(a.body().dump());
  REQUIRE(a.status() == 200);
  const auto b = a.body();
  CHECK(b["type"].str() == "transaction-response");
  const auto& first = b["entry"][std::size_t{0}];
  const auto& second = b["entry"][std::size_t{1}];
  CHECK(first["response"]["status"].str() == "201 Created");
  CHECK(first["response"]["etag"].str() == "W/\"1\"");
  CHECK(first["resource"]["endpoint"][std::size_t{0}]["reference"].str() == "Endpoint/" + second["resource"]["id"].str());
  CHECK(second["resource"]["managingOrganization"]["reference"].str() == "Organization/" + first["resource"]["id"].str());
  CHECK(site.allow_list->active_by_thumbprint(std::string(128, '1')));
  const auto again = send(site, entries);
  CHECK(again.body()["entry"][std::size_t{0}]["response"]["status"].str() == "200 OK");
  CHECK(again.body()["entry"][std::size_t{0}]["response"]["etag"].str() == "W/\"2\"");
}

TEST_CASE("one bad entry and nothing is written", "[bundle]") {
  struct row {
    const char* name;
    std::vector<std::string> entries;
    int status;
  };
  test_site site;
  const std::string lost = R"(,"managingEntity":{"reference":"Organization/6f0a5c1e-0000-4000-8000-000000000009"})";
  const std::vector<row> rows = {
      {"no read tag",
       {post_entry(u1, group("1"), "Group"), post_entry(u2, R"({"resourceType":"Group","type":"person","actual":true})", "Group")},
       403},
      {"missing reference", {post_entry(u1, group("1"), "Group"), post_entry(u2, group("2", "LOCAL", lost), "Group")}, 403},
      {"unknown id read", {post_entry(u1, group("1"), "Group"), plain_entry("GET", "Group/6f0a5c1e-0000-4000-8000-000000000009")}, 400},
      {"unknown id deleted",
       {post_entry(u1, group("1"), "Group"), plain_entry("DELETE", "Group/6f0a5c1e-0000-4000-8000-000000000009")},
       400},
      {"duplicate in the bundle",
       {put_query(u1, new_organization("site-d.example", '1'), "Organization?identifier=x"),
        put_query(u2, new_endpoint("d.example"), "Endpoint?identifier=x"),
        post_entry("urn:uuid:33333333-3333-4333-8333-333333333333", new_endpoint("d.example"), "Endpoint")},
       403},
      {"wrong url", {post_entry(u1, group("1"), "Group"), post_entry(u2, group("2"), "Task")}, 400},
      {"wrong post url", {post_entry(u1, group("1"), "Group/x")}, 400},
      {"no temporary fullUrl", {post_entry("https://site-a.example/fhir/Group/1", group("1"), "Group")}, 400},
      {"delete with resource",
       {fmt::format(R"({{"resource":{},{}}})", group("1"), request("DELETE", "Group/6f0a5c1e-0000-4000-8000-000000000009"))},
       400},
      {"patch", {fmt::format(R"({{"resource":{},{}}})", group("1"), request("PATCH", "Group/6f0a5c1e-0000-4000-8000-000000000009"))}, 400},
  };
  for (const auto& r : rows) {
    INFO(r.name);
    const auto before = site.view.sequence();
    const auto a = send(site, r.entries);
    INFO(a.body().dump());
    CHECK(a.status() == r.status);
    CHECK(a.body()["resourceType"].str() == "OperationOutcome");
    CHECK(site.view.sequence() == before);
  }
}

TEST_CASE("answers stand in request order, work in order of methods", "[bundle]") {
  test_site site;
  const auto old = site.store(
      R"({"resourceType":"CodeSystem","meta":{"tag":[{"system":"http://dsf.dev/fhir/CodeSystem/read-access-tag","code":"ALL"}]},"url":"http://x.example/cs","version":"1.0","status":"active","content":"complete","date":"2026-01-01"})");
  const std::string fresh = fmt::format(
      R"({{"resourceType":"CodeSystem",{},"url":"http://x.example/cs","version":"1.0","status":"active","content":"complete","date":"2026-01-02"}})",
      test_site::tag("ALL"));
  const auto a = send(site, {plain_entry("GET", "CodeSystem?url=http://x.example/cs"), post_entry(u1, fresh, "CodeSystem"),
                             plain_entry("DELETE", "CodeSystem?url=http://x.example/cs"), plain_entry("GET", u1),
                             plain_entry("DELETE", "CodeSystem?url=http://nothing.example")});
  INFO(a.body().dump());
  REQUIRE(a.status() == 200);
  const auto b = a.body();
  const auto status = [&](std::size_t i) { return b["entry"][i]["response"]["status"].str(); };
  CHECK(b["entry"][std::size_t{0}]["resource"]["date"].str() == "2026-01-02");  // one hit: the resource itself
  CHECK(status(1) == "201 Created");
  CHECK(status(2) == "200 OK");
  CHECK(b["entry"][std::size_t{2}]["response"]["outcome"]["issue"][std::size_t{0}]["diagnostics"].str() ==
        "CodeSystem with id " + old + " marked as deleted");
  CHECK(b["entry"][std::size_t{3}]["resource"] == b["entry"][std::size_t{1}]["resource"]);
  CHECK(status(4) == "204 No Content");
}

TEST_CASE("ifNoneExist finds what is there and what the bundle brings", "[bundle]") {
  test_site site;
  const auto exists = R"(,"ifNoneExist":"identifier=http://g|1")";
  auto a = send(site, {post_entry(u1, group("1"), "Group", exists), post_entry(u2, group("1"), "Group", exists)});
  INFO(a.body().dump());
  REQUIRE(a.status() == 200);
  const auto status = [&](std::size_t i) { return a.body()["entry"][i]["response"]["status"].str(); };
  CHECK(status(0) == "201 Created");
  CHECK(status(1) == "200 OK");
  CHECK(a.body()["entry"][std::size_t{0}]["response"]["location"].str() == a.body()["entry"][std::size_t{1}]["response"]["location"].str());
  a = send(site, {post_entry(u1, group("1"), "Group", exists)});
  CHECK(status(0) == "200 OK");
  CHECK_FALSE(a.committed);
}

TEST_CASE("Prefer applies to all entries", "[bundle]") {
  test_site site;
  auto a = send(site, {post_entry(u1, group("1"), "Group")}, nullptr, "return=minimal");
  CHECK(a.body()["entry"][std::size_t{0}].find("resource") == nullptr);
  a = send(site, {post_entry(u1, group("2"), "Group")}, nullptr, "return=OperationOutcome");
  const auto b = a.body();
  CHECK(b["entry"][std::size_t{0}]["response"]["outcome"]["resourceType"].str() == "OperationOutcome");
}

TEST_CASE("other bundles and other senders", "[bundle]") {
  test_site site;
  const auto collection = send(site, {}, nullptr, {}, "collection");
  CHECK(collection.status() == 403);
  CHECK(collection.text() == "Operation bundle forbidden");
  CHECK(send(site, {plain_entry("GET", "Group?_count=0")}, nullptr, {}, "batch").body()["type"].str() == "batch-response");
  CHECK(send(site, {post_entry(u1, group("1"), "Group")}, &site.remote_b).text() == "Operation create forbidden");
  const auto task = send(site, {post_entry(u1, site.ping_task().dump(), "Task")}, &site.remote_b);
  INFO(task.body().dump());
  CHECK(task.status() == 200);
}

// Would find: an entry of a batch that takes others down with it, work in the wrong order, an entry that does not see what those before it did
// (dsf-fhir-server 3.9).
#include "fhir/semantics/site.test.hpp"

using namespace dsf::fhir;
using dsf::base::json;

namespace {

constexpr auto u1 = "urn:uuid:11111111-1111-4111-8111-111111111111";
constexpr auto u2 = "urn:uuid:22222222-2222-4222-8222-222222222222";
constexpr auto nobody = "6f0a5c1e-0000-4000-8000-000000000009";

std::string group(std::string_view value, std::string_view more = "") {
  return fmt::format(R"({{"resourceType":"Group",{},"type":"person","actual":true,"identifier":[{{"system":"http://g","value":"{}"}}]{}}})",
                     test_site::tag("LOCAL"), value, more);
}
std::string post(std::string_view full_url, std::string_view resource, std::string_view more = "") {
  return fmt::format(R"({{"fullUrl":"{}","resource":{},"request":{{"method":"POST","url":"{}"{}}}}})", full_url, resource,
                     parsed(resource)["resourceType"].str(), more);
}
std::string plain(std::string_view method, std::string_view url, std::string_view more = "") {
  return fmt::format(R"({{"request":{{"method":"{}","url":"{}"{}}}}})", method, url, more);
}
answered send(test_site& site, const std::vector<std::string>& entries, const identity* who = nullptr,
              std::optional<std::string> prefer = {}) {
  return site.send(who ? *who : site.local,
                   {.method = http_method::post,
                    .path = "",
                    .prefer = std::move(prefer),
                    .body = fmt::format(R"({{"resourceType":"Bundle","type":"batch","entry":[{}]}})", fmt::join(entries, ","))});
}
struct entries_of {
  json body;
  const json& response(std::size_t i) const { return body["entry"][i]["response"]; }
  const std::string& status(std::size_t i) const { return response(i)["status"].str(); }
  const std::string& text(std::size_t i) const { return response(i)["outcome"]["issue"][std::size_t{0}]["diagnostics"].str(); }
};

}  // namespace

TEST_CASE("each entry of a batch stands for itself", "[batch]") {
  test_site site;
  const auto old = site.store(group("old"));
  const auto a = send(site, {plain("GET", "Group?identifier=http://g|1"), post(u1, group("1")),
                             post(u2, R"({"resourceType":"Group","type":"person","actual":true})"),
                             plain("DELETE", fmt::format("Group/{}", old)), plain("DELETE", fmt::format("Group/{}", nobody)),
                             plain("DELETE", "Group?identifier=nothing"), plain("GET", fmt::format("Group/{}", old)),
                             plain("GET", fmt::format("Group/{}", nobody)), plain("HEAD", fmt::format("Group/{}/_history/1", old)),
                             plain("GET", fmt::format("Group/{}/_history/1", old), R"(,"ifNoneMatch":"W/\"1\"")")});
  INFO(a.body().dump());
  REQUIRE(a.status() == 200);
  const entries_of b{a.body()};
  CHECK(b.body["type"].str() == "batch-response");
  CHECK(b.body.find("link") == nullptr);
  REQUIRE(b.body["entry"].size() == 10);
  CHECK(b.body["entry"][std::size_t{0}]["resource"]["resourceType"].str() ==
        "Group");  // reads come last, and one hit is the resource itself
  CHECK(b.status(1) == "201 Created");
  CHECK(b.response(1)["etag"].str() == "W/\"1\"");
  CHECK(b.status(2) == "403 Forbidden");
  CHECK(b.text(2) == "Operation create forbidden");
  CHECK(b.status(3) == "200 OK");
  CHECK(b.text(3) == "Group with id " + old + " marked as deleted");
  CHECK(b.status(4) == "404 Not Found");
  CHECK(b.text(4) == fmt::format("Group with id {} not found", nobody));
  CHECK(b.status(5) == "204 No Content");
  CHECK(b.status(6) == "410 Gone");
  CHECK(b.response(6)["outcome"]["issue"][std::size_t{0}]["code"].str() == "deleted");
  CHECK(b.status(7) == "404 Not Found");
  CHECK(b.status(8) == "200 OK");
  CHECK(b.body["entry"][std::size_t{8}].find("resource") == nullptr);
  CHECK(b.status(9) == "304 Not Modified");
}

TEST_CASE("entries of a batch see those that were done before", "[batch]") {
  test_site site;
  // Twice the same unique key: one winner, and the other is told why.
  const auto code_system = [](std::string_view date) {
    return fmt::format(
        R"({{"resourceType":"CodeSystem",{},"url":"http://x.example/cs","version":"1.0","status":"active","content":"complete","date":"{}"}})",
        test_site::tag("ALL"), date);
  };
  auto a = send(site, {post(u1, code_system("2026-01-01")), post(u2, code_system("2026-01-02"))});
  entries_of b{a.body()};
  INFO(b.body.dump());
  CHECK(b.status(0) == "201 Created");
  CHECK(b.status(1) == "403 Forbidden");
  // The same condition twice: the second finds what the first made.
  const auto exists = R"(,"ifNoneExist":"identifier=http://g|1")";
  a = send(site, {post(u1, group("1"), exists), post(u2, group("1"), exists)});
  b = {a.body()};
  CHECK(b.status(0) == "201 Created");
  CHECK(b.status(1) == "200 OK");
  CHECK(b.response(0)["location"] == b.response(1)["location"]);
  // A temporary id is known from the moment its entry is done; one of an entry that failed never is.
  const auto member = fmt::format(R"(,"member":[{{"entity":{{"reference":"{}"}}}}])", u1);
  a = send(site, {post(u1, group("2")), post(u2, group("3", member)), plain("GET", u2)});
  b = {a.body()};
  INFO(b.body.dump());
  CHECK(b.status(1) == "201 Created");
  CHECK(b.body["entry"][std::size_t{1}]["resource"]["member"][std::size_t{0}]["entity"]["reference"].str() ==
        "Group/" + b.body["entry"][std::size_t{0}]["resource"]["id"].str());
  CHECK(b.body["entry"][std::size_t{2}]["resource"] == b.body["entry"][std::size_t{1}]["resource"]);
  a = send(site, {post(u1, R"({"resourceType":"Group","type":"person","actual":true})"), post(u2, group("4", member)), plain("GET", u1)});
  b = {a.body()};
  INFO(b.body.dump());
  CHECK(b.status(1) == "403 Forbidden");
  CHECK(b.text(1).find("Unknown reference at Group.member.entity") == 0);
  CHECK(b.status(2) == "400 Bad Request");
}

TEST_CASE("a faulty resource is its entry's matter, a faulty request that of the batch", "[batch]") {
  test_site site;
  auto a = send(
      site,
      {post(
           u1,
           R"({"resourceType":"Group","meta":{"tag":[{"system":"http://dsf.dev/fhir/CodeSystem/read-access-tag","code":"ALL"}]},"type":7,"actual":true})"),
       post(u2, group("1"))});
  INFO(a.body().dump());
  REQUIRE(a.status() == 200);
  const entries_of b{a.body()};
  CHECK(b.status(0) == "403 Forbidden");
  CHECK(b.response(0)["outcome"]["resourceType"].str() == "OperationOutcome");
  CHECK(b.status(1) == "201 Created");
  const auto before = site.view.sequence();
  a = send(site, {post(u1, group("2")), plain("PATCH", "Group/1")});
  CHECK(a.status() == 400);
  CHECK(a.text().find("Bad bundle request - ") == 0);
  CHECK(site.view.sequence() == before);
}

TEST_CASE("a batch has the sender's rights, and Prefer says what it tells", "[batch]") {
  test_site site;
  auto a = send(site, {post(u1, group("1")), post(u2, site.ping_task().dump())}, &site.remote_b);
  entries_of b{a.body()};
  INFO(b.body.dump());
  CHECK(b.text(0) == "Operation create forbidden");
  CHECK(b.status(1) == "201 Created");
  a = send(site, {post(u1, group("1"))}, nullptr, "return=minimal");
  CHECK(a.body()["entry"][std::size_t{0}].find("resource") == nullptr);
  a = send(site, {post(u1, group("2"))}, nullptr, "return=OperationOutcome");
  CHECK(entries_of{a.body()}.text(0).find("Group created at location ") == 0);
}

// Would find: two winners, or none, among creates that come at the same time (dsf-fhir-server 1.7.1 "Uniqueness", 3.6; the spec's parallel creates).
#include <fmt/format.h>
#include <catch2/catch.hpp>

#include <algorithm>
#include <future>
#include <map>
#include <set>

#include "base/entropy.hpp"
#include "base/json.hpp"
#include "base/uuid.hpp"
#include "tests/wire/wire_site.hpp"

using namespace dsf;
using namespace dsf::tests;

namespace {

constexpr int senders = 16;
constexpr int rounds = 12;
constexpr std::int64_t answer_timeout_ms = 30'000;
constexpr auto tag = R"("meta":{"tag":[{"system":"http://dsf.dev/fhir/CodeSystem/read-access-tag","code":"ALL"}]})";

std::string unused() { return base::uuid::random(base::system_entropy()).to_string(); }

net::client_request post(std::string path, std::string body, std::string if_none_exist = {}) {
  net::client_request q;
  q.method = "POST";
  q.url = wire_site::shared().base() + (path.empty() ? "" : "/" + path);
  q.headers = {{"Content-Type", "application/fhir+json"}, {"Accept", "application/fhir+json"}};
  if (!if_none_exist.empty()) q.headers.add("If-None-Exist", if_none_exist);
  q.body = std::move(body);
  return q;
}

// All at once, over as many connections.
std::vector<net::client_response> all_at_once(const std::function<net::client_request(int)>& request) {
  std::vector<std::promise<net::result<net::client_response>>> answers(senders);
  for (int i = 0; i < senders; ++i)
    wire_site::shared().client("local").send(request(i), answer_timeout_ms,
                                             [&answers, i](net::result<net::client_response> r) { answers[i].set_value(std::move(r)); });
  std::vector<net::client_response> out;
  for (auto& a : answers) out.push_back(must(a.get_future().get()));
  return out;
}

std::string group(const std::string& value) {
  return fmt::format(
      R"({{"resourceType":"Group",{},"type":"person","actual":true,"identifier":[{{"system":"http://wire.example/parallel","value":"{}"}}]}})",
      tag, value);
}
std::string code_system(const std::string& value) {
  return fmt::format(
      R"({{"resourceType":"CodeSystem",{},"url":"http://wire.example/{}","version":"1.0","status":"active","content":"complete","date":"2026-01-01"}})",
      tag, value);
}
std::string bundle(std::string_view type, const std::string& resource, std::string_view of, const std::string& more = {}) {
  return fmt::format(
      R"({{"resourceType":"Bundle","type":"{}","entry":[{{"fullUrl":"urn:uuid:{}","resource":{},"request":{{"method":"POST","url":"{}"{}}}}}]}})",
      type, unused(), resource, of, more);
}
std::int64_t total(const std::string& query) {
  net::client_request q;
  q.method = "GET";
  q.url = wire_site::shared().base() + "/" + query;
  q.headers = {{"Accept", "application/fhir+json"}};
  const auto a = must(wire_site::shared().client("local").send_and_wait(std::move(q), answer_timeout_ms));
  return must(base::json::parse(a.body))["total"].int_or(-1);
}

}  // namespace

TEST_CASE("conditional creates at the same time: one makes the resource, the others are told where it is", "[parallel]") {
  for (int round = 0; round < rounds; ++round) {
    const auto value = unused();
    const auto condition = "identifier=http://wire.example/parallel|" + value;
    const auto answers = all_at_once([&](int) { return post("Group", group(value), condition); });
    std::map<int, int> statuses;
    std::set<std::string> locations;
    for (const auto& a : answers) ++statuses[a.status], locations.insert(std::string(a.headers.value("Location")));
    CAPTURE(round);
    CHECK(statuses == std::map<int, int>{{200, senders - 1}, {201, 1}});
    CHECK(locations.size() == 1);
    CHECK(total("Group?identifier=http://wire.example/parallel%7C" + value) == 1);
  }
}

TEST_CASE("creates of the same canonical at the same time, alone and in bundles: one winner, 403 for the others", "[parallel]") {
  for (int round = 0; round < rounds; ++round) {
    const auto value = unused();
    const auto answers = all_at_once([&](int i) {
      if (i % 3 == 0) return post("CodeSystem", code_system(value));
      return post("", bundle(i % 3 == 1 ? "transaction" : "batch", code_system(value), "CodeSystem"));
    });
    int winners = 0, refused = 0;
    for (const auto& a : answers) {
      const auto body = must(base::json::parse(a.body));
      const auto& entry = body["entry"][std::size_t{0}]["response"]["status"];
      const auto status = entry.is_string() ? entry.str().substr(0, 3) : std::to_string(a.status);
      winners += status == "201";
      refused += status == "403";
    }
    CAPTURE(round);
    CHECK(winners == 1);
    CHECK(refused == senders - 1);
    CHECK(total("CodeSystem?url=http://wire.example/" + value) == 1);
  }
}

TEST_CASE("bundles with ifNoneExist at the same time: one creates, the others find", "[parallel]") {
  for (int round = 0; round < rounds; ++round) {
    const auto value = unused();
    const auto answers = all_at_once([&](int i) {
      return post("", bundle(i % 2 ? "transaction" : "batch", group(value), "Group",
                             R"(,"ifNoneExist":"identifier=http://wire.example/parallel|)" + value + "\""));
    });
    int made = 0, found = 0;
    std::set<std::string> locations;
    for (const auto& a : answers) {
      const auto body = must(base::json::parse(a.body));
      const auto& response = body["entry"][std::size_t{0}]["response"];
      made += response["status"].str() == "201 Created";
      found += response["status"].str() == "200 OK";
      locations.insert(response["location"].str());
    }
    CAPTURE(round);
    CHECK(made == 1);
    CHECK(found == senders - 1);
    CHECK(locations.size() == 1);
  }
}

TEST_CASE("updates with If-Match at the same time: one of them is right", "[parallel]") {
  for (int round = 0; round < rounds; ++round) {
    const auto made = must(wire_site::shared().client("local").send_and_wait(post("Group", group(unused())), answer_timeout_ms));
    REQUIRE(made.status == 201);
    const auto id = must(base::json::parse(made.body))["id"].str();
    const auto answers = all_at_once([&](int i) {
      auto q = post("Group/" + id, "");
      auto body = must(base::json::parse(group(std::to_string(i))));
      body.set("id", id);
      q.method = "PUT";
      q.headers.add("If-Match", "W/\"1\"");
      q.body = body.dump();
      return q;
    });
    const auto right = std::ranges::count(answers, 200, &net::client_response::status);
    const auto wrong = std::ranges::count(answers, 412, &net::client_response::status);
    CAPTURE(round);
    CHECK(right == 1);
    CHECK(wrong == senders - 1);
  }
}

// What subscribers of an endpoint hear over real mutual TLS, and how their connections end. dsf-fhir-server 5.
#include <fmt/format.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

#include "base/entropy.hpp"
#include "base/uuid.hpp"
#include "fhir/codec/xml.hpp"
#include "fhir/semantics/names.hpp"
#include "tests/support/tcp_proxy.hpp"
#include "tests/wire/socket_ear.hpp"
#include "tests/wire/wire_site.hpp"

using namespace dsf;
using namespace dsf::tests;
using base::json;

namespace {

std::string fresh() { return base::uuid::random(base::system_entropy()).to_string(); }

// A file of bodies/ with its places filled.
std::string body(const std::string& name, const std::vector<std::pair<std::string, std::string>>& places) {
  auto text = read_text(std::filesystem::path(DSF_SOURCE_DIR) / "tests/wire/bodies" / (name + ".json"));
  for (const auto& [what, by] : places)
    for (auto at = text.find(what); at != text.npos; at = text.find(what, at + by.size())) text.replace(at, what.size(), by);
  return text;
}

// The shared site as its own organisation sees it.
struct visit {
  wire_site& site = wire_site::shared();
  std::shared_ptr<net::io_threads> threads = net::io_threads::start(1, "ws");
  ~visit() { threads->stop(); }

  net::tls_identity identity(const std::string& who) {
    const auto file = [&](const std::string& kind) { return (site.folder() / (who + kind)).string(); };
    return must(net::tls_identity::load({file(".pem"), file(".key"), {}, {}, site.folder() / "ca.pem"}));
  }
  auto try_open(const std::string& who, const std::string& path = "/ws") {
    return socket_ear::open(threads, site.base() + path, identity(who));
  }
  std::shared_ptr<socket_ear> open(const std::string& who = "local") { return must(try_open(who)); }

  net::client_response call(const std::string& method, const std::string& path, const std::string& body = {},
                            const std::string& format = "application/fhir+json") {
    return must(site.client("local").send_and_wait(
        {.method = method,
         .url = site.base() + "/" + path,
         .headers = {{"Content-Type", "application/fhir+json"}, {"Accept", format}, {"Prefer", "return=representation"}},
         .body = body},
        10'000));
  }
  json done(const std::string& method, const std::string& path, const json& body = {}) {
    const auto answer = call(method, path, body.is_object() ? body.dump() : "");
    if (answer.status != 200 && answer.status != 201)
      throw std::runtime_error(fmt::format("{} {}: {} {}", method, path, answer.status, answer.body));
    return must(json::parse(answer.body));
  }
  // Readable by everyone.
  static json readable(json r) {
    auto meta = r["meta"].is_object() ? r["meta"] : json(json::object{});
    meta.set("tag", json::array{json::object{{"system", "http://dsf.dev/fhir/CodeSystem/read-access-tag"}, {"code", "ALL"}}});
    r.set("meta", std::move(meta));
    return r;
  }
  json create(const json& r) { return done("POST", r["resourceType"].str(), r["resourceType"].str() == "Task" ? r : readable(r)); }
  std::string subscribe(const std::string& criteria, const std::string& payload = "application/fhir+json",
                        const std::string& status = "active") {
    json channel = json::object{{"type", "websocket"}};
    if (!payload.empty()) channel.set("payload", payload);
    return create(json::object{{"resourceType", "Subscription"},
                               {"status", status},
                               {"reason", "test"},
                               {"criteria", criteria},
                               {"channel", std::move(channel)}})["id"]
        .str();
  }
  // A process that the own organisation may start, and its start Task.
  std::string process() {
    const auto name = "p" + fresh().substr(0, 8);
    create(must(json::parse(body("any-activity-definition", {{"${process}", name}, {"REMOTE_ALL", "LOCAL_ALL"}}))));
    return name;
  }
  static json task(const std::string& process) {
    return must(json::parse(body("any-task", {{"${process}", process}, {"${self}", "site-a.example"}, {"${uuid}", fresh()}})));
  }
};

std::string name_of(const json& r) { return r["resourceType"].str() + "/" + r["id"].str(); }
std::string name_of(const std::string& event) {
  const auto r = json::parse(event);
  return r ? name_of(*r) : event;
}

json with(json r, const json& members) {
  for (const auto& [name, value] : *members.if_object()) r.set(name, value);
  return r;
}

}  // namespace

// Would find: a type that the matcher does not know, and a parameter that it leaves out.
TEST_CASE("subscriptions: each of the 26 types may be a criterion; what matches is told, what does not is not", "[subscriptions]") {
  visit v;
  const auto mark = "m" + fresh().substr(0, 8);
  const auto name_in = [&](const std::string& query) { return name_of(v.done("GET", query)["entry"][std::size_t{0}]["resource"]); };
  const auto organization = name_in("Organization?identifier=http://dsf.dev/sid/organization-identifier%7Csite-a.example");
  const auto practitioner = name_of(v.create(json::object{{"resourceType", "Practitioner"}}));
  const auto process = v.process();
  const auto rows =
      must(json::parse(body("subscriptions", {{"${mark}", mark}, {"${organization}", organization}, {"${practitioner}", practitioner}})));
  std::set<std::string> types;
  const auto ear = v.open();
  for (const auto& row : rows) {
    const auto& criteria = row["criteria"].str();
    INFO(criteria);
    types.insert(criteria.substr(0, criteria.find('?')));
    REQUIRE(ear->bind(v.subscribe(criteria)));
  }
  CHECK(types == std::set<std::string>(fhir::names::served_types.begin(), fhir::names::served_types.end()));

  std::vector<std::string> wanted;
  for (const auto& row : rows) {
    INFO(row.dump());
    if (!row["update"].str().empty()) {
      // Written again as it is: an update that matches is told, too.
      const auto r = v.done("GET", row["update"].str())["entry"][std::size_t{0}]["resource"];
      v.done("PUT", name_of(r), r);
      wanted.push_back(name_of(r));
    } else {
      auto r = row["matching"];
      if (const auto& from = row["body"].str(); from == "any-task")
        r = with(visit::task(process), r);
      else if (!from.empty())
        r = must(json::parse(body(from, {{"${process}", mark}, {"REMOTE_ALL", "LOCAL_ALL"}})));
      if (row["other"].is_object()) v.create(with(r, row["other"]));
      wanted.push_back(name_of(v.create(r)));
    }
    const auto events = ear->events(wanted.size());
    REQUIRE(events.size() == wanted.size());
    CHECK(name_of(events.back()) == wanted.back());
    // The whole resource, as a read gives it.
    const auto read = v.call("GET", wanted.back());
    CHECK(events.back() == read.body);
  }
  CHECK(ear->events(wanted.size()).size() == wanted.size());
  ear->close();
}

TEST_CASE("subscriptions: an answered QuestionnaireResponse reaches the engine's Subscription, as JSON, XML and as a sign",
          "[subscriptions]") {
  visit v;
  const auto found = v.done("GET",
                            "Subscription?criteria:exact=QuestionnaireResponse%3Fstatus%3Dcompleted&status=active&type=websocket&payload="
                            "application/fhir%2Bjson");
  REQUIRE(found["total"].int_or(0) == 1);
  const auto as_json = v.open(), as_xml = v.open(), as_sign = v.open();
  const auto mark = "urn:mark%7C" + fresh();
  const auto xml_id = v.subscribe("QuestionnaireResponse?status=completed&identifier=" + mark, "application/fhir+xml");
  const auto sign_id = v.subscribe("QuestionnaireResponse?status=completed&identifier=" + mark, "");
  REQUIRE(as_json->bind(found["entry"][std::size_t{0}]["resource"]["id"].str()));
  REQUIRE(as_xml->bind(xml_id));
  REQUIRE(as_sign->bind(sign_id));
  const auto bodies = must(json::parse(body("subscriptions", {{"${mark}", mark.substr(11)}})));
  for (const auto& row : bodies)
    if (row["matching"]["resourceType"].str() == "Questionnaire") v.create(row["matching"]);
  const json own =
      json::object{{"type", "Organization"},
                   {"identifier", json::object{{"system", "http://dsf.dev/sid/organization-identifier"}, {"value", "site-a.example"}}}};
  const auto item =
      must(json::parse(R"([{"linkId":"user-task-id","text":"The user-task-id of the process execution","answer":[{"valueString":"1"}]}])"));
  auto response = v.create(json::object{{"resourceType", "QuestionnaireResponse"},
                                        {"identifier", json::object{{"system", "urn:mark"}, {"value", mark.substr(11)}}},
                                        {"status", "in-progress"},
                                        {"questionnaire", "http://wire.example/" + mark.substr(11) + "|1.0"},
                                        {"item", item}});
  const auto name = name_of(response);
  response.set("status", "completed");
  response.set("authored", "2026-05-01T10:00:00+02:00");
  response.set("author", own);
  v.done("PUT", name, response);

  const auto j = as_json->events(1), x = as_xml->events(1), s = as_sign->events(1);
  REQUIRE(j.size() == 1);
  REQUIRE(x.size() == 1);
  CHECK(j[0] == v.call("GET", name).body);
  CHECK(j[0].find("\"completed\"") != std::string::npos);
  CHECK(x[0] == v.call("GET", name, {}, "application/fhir+xml").body);
  const auto parsed = fhir::read_xml(x[0]);
  REQUIRE(parsed.ok());
  CHECK(parsed.resource["meta"]["versionId"].str() == "2");
  CHECK(s == std::vector<std::string>{"ping " + sign_id});
  for (const auto& e : {as_json, as_xml, as_sign}) e->close();
}

TEST_CASE("subscriptions: what is told, and how often", "[subscriptions]") {
  visit v;
  const auto mark = fresh();
  const auto a = v.subscribe("Patient?active=true&identifier=urn:mark%7C" + mark), b = v.subscribe("Patient?identifier=urn:mark%7C" + mark);
  const auto ear = v.open();
  REQUIRE(ear->bind(a));
  REQUIRE(ear->bind(b));
  ear->send("bind " + a);  // once more: still told once
  CHECK(ear->heard(3).size() == 3);
  auto patient = json(json::object{{"resourceType", "Patient"}});
  patient.set("identifier", json::array{json::object{{"system", "urn:mark"}, {"value", mark}}});
  patient.set("active", true);
  const auto first = v.create(patient);
  CHECK(ear->events(2).size() == 2);
  auto changed = first;
  changed.set("active", false);
  changed = v.done("PUT", name_of(first), changed);
  CHECK(ear->events(3).size() == 3);
  changed.set("active", true);
  v.done("PUT", name_of(first), changed);
  CHECK(ear->events(5).size() == 5);
  // A deletion has no resource to tell of; a transaction's entries are told once all are committed.
  CHECK(v.call("DELETE", name_of(first)).status < 300);
  json entries = json::array{};
  for (int i = 0; i < 3; ++i)
    entries.push_back(json::object{{"fullUrl", "urn:uuid:" + fresh()},
                                   {"resource", visit::readable(patient)},
                                   {"request", json::object{{"method", "POST"}, {"url", "Patient"}}}});
  const auto done = v.done("POST", "", json::object{{"resourceType", "Bundle"}, {"type", "transaction"}, {"entry", entries}});
  REQUIRE(done["entry"].size() == 3);
  const auto events = ear->events(11);
  REQUIRE(events.size() == 11);
  std::multiset<std::string> versions;
  for (const auto& e : events) versions.insert(must(json::parse(e))["meta"]["versionId"].str());
  CHECK(versions == std::multiset<std::string>{"1", "1", "1", "1", "1", "1", "1", "1", "2", "3", "3"});
  ear->close();
}

TEST_CASE("subscriptions: how a connection is refused, and with which code it ends", "[subscriptions]") {
  visit v;
  const auto criteria = "Patient?identifier=urn:mark%7C" + fresh();
  const auto active = v.subscribe(criteria), off = v.subscribe(criteria, "application/fhir+xml", "off");
  const auto not_found = [](const std::string& id) { return "end 1003 Subscription with " + id + " not found"; };
  SECTION("before it is a WebSocket") {
    CHECK(v.try_open("unlisted").error().text() == "the server refuses a WebSocket: HTTP 403 Forbidden");
    CHECK(v.try_open("local", "/Task").error().text() == "the server refuses a WebSocket: HTTP 404 Not Found");
  }
  SECTION("a person without the role is sent away once it is open") { CHECK(v.open("nobody")->wait_for("end 1008 Forbidden")); }
  SECTION("a partner may not bind") {
    const auto ear = v.open("site-b");
    ear->send("bind " + active);
    CHECK(ear->wait_for("end 1008 Forbidden"));
  }
  SECTION("the Subscription is unknown, or not active") {
    for (const auto& id : {fresh(), off, std::string("not-an-id"), active + " "}) {
      const auto ear = v.open();
      ear->send("bind " + id);
      CHECK(ear->wait_for(not_found(id)));
    }
  }
  SECTION("anything else is ignored") {
    const auto ear = v.open();
    for (const auto* text : {"", "bind", "BIND x", " bind x", "unbind x", "{}"}) ear->send(text);
    CHECK(ear->bind(active));
    CHECK(ear->heard(1) == std::vector<std::string>{"text bound " + active});
    ear->close();
    CHECK(ear->wait_for("end 1000"));
  }
  SECTION("a message that is too long") {
    const auto ear = v.open();
    ear->send(std::string(5'000, 'x'));
    CHECK(ear->wait_for("end 1009"));
  }
  SECTION("a Subscription that changes: who had bound it comes back, and finds it as it is now") {
    const auto ear = v.open(), other = v.open();
    REQUIRE(ear->bind(active));
    REQUIRE(other->bind(v.subscribe(criteria, "")));
    auto s = v.done("GET", "Subscription/" + active);
    s.set("status", "off");
    v.done("PUT", "Subscription/" + active, s);
    CHECK(ear->wait_for("end 1006"));
    const auto again = v.open();
    again->send("bind " + active);
    CHECK(again->wait_for(not_found(active)));
    CHECK(other->heard(1).size() == 1);
    other->close();
  }
  SECTION("too many on one connection") {
    const auto ear = v.open();
    for (int i = 0; i < 100; ++i)
      REQUIRE(ear->bind(v.subscribe(fmt::format("{}&_lastUpdated=ge2020-01-01T00:00:{:02}.{:02}Z", criteria, i % 60, i))));
    ear->send("bind " + active);
    CHECK(ear->wait_for("end 1008 Too many subscriptions are bound on this connection"));
  }
}

// Would find: an endpoint that keeps all for a client which does not read, or lets others wait for it.
TEST_CASE("subscriptions: a client that does not read is cut, others hear all, and it finds what it missed", "[subscriptions]") {
  visit v;
  const auto type = "application/x-" + fresh().substr(0, 8);
  const auto id = v.subscribe("Binary?contentType=" + type);
  tcp_proxy proxy(v.site.port());
  const auto url = fmt::format("https://localhost:{}/fhir/ws", proxy.port());
  const auto lazy = must(socket_ear::open(v.threads, url, v.identity("local")));
  const auto keen = v.open();
  REQUIRE(lazy->bind(id));
  REQUIRE(keen->bind(id));
  const auto begin = base::system_clock_source().now();
  proxy.stall(true);
  // Beyond the 32 MiB that may wait for it and what the buffers on the way hold.
  constexpr std::size_t messages = 300;
  const std::string data(180 * 1024, 'A');
  std::set<std::string> created;
  for (std::size_t i = 0; i < messages; ++i)
    created.insert(v.create(json::object{{"resourceType", "Binary"}, {"contentType", type}, {"data", data}})["id"].str());
  CHECK(keen->events(messages).size() == messages);
  proxy.stall(false);
  // No close frame: a DSF client comes back only after 1003 and 1006.
  CHECK(lazy->wait_for("end 1006"));
  const auto before = lazy->events(0).size();
  CHECK(before < messages);
  CHECK(read_text(v.site.folder() / "log.jsonl").find("the other side does not read") != std::string::npos);

  const auto again = v.open();
  REQUIRE(again->bind(id));
  const auto query = "Binary?contentType=" + type + "&_lastUpdated=ge" + base::to_iso(begin) + "&_sort=_lastUpdated&_count=20&_page=";
  std::set<std::string> found;
  for (int page = 1; found.size() < messages && page <= 30; ++page) {
    const auto bundle = v.done("GET", query + std::to_string(page));
    for (const auto& e : bundle["entry"]) found.insert(e["resource"]["id"].str());
  }
  CHECK((found == created));
  again->close();
  keen->close();
}

// Would find: a Task that gets in without the right to, a transition that is open or closed by mistake. Rows are pairs that differ in one fact.
#include <functional>
#include <set>

#include "fhir/semantics/rules/rule.hpp"
#include "fhir/semantics/site.test.hpp"

using namespace dsf::fhir;
using dsf::base::json;

namespace {

json& at(json& j, std::string_view name) { return *j.find(name); }
json& first(json& j) { return (*j.if_array())[0]; }

struct row {
  const char* name;
  std::function<void(json&)> change;
};

}  // namespace

TEST_CASE("a requested Task of an authorized organization is created", "[task]") {
  test_site site;
  const auto a = site.post(site.remote_b, site.ping_task());
  REQUIRE(a.status() == 201);
  CHECK(a.body()["status"].str() == "requested");
  CHECK(a.header("Location").starts_with("https://site-a.example/fhir/Task/"));
  CHECK(a.header("Location").ends_with("/_history/1"));
  CHECK(a.header("ETag") == "W/\"1\"");
}

TEST_CASE("each condition of a requested Task is needed", "[task]") {
  const std::vector<row> rows = {
      {"status", [](json& t) { t.set("status", "in-progress"); }},
      {"status missing", [](json& t) { t.erase("status"); }},
      {"draft identifier",
       [](json& t) { t.set("identifier", parsed(R"([{"system":"http://dsf.dev/sid/task-identifier","value":"x"}])")); }},
      {"other requester", [](json& t) { at(at(t, "requester"), "identifier").set("value", "site-c.example"); }},
      {"requester of another system", [](json& t) { at(at(t, "requester"), "identifier").set("system", "http://other"); }},
      {"other recipient", [](json& t) { at(first(at(at(t, "restriction"), "recipient")), "identifier").set("value", "site-b.example"); }},
      {"two recipients",
       [](json& t) { at(at(t, "restriction"), "recipient").push_back(json(first(at(at(t, "restriction"), "recipient")))); }},
      {"no recipient", [](json& t) { t.erase("restriction"); }},
      {"version of three parts", [](json& t) { t.set("instantiatesCanonical", "http://dsf.dev/bpe/Process/pong|1.0.0"); }},
      {"unknown version", [](json& t) { t.set("instantiatesCanonical", "http://dsf.dev/bpe/Process/pong|1.1"); }},
      {"no message name", [](json& t) { at(t, "input").if_array()->erase(at(t, "input").if_array()->begin()); }},
      {"two message names", [](json& t) { at(t, "input").push_back(json(first(at(t, "input")))); }},
      {"blank message name", [](json& t) { first(at(t, "input")).set("valueString", " "); }},
      {"unknown message", [](json& t) { first(at(t, "input")).set("valueString", "pong"); }},
      {"output", [](json& t) { t.set("output", parsed(R"([{"type":{"text":"x"},"valueString":"y"}])")); }},
      {"other profile",
       [](json& t) { at(t, "meta").set("profile", parsed(R"(["http://dsf.dev/fhir/StructureDefinition/task-ping|1.1"])")); }},
      {"no profile", [](json& t) { t.erase("meta"); }},
  };
  for (const auto& r : rows) {
    INFO(r.name);
    test_site site;
    auto task = site.ping_task();
    const auto before = site.view.size();
    r.change(task);
    const auto a = site.post(site.remote_b, task);
    CHECK(a.status() == 403);
    CHECK(a.text() == "Operation create forbidden");
    CHECK(a.issue_code() == "forbidden");
    CHECK(a.denials.size() == 1);
    CHECK(site.view.size() == before);
  }
}

TEST_CASE("a Task profile without version matches a versioned authorization", "[task]") {
  test_site site;
  auto task = site.ping_task();
  at(task, "meta").set("profile", parsed(R"(["http://dsf.dev/fhir/StructureDefinition/task-ping"])"));
  CHECK(site.post(site.remote_b, task).status() == 201);
}

TEST_CASE("process authorization codes, each with its counterpart", "[task][process-authorization]") {
  constexpr auto base = "http://dsf.dev/fhir/StructureDefinition/extension-process-authorization";
  const auto organization = [&](std::string_view v) {
    return fmt::format(
        R"({{"url":"{}-organization","valueIdentifier":{{"system":"http://dsf.dev/sid/organization-identifier","value":"{}"}}}})", base, v);
  };
  const auto role = [&](std::string_view parent, std::string_view code) {
    return fmt::format(
        R"({{"url":"{}-parent-organization-role","extension":[{{"url":"parent-organization","valueIdentifier":{{"system":"http://dsf.dev/sid/organization-identifier","value":"{}"}}}},
      {{"url":"organization-role","valueCoding":{{"system":"http://dsf.dev/fhir/CodeSystem/organization-role","code":"{}"}}}}]}})",
        base, parent, code);
  };
  const auto person = [&](std::string_view code) {
    return fmt::format(
        R"({{"url":"{}-practitioner","valueCoding":{{"system":"http://dsf.dev/fhir/CodeSystem/practitioner-role","code":"{}"}}}})", base,
        code);
  };
  const auto organization_person = [&](std::string_view v, std::string_view code) {
    return fmt::format(
        R"({{"url":"{}-organization-practitioner","extension":[{{"url":"organization","valueIdentifier":{{"system":"http://dsf.dev/sid/organization-identifier","value":"{}"}}}},
      {{"url":"practitioner-role","valueCoding":{{"system":"http://dsf.dev/fhir/CodeSystem/practitioner-role","code":"{}"}}}}]}})",
        base, v, code);
  };
  const auto role_person = [&](std::string_view parent, std::string_view code, std::string_view who) {
    return fmt::format(
        R"({{"url":"{}-parent-organization-role-practitioner","extension":[{{"url":"parent-organization","valueIdentifier":{{"system":"http://dsf.dev/sid/organization-identifier","value":"{}"}}}},
      {{"url":"organization-role","valueCoding":{{"system":"http://dsf.dev/fhir/CodeSystem/organization-role","code":"{}"}}}},
      {{"url":"practitioner-role","valueCoding":{{"system":"http://dsf.dev/fhir/CodeSystem/practitioner-role","code":"{}"}}}}]}})",
        base, parent, code, who);
  };
  test_site site;
  struct authorization_row {
    std::string code, extension;
    const identity* who;
    bool allowed;
  };
  const std::vector<authorization_row> rows = {
      {"REMOTE_ALL", "", &site.remote_b, true},
      {"REMOTE_ALL", "", &site.local, false},
      {"LOCAL_ALL", "", &site.local, true},
      {"LOCAL_ALL", "", &site.remote_b, false},
      {"LOCAL_ALL", "", &site.practitioner, false},
      {"LOCAL_ALL", "", &site.admin, true},
      {"REMOTE_ORGANIZATION", organization("site-b.example"), &site.remote_b, true},
      {"REMOTE_ORGANIZATION", organization("site-c.example"), &site.remote_b, false},
      {"REMOTE_ORGANIZATION", organization("site-a.example"), &site.local, false},
      {"LOCAL_ORGANIZATION", organization("site-a.example"), &site.local, true},
      {"LOCAL_ORGANIZATION", organization("site-b.example"), &site.local, false},
      {"REMOTE_ROLE", role("parent.example", "HRP"), &site.remote_b, true},
      {"REMOTE_ROLE", role("parent.example", "HRP"), &site.remote_c, false},
      {"REMOTE_ROLE", role("parent.example", "DIC"), &site.remote_b, false},
      {"REMOTE_ROLE", role("other.example", "HRP"), &site.remote_b, false},
      {"LOCAL_ROLE", role("parent.example", "DIC"), &site.local, true},
      {"LOCAL_ROLE", role("parent.example", "HRP"), &site.local, false},
      {"LOCAL_ALL_PRACTITIONER", person("DIC_USER"), &site.practitioner, true},
      {"LOCAL_ALL_PRACTITIONER", person("HRP_USER"), &site.practitioner, false},
      {"LOCAL_ALL_PRACTITIONER", person("HRP_USER"), &site.admin, true},
      {"LOCAL_ALL_PRACTITIONER", person("DIC_USER"), &site.local, false},
      {"LOCAL_ORGANIZATION_PRACTITIONER", organization_person("site-a.example", "DIC_USER"), &site.practitioner, true},
      {"LOCAL_ORGANIZATION_PRACTITIONER", organization_person("site-b.example", "DIC_USER"), &site.practitioner, false},
      {"LOCAL_ORGANIZATION_PRACTITIONER", organization_person("site-a.example", "HRP_USER"), &site.practitioner, false},
      {"LOCAL_ROLE_PRACTITIONER", role_person("parent.example", "DIC", "DIC_USER"), &site.practitioner, true},
      {"LOCAL_ROLE_PRACTITIONER", role_person("parent.example", "HRP", "DIC_USER"), &site.practitioner, false},
      {"LOCAL_ROLE_PRACTITIONER", role_person("parent.example", "DIC", "HRP_USER"), &site.practitioner, false},
  };
  int minor = 1;
  for (const auto& r : rows) {
    INFO(r.code << " " << r.extension << " for " << r.who->name());
    const auto version = fmt::format("1.{}", minor++);
    site.store(site.ping_definition(site.coding(r.code, r.extension), site.coding("LOCAL_ALL"), "active", version));
    auto task = site.ping_task(r.who->organization_identifier);
    at(task, "meta").erase("profile");
    at(task, "meta").set("profile", parsed(R"(["http://dsf.dev/fhir/StructureDefinition/task-ping|1.0"])"));
    task.set("instantiatesCanonical", "http://dsf.dev/bpe/Process/pong|" + version);
    if (r.who->is_practitioner())
      task.set("requester",
               parsed(fmt::format(
                   R"({{"type":"Practitioner","identifier":{{"system":"http://dsf.dev/sid/practitioner-identifier","value":"{}"}}}})",
                   r.who->practitioner_identifier)));
    const rule_scope scope{site.view, *r.who, *site.allow_list, *site.processes, *site.conformance, site.config};
    const auto denied = deny_create(scope, task);
    REQUIRE(denied);
    CHECK(!denied->has_value() == r.allowed);
  }
}

TEST_CASE("a receiver that is not among the recipients is refused", "[task]") {
  constexpr auto base = "http://dsf.dev/fhir/StructureDefinition/extension-process-authorization";
  for (const auto& [name, allowed] : {std::pair("site-a.example", true), std::pair("site-b.example", false)}) {
    test_site site;
    site.store(site.ping_definition(
        site.coding("REMOTE_ALL"),
        site.coding(
            "LOCAL_ORGANIZATION",
            fmt::format(
                R"({{"url":"{}-organization","valueIdentifier":{{"system":"http://dsf.dev/sid/organization-identifier","value":"{}"}}}})",
                base, name)),
        "active", "2.0"));
    auto task = site.ping_task();
    task.set("instantiatesCanonical", "http://dsf.dev/bpe/Process/pong|2.0");
    const rule_scope scope{site.view, site.remote_b, *site.allow_list, *site.processes, *site.conformance, site.config};
    CHECK(!deny_create(scope, task)->has_value() == allowed);
  }
}

TEST_CASE("the role of the sender, the state of its organization and the status of the definition count", "[task]") {
  test_site site;
  const auto refused = [&](const identity& who, std::string_view version = "1.0") {
    auto task = site.ping_task();
    task.set("instantiatesCanonical", "http://dsf.dev/bpe/Process/pong|" + std::string(version));
    const auto denied = deny_create({site.view, who, *site.allow_list, *site.processes, *site.conformance, site.config}, task);
    REQUIRE(denied);
    return denied->has_value();
  };
  CHECK_FALSE(refused(site.remote_b));
  auto without_role = site.remote_b;
  std::erase_if(without_role.roles, [](const dsf_role& r) { return r.op == operation::create; });
  CHECK(refused(without_role));
  for (const auto& [status, version, expected] :
       {std::tuple("draft", "1.1", false), std::tuple("active", "1.2", false), std::tuple("retired", "1.3", true)}) {
    INFO(status);
    site.store(site.ping_definition(site.coding("REMOTE_ALL"), site.coding("LOCAL_ALL"), status, version));
    CHECK(refused(site.remote_b, version) == expected);
  }
  auto gone = site.get(site.local, "Organization/" + site.organization_b).body();
  gone.set("active", false);
  REQUIRE(site.put(site.local, gone, site.organization_b).status() == 200);
  CHECK(refused(site.remote_b));
}

TEST_CASE("every transition old x new", "[task]") {
  const std::vector<std::string> statuses = {"draft",     "requested",   "received", "accepted", "rejected",  "ready",
                                             "cancelled", "in-progress", "on-hold",  "failed",   "completed", "entered-in-error"};
  const std::set<std::pair<std::string, std::string>> open = {
      {"draft", "draft"},           {"requested", "in-progress"}, {"in-progress", "in-progress"},
      {"in-progress", "completed"}, {"requested", "failed"},      {"in-progress", "failed"}};
  test_site site;
  for (const auto& from : statuses)
    for (const auto& to : statuses) {
      INFO(from << " -> " << to);
      auto before = site.ping_task(from == "draft" || to == "draft" ? "site-a.example" : "site-b.example", from);
      if (from == "draft" || to == "draft")
        before.set("identifier", parsed(R"([{"system":"http://dsf.dev/sid/task-identifier","value":"x"}])"));
      auto after = before;
      after.set("status", to);
      const auto denied = [&](const identity& who) {
        return deny_update({site.view, who, *site.allow_list, *site.processes, *site.conformance, site.config}, {}, before, after)
            ->has_value();
      };
      CHECK(!denied(site.local) == open.contains({from, to}));
      CHECK(!denied(site.admin) == open.contains({from, to}));
      CHECK(denied(site.remote_b));
      CHECK(denied(site.practitioner));
    }
}

TEST_CASE("what may change on a transition", "[task]") {
  struct change_row {
    const char *name, *from, *to;
    std::function<void(json&)> change;
    bool allowed;
  };
  const auto add_output = [](json& t) { t.set("output", parsed(R"([{"type":{"text":"x"},"valueString":"y"}])")); };
  const auto add_key = [](json& t) { at(t, "input").push_back(parsed(test_site::input("business-key", "new"))); };
  const auto change_name = [](json& t) { first(at(t, "input")).set("valueString", "pong"); };
  const auto swap = [](json& t) { std::swap((*at(t, "input").if_array())[0], (*at(t, "input").if_array())[1]); };
  const auto requester = [](json& t) { at(at(t, "requester"), "identifier").set("value", "site-c.example"); };
  const auto note = [](json& t) { t.set("note", parsed(R"([{"text":"x"}])")); };
  const std::vector<change_row> rows = {
      {"output at once", "requested", "in-progress", add_output, false},
      {"output on the way", "in-progress", "in-progress", add_output, true},
      {"output at the end", "in-progress", "completed", add_output, true},
      {"output on failure", "requested", "failed", add_output, true},
      {"business key on leaving requested", "requested", "in-progress", add_key, true},
      {"business key on failing", "requested", "failed", add_key, true},
      {"business key later", "in-progress", "in-progress", add_key, false},
      {"business key on late failure", "in-progress", "failed", add_key, false},
      {"message name", "requested", "in-progress", change_name, false},
      {"order of inputs", "in-progress", "completed", swap, false},
      {"requester", "in-progress", "failed", requester, false},
      {"note", "in-progress", "in-progress", note, true},
  };
  for (const auto& r : rows) {
    INFO(r.name);
    test_site site;
    auto before = site.ping_task("site-b.example", r.from);
    // Without the business key where the row adds one.
    if (std::string_view(r.name).find("business key") != std::string_view::npos)
      at(before, "input").if_array()->resize(1);
    else
      at(before, "input");
    if (std::string_view(r.name) == "order of inputs") REQUIRE(before["input"].size() == 2);
    auto after = before;
    after.set("status", r.to);
    r.change(after);
    CHECK(!deny_update({site.view, site.local, *site.allow_list, *site.processes, *site.conformance, site.config}, {}, before, after)
               ->has_value() == r.allowed);
  }
}

TEST_CASE("drafts", "[task]") {
  const auto draft = [](std::string_view value) {
    auto t = test_site::ping_task("site-a.example", "draft");
    t.set("identifier", parsed(fmt::format(R"([{{"system":"http://dsf.dev/sid/task-identifier","value":"{}"}}])", value)));
    return t;
  };
  test_site site;
  CHECK(site.post(site.practitioner, draft("a")).status() == 403);
  CHECK(site.post(site.remote_b, draft("a")).status() == 403);
  auto no_identifier = draft("a");
  no_identifier.erase("identifier");
  CHECK(site.post(site.local, no_identifier).status() == 403);
  const auto made = site.post(site.local, draft("a"));
  REQUIRE(made.status() == 201);
  CHECK(site.post(site.local, draft("a")).status() == 403);  // unique among drafts
  CHECK(site.post(site.admin, draft("b")).status() == 201);
  const auto id = made.body()["id"].str();
  CHECK(site.put(site.local, draft("c"), id).status() == 403);
  CHECK(site.put(site.local, draft("a"), id).status() == 200);
  CHECK(site.remove(site.practitioner, "Task/" + id).status() == 403);
  const auto removed = site.remove(site.local, "Task/" + id);
  CHECK(removed.status() == 200);
  CHECK(removed.text() == "Task with id " + id + " marked as deleted");
  CHECK(site.post(site.local, draft("a")).status() == 201);
}

TEST_CASE("only drafts are deleted", "[task]") {
  test_site site;
  const auto id = site.post(site.remote_b, site.ping_task()).body()["id"].str();
  const auto a = site.remove(site.local, "Task/" + id);
  CHECK(a.status() == 403);
  CHECK(a.text() == "Operation delete forbidden");
}

TEST_CASE("who sees a Task", "[task][read]") {
  test_site site;
  const auto id = site.post(site.remote_b, site.ping_task()).body()["id"].str();
  const auto seen = [&](const identity& who) {
    const auto read = site.get(who, "Task/" + id).status();
    const auto total = site.get(who, "Task").body()["total"].int_or(-1);
    CHECK((read == 200) == (total == 1));
    return read == 200;
  };
  CHECK(seen(site.local));
  CHECK(seen(site.remote_b));
  CHECK_FALSE(seen(site.remote_c));
  CHECK(seen(site.admin));
  CHECK_FALSE(seen(site.practitioner));
}

TEST_CASE("canonical of a process", "[task]") {
  for (const auto good :
       {"http://dsf.dev/bpe/Process/ping|1.0", "https://medizininformatik-initiative.de/bpe/Process/feasibilityRequest|10.22"})
    CHECK(parse_process_canonical(good));
  for (const auto bad : {"http://dsf.dev/bpe/Process/ping", "http://dsf.dev/bpe/Process/ping|1", "http://dsf/bpe/Process/ping|1.0",
                         "ftp://dsf.dev/bpe/Process/ping|1.0", "http://dsf.dev/bpe/Process/|1.0", "http://dsf.dev/bpe/Process/a_b|1.0",
                         "http://-a.dev/bpe/Process/ping|1.0", "http://dsf.dev/bpe/process/ping|1.0", "|1.0", ""}) {
    INFO(bad);
    CHECK_FALSE(parse_process_canonical(bad));
  }
}

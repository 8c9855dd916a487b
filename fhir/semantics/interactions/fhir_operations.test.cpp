// Would find: an operation that tells what its caller may not read, validates otherwise than a create does, or lists wrong codes
// (dsf-fhir-server 3.12; R4 resource-operation-validate.html, valueset-operation-expand.html).
#include "fhir/semantics/site.test.hpp"

using namespace dsf::fhir;
using dsf::base::json;

namespace {

json parameters(std::initializer_list<std::pair<std::string_view, json>> members) {
  json list(json::array{}), out;
  for (const auto& [name, value] : members) {
    json p;
    p.set("name", name);
    p.set(value.is_object() ? "resource" : value.is_bool() ? "valueBoolean" : value.is_number() ? "valueInteger" : "valueString", value);
    list.push_back(std::move(p));
  }
  out.set("resourceType", "Parameters");
  out.set("parameter", std::move(list));
  return out;
}

answered post(test_site& site, const identity& who, std::string path, const json& body, query_list query = {}) {
  return site.send(who, {.method = http_method::post, .path = std::move(path), .query = std::move(query), .body = body.dump()});
}

std::string all_text(const answered& a) {
  std::string out;
  const auto body = a.body();
  for (const auto& i : body["issue"])
    out += i["severity"].str() + " " + i["location"][std::size_t{0}].str() + " " + i["diagnostics"].str() + "\n";
  return out;
}
bool says(const answered& a, std::string_view part) { return all_text(a).find(part) != std::string::npos; }

std::string codes(const answered& a) {
  std::string out;
  const auto body = a.body();
  for (const auto& c : body["expansion"]["contains"]) out += c["code"].str() + " ";
  return out;
}

json secret_profile(std::string_view tag) {
  return parsed(fmt::format(
      R"({{"resourceType":"StructureDefinition",{},"url":"http://x.example/p","version":"1.0","name":"P","status":"active","date":"2026-01-01",
      "kind":"resource","abstract":false,"type":"Patient","baseDefinition":"http://hl7.org/fhir/StructureDefinition/Patient",
      "derivation":"constraint","differential":{{"element":[{{"id":"Patient.gender","path":"Patient.gender","min":1}}]}}}})",
      test_site::tag(tag)));
}

constexpr std::string_view colours =
    R"({"resourceType":"CodeSystem",%META%,"url":"http://x.example/colours","version":"1.0","name":"C","status":"active",
  "date":"2026-01-01","content":"complete","concept":[{"code":"red","display":"Red","concept":[{"code":"pink","display":"Light red"}]},
  {"code":"blue","display":"Blue"},{"code":"old","display":"Old one","property":[{"code":"inactive","valueBoolean":true}]}]})";

std::string colour_system(std::string_view tag) {
  std::string out(colours);
  out.replace(out.find("%META%"), 6, test_site::tag(tag));
  return out;
}

std::string value_set(std::string_view compose, std::string_view name = "v", std::string_view tag = "ALL") {
  return fmt::format(R"({{"resourceType":"ValueSet",{},"url":"http://x.example/{}","version":"1.0","name":"V","status":"active",
    "date":"2026-01-01","compose":{}}})",
                     test_site::tag(tag), name, compose);
}

}  // namespace

TEST_CASE("$snapshot: by url, by id and of a resource that comes along", "[operation]") {
  test_site site;
  const auto id = site.store(secret_profile("ALL").dump());
  const auto element_count = [](const answered& a) { return a.body()["snapshot"]["element"].size(); };
  const auto by_url = site.get(site.remote_b, "StructureDefinition/$snapshot", {{"url", "http://x.example/p"}});
  REQUIRE(by_url.status() == 200);
  CHECK(element_count(by_url) > 40);
  CHECK(by_url.body()["id"].str() == id);
  CHECK(site.get(site.remote_b, "StructureDefinition/$snapshot", {{"url", "http://x.example/p|1.0"}}).status() == 200);
  CHECK(site.get(site.remote_b, "StructureDefinition/$snapshot", {{"url", "http://x.example/none"}}).status() == 404);
  CHECK(element_count(site.get(site.remote_b, "StructureDefinition/" + id + "/$snapshot")) == element_count(by_url));
  CHECK(element_count(post(site, site.remote_b, "StructureDefinition/$snapshot", parameters({{"url", "http://x.example/p"}}))) ==
        element_count(by_url));
  auto mine = secret_profile("ALL");
  mine.set("url", "http://x.example/mine");
  const auto of_mine = post(site, site.remote_b, "StructureDefinition/$snapshot", parameters({{"resource", mine}}));
  REQUIRE(of_mine.status() == 200);
  CHECK(element_count(of_mine) == element_count(by_url));
  CHECK(site.get(site.remote_b, "StructureDefinition/$snapshot", {{"url", "http://x.example/mine"}}).status() == 404);
  // One with a snapshot is given back.
  CHECK(post(site, site.local, "StructureDefinition/$snapshot", parameters({{"resource", of_mine.body()}})).body() == of_mine.body());
}

TEST_CASE("$snapshot: what is refused", "[operation]") {
  test_site site;
  auto mine = secret_profile("ALL");
  CHECK(post(site, site.local, "StructureDefinition/$snapshot", parameters({})).status() == 400);
  CHECK(post(site, site.local, "StructureDefinition/$snapshot", parameters({{"url", "http://x.example/p"}, {"resource", mine}})).status() ==
        400);
  CHECK(post(site, site.local, "StructureDefinition/$snapshot", parameters({{"resource", parsed(R"({"resourceType":"Patient"})")}}))
            .status() == 400);
  CHECK(post(site, site.local, "StructureDefinition/$snapshot", mine).status() == 400);
  CHECK(post(site, site.local, "StructureDefinition/$snapshot", parameters({{"colour", "red"}})).status() == 400);
  mine.find("differential")->set("element", json::array{parsed(R"({"id":"Patient.sex","path":"Patient.sex"})")});
  const auto wrong = post(site, site.local, "StructureDefinition/$snapshot", parameters({{"resource", mine}}));
  CHECK(wrong.status() == 422);
  CHECK(says(wrong, "http://x.example/p|1.0#Patient.sex Patient has no element 'sex'"));
  mine.erase("differential");
  CHECK(post(site, site.local, "StructureDefinition/$snapshot", parameters({{"resource", mine}})).status() == 400);
}

TEST_CASE("$snapshot tells nobody what it may not read", "[operation]") {
  test_site site;
  const auto id = site.store(secret_profile("LOCAL").dump());
  CHECK(site.get(site.local, "StructureDefinition/" + id + "/$snapshot").status() == 200);
  CHECK(site.get(site.remote_b, "StructureDefinition/" + id + "/$snapshot").status() == 403);
  CHECK(site.get(site.local, "StructureDefinition/$snapshot", {{"url", "http://x.example/p"}}).status() == 200);
  CHECK(site.get(site.remote_b, "StructureDefinition/$snapshot", {{"url", "http://x.example/p"}}).status() == 404);
  // Not as the base of an own one either.
  auto over_it = secret_profile("ALL");
  over_it.set("url", "http://x.example/over");
  over_it.set("baseDefinition", "http://x.example/p");
  CHECK(post(site, site.local, "StructureDefinition/$snapshot", parameters({{"resource", over_it}})).status() == 200);
  const auto refused = post(site, site.remote_b, "StructureDefinition/$snapshot", parameters({{"resource", over_it}}));
  CHECK(refused.status() == 422);
  CHECK(says(refused, "http://x.example/p is not on this server"));
}

TEST_CASE("$validate: a type with a resource", "[operation]") {
  test_site site;
  site.store(secret_profile("ALL").dump());
  const auto patient = parsed(R"({"resourceType":"Patient","active":true})");
  const auto good = post(site, site.remote_b, "Patient/$validate", patient);
  CHECK(good.status() == 200);
  CHECK(good.body()["issue"][std::size_t{0}]["severity"].str() == "information");
  const auto before = site.view.sequence();
  CHECK(says(post(site, site.remote_b, "Patient/$validate", parameters({{"resource", patient}, {"profile", "http://x.example/p"}})),
             "error Patient.gender Patient.gender: minimum required = 1"));
  CHECK(says(post(site, site.remote_b, "Patient/$validate", patient, {{"profile", "http://x.example/p"}}), "error Patient.gender"));
  CHECK(says(post(site, site.remote_b, "Patient/$validate", patient, {{"profile", "http://x.example/none"}}), "is not on this server"));
  CHECK(says(post(site, site.remote_b, "Patient/$validate", patient, {{"profile", "http://dsf.dev/fhir/StructureDefinition/group"}}),
             "is for Group, not for Patient"));
  // What the codec, the invariants and the resource's own profiles say.
  const auto shape =
      post(site, site.remote_b, "Patient/$validate", parameters({{"resource", parsed(R"({"resourceType":"Patient","gender":"x"})")}}));
  CHECK(shape.status() == 200);
  CHECK(says(shape, "error Patient.gender"));
  CHECK(
      says(post(site, site.remote_b, "Patient/$validate", parsed(R"({"resourceType":"Patient","contact":[{"gender":"male"}]})")), "pat-1"));
  CHECK(says(post(site, site.remote_b, "Patient/$validate",
                  parsed(R"({"resourceType":"Patient","meta":{"profile":["http://x.example/p"]},"active":true})")),
             "error Patient.gender"));
  // mode profile looks at nothing else.
  const auto broken = parsed(R"({"resourceType":"Patient","gender":"male","contact":[{"gender":"male"}]})");
  CHECK(says(post(site, site.local, "Patient/$validate", broken, {{"mode", "profile"}, {"profile", "http://x.example/p"}}), "information"));
  CHECK(site.view.sequence() == before);
}

TEST_CASE("$validate: as a create, an update or a deletion would find it", "[operation]") {
  test_site site;
  const auto group = parsed(fmt::format(R"({{"resourceType":"Group",{},"type":"person","actual":true}})", test_site::tag("LOCAL")));
  const auto untagged = parsed(R"({"resourceType":"Group","type":"person","actual":true})");
  CHECK(says(post(site, site.local, "Group/$validate", group, {{"mode", "create"}}), "information"));
  // Without a mode it is what it is; as a create it needs its tag, and who may create.
  CHECK(says(post(site, site.local, "Group/$validate", untagged), "information"));
  CHECK(says(post(site, site.local, "Group/$validate", untagged, {{"mode", "create"}}), "Operation create forbidden"));
  CHECK(says(post(site, site.remote_b, "Group/$validate", group, {{"mode", "create"}}), "Operation create forbidden"));
  CHECK(says(post(site, site.remote_b, "Task/$validate", test_site::ping_task(), {{"mode", "create"}}), "information"));
  CHECK(says(post(site, site.remote_c, "Task/$validate", test_site::ping_task(), {{"mode", "create"}}), "Operation create forbidden"));
  const auto id = site.store(group.dump());
  const auto path = "Group/" + id + "/$validate";
  CHECK(says(post(site, site.local, path, group, {{"mode", "update"}}), "information"));
  CHECK(says(post(site, site.local, path, untagged, {{"mode", "update"}}), "Operation update forbidden"));
  CHECK(says(site.get(site.local, path, {{"mode", "delete"}}), "information"));
  CHECK(says(site.get(site.local, path), "information"));
  CHECK(site.get(site.local, "Group/" + id).status() == 200);
}

TEST_CASE("$validate: who may read may validate", "[operation]") {
  test_site site;
  const auto group = parsed(fmt::format(R"({{"resourceType":"Group",{},"type":"person","actual":true}})", test_site::tag("LOCAL")));
  const auto path = "Group/" + site.store(group.dump()) + "/$validate";
  CHECK(site.get(site.local, path).status() == 200);
  CHECK(site.get(site.remote_b, path).status() == 403);
  CHECK(post(site, site.remote_b, path, group).status() == 403);
  auto nobody = site.practitioner;
  CHECK(post(site, nobody, "Group/$validate", group).status() == 200);
  nobody.roles.clear();
  const auto refused = post(site, nobody, "Group/$validate", group);
  CHECK(refused.status() == 403);
  CHECK(refused.text() == "Operation validate forbidden");
  CHECK(site.get(site.local, "Group/" + std::string(36, '0') + "/$validate").status() == 404);
}

TEST_CASE("$validate: requests that make no sense", "[operation]") {
  test_site site;
  const auto group = parsed(R"({"resourceType":"Group","type":"person","actual":true})");
  for (const auto& query : std::vector<query_list>{{{"mode", "eat"}},
                                                   {{"mode", "update"}},
                                                   {{"mode", "delete"}},
                                                   {{"mode", "profile"}},
                                                   {{"colour", "red"}},
                                                   {{"mode", "create"}, {"mode", "create"}}})
    CHECK(post(site, site.local, "Group/$validate", group, query).status() == 400);
  CHECK(post(site, site.local, "Group/$validate", parsed(R"({"resourceType":"Patient"})")).status() == 400);
  CHECK(post(site, site.local, "Group/$validate", parameters({})).status() == 400);
  CHECK(site.send(site.local, {.method = http_method::post, .path = "Group/$validate"}).status() == 400);
  CHECK(site.send(site.local, {.method = http_method::post, .path = "Group/$validate", .body = "{"}).status() == 403);
}

TEST_CASE("$expand: each way to compose", "[operation]") {
  test_site site;
  site.store(colour_system("ALL"));
  site.store(value_set(R"({"include":[{"system":"http://x.example/colours","concept":[{"code":"blue"},{"code":"red"}]}]})", "two"));
  const std::vector<std::pair<const char*, const char*>> rows = {
      {R"({"include":[{"system":"http://x.example/colours"}]})", "red blue old pink "},
      {R"({"include":[{"system":"http://x.example/colours","concept":[{"code":"blue","display":"Mine"},{"code":"red"}]}]})", "blue red "},
      {R"({"include":[{"system":"http://x.example/colours","filter":[{"property":"concept","op":"is-a","value":"red"}]}]})", "red pink "},
      {R"({"include":[{"system":"http://x.example/colours"}],"exclude":[{"system":"http://x.example/colours","concept":[{"code":"red"}]}]})",
       "blue old pink "},
      {R"({"include":[{"valueSet":["http://x.example/two"]}]})", "blue red "},
      {R"({"include":[{"system":"http://x.example/colours","filter":[{"property":"concept","op":"is-a","value":"red"}],"valueSet":["http://x.example/two"]}]})",
       "red "},
      {R"({"include":[{"valueSet":["http://hl7.org/fhir/ValueSet/task-intent"]}]})",
       "filler-order instance-order option order original-order plan proposal reflex-order unknown "},
  };
  for (const auto& [compose, want] : rows) {
    INFO(compose);
    const auto a = post(site, site.remote_b, "ValueSet/$expand", parameters({{"valueSet", parsed(value_set(compose))}}));
    INFO(all_text(a));
    REQUIRE(a.status() == 200);
    CHECK(codes(a) == want);
    CHECK(!a.body().find("compose"));
  }
  const auto two = site.get(site.remote_b, "ValueSet/$expand", {{"url", "http://x.example/two"}, {"includeDefinition", "true"}});
  CHECK(two.body()["expansion"]["total"].dump() == "2");
  CHECK(two.body()["expansion"]["contains"][std::size_t{0}]["display"].str() == "Blue");
  CHECK(two.body().find("compose"));
}

TEST_CASE("$expand: pages and filters", "[operation]") {
  test_site site;
  site.store(colour_system("ALL"));
  const auto id = site.store(value_set(R"({"include":[{"system":"http://x.example/colours"}]})"));
  const auto with = [&](query_list query) { return site.get(site.remote_b, "ValueSet/" + id + "/$expand", std::move(query)); };
  CHECK(codes(with({{"offset", "1"}, {"count", "2"}})) == "blue old ");
  CHECK(with({{"offset", "1"}, {"count", "2"}}).body()["expansion"]["total"].dump() == "4");
  CHECK(codes(with({{"count", "0"}})).empty());
  CHECK(codes(with({{"filter", "RED"}})) == "red pink ");
  CHECK(codes(with({{"activeOnly", "true"}})) == "red blue pink ");
  CHECK(codes(with({{"offset", "9"}})).empty());
  for (const auto& query : std::vector<query_list>{{{"count", "x"}},
                                                   {{"offset", "-1"}},
                                                   {{"activeOnly", "maybe"}},
                                                   {{"date", "2026"}},
                                                   {{"includeDesignations", "true"}},
                                                   {{"url", "http://x.example/v"}}})
    CHECK(with(query).status() == 400);
}

TEST_CASE("$expand: what can't be expanded is said", "[operation]") {
  test_site site;
  site.store(colour_system("LOCAL"));
  const std::vector<std::pair<const char*, const char*>> rows = {
      {R"({"include":[{"system":"http://x.example/none"}]})", "compose.include[0]: the code system http://x.example/none is not here"},
      {R"({"include":[{"valueSet":["http://x.example/none"]}]})", "the value set http://x.example/none is not here"},
      {R"({"include":[{"system":"http://x.example/colours","filter":[{"property":"code","op":"regex","value":".*"}]}]})",
       "the filter 'code regex .*' is not understood"},
  };
  for (const auto& [compose, want] : rows) {
    INFO(compose);
    const auto a = post(site, site.local, "ValueSet/$expand", parameters({{"valueSet", parsed(value_set(compose))}}));
    CHECK(a.status() == 422);
    CHECK(says(a, want));
  }
  CHECK(site.get(site.local, "ValueSet/$expand", {{"url", "http://x.example/none"}}).status() == 404);
  CHECK(site.get(site.local, "ValueSet/$expand").status() == 400);
  // What is not for the caller is not here for it.
  const auto all = parameters({{"valueSet", parsed(value_set(R"({"include":[{"system":"http://x.example/colours"}]})"))}});
  CHECK(post(site, site.local, "ValueSet/$expand", all).status() == 200);
  CHECK(post(site, site.remote_b, "ValueSet/$expand", all).status() == 422);
  const auto id = site.store(value_set(R"({"include":[{"system":"http://x.example/c","concept":[{"code":"1"}]}]})", "mine", "LOCAL"));
  CHECK(site.get(site.local, "ValueSet/" + id + "/$expand").status() == 200);
  CHECK(site.get(site.remote_b, "ValueSet/" + id + "/$expand").status() == 403);
  CHECK(site.get(site.remote_b, "ValueSet/$expand", {{"url", "http://x.example/mine"}}).status() == 404);
}

TEST_CASE("the operations stand in the CapabilityStatement", "[operation]") {
  test_site site;
  std::size_t validates = 0;
  const auto metadata = site.get(site.local, "metadata").body();
  for (const auto& r : metadata["rest"][std::size_t{0}]["resource"]) {
    std::string names;
    for (const auto& o : r["operation"]) names += o["name"].str() + " ";
    validates += names.find("validate") != std::string::npos;
    CHECK((names.find("snapshot") != std::string::npos) == (r["type"].str() == "StructureDefinition"));
    CHECK((names.find("expand") != std::string::npos) == (r["type"].str() == "ValueSet"));
  }
  CHECK(validates == 26);
}

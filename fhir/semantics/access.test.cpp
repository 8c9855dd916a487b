// Would find: someone who reads what he may not, or a tag that should have been refused (dsf-fhir-server 1.6, 2.2).
#include "fhir/semantics/site.test.hpp"

using namespace dsf::fhir;
using dsf::base::json;

namespace {

constexpr auto system_of_tags = "http://dsf.dev/fhir/CodeSystem/read-access-tag";
std::string tag(std::string_view code, std::string_view extension = "") {
  return fmt::format(R"({{"system":"{}","code":"{}"{}}})", system_of_tags, code,
                     extension.empty() ? "" : fmt::format(R"(,"extension":[{}])", extension));
}
std::string organization(std::string_view value) {
  return tag("ORGANIZATION",
             fmt::format(R"({{"url":"{}","valueIdentifier":{{"system":"http://dsf.dev/sid/organization-identifier","value":"{}"}}}})",
                         names::ext_read_access_organization, value));
}
std::string role(std::string_view parent, std::string_view code) {
  return tag(
      "ROLE",
      fmt::format(
          R"({{"url":"{}","extension":[{{"url":"parent-organization","valueIdentifier":{{"system":"http://dsf.dev/sid/organization-identifier","value":"{}"}}}},
    {{"url":"organization-role","valueCoding":{{"system":"http://dsf.dev/fhir/CodeSystem/organization-role","code":"{}"}}}}]}})",
          names::ext_read_access_role, parent, code));
}
json group(std::initializer_list<std::string> tags) {
  return parsed(fmt::format(R"({{"resourceType":"Group","meta":{{"tag":[{}]}},"type":"person","actual":true}})", fmt::join(tags, ",")));
}

}  // namespace

TEST_CASE("readers by tag and identity", "[access]") {
  test_site site;
  struct row {
    json resource;
    bool local, b, c;
  };
  const std::vector<row> rows = {
      {group({tag("ALL")}), true, true, true},
      {group({tag("LOCAL")}), true, false, false},
      {group({tag("LOCAL"), organization("site-b.example")}), true, true, false},
      {group({tag("LOCAL"), organization("site-c.example")}), true, false, true},
      {group({tag("LOCAL"), role("parent.example", "HRP")}), true, true, false},
      {group({tag("LOCAL"), role("parent.example", "DIC")}), true, false, false},
      {group({tag("LOCAL"), role("site-c.example", "HRP")}), true, false, false},
  };
  for (const auto& r : rows) {
    INFO(r.resource.dump());
    const auto c = access_class_of(r.resource, *site.allow_list, site.config.base_url);
    INFO(c);
    CHECK(may_read_class(c, site.local, *site.allow_list, site.view) == r.local);
    CHECK(may_read_class(c, site.practitioner, *site.allow_list, site.view) == r.local);
    CHECK(may_read_class(c, site.remote_b, *site.allow_list, site.view) == r.b);
    CHECK(may_read_class(c, site.remote_c, *site.allow_list, site.view) == r.c);
  }
  CHECK(access_class_of(group({organization("b"), tag("LOCAL"), organization("a c")}), *site.allow_list, "") ==
        access_class_of(group({tag("LOCAL"), organization("a c"), organization("b"), organization("b")}), *site.allow_list, ""));
}

TEST_CASE("readers follow the allow-list of now", "[access]") {
  test_site site;
  const auto c =
      access_class_of(group({tag("LOCAL"), role("parent.example", "HRP"), organization("site-c.example")}), *site.allow_list, "");
  CHECK(may_read_class(c, site.remote_c, *site.allow_list, site.view));
  auto o = parsed(*(*site.view.current("Organization", *dsf::base::uuid::parse(site.organization_c)))->bytes);
  o.set("active", false);
  REQUIRE(site.put(site.local, o, site.organization_c).status() == 200);
  CHECK_FALSE(may_read_class(c, site.remote_c, *site.allow_list, site.view));
  CHECK_FALSE(site.allow_list->active_by_thumbprint(test_site::thumbprint('c')));
  auto p = parsed(*(*site.view.current("Organization", *dsf::base::uuid::parse(site.parent)))->bytes);
  p.set("active", false);
  CHECK(may_read_class(c, site.remote_b, *site.allow_list, site.view));
  REQUIRE(site.put(site.local, p, site.parent).status() == 200);
  CHECK_FALSE(may_read_class(c, site.remote_b, *site.allow_list, site.view));
}

TEST_CASE("tags that are refused", "[access]") {
  test_site site;
  const auto good = [&](const json& r) { return !read_access_tag_fault(r, site.allow_list.get(), site.conformance.get()); };
  CHECK(good(group({tag("ALL")})));
  CHECK(good(group({tag("LOCAL")})));
  CHECK(good(group({tag("LOCAL"), organization("site-b.example"), organization("site-c.example"), role("parent.example", "HRP")})));
  CHECK_FALSE(good(group({})));
  CHECK_FALSE(good(group({tag("ALL"), tag("LOCAL")})));
  CHECK_FALSE(good(group({tag("ALL"), tag("ALL")})));
  CHECK_FALSE(good(group({tag("LOCAL"), tag("LOCAL")})));
  CHECK_FALSE(good(group({organization("site-b.example")})));
  CHECK_FALSE(good(group({tag("LOCAL"), tag("ORGANIZATION")})));
  CHECK_FALSE(good(group({tag("LOCAL"), organization("nobody.example")})));
  CHECK_FALSE(good(group({tag("LOCAL"), role("nobody.example", "HRP")})));
  CHECK_FALSE(good(group({tag("LOCAL"), role("parent.example", "NONSENSE")})));
  CHECK_FALSE(good(group({tag("SECRET")})));
}

TEST_CASE("a Binary is as readable as its security context", "[access]") {
  test_site site;
  const auto id = site.post(site.local, group({tag("LOCAL"), organization("site-b.example")})).body()["id"].str();
  const auto a = site.post(
      site.local,
      parsed(fmt::format(
          R"({{"resourceType":"Binary","contentType":"text/plain","securityContext":{{"reference":"Group/{}"}},"data":"eA=="}})", id)));
  REQUIRE(a.status() == 201);
  const auto path = "Binary/" + a.body()["id"].str();
  CHECK(site.get(site.remote_b, path).status() == 200);
  CHECK(site.get(site.remote_c, path).status() == 403);
  CHECK(
      site.post(
              site.local,
              parsed(
                  R"({"resourceType":"Binary","contentType":"text/plain","securityContext":{"reference":"Task/6f0a5c1e-0000-4000-8000-000000000009"}})"))
          .status() == 403);
  CHECK(site.post(site.local, parsed(R"({"resourceType":"Binary","contentType":"text/plain"})")).status() == 403);
}

TEST_CASE("identities", "[identity]") {
  test_site site;
  CHECK(site.local.is_local_organization());
  CHECK(site.local.endpoint_identifier == "site-a.example");
  CHECK(site.local.may(operation::websocket, "Task"));
  CHECK_FALSE(site.remote_b.local);
  CHECK(site.remote_b.may(operation::create, "Task"));
  CHECK_FALSE(site.remote_b.may(operation::create, "Group"));
  CHECK_FALSE(site.remote_b.may(operation::update, "Task"));
  CHECK(site.remote_b.may(operation::history, "Group"));
  CHECK(site.practitioner.name() == "site-a.example/person@site-a.example");
  CHECK(site.admin.is_admin());
  CHECK_FALSE(site.practitioner.is_admin());
  certificate_facts unknown;
  unknown.thumbprint = test_site::thumbprint('0');
  unknown.subject_emails = {"person@site-a.example"};
  CHECK_FALSE(resolve_identity(unknown, *site.allow_list,
                               {site.config.base_url, "site-a.example", {{"r", {}, {"person@site-a.example"}, {}, {}}}}));
}

TEST_CASE("identities of people with tokens", "[identity]") {
  test_site site;
  identity_config config{site.config.base_url, "site-a.example", {}};
  practitioner_rule by_mail{"mail", {}, {"p@site-a.example"}, {{operation::read, {"Task"}}}, {}};
  practitioner_rule by_role{"role", {}, {}, {{operation::search, {}}}, {{std::string(names::practitioner_role), "DSF_ADMIN"}}, {"uac"}, {}};
  practitioner_rule by_group{"group", {}, {}, {{operation::history, {}}}, {}, {}, {"/dsf"}};
  config.practitioner_rules = {by_mail, by_role, by_group};
  token_facts t;
  t.subject = "4711";
  t.issuer_host = "id.example";
  t.given_name = "A";
  t.family_name = "Person";
  const auto resolve = [&] {
    certificate_facts c;
    // A name like a listed organisation's thumbprint makes nobody that organisation.
    c.thumbprint = test_site::thumbprint('b');
    c.not_after = {42};
    c.token = std::make_shared<const token_facts>(t);
    return resolve_identity(c, *site.allow_list, config);
  };
  CHECK_FALSE(resolve());  // no rule: no role
  t.roles = {"other", "uac"};
  auto who = resolve();
  REQUIRE(who);
  CHECK(who->is_practitioner());
  CHECK(who->is_admin());
  CHECK(who->name() == "site-a.example/4711.id.example@oidc.invalid");
  CHECK(who->practitioner_name == "A Person");
  CHECK(who->expires.us == 42);
  CHECK(who->thumbprint.empty());
  CHECK(who->may(operation::search, "Group"));
  CHECK_FALSE(who->may(operation::read, "Task"));
  t.email = "p@site-a.example";
  t.groups = {"/dsf"};
  who = resolve();
  REQUIRE(who);
  CHECK(who->practitioner_identifier == "p@site-a.example");
  CHECK(who->may(operation::read, "Task"));
  CHECK_FALSE(who->may(operation::read, "Group"));
  CHECK(who->may(operation::history, "Task"));
  // A caller with neither certificate nor token is nobody.
  CHECK_FALSE(resolve_identity({}, *site.allow_list, config));
}

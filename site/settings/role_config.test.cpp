#include <catch2/catch.hpp>

#include "site/settings/load.hpp"
#include "site/settings/role_config.hpp"

using namespace dsf::site;

namespace {
std::string error_of(std::string_view yaml) {
  auto r = parse_role_config(yaml, "roles.yaml");
  return r ? "" : r.error().to_string();
}
}  // namespace

TEST_CASE("role configuration: every feature that grants", "[roles]") {
  const std::string thumbprint(128, 'a');
  const auto rules = parse_role_config(
      "- admin:\n"
      "    thumbprint: [" +
          thumbprint +
          "]\n"
          "    email: first.user@test.org\n"
          "    token-role: admin\n"
          "    token-group: [dsf-admins, /dsf/admins]\n"
          "    dsf-role:\n"
          "      - CREATE: [Task]\n"
          "      - READ: &types [Task, Questionnaire]\n"
          "      - SEARCH: *types\n"
          "      - HISTORY\n"
          "    practitioner-role:\n"
          "      - http://dsf.dev/fhir/CodeSystem/practitioner-role|DSF_ADMIN\n",
      "roles.yaml");
  REQUIRE(rules.has_value());
  REQUIRE(rules->size() == 1);
  const auto& r = rules->front();
  CHECK(r.name == "admin");
  CHECK(r.thumbprints == std::vector<std::string>{thumbprint});
  CHECK(r.emails == std::vector<std::string>{"first.user@test.org"});
  CHECK(r.token_roles == std::vector<std::string>{"admin"});
  CHECK(r.token_groups == std::vector<std::string>{"dsf-admins", "/dsf/admins"});
  REQUIRE(r.roles.size() == 4);
  CHECK(r.roles[2].op == dsf::fhir::operation::search);
  CHECK(r.roles[2].types == std::vector<std::string>{"Task", "Questionnaire"});
  CHECK(r.roles[3].types.empty());
  REQUIRE(r.practitioner_roles.size() == 1);
  CHECK(r.practitioner_roles[0].code == "DSF_ADMIN");
}

TEST_CASE("role configuration: nothing, and a single bar, stand for no rules", "[roles]") {
  CHECK(parse_role_config("", "x").value().empty());
  CHECK(parse_role_config("|", "x").value().empty());
}

TEST_CASE("role configuration: a value that would grant nothing is an error with its line", "[roles]") {
  CHECK(error_of("- a:\n    email: nobody\n") == "roles.yaml:2: 'nobody' is not an e-mail address (rule 'a', email)");
  CHECK(error_of("- a:\n    thumbprint: ABC\n") ==
        "roles.yaml:2: thumbprint 'ABC' is not 128 lower-case hexadecimal digits (SHA-512 of the certificate) (rule 'a', thumbprint)");
  CHECK(error_of("- a:\n    dsf-role: WRITE\n") ==
        "roles.yaml:2: dsf-role 'WRITE' is none of CREATE, READ, UPDATE, DELETE, SEARCH, HISTORY, PERMANENT_DELETE, WEBSOCKET (rule 'a', "
        "dsf-role)");
  CHECK(error_of("- a:\n    dsf-role:\n    - READ: [Subscription]\n") ==
        "roles.yaml:3: 'Subscription' is not a resource type that can be granted (rule 'a', dsf-role)");
  CHECK(error_of("- a:\n    practitioner-role: DSF_ADMIN\n") ==
        "roles.yaml:2: practitioner-role 'DSF_ADMIN' must be system|code (rule 'a', practitioner-role)");
  CHECK(
      error_of("- a:\n    emial: x@y.de\n") ==
      "roles.yaml:2: the property is unknown; known are thumbprint, email, token-role, token-group, dsf-role, practitioner-role (rule 'a', "
      "emial)");
  CHECK(error_of("- a:\n    token-role: ' '\n") == "roles.yaml:2: it is blank (rule 'a', token-role)");
  CHECK(error_of("- a:\n    token-group: {b: c}\n") == "roles.yaml:2: it must be a text, or a list of texts (rule 'a', token-group)");
  CHECK(error_of("a: b\n") == "roles.yaml:1: the role configuration must be a list of rules (- name: {...})");
  CHECK(error_of("text") == "roles.yaml:1: the role configuration must be a list of rules (- name: {...})");
}

TEST_CASE("role configuration inside the settings file: as YAML and as DSF's text block, with lines of the file", "[roles]") {
  auto problem = [](std::string text) {
    settings_sources s;
    s.file = "site.yaml";
    s.file_text = "roles: repository\nstore: {path: x}\norganization: {identifier: a}\n" + text;
    auto loaded = load_settings(s);
    return loaded.problems.empty() ? "" : loaded.problems[0].to_string();
  };
  CHECK(problem("fhir:\n  role_config:\n  - a:\n      email: nobody\n") ==
        "site.yaml:7: 'nobody' is not an e-mail address (rule 'a', email)");
  CHECK(problem("fhir:\n  role_config: |\n    - a:\n        email: nobody\n") ==
        "site.yaml:7: 'nobody' is not an e-mail address (rule 'a', email)");
  CHECK(problem("fhir:\n  role_config: |\n    - a:\n        email: a@b.de\n") == "");
}

// One endpoint in memory: site-a (local), partners site-b and site-c, a parent organisation, the ping process.
#pragma once

#include <fmt/format.h>
#include <catch2/catch.hpp>

#include <string>

#include "base/json.hpp"
#include "fhir/conformance/bundled.hpp"
#include "fhir/semantics/access.hpp"
#include "fhir/semantics/batch.hpp"
#include "fhir/semantics/interaction.hpp"
#include "fhir/semantics/interactions/operations.hpp"
#include "fhir/semantics/memory_view.test.hpp"
#include "fhir/semantics/names.hpp"
#include "fhir/semantics/search/index.hpp"

namespace dsf::fhir {

inline base::json parsed(std::string_view text) {
  auto j = base::json::parse(text);
  if (!j) FAIL(j.error().to_string() + " in " + std::string(text));
  return *j;
}

struct answered {
  reply r;
  std::vector<std::string> denials;
  bool committed = false;
  int status() const { return r.status; }
  base::json body() const {
    if (const auto* bytes = std::get_if<std::shared_ptr<const std::string>>(&r.body)) return parsed(**bytes);
    if (const auto* j = std::get_if<base::json>(&r.body)) return *j;
    return {};
  }
  std::string text() const { return body()["issue"][std::size_t{0}]["diagnostics"].str(); }
  std::string issue_code() const { return body()["issue"][std::size_t{0}]["code"].str(); }
  std::string header(std::string_view name) const {
    const auto* h = r.header(name);
    return h ? *h : "";
  }
};

struct test_site {
  memory_view view;
  base::seeded_entropy entropy{7};
  endpoint_config config{.base_url = "https://site-a.example/fhir", .organization_identifier = "site-a.example"};
  std::shared_ptr<const directory> allow_list;
  std::shared_ptr<const process_authorizations> processes;
  std::shared_ptr<const conformance_cache> conformance;
  identity local, remote_b, remote_c, practitioner, admin;
  std::string organization_a, organization_b, organization_c, parent, endpoint_a, endpoint_b, endpoint_c;

  static std::string thumbprint(char c) { return std::string(128, c); }

  void refresh() {
    allow_list = *directory::build(view, config.base_url);
    processes = *process_authorizations::build(view);
    conformance = *conformance_cache::build(view);
  }

  // Past all rules, as the bootstrap does.
  std::string store_resource(base::json resource) { return store_resource(std::move(resource), base::uuid::random(entropy)); }
  std::string store_resource(base::json resource, base::uuid id) {
    resource_write w;
    w.type = resource["resourceType"].str();
    w.id = id;
    w.index = index_entries(resource, allow_list.get(), config.base_url);
    w.unique = unique_keys_of(resource, *allow_list, config.base_url);
    w.access_class = access_class_of(resource, *allow_list, config.base_url);
    w.body = *make_storable(resource, id);
    write_set set;
    set.writes.push_back(std::move(w));
    if (!view.commit(set)) FAIL("test resource refused");
    refresh();
    return id.to_string();
  }
  std::string store(std::string_view text) { return store_resource(parsed(text)); }

  static std::string tag(std::string_view code, std::string_view profile = {}) {
    return fmt::format(R"("meta":{{{}"tag":[{{"system":"http://dsf.dev/fhir/CodeSystem/read-access-tag","code":"{}"}}]}})", profile, code);
  }
  std::string organization(std::string_view identifier, char print, bool active = true) {
    // Of the parent's form, which needs no endpoint.
    return store(fmt::format(R"({{"resourceType":"Organization",{},"extension":[{{"url":"{}","valueString":"{}"}}],
      "identifier":[{{"system":"http://dsf.dev/sid/organization-identifier","value":"{}"}}],"active":{},"name":"{}"}})",
                             tag("ALL", R"("profile":["http://dsf.dev/fhir/StructureDefinition/organization-parent"],)"),
                             names::ext_thumbprint, thumbprint(print), identifier, active, identifier));
  }
  std::string endpoint(std::string_view host, std::string_view organization_id) {
    return store(
        fmt::format(R"({{"resourceType":"Endpoint",{},"identifier":[{{"system":"http://dsf.dev/sid/endpoint-identifier","value":"{}"}}],
      "status":"active","connectionType":{{"code":"hl7-fhir-rest"}},"managingOrganization":{{"reference":"Organization/{}"}},
      "payloadType":[{{"text":"Task"}}],"address":"https://{}/fhir"}})",
                    tag("ALL"), host, organization_id, host));
  }
  std::string affiliation(std::string_view parent_id, std::string_view member, std::string_view endpoint_id, std::string_view role,
                          bool active = true) {
    return store(fmt::format(R"({{"resourceType":"OrganizationAffiliation",{},"active":{},"organization":{{"reference":"Organization/{}"}},
      "participatingOrganization":{{"reference":"Organization/{}"}},"endpoint":[{{"reference":"Endpoint/{}"}}],
      "code":[{{"coding":[{{"system":"http://dsf.dev/fhir/CodeSystem/organization-role","code":"{}"}}]}}]}})",
                             tag("ALL"), active, parent_id, member, endpoint_id, role));
  }

  static std::string coding(std::string_view code, std::string_view extension = {}) {
    return fmt::format(R"({{"system":"http://dsf.dev/fhir/CodeSystem/process-authorization","code":"{}"{}}})", code,
                       extension.empty() ? "" : fmt::format(R"(,"extension":[{}])", extension));
  }
  static std::string ping_definition(std::string_view requesters, std::string_view recipients, std::string_view status = "active",
                                     std::string_view version = "1.0") {
    std::string parts;
    const auto add = [&](std::string_view url, std::string_view codings) {
      parts += fmt::format(R"(,{{"url":"{}","valueCoding":{}}})", url, codings);
    };
    add("requester", requesters);
    add("recipient", recipients);
    return fmt::format(R"({{"resourceType":"ActivityDefinition",{},"extension":[{{"url":"{}","extension":[
      {{"url":"message-name","valueString":"ping"}},{{"url":"task-profile","valueCanonical":"http://dsf.dev/fhir/StructureDefinition/task-ping|1.0"}}{}]}}],
      "url":"http://dsf.dev/bpe/Process/pong","version":"{}","status":"{}","kind":"Task","date":"2026-01-01"}})",
                       tag("ALL"), names::ext_process_authorization, parts, version, status);
  }

  static std::string ping_profile() {
    return fmt::format(
        R"({{"resourceType":"StructureDefinition",{},"url":"http://dsf.dev/fhir/StructureDefinition/task-ping","version":"1.0","name":"TaskPing",
      "status":"active","date":"2026-01-01","kind":"resource","abstract":false,"type":"Task","baseDefinition":"http://dsf.dev/fhir/StructureDefinition/task-base",
      "derivation":"constraint","differential":{{"element":[
      {{"id":"Task.instantiatesCanonical","path":"Task.instantiatesCanonical","fixedCanonical":"http://dsf.dev/bpe/Process/pong|1.0"}},
      {{"id":"Task.input","path":"Task.input","min":2,"max":"3"}},
      {{"id":"Task.input:message-name","path":"Task.input","sliceName":"message-name"}},
      {{"id":"Task.input:message-name.value[x]","path":"Task.input.value[x]","fixedString":"ping"}},
      {{"id":"Task.input:business-key","path":"Task.input","sliceName":"business-key","min":1}}]}}}})",
        tag("ALL"));
  }

  static std::string input(std::string_view code, std::string_view value) {
    return fmt::format(
        R"({{"type":{{"coding":[{{"system":"http://dsf.dev/fhir/CodeSystem/bpmn-message","code":"{}"}}]}},"valueString":"{}"}})", code,
        value);
  }
  // A Task that site-b may send to site-a.
  static base::json ping_task(std::string_view requester = "site-b.example", std::string_view status = "requested") {
    return parsed(fmt::format(R"({{"resourceType":"Task","meta":{{"profile":["http://dsf.dev/fhir/StructureDefinition/task-ping|1.0"]}},
      "instantiatesCanonical":"http://dsf.dev/bpe/Process/pong|1.0","status":"{}","intent":"order","authoredOn":"2026-05-01T10:00:00+02:00",
      "requester":{{"type":"Organization","identifier":{{"system":"http://dsf.dev/sid/organization-identifier","value":"{}"}}}},
      "restriction":{{"recipient":[{{"type":"Organization","identifier":{{"system":"http://dsf.dev/sid/organization-identifier","value":"site-a.example"}}}}]}},
      "input":[{},{}]}})",
                              status, requester, input("message-name", "ping"),
                              input("business-key", "6f0a5c1e-0000-4000-8000-000000000001")));
  }

  test_site() {
    refresh();
    for (const auto text : bundled_resources()) store(text);
    organization_a = organization("site-a.example", 'a');
    organization_b = organization("site-b.example", 'b');
    organization_c = organization("site-c.example", 'c');
    parent = organization("parent.example", 'd');
    endpoint_a = endpoint("site-a.example", organization_a);
    endpoint_b = endpoint("site-b.example", organization_b);
    endpoint_c = endpoint("site-c.example", organization_c);
    affiliation(parent, organization_b, endpoint_b, "HRP");
    affiliation(parent, organization_a, endpoint_a, "DIC");
    store(ping_profile());
    store(ping_definition(coding("REMOTE_ALL"), coding("LOCAL_ALL")));
    identity_config c{config.base_url, config.organization_identifier, {}};
    practitioner_rule person{"person",
                             {thumbprint('e')},
                             {},
                             {{operation::create, {}},
                              {operation::read, {}},
                              {operation::search, {}},
                              {operation::update, {}},
                              {operation::remove, {}},
                              {operation::history, {}}},
                             {{std::string(names::practitioner_role), "DIC_USER"}}};
    auto boss = person;
    boss.thumbprints = {thumbprint('f')};
    boss.practitioner_roles = {{std::string(names::practitioner_role), "DSF_ADMIN"}};
    c.practitioner_rules = {person, boss};
    const auto resolve = [&](char print, std::string mail = {}) {
      certificate_facts f;
      f.thumbprint = thumbprint(print);
      if (!mail.empty()) f.subject_emails = {mail};
      return *resolve_identity(f, *allow_list, c);
    };
    local = resolve('a');
    remote_b = resolve('b');
    remote_c = resolve('c');
    practitioner = resolve('e', "person@site-a.example");
    admin = resolve('f', "admin@site-a.example");
  }

  answered send(const identity& who, interaction_request request, bool commit = true) {
    if (!request.accept) request.accept = "application/fhir+json";
    if (!request.content_type) request.content_type = "application/fhir+json";
    const interaction_context context{view, who, config, {1'790'000'000'000'000}, entropy, *allow_list, *processes, *conformance};
    return settle(request, context, prepare(request, context), commit);
  }

  // Commits as the endpoint does, a batch entry after entry.
  answered settle(const interaction_request& request, const interaction_context& context, prepared done, bool commit = true) {
    if (auto* batch = done.if_batch()) {
      auto work = *batch;
      bool committed = false;
      for (bool more = true; more;) {
        const interaction_context now{view, context.who, config, context.now, entropy, *allow_list, *processes, *conformance};
        const auto one = settle(request, now, work->entry(now), commit);
        committed |= one.committed;
        more = work->ended(one.r);
      }
      return {work->answer(), {}, committed};
    }
    if (const auto* r = done.if_reply()) return {*r, done.denials, false};
    auto* pending = done.if_pending();
    if (!commit) return {pending->after(std::vector<written>(pending->writes.writes.size())), {}, false};
    const auto receipt = view.commit(pending->writes);
    if (!receipt) return {conflict_reply(commit_conflict::duplicate, request, context, pending->writes.writes[0].type), {}, false};
    refresh();
    return {pending->after(*receipt), {}, true};
  }

  answered post(const identity& who, const base::json& resource) {
    return send(who, {.method = http_method::post, .path = resource["resourceType"].str(), .body = resource.dump()});
  }
  answered put(const identity& who, base::json resource, std::string_view id) {
    resource.set("id", id);
    return send(who, {.method = http_method::put, .path = resource["resourceType"].str() + "/" + std::string(id), .body = resource.dump()});
  }
  answered get(const identity& who, std::string path, query_list query = {}) {
    return send(who, {.method = http_method::get, .path = std::move(path), .query = std::move(query)});
  }
  answered remove(const identity& who, std::string path) { return send(who, {.method = http_method::remove, .path = std::move(path)}); }
};

}  // namespace dsf::fhir

// Sites and bundles that the tests of the allow-list's processes work with.
#pragma once

#include <catch2/catch.hpp>

#include "processes/allow_list/difference.hpp"
#include "processes/allow_list/handlers.hpp"
#include "processes/allow_list/names.hpp"
#include "processes/testing/fake_site.test.hpp"

namespace dsf::processes::allow_list {

using namespace testing;
using plugins::bpmn_error;
using plugins::completed;
using plugins::failed;

inline const std::string parent = "consortium.example";
inline const std::string coordinator = "https://hrp.example/fhir";
inline const std::string bundle_path = "Bundle/list";

inline std::string thumbprint(char c) { return std::string(128, c); }
inline json reference(const std::string& to) { return json::object{{"reference", to}}; }

// A server's resources; `prefix` makes its ids other than those of the next server.
struct server {
  std::string prefix;
  json::array organizations, endpoints, affiliations;

  explicit server(std::string p) : prefix(std::move(p)) {
    organizations.push_back(json::object{{"resourceType", "Organization"},
                                         {"id", prefix + "parent"},
                                         {"identifier", json::array{identifier(organization_sid, parent)}},
                                         {"active", true},
                                         {"name", parent}});
  }
  void add(const std::string& name, const std::string& role, char print) {
    const auto meta =
        json::object{{"versionId", "7"}, {"tag", json::array{coding("http://dsf.dev/fhir/CodeSystem/read-access-tag", "ALL")}}};
    organizations.push_back(
        json::object{{"resourceType", "Organization"},
                     {"id", prefix + name},
                     {"meta", meta},
                     {"extension", json::array{json::object{{"url", thumbprint_extension}, {"valueString", thumbprint(print)}}}},
                     {"identifier", json::array{identifier(organization_sid, name + ".example")}},
                     {"active", true},
                     {"name", name},
                     {"endpoint", json::array{reference("Endpoint/" + prefix + name)}}});
    endpoints.push_back(json::object{{"resourceType", "Endpoint"},
                                     {"id", prefix + name},
                                     {"meta", meta},
                                     {"identifier", json::array{identifier(endpoint_sid, "endpoint." + name + ".example")}},
                                     {"status", "active"},
                                     {"managingOrganization", reference("Organization/" + prefix + name)},
                                     {"address", "https://" + name + ".example/fhir"}});
    affiliations.push_back(json::object{{"resourceType", "OrganizationAffiliation"},
                                        {"id", prefix + name},
                                        {"meta", meta},
                                        {"active", true},
                                        {"organization", reference("Organization/" + prefix + "parent")},
                                        {"participatingOrganization", reference("Organization/" + prefix + name)},
                                        {"code", json::array{concept_of("http://dsf.dev/fhir/CodeSystem/organization-role", role)}},
                                        {"endpoint", json::array{reference("Endpoint/" + prefix + name)}}});
  }
  json& organization(const std::string& name) { return named(organizations, name); }
  json& endpoint(const std::string& name) { return named(endpoints, name); }
  json& affiliation(const std::string& name) { return named(affiliations, name); }

  void answers(fake_endpoint& at) const {
    for (const auto& [type, list] :
         {std::pair{"Organization", &organizations}, {"Endpoint", &endpoints}, {"OrganizationAffiliation", &affiliations}}) {
      json::array entries;
      for (const auto& r : *list) entries.push_back(json::object{{"resource", r}});
      json found =
          json::object{{"resourceType", "Bundle"}, {"total", static_cast<std::uint64_t>(list->size())}, {"entry", std::move(entries)}};
      at.answers[std::string(type) + "?_count=500&_page=1"] = std::move(found);
    }
  }

private:
  json& named(json::array& list, const std::string& name) {
    for (auto& r : list)
      if (r["id"].str() == prefix + name) return r;
    throw std::runtime_error("no " + name);
  }
};

inline server three(const std::string& prefix) {
  server s(prefix);
  s.add("hrp", "HRP", 'a');
  s.add("dic-a", "DIC", 'b');
  s.add("dic-b", "DIC", 'c');
  return s;
}

inline json bundle_of(const server& s) {
  fake_site site("hrp.example");
  s.answers(site.own);
  const auto local = read_local(site);
  REQUIRE(local);
  std::vector<std::string> left_out;
  auto out = make_bundle(*local, coordinator, left_out);
  CHECK(left_out.empty());
  return out;
}

// dic-a.example downloads `bundle` with these further inputs.
struct download {
  fake_site site{"dic-a.example"};
  plugins::activation a;
  std::optional<plugins::outcome> ended;  // of the step that did not complete
  std::vector<json> outputs;

  download(const server& local, const json& bundle, json::array more = {}) {
    local.answers(site.own);
    site.endpoint(coordinator);
    site.others[coordinator]->answers[bundle_path] = bundle;
    site.own.transaction_answer = json::object{{"resourceType", "Bundle"}};
    json::array inputs{parameter(codes, allow_list_code, "valueReference", reference(coordinator + "/" + bundle_path))};
    for (auto& m : more) inputs.push_back(std::move(m));
    a = started_by("dic-a.example", std::move(inputs));
  }
  void run() {
    for (const auto step : {download_allow_list, check_allow_list, insert_allow_list}) {
      auto o = step(a, site);
      const auto* c = std::get_if<completed>(&o);
      if (const auto* e = std::get_if<bpmn_error>(&o)) collect(e->tasks);
      if (!c) {
        ended = std::move(o);
        return;
      }
      apply(a, *c);
      collect(c->tasks);
    }
  }
  std::string output(std::string_view code) const {
    for (const auto& o : outputs)
      if (o["type"]["coding"][0]["code"].str() == code) return o["valueString"].str();
    return {};
  }
  std::string why() const {
    if (!ended) return {};
    if (const auto* f = std::get_if<failed>(&*ended)) return f->error;
    if (const auto* e = std::get_if<bpmn_error>(&*ended)) return e->message;
    return "?";
  }

private:
  void collect(const std::vector<bpmn::task_change>& changes) {
    for (const auto& t : changes)
      for (const auto& text : t.add_outputs) outputs.push_back(parsed(text));
  }
};

inline json flag(std::string_view code) { return parameter(own_codes, code, "valueBoolean", true); }

// Tells why `bundle` is refused, and that nothing was sent.
inline std::string refusal(const server& local, const json& bundle, json::array more = {}) {
  download d(local, bundle, std::move(more));
  d.run();
  CHECK(d.site.own.transactions.empty());
  REQUIRE(d.ended);
  if (const auto* f = std::get_if<failed>(&*d.ended)) CHECK_FALSE(f->retryable);
  return d.why();
}

inline json& entry_of(json& bundle, const std::string& type, const std::string& name) {
  for (auto& e : *bundle.find("entry")->if_array())
    if (e["resource"]["resourceType"].str() == type && e["resource"].dump().find(name) != std::string::npos) return e;
  throw std::runtime_error("no " + type);
}

inline bool contains(const std::string& text, std::string_view part) { return text.find(part) != text.npos; }

}  // namespace dsf::processes::allow_list

#include "plugins/fhir_file.hpp"

#include <fmt/format.h>

#include <map>

#include "fhir/codec/json.hpp"
#include "fhir/codec/xml.hpp"
#include "plugins/text_lines.hpp"

namespace dsf::plugins {
namespace {

using base::json;

constexpr std::string_view profile_base = "http://dsf.dev/fhir/StructureDefinition/";

const std::map<std::string, std::string, std::less<>> profiles{{"ActivityDefinition", "activity-definition"},
                                                               {"CodeSystem", "code-system"},
                                                               {"Library", "library"},
                                                               {"Measure", "measure"},
                                                               {"NamingSystem", "naming-system"},
                                                               {"Questionnaire", "questionnaire"},
                                                               {"StructureDefinition", "structure-definition"},
                                                               {"Task", ""},
                                                               {"ValueSet", "value-set"}};

void add_profile(json& c, const std::string& profile) {
  auto* meta = c.find("meta");
  if (!meta) meta = &c.set("meta", json::object{});
  auto* list = meta->find("profile");
  if (!list) list = &meta->set("profile", json::array{});
  for (auto& p : *list->if_array())
    if (p.str() == profile || p.str().starts_with(profile + "|")) {
      p = json(profile);
      return;
    }
  list->push_back(profile);
}

}  // namespace

std::string criteria_of(const json& c) {
  const auto type = c["resourceType"].str();
  if (type == "Task") return "identifier=http://dsf.dev/sid/task-identifier|" + c["identifier"][0]["value"].str() + "&status=draft";
  if (type == "NamingSystem") return "name=" + c["name"].str();
  return "url=" + c["url"].str() + "&version=" + c["version"].str();
}

std::optional<bundle_resource> read_resource(const std::string& file, const std::string& text, const std::string& place,
                                             const std::string& resource_version, bool organization_known,
                                             std::vector<bundle_fault>& faults) {
  const auto wrong = [&](std::string_view expression, std::string what) {
    faults.push_back({fmt::format("{}:{}", place, line_of(text, expression)), std::move(what)});
  };
  auto reading = file.ends_with(".json") ? fhir::read_json(text) : fhir::read_xml(text);
  // A draft of a resource may leave out what the deployment sets; everything else must be in order.
  if (!reading.ok()) {
    for (const auto& i : reading.issues) wrong(i.expression, (i.expression.empty() ? "" : i.expression + ": ") + i.text);
    return std::nullopt;
  }
  bundle_resource r{file, reading.resource["resourceType"].str(), std::move(reading.resource), {}};
  const auto profile = profiles.find(r.type);
  if (profile == profiles.end()) {
    wrong("", fmt::format("a plugin can't bring a {}; take it off the list", r.type));
    return std::nullopt;
  }
  auto& c = r.content;
  c.erase("id");
  r.criteria = criteria_of(c);
  if (r.type == "Task") {
    const auto& id = c["identifier"][0];
    if (c["status"].str() != "draft" || id["system"].str() != "http://dsf.dev/sid/task-identifier" || id["value"].str().empty()) {
      wrong("Task.identifier", "a Task of a plugin must be a draft with an identifier of system http://dsf.dev/sid/task-identifier");
      return std::nullopt;
    }
    if (!organization_known) return std::nullopt;
    return r;
  }
  if (r.type == "NamingSystem") return r;
  if (c["url"].str().empty()) wrong("", "needs a url");
  if (c["version"].str() != resource_version)
    wrong("version", fmt::format("has version '{}' and needs {}; write #{{version}}", c["version"].str(), resource_version));
  if (c["url"].str().empty() || c["version"].str() != resource_version) return std::nullopt;
  add_profile(c, std::string(profile_base) + profile->second);
  if (r.type == "StructureDefinition") {
    if (c["differential"].is_null()) wrong("", "a StructureDefinition needs a differential");
    const auto& base_definition = c["baseDefinition"].str();
    if (base_definition == std::string(profile_base) + "task-base" || base_definition == std::string(profile_base) + "task-base|1.0.0")
      c.set("baseDefinition", std::string(profile_base) + "task");
  }
  return r;
}

}  // namespace dsf::plugins

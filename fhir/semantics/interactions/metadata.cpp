// GET /metadata (dsf-fhir-server 3.11): what this server does, no more.
#include <fmt/format.h>

#include <algorithm>

#include "fhir/semantics/interactions/answer.hpp"
#include "fhir/semantics/names.hpp"
#include "fhir/semantics/profiles/profile.hpp"
#include "fhir/semantics/search/parameters.hpp"

namespace dsf::fhir {
namespace {

base::json list(std::initializer_list<std::string_view> texts) {
  base::json out(base::json::array{});
  for (const auto t : texts) out.push_back(t);
  return out;
}

base::json with(std::initializer_list<std::pair<std::string_view, base::json>> members) {
  base::json out;
  for (const auto& [name, value] : members) out.set(name, value);
  return out;
}

std::vector<std::string> include_values(std::string_view type, bool three_parts_only) {
  std::vector<std::string> out;
  for (const auto& p : parameters_of(type)) {
    if (p.kind != parameter_kind::reference && p.kind != parameter_kind::prefix_uri) continue;
    if (!three_parts_only && !p.target_needed) out.push_back(fmt::format("{}:{}", type, p.name));
    for (auto rest = p.targets; !rest.empty();) {
      const auto blank = rest.find(' ');
      out.push_back(fmt::format("{}:{}:{}", type, p.name, rest.substr(0, blank)));
      rest = blank == rest.npos ? std::string_view{} : rest.substr(blank + 1);
    }
  }
  return out;
}

std::vector<std::string> reverse_values(std::string_view type, bool three_parts_only) {
  std::vector<std::string> out;
  for (const auto& r : reverse_includes_of(type)) {
    if (!three_parts_only) out.push_back(fmt::format("{}:{}", r.source, r.parameter));
    out.push_back(fmt::format("{}:{}:{}", r.source, r.parameter, type));
  }
  return out;
}

// 1.4: the modifiers depend on the kind; :missing is ours.
std::string modifiers_text(const search_parameter& p) {
  std::string_view kinds;
  switch (p.kind) {
    case parameter_kind::token:
    case parameter_kind::code:
    case parameter_kind::status: kinds = p.modifiers ? "missing, not" : "missing"; break;
    case parameter_kind::string: kinds = "contains, exact, missing"; break;
    case parameter_kind::uri:
    case parameter_kind::canonical: kinds = "below, missing"; break;
    case parameter_kind::reference: kinds = p.name == "depends-on" ? "missing" : "identifier, missing"; break;
    default: kinds = "missing"; break;
  }
  return fmt::format("Modifiers: [{}]", kinds);
}

base::json search_parameters(std::string_view type) {
  std::vector<base::json> out;
  const auto add = [&](std::string_view name, std::string_view kind, std::string_view definition, std::string documentation = {}) {
    base::json p;
    p.set("name", name);
    if (!definition.empty())
      p.set("definition",
            definition.starts_with("http") ? std::string(definition) : "http://hl7.org/fhir/SearchParameter/" + std::string(definition));
    p.set("type", kind);
    if (!documentation.empty()) p.set("documentation", std::move(documentation));
    out.push_back(std::move(p));
  };
  std::vector<std::string> sortable = {"_id", "_lastUpdated", "_profile"};
  for (const auto& p : parameters_of(type)) {
    add(p.name, search_type(p.kind), p.definition, modifiers_text(p));
    sortable.emplace_back(p.name);
  }
  std::ranges::sort(sortable);
  add("_id", "string", "Resource-id");
  add("_lastUpdated", "date", "Resource-lastUpdated");
  add("_profile", "uri", "Resource-profile");
  add("_count", "number", {});
  add("_page", "number", {});
  add("_at", "date", {});
  add("_since", "date", {});
  add("_pretty", "special", {});
  add("_elements", "special", {}, "Element names, separated by commas");
  add("_total", "special", {}, "Allowed values: [accurate, estimate, none]");
  add("_format", "special", {}, "Allowed values: [application/fhir+json, application/fhir+xml, html, json, xml]");
  add("_summary", "special", {}, "Allowed values: [count, data, false, text, true]");
  add("_sort", "special", {}, fmt::format("Allowed values: [{}]", fmt::join(sortable, ", ")));
  // Beyond DSF: docs/decisions/beyond-dsf.md
  add("_cursor", "special", {}, "start, or what a next link says: pages in the order of _id that no write disturbs");
  add("_has", "special", {}, "_has:<type>:<reference>:<parameter>=<value>");
  if (const auto values = include_values(type, false); !values.empty())
    add("_include", "special", {}, fmt::format("Allowed values: [{}]", fmt::join(values, ", ")));
  add("_include:iterate", "special", {}, "As _include of any type, for what was found and what was included");
  if (const auto values = reverse_values(type, false); !values.empty())
    add("_revinclude", "special", {}, fmt::format("Allowed values: [{}]", fmt::join(values, ", ")));
  std::ranges::sort(out, {}, [](const base::json& p) { return p["name"].str(); });
  return base::json(std::move(out));
}

base::json resource_entry(std::string_view type, const conformance_cache& conformance) {
  base::json r;
  r.set("type", type);
  const auto own = default_profile(type);
  r.set("profile", own.empty() ? "http://hl7.org/fhir/StructureDefinition/" + std::string(type) : own);
  base::json supported(base::json::array{});
  if (const auto found = conformance.supported_profiles().find(std::string(type)); found != conformance.supported_profiles().end())
    for (const auto& url : found->second)
      if (url != own) supported.push_back(url);
  if (type == "Organization") supported.push_back(own + "-parent");
  if (supported.size() > 0) r.set("supportedProfile", std::move(supported));
  base::json interactions(base::json::array{});
  for (const auto code : {"create", "read", "vread", "update", "patch", "delete", "history-instance", "history-type", "search-type"})
    interactions.push_back(with({{"code", code}}));
  r.set("interaction", std::move(interactions));
  r.set("versioning", "versioned");
  r.set("readHistory", true);
  r.set("updateCreate", false);
  r.set("conditionalCreate", true);
  r.set("conditionalRead", "full-support");
  r.set("conditionalUpdate", true);
  r.set("conditionalDelete", "single");
  r.set("referencePolicy", list({"literal", "logical"}));
  const auto add_list = [&](std::string_view name, const std::vector<std::string>& values) {
    if (values.empty()) return;
    base::json texts(base::json::array{});
    for (const auto& v : values) texts.push_back(v);
    r.set(name, std::move(texts));
  };
  add_list("searchInclude", include_values(type, true));
  add_list("searchRevInclude", reverse_values(type, true));
  r.set("searchParam", search_parameters(type));
  // $snapshot is DSF's; the others are ours.
  base::json operations(base::json::array{});
  const auto add_operation = [&](std::string_view name, std::string_view definition) {
    operations.push_back(with({{"name", name}, {"definition", "http://hl7.org/fhir/OperationDefinition/" + std::string(definition)}}));
  };
  if (type == "StructureDefinition") add_operation("snapshot", "StructureDefinition-snapshot");
  add_operation("validate", "Resource-validate");
  if (type == "ValueSet") add_operation("expand", "ValueSet-expand");
  r.set("operation", std::move(operations));
  return r;
}

std::string websocket_url(std::string url) {
  for (std::size_t at = 0; (at = url.find("http", at)) != url.npos; at += 2) url.replace(at, 4, "ws");
  return url + "/ws";
}

}  // namespace

prepared prepare_metadata(const interaction_context& context, const answerer& answer) {
  const auto& config = context.config;
  base::json security_coding = with({{"system", "http://terminology.hl7.org/CodeSystem/restful-security-service"},
                                     {"code", "Certificates"},
                                     {"display", "Certificates"}});
  base::json services(base::json::array{base::json(with({{"coding", base::json(base::json::array{security_coding})}}))});
  base::json resources(base::json::array{});
  for (const auto type : names::served_types) resources.push_back(resource_entry(type, context.conformance));
  base::json socket = with(
      {{"url", "http://hl7.org/fhir/StructureDefinition/capabilitystatement-websocket"}, {"valueUrl", websocket_url(config.base_url)}});
  base::json rest = with({{"extension", base::json(base::json::array{socket})},
                          {"mode", "server"},
                          {"security", with({{"service", services}})},
                          {"resource", std::move(resources)},
                          {"interaction", base::json(base::json::array{with({{"code", "transaction"}}), with({{"code", "batch"}}),
                                                                       with({{"code", "history-system"}})})}});
  base::json out = with({{"resourceType", "CapabilityStatement"},
                         {"status", "active"},
                         {"date", config.release_date},
                         {"publisher", "dsfd"},
                         {"kind", "instance"},
                         {"software", with({{"name", "dsfd"}, {"version", config.software_version}})},
                         {"implementation", with({{"description", "Data Sharing Framework site"}, {"url", config.base_url}})},
                         {"fhirVersion", "4.0.1"},
                         {"format", list({"application/fhir+json", "application/fhir+xml"})},
                         {"patchFormat", list({"application/json-patch+json", "application/fhir+json", "application/fhir+xml"})},
                         {"rest", base::json(base::json::array{std::move(rest)})}});
  auto r = answer.empty(200);
  r.body = std::move(out);
  return {std::move(r), {}};
}

}  // namespace dsf::fhir

#include "fhir/codec/summary.hpp"

#include "fhir/model/model.hpp"

namespace dsf::fhir {
namespace {

using base::json;

constexpr std::string_view observation_value = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue";

json reduced(const type_info& type, const json& value, summary_mode mode);

bool is_kept(const element_info& e, summary_mode mode) {
  switch (mode) {
    case summary_mode::summary: return e.summary || e.min > 0;
    case summary_mode::text: return e.min > 0 || e.name == "id" || e.name == "meta" || e.name == "text";
    case summary_mode::data: return e.name != "text";
    case summary_mode::full:
    case summary_mode::count: return true;
  }
  return true;
}

// Backbone elements have summary elements of their own; data types stay whole.
json reduced_value(const element_info& e, const json& value, summary_mode mode) {
  if (mode != summary_mode::summary || e.type->kind != type_kind::backbone) return value;
  const auto* list = value.if_array();
  if (!list) return reduced(*e.type, value, mode);
  json::array out;
  for (const auto& v : *list) out.push_back(reduced(*e.type, v, mode));
  return json(std::move(out));
}

// The recursion follows backbone elements of a checked resource, whose depth is limited.
json reduced(const type_info& type, const json& value, summary_mode mode) {
  json::object out;
  const auto* members = value.if_object();
  if (!members) return value;
  for (const auto& [name, member] : *members) {
    const bool sibling = name.starts_with('_');
    const auto* e = find_element(type, sibling ? std::string_view(name).substr(1) : std::string_view(name));
    if (!e || is_kept(*e, mode)) out.emplace_back(name, e && !sibling ? reduced_value(*e, member, mode) : member);
  }
  // A backbone element of which nothing is in the summary would be empty, which is not valid.
  return out.empty() ? value : json(std::move(out));
}

void tag_as_subset(json& resource) {
  json tag;
  tag.set("system", observation_value);
  tag.set("code", "SUBSETTED");
  auto* meta = resource.find("meta");
  if (!meta) meta = &resource.set("meta", json(json::object{}));
  if (auto* tags = meta->find("tag"))
    tags->push_back(std::move(tag));
  else
    meta->set("tag", json{}).push_back(std::move(tag));
}

json one(const json& resource, summary_mode mode) {
  const auto* type = find_type(resource["resourceType"].str());
  if (!type) return resource;
  auto out = reduced(*type, resource, mode);
  tag_as_subset(out);
  return out;
}

}  // namespace

std::optional<summary_mode> parse_summary(std::string_view value) {
  if (value == "true") return summary_mode::summary;
  if (value == "text") return summary_mode::text;
  if (value == "data") return summary_mode::data;
  if (value == "count") return summary_mode::count;
  if (value == "false") return summary_mode::full;
  return {};
}

base::json summarize(const base::json& resource, summary_mode mode) {
  if (mode == summary_mode::full) return resource;
  if (resource["resourceType"].str() != "Bundle") return mode == summary_mode::count ? resource : one(resource, mode);
  auto out = resource;
  if (mode == summary_mode::count) {
    out.erase("entry");
    return out;
  }
  if (auto* entries = out.find("entry"); entries && entries->if_array())
    for (auto& entry : *entries->if_array())
      if (auto* inner = entry.find("resource")) *inner = one(*inner, mode);
  return out;
}

}  // namespace dsf::fhir

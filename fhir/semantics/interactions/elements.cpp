#include "fhir/semantics/interactions/elements.hpp"

#include <algorithm>

#include "fhir/model/model.hpp"

namespace dsf::fhir {

std::vector<std::string> element_names(std::string_view list) {
  std::vector<std::string> out;
  while (!list.empty() && out.size() < 1'000) {
    const auto comma = list.find(',');
    auto name = list.substr(0, comma);
    list = comma == list.npos ? std::string_view{} : list.substr(comma + 1);
    while (name.starts_with(' ')) name.remove_prefix(1);
    while (name.ends_with(' ')) name.remove_suffix(1);
    // An element of an element names the whole of it.
    name = name.substr(0, name.find('.'));
    if (!name.empty()) out.emplace_back(name);
  }
  return out;
}

base::json only_elements(const base::json& resource, const std::vector<std::string>& names) {
  const auto* type = find_type(resource["resourceType"].str());
  const auto* members = resource.if_object();
  if (!type || !members) return resource;
  base::json out(base::json::object{});
  for (const auto& [name, value] : *members) {
    const auto plain = name.starts_with('_') ? std::string_view(name).substr(1) : std::string_view(name);
    const auto* e = find_element(*type, plain);
    // value[x] is named by what stands before its type.
    const auto named = [&](const std::string& n) { return plain == n || (e && e->name == n); };
    if (plain == "resourceType" || plain == "id" || plain == "meta" || !e || e->min > 0 || std::ranges::any_of(names, named))
      out.set(name, value);
  }
  base::json tag;
  tag.set("system", "http://terminology.hl7.org/CodeSystem/v3-ObservationValue");
  tag.set("code", "SUBSETTED");
  auto* meta = out.find("meta");
  if (!meta) meta = &out.set("meta", base::json(base::json::object{}));
  if (auto* tags = meta->find("tag"))
    tags->push_back(std::move(tag));
  else
    meta->set("tag", base::json(base::json::array{})).push_back(std::move(tag));
  return out;
}

}  // namespace dsf::fhir

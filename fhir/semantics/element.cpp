#include "fhir/semantics/element.hpp"

#include <algorithm>

#include "fhir/semantics/names.hpp"

namespace dsf::fhir {

std::vector<std::string> identifier_values(const base::json& identifiers, std::string_view system) {
  std::vector<std::string> out;
  const auto take = [&](const base::json& i) {
    if (i["system"].str() == system && !i["value"].str().empty()) out.push_back(i["value"].str());
  };
  if (identifiers.is_object()) take(identifiers);
  for (const auto& i : identifiers) take(i);
  return out;
}

std::vector<const base::json*> extensions(const base::json& element, std::string_view url) {
  std::vector<const base::json*> out;
  for (const auto& e : element["extension"])
    if (e["url"].str() == url) out.push_back(&e);
  return out;
}

code_in_system coding_of(const base::json& coding) { return {coding["system"].str(), coding["code"].str()}; }

bool is_blank(std::string_view text) { return text.find_first_not_of(" \t\r\n") == text.npos; }

std::optional<base::uuid> internal_target(std::string_view reference, std::string_view type, std::string_view base_url) {
  if (!base_url.empty() && reference.starts_with(base_url) && reference.size() > base_url.size() && reference[base_url.size()] == '/')
    reference.remove_prefix(base_url.size() + 1);
  if (!reference.starts_with(type) || reference.size() <= type.size() || reference[type.size()] != '/') return {};
  reference.remove_prefix(type.size() + 1);
  const auto id = reference.substr(0, reference.find('/'));
  if (id.size() != reference.size() && !reference.substr(id.size()).starts_with("/_history/")) return {};
  auto parsed = base::uuid::parse(id);
  return parsed ? std::optional(*parsed) : std::nullopt;
}

std::vector<std::string> message_inputs(const base::json& task, std::string_view code) {
  std::vector<std::string> out;
  for (const auto& input : task["input"])
    for (const auto& c : input["type"]["coding"])
      if (c["system"].str() == names::bpmn_message && c["code"].str() == code) {
        if (const auto* s = input["valueString"].if_string()) out.push_back(*s);
        break;
      }
  return out;
}

std::pair<std::string_view, std::string_view> split_canonical(std::string_view canonical) {
  const auto bar = canonical.find('|');
  if (bar == canonical.npos) return {canonical, {}};
  return {canonical.substr(0, bar), canonical.substr(bar + 1)};
}

}  // namespace dsf::fhir

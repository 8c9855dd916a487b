#include "fhir/semantics/profiles/element_paths.hpp"

#include <map>
#include <optional>

namespace dsf::fhir {
namespace {

std::string_view next_part(std::string_view& text) {
  const auto dot = text.find('.');
  const auto part = text.substr(0, dot);
  text = dot == text.npos ? std::string_view{} : text.substr(dot + 1);
  return part;
}

// "Task.input:message-name.value[x]"
element_path split(std::string_view id) {
  element_path out;
  next_part(id);
  while (!id.empty()) {
    const auto step = next_part(id);
    const auto colon = step.find(':');
    out.push_back({std::string(step.substr(0, colon)), std::string(colon == step.npos ? "" : step.substr(colon + 1))});
  }
  return out;
}

// "value[x]" in the id may be "valueQuantity" in the path.
bool same_name(std::string_view in_id, std::string_view in_path) {
  return in_id == in_path || (in_id.ends_with("[x]") && in_path.starts_with(in_id.substr(0, in_id.size() - 3)));
}

// Nothing: id, path and sliceName do not say the same.
std::optional<element_path> by_id(const base::json& element) {
  if (element["id"].str().empty()) return {};
  auto out = split(element["id"].str());
  const auto names = split(element["path"].str());
  if (names.size() != out.size()) return {};
  for (std::size_t i = 0; i < names.size(); ++i)
    if (!same_name(out[i].name, names[i].name)) return {};
  const auto& slice = element["sliceName"].str();
  if (!slice.empty() && !out.empty() && out.back().slice != slice) return {};
  return out;
}

element_path by_path(const base::json& element, std::map<std::string, std::string>& open) {
  const auto& path = element["path"].str();
  auto out = split(path);
  std::string at = path.substr(0, path.find('.'));
  for (std::size_t i = 0; i + 1 < out.size(); ++i) {
    at += "." + out[i].name;
    if (const auto found = open.find(at); found != open.end()) out[i].slice = found->second;
  }
  if (out.empty()) return out;
  out.back().slice = element["sliceName"].str();
  // What was open below belonged to the slice before.
  const auto below = path + ".";
  for (auto i = open.lower_bound(below); i != open.end() && i->first.starts_with(below);) i = open.erase(i);
  open[path] = out.back().slice;
  return out;
}

}  // namespace

std::vector<element_path> paths_of(const base::json& elements) {
  std::vector<element_path> out;
  for (const auto& element : elements) {
    auto path = by_id(element);
    if (!path) {
      out.clear();
      std::map<std::string, std::string> open;
      for (const auto& e : elements) out.push_back(by_path(e, open));
      return out;
    }
    out.push_back(std::move(*path));
  }
  return out;
}

const std::string& element_name(const base::json& element) {
  return element["id"].str().empty() ? element["path"].str() : element["id"].str();
}

const base::json::member* typed_member(const base::json& element, std::string_view prefix) {
  if (const auto* members = element.if_object())
    for (const auto& m : *members)
      if (m.first.size() > prefix.size() && m.first.starts_with(prefix) && m.first[prefix.size()] >= 'A' && m.first[prefix.size()] <= 'Z')
        return &m;
  return nullptr;
}

}  // namespace dsf::fhir

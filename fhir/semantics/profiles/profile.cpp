#include "fhir/semantics/profiles/profile.hpp"

#include <algorithm>
#include <charconv>

#include "fhir/semantics/names.hpp"

namespace dsf::fhir {
namespace {

constexpr std::size_t max_depth = 32;

struct id_step {
  std::string_view name, slice;
};

// "Task.input:message-name.value[x]" without the first step.
std::vector<id_step> steps_of(std::string_view id) {
  std::vector<id_step> out;
  bool first = true;
  while (!id.empty() && out.size() < max_depth) {
    const auto dot = id.find('.');
    const auto step = id.substr(0, dot);
    id = dot == id.npos ? std::string_view{} : id.substr(dot + 1);
    const auto colon = step.find(':');
    if (!first) out.push_back({step.substr(0, colon), colon == step.npos ? std::string_view{} : step.substr(colon + 1)});
    first = false;
  }
  return out;
}

std::optional<std::uint32_t> number_of(const std::string& text) {
  std::uint32_t v = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), v);
  return ec == std::errc{} && end == text.data() + text.size() ? std::optional(v) : std::nullopt;
}

void lay_over(element_rule& rule, const base::json& element) {
  if (const auto* min = element.find("min")) rule.min = static_cast<std::uint32_t>(std::max<std::int64_t>(0, min->int_or(0)));
  if (const auto* max = element.find("max"); max && max->str() != "*") rule.max = number_of(max->str());
  if (const auto* members = element.if_object())
    for (const auto& [name, value] : *members) {
      if (name.starts_with("fixed") && name.size() > 5) rule.fixed = value;
      if (name.starts_with("pattern") && name.size() > 7) rule.pattern = value;
    }
  if (element["type"].size() > 0) {
    rule.types.clear();
    rule.type_profiles.clear();
    for (const auto& t : element["type"]) {
      rule.types.push_back(t["code"].str());
      for (const auto& p : t["profile"]) rule.type_profiles.push_back(p.str());
    }
  }
  if (element["binding"]["strength"].str() == "required") rule.required_value_set = element["binding"]["valueSet"].str();
  if (const auto* slicing = element.find("slicing")) {
    if ((*slicing)["discriminator"].size() > 0) rule.discriminators.clear();
    for (const auto& d : (*slicing)["discriminator"]) rule.discriminators.push_back({d["type"].str(), d["path"].str()});
    rule.slicing_rules = (*slicing)["rules"].str();
  }
  for (const auto& c : element["constraint"])
    if (std::ranges::find(rule.constraints, c["key"].str()) == rule.constraints.end()) rule.constraints.push_back(c["key"].str());
}

void add_element(element_rule& root, const base::json& element) {
  std::string id = element["id"].str();
  if (id.empty()) {  // ids are optional in a differential: path and slice name say the same for a slice itself
    id = element["path"].str();
    if (const auto& slice = element["sliceName"].str(); !slice.empty()) id += ":" + slice;
  }
  auto* at = &root;
  for (const auto& step : steps_of(id)) {
    auto* next = at->child(step.name, step.slice);
    if (!next) {
      if (!step.slice.empty() && !at->child(step.name, {})) {
        element_rule whole;
        whole.name = step.name;
        whole.id = at->id + "." + std::string(step.name);
        at->children.push_back(std::move(whole));
      }
      element_rule made;
      made.name = step.name;
      made.slice = step.slice;
      made.id = at->id + "." + std::string(step.name) + (step.slice.empty() ? "" : ":" + std::string(step.slice));
      at->children.push_back(std::move(made));
      next = &at->children.back();
    }
    at = next;
  }
  lay_over(*at, element);
}

std::string kebab(std::string_view type) {
  std::string out;
  for (const char c : type) {
    if (c >= 'A' && c <= 'Z') {
      if (!out.empty()) out += '-';
      out += static_cast<char>(c + 32);
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

element_rule* element_rule::child(std::string_view child_name, std::string_view child_slice) {
  return const_cast<element_rule*>(std::as_const(*this).child(child_name, child_slice));
}
const element_rule* element_rule::child(std::string_view child_name, std::string_view child_slice) const {
  for (const auto& c : children)
    if (c.name == child_name && c.slice == child_slice) return &c;
  return nullptr;
}

std::shared_ptr<const profile> profile::compile(const std::vector<const base::json*>& chain) {
  auto out = std::make_shared<profile>();
  for (const auto* definition : chain) {
    out->url_ = (*definition)["url"].str();
    out->version_ = (*definition)["version"].str();
    out->type_ = (*definition)["type"].str();
    out->root_.name = out->root_.id = out->type_;
    const auto& differential = (*definition)["differential"]["element"];
    for (const auto& element : differential.size() > 0 ? differential : (*definition)["snapshot"]["element"])
      add_element(out->root_, element);
  }
  return out;
}

std::string default_profile(std::string_view type) {
  if (type == "Task") return {};
  return std::string(names::structure_definition_base) + kebab(type);
}

void add_default_profile(base::json& resource) {
  const auto& type = resource["resourceType"].str();
  const auto wanted = default_profile(type);
  if (wanted.empty()) return;
  for (const auto& p : resource["meta"]["profile"]) {
    const auto url = p.str().substr(0, p.str().find('|'));
    if (url == wanted || (type == "Organization" && url == wanted + "-parent")) return;
  }
  auto* meta = resource.find("meta");
  if (!meta) meta = &resource.set("meta", base::json(base::json::object{}));
  auto* profiles = meta->find("profile");
  if (!profiles) profiles = &meta->set("profile", base::json(base::json::array{}));
  if (profiles->is_array()) profiles->push_back(wanted);
}

}  // namespace dsf::fhir

#include "privacy/mapping.hpp"

#include <fmt/format.h>

#include <array>

#include "privacy/json_reader.hpp"

namespace dsf::privacy {
namespace {

using base::result;

constexpr std::array<std::string_view, 8> type_names{"concept",           "code", "quantity", "date", "reference", "composite-quantity",
                                                     "composite-concept", "Age"};

bool is_composite(value_type t) { return t == value_type::composite_quantity || t == value_type::composite_concept; }

// Newlines can't occur by accident: system and code are URIs and codes.
std::string pair_key(const term_code& context, std::string_view system, std::string_view code) {
  return fmt::format("{}\n{}\n{}\n{}", context.system, context.code, system, code);
}

result<value_type> type_of(const json_reader& at) {
  const auto name = TRY(at.text());
  for (std::size_t i = 0; i < type_names.size(); ++i)
    if (type_names[i] == name) return static_cast<value_type>(i);
  if (name == "coding") return value_type::concept_;  // older files
  return at.wrong(fmt::format("is '{}'; known are {}", name, fmt::join(type_names, ", ")));
}

result<attribute_mapping> read_attribute(const json_reader& at) {
  TRY(at.object());
  attribute_mapping out;
  out.type = TRY(type_of(at["attributeType"]));
  out.key = TRY(at["attributeKey"].coded());
  out.parameter = TRY(at["attributeSearchParameter"].text());
  if (at.has("compositeCode")) out.composite_code = TRY(at["compositeCode"].coded());
  if (is_composite(out.type) && !out.composite_code)
    return at["compositeCode"].wrong("is missing; a composite attribute names its component by it");
  return out;
}

result<fixed_criterion> read_fixed(const json_reader& at) {
  TRY(at.object());
  fixed_criterion out;
  out.type = TRY(type_of(at["type"]));
  if (out.type != value_type::code && out.type != value_type::concept_ && out.type != value_type::composite_concept)
    return at["type"].wrong("a fixed criterion is of type code, concept or composite-concept");
  out.parameter = TRY(at["searchParameter"].text());
  const auto n = TRY(at["value"].array(1, 10'000));
  for (std::size_t i = 0; i < n; ++i) out.values.push_back(TRY(at["value"][i].coded()));
  if (at.has("compositeCode")) out.composite_code = TRY(at["compositeCode"].coded());
  if (is_composite(out.type) && !out.composite_code)
    return at["compositeCode"].wrong("is missing; a composite criterion names its component by it");
  return out;
}

result<mapping_entry> read_entry(const json_reader& at) {
  TRY(at.object());
  mapping_entry out;
  out.context = TRY(at["context"].coded());
  out.key = TRY(at["key"].coded());
  out.resource_type = TRY(at["fhirResourceType"].text());
  if (out.resource_type.empty()) return at["fhirResourceType"].wrong("must not be empty");
  if (at.has("termCodeSearchParameter")) out.term_code_parameter = TRY(at["termCodeSearchParameter"].text());
  if (at.has("valueSearchParameter")) {
    out.value_parameter = TRY(at["valueSearchParameter"].text());
    if (!at.has("valueType"))
      return at["valueType"].wrong(fmt::format("is missing beside valueSearchParameter; known are {}", fmt::join(type_names, ", ")));
  }
  if (at.has("valueType")) out.type = TRY(type_of(at["valueType"]));
  if (is_composite(out.type)) out.composite_code = at.has("compositeCode") ? TRY(at["compositeCode"].coded()) : out.key;
  if (at.has("timeRestrictionParameter")) out.time_parameter = TRY(at["timeRestrictionParameter"].text());
  if (at.has("fixedCriteria")) {
    const auto n = TRY(at["fixedCriteria"].array(0, 1'000));
    for (std::size_t i = 0; i < n; ++i) out.fixed.push_back(TRY(read_fixed(at["fixedCriteria"][i])));
  }
  if (at.has("attributeSearchParameters")) {
    const auto n = TRY(at["attributeSearchParameters"].array(0, 1'000));
    for (std::size_t i = 0; i < n; ++i) out.attributes.push_back(TRY(read_attribute(at["attributeSearchParameters"][i])));
  }
  return out;
}

}  // namespace

std::string_view to_string(value_type t) noexcept { return type_names[static_cast<std::size_t>(t)]; }

const attribute_mapping* mapping_entry::attribute(const term_code& code) const {
  for (const auto& a : attributes)
    if (a.key.code == code.code && a.key.system == code.system) return &a;
  return nullptr;
}

result<mapping> mapping::from_json(const base::json& document) {
  const json_reader at(document, "", errc::mapping);
  mapping out;
  const auto n = TRY(at.array(1, max_mapping_entries));
  out.entries_.reserve(n);
  for (std::size_t i = 0; i < n; ++i) {
    auto entry = TRY(read_entry(at[i]));
    auto key = pair_key(entry.context, entry.key.system, entry.key.code);
    if (!out.by_key_.emplace(std::move(key), i).second)
      return at[i]["key"].wrong(
          fmt::format("{} is mapped twice in context {}; keep one entry", to_string(entry.key), to_string(entry.context)));
    out.entries_.push_back(std::move(entry));
  }
  return out;
}

result<mapping> mapping::parse(std::string_view text) { return from_json(TRY(base::json::parse(text))); }

const mapping_entry* mapping::find(const term_code& context, const term_code& key) const {
  const auto found = by_key_.find(pair_key(context, key.system, key.code));
  return found == by_key_.end() ? nullptr : &entries_[found->second];
}

result<ontology_tree> ontology_tree::from_json(const base::json& document) {
  const json_reader at(document, "", errc::mapping);
  ontology_tree out;
  const auto n = TRY(at.array(1, 10'000));
  for (std::size_t i = 0; i < n; ++i) {
    const auto m = at[i];
    TRY(m.object());
    const auto context = TRY(m["context"].coded());
    const auto system = TRY(m["system"].text());
    auto [where, added] = out.modules_.try_emplace(pair_key(context, system, ""));
    if (!added) return m["system"].wrong(fmt::format("{} occurs twice in context {}; merge the two lists", system, to_string(context)));
    auto& into = where->second;
    const auto entries = m["entries"];
    const auto count = TRY(entries.array(0, max_mapping_entries));
    for (std::size_t k = 0; k < count; ++k) {
      auto code = TRY(entries[k]["key"].text());
      if (!into.by_code.emplace(code, static_cast<std::uint32_t>(k)).second)
        return entries[k]["key"].wrong(fmt::format("'{}' occurs twice in this list; keep one", code));
      into.nodes.push_back({std::move(code), {}});
    }
    for (std::size_t k = 0; k < count; ++k) {
      if (!entries[k].has("children")) continue;
      const auto children = entries[k]["children"];
      const auto number = TRY(children.array(0, max_mapping_entries));
      for (std::size_t c = 0; c < number; ++c) {
        const auto code = TRY(children[c].text());
        const auto found = into.by_code.find(code);
        if (found == into.by_code.end())
          return children[c].wrong(fmt::format("'{}' is no entry of this list; add it, or take it out here", code));
        into.nodes[k].children.push_back(found->second);
      }
    }
  }
  return out;
}

result<ontology_tree> ontology_tree::parse(std::string_view text) { return from_json(TRY(base::json::parse(text))); }

std::vector<term_code> ontology_tree::expand(const term_code& context, const term_code& code) const {
  std::vector<term_code> out;
  const auto where = modules_.find(pair_key(context, code.system, ""));
  if (where == modules_.end()) return out;
  const auto& m = where->second;
  const auto start = m.by_code.find(code.code);
  if (start == m.by_code.end()) return out;
  // A code may have several parents, and a broken file may hold a circle: each node is visited once.
  std::vector<bool> seen(m.nodes.size());
  std::vector<std::uint32_t> work{start->second};
  seen[start->second] = true;
  while (!work.empty()) {
    const auto& n = m.nodes[work.back()];
    work.pop_back();
    out.push_back({code.system, n.code, {}, {}});
    for (const auto child : n.children) {
      if (seen[child]) continue;
      seen[child] = true;
      work.push_back(child);
    }
  }
  return out;
}

std::size_t ontology_tree::size() const {
  std::size_t n = 0;
  for (const auto& [key, m] : modules_) n += m.nodes.size();
  return n;
}

}  // namespace dsf::privacy

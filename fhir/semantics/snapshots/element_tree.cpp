#include "fhir/semantics/snapshots/element_tree.hpp"

#include <algorithm>

#include "fhir/semantics/profiles/element_paths.hpp"

namespace dsf::fhir {
namespace {

bool of_the_place(std::string_view member) { return member == "id" || member == "path" || member == "sliceName"; }

base::json definition_of(const base::json& element) {
  base::json::object out;
  if (const auto* members = element.if_object())
    for (const auto& m : *members)
      if (!of_the_place(m.first)) out.push_back(m);
  return base::json(std::move(out));
}

// The recursion is as deep as the tree, which has a limit where it grows.
void append(const element_node& node, const std::string& id, const std::string& path, base::json::array& out) {
  base::json::object element{{"id", id}, {"path", path}};
  if (!node.slice.empty()) element.emplace_back("sliceName", node.slice);
  for (const auto& m : *node.definition.if_object()) element.push_back(m);
  out.emplace_back(std::move(element));
  for (const auto& child : node.children) append(child, id + "." + child.name, path + "." + child.name, out);
  // The id of a slice of a slice has its whole name once: input:a/b.
  const auto whole = node.slice.empty() ? id : id.substr(0, id.size() - node.slice.size() - 1);
  for (const auto& slice : node.slices) append(slice, whole + ":" + slice.slice, path, out);
}

}  // namespace

element_node* element_node::child(std::string_view child_name) {
  const auto at = std::ranges::find(children, child_name, &element_node::name);
  return at == children.end() ? nullptr : &*at;
}
const element_node* element_node::child(std::string_view child_name) const {
  const auto at = std::ranges::find(children, child_name, &element_node::name);
  return at == children.end() ? nullptr : &*at;
}
element_node* element_node::slice_named(std::string_view slice_name) {
  const auto at = std::ranges::find(slices, slice_name, &element_node::slice);
  if (at != slices.end()) return &*at;
  // "a/b" stands below "a".
  for (auto& outer : slices)
    if (slice_name.starts_with(outer.slice + "/"))
      if (auto* inner = outer.slice_named(slice_name)) return inner;
  return nullptr;
}
std::string_view element_node::choice_stem() const {
  return name.ends_with("[x]") ? std::string_view(name).substr(0, name.size() - 3) : std::string_view{};
}
std::vector<std::string> element_node::type_codes() const {
  std::vector<std::string> out;
  for (const auto& t : definition["type"]) out.push_back(t["code"].str());
  return out;
}

std::optional<element_node> tree_of(const base::json& elements) {
  if (elements.size() == 0) return {};
  const auto paths = paths_of(elements);
  element_node root;
  root.name = elements[0]["path"].str();
  root.definition = definition_of(elements[0]);
  if (!paths[0].empty() || root.name.empty()) return {};
  for (std::size_t i = 1; i < elements.size(); ++i) {
    const auto& path = paths[i];
    if (path.empty()) return {};
    auto* at = &root;
    for (std::size_t k = 0; k < path.size(); ++k) {
      const bool last = k + 1 == path.size();
      const auto& [name, slice] = path[k];
      auto* next = at->child(name);
      if (!next) {
        if (!last || !slice.empty()) return {};
        at->children.push_back({name, {}, definition_of(elements[i]), {}, {}, {}});
        break;
      }
      if (!slice.empty()) {
        auto* found = next->slice_named(slice);
        if (!found) {
          if (!last) return {};
          const auto cut = slice.rfind('/');
          auto* outer = cut == slice.npos ? nullptr : next->slice_named(std::string_view(slice).substr(0, cut));
          (outer ? outer : next)->slices.push_back({name, slice, definition_of(elements[i]), {}, {}, {}});
          break;
        }
        next = found;
      }
      if (last) return {};  // the same place twice
      at = next;
    }
  }
  return root;
}

base::json list_of(const element_node& root) {
  base::json::array out;
  append(root, root.name, root.name, out);
  return base::json(std::move(out));
}

std::string type_of_variant(const element_node& choice, std::string_view member) {
  const auto stem = choice.choice_stem();
  if (stem.empty() || !member.starts_with(stem)) return {};
  const auto rest = member.substr(stem.size());
  for (auto& code : choice.type_codes()) {
    auto capital = code;
    if (!capital.empty() && capital[0] >= 'a' && capital[0] <= 'z') capital[0] = static_cast<char>(capital[0] - 32);
    if (capital == rest) return code;
  }
  return {};
}

}  // namespace dsf::fhir

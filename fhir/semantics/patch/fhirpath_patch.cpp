#include "fhir/semantics/patch/fhirpath_patch.hpp"

#include <fmt/format.h>

#include <charconv>
#include <optional>
#include <vector>

#include "fhir/path/expression.hpp"

namespace dsf::fhir {
namespace {

using base::json;
template <class T>
using outcome = std::expected<T, patch_fault>;

constexpr int max_value_depth = 20;

std::unexpected<patch_fault> broken(std::string text) { return std::unexpected(patch_fault{400, std::move(text)}); }
std::unexpected<patch_fault> refused(std::string text) { return std::unexpected(patch_fault{422, std::move(text)}); }

const json* part(const json& operation, std::string_view name) {
  for (const auto& p : operation["part"])
    if (p["name"].str() == name) return &p;
  return nullptr;
}

// The value[x] of a part; `stem` becomes its type as choices name it: "String".
const json* value_of(const json& part, std::string* stem = nullptr) {
  if (const auto* members = part.if_object())
    for (const auto& [name, value] : *members)
      if (name.starts_with("value") && name.size() > 5) {
        if (stem) *stem = name.substr(5);
        return &value;
      }
  return nullptr;
}
std::string text_of(const json& operation, std::string_view name) {
  const auto* p = part(operation, name);
  const auto* value = p ? value_of(*p) : nullptr;
  return value && value->is_string() ? value->str() : std::string{};
}
std::optional<std::size_t> number_of(const json& operation, std::string_view name) {
  const auto* p = part(operation, name);
  const auto* value = p ? value_of(*p) : nullptr;
  const auto* number = value ? value->if_number() : nullptr;
  std::size_t n = 0;
  if (!number) return {};
  const auto [end, ec] = std::from_chars(number->text.data(), number->text.data() + number->text.size(), n);
  if (ec != std::errc{} || end != number->text.data() + number->text.size()) return {};
  return n;
}

// Where an element stands in the document.
struct place {
  json* parent = nullptr;
  std::string member;     // of an object
  std::size_t index = 0;  // of an array
};

std::optional<place> place_of(json& root, const json* wanted) {
  std::vector<json*> open{&root};
  while (!open.empty()) {
    auto* here = open.back();
    open.pop_back();
    if (auto* members = here->if_object())
      for (auto& [name, value] : *members) {
        if (&value == wanted) return place{here, name, 0};
        open.push_back(&value);
      }
    if (auto* list = here->if_array())
      for (std::size_t i = 0; i < list->size(); ++i) {
        if (&(*list)[i] == wanted) return place{here, {}, i};
        open.push_back(&(*list)[i]);
      }
  }
  return {};
}

class patcher {
public:
  explicit patcher(json& root) : root_(root) {}

  outcome<void> apply(const json& operation) {
    const auto type = text_of(operation, "type"), path = text_of(operation, "path");
    if (path.empty()) return broken("the part path is missing");
    if (type == "add") return add(operation, path);
    if (type == "insert") return insert(operation, path);
    if (type == "delete") return remove(path);
    if (type == "replace") return replace(operation, path);
    if (type == "move") return move(operation, path);
    return broken(fmt::format("unknown type '{}'; use add, insert, delete, replace or move", type));
  }

private:
  outcome<std::vector<path::element>> find(const std::string& text) const {
    const auto compiled = path::expression::compile(text);
    if (!compiled) return broken(fmt::format("the path '{}' is no FHIRPath: {}", text, compiled.error().to_string()));
    const auto items = compiled->evaluate(path::element::of(root_), path::environment::of(root_));
    if (!items) return refused(fmt::format("the path '{}' has no result: {}", text, items.error().to_string()));
    std::vector<path::element> out;
    for (const auto& item : *items) {
      const auto* e = std::get_if<path::element>(&item);
      if (!e || !e->value) return refused(fmt::format("the path '{}' leads to what is no element of the resource", text));
      out.push_back(*e);
    }
    return out;
  }
  outcome<path::element> find_one(const std::string& text) const {
    auto found = find(text);
    if (!found) return std::unexpected(std::move(found).error());
    if (found->size() != 1) return refused(fmt::format("the path '{}' leads to {} elements, and must to one", text, found->size()));
    return found->front();
  }
  // The array that holds all of these, and only these.
  outcome<json::array*> list_of(const std::string& text) const {
    auto found = find(text);
    if (!found) return std::unexpected(std::move(found).error());
    const auto first = found->empty() ? std::nullopt : place_of(root_, found->front().value);
    auto* list = first ? first->parent->if_array() : nullptr;
    if (!list || list->size() != found->size()) return refused(fmt::format("the path '{}' does not lead to a list", text));
    return list;
  }

  // value[x], or parts that build an element without a type of its own.
  outcome<json> built(const json& from, const type_info* type, int depth, std::string* stem = nullptr) const {
    if (const auto* value = value_of(from, stem)) return *value;
    if (!from["part"].is_array() || depth > max_value_depth) return broken("the part value has neither value[x] nor parts");
    json out(json::object{});
    for (const auto& p : from["part"]) {
      const auto& name = p["name"].str();
      std::string choice;
      const auto* element = type ? find_element(*type, name) : nullptr;
      auto value = built(p, element ? element->type : nullptr, depth + 1, &choice);
      if (!value) return value;
      if (!element && type && !choice.empty() && find_element(*type, name + choice)) {
        out.set(name + choice, std::move(*value));
        continue;
      }
      if (!element) return refused(fmt::format("there is no element '{}'", name));
      if (!element->array) {
        out.set(name, std::move(*value));
        continue;
      }
      auto* list = out.find(name);
      if (!list) list = &out.set(name, json(json::array{}));
      list->push_back(std::move(*value));
    }
    return out;
  }

  outcome<void> add(const json& operation, const std::string& path) {
    auto target = find_one(path);
    if (!target) return std::unexpected(std::move(target).error());
    const auto name = text_of(operation, "name");
    const auto* from = part(operation, "value");
    if (name.empty() || !from) return broken("add needs the parts name and value");
    auto* parent = target->value == &root_ ? &root_ : held(target->value);
    if (!parent || !parent->is_object() || !target->type) return refused(fmt::format("nothing can be added to '{}'", path));
    const auto* element = find_element(*target->type, name);
    std::string choice;
    auto value = built(*from, element ? element->type : nullptr, 0, &choice);
    if (!value) return std::unexpected(std::move(value).error());
    auto member = name;
    if (!element) {
      member += choice;
      element = find_element(*target->type, member);
    }
    if (!element) return refused(fmt::format("{} has no element '{}'", target->type->name, name));
    auto* existing = parent->find(member);
    if (element->array) {
      if (!existing) existing = &parent->set(member, json(json::array{}));
      existing->push_back(std::move(*value));
      return {};
    }
    if (existing) return refused(fmt::format("'{}' has a value already; replace it", name));
    parent->set(member, std::move(*value));
    return {};
  }

  outcome<void> insert(const json& operation, const std::string& path) {
    const auto* from = part(operation, "value");
    const auto index = number_of(operation, "index");
    if (!from || !index) return broken("insert needs the parts value and index");
    auto found = find(path);
    if (!found) return std::unexpected(std::move(found).error());
    auto list = list_of(path);
    if (!list) return std::unexpected(std::move(list).error());
    if (*index > (*list)->size()) return refused(fmt::format("the index {} is behind the end of '{}'", *index, path));
    auto value = built(*from, found->front().type, 0);
    if (!value) return std::unexpected(std::move(value).error());
    (*list)->insert((*list)->begin() + static_cast<std::ptrdiff_t>(*index), std::move(*value));
    return {};
  }

  // R4: deleting what is not there is no fault.
  outcome<void> remove(const std::string& path) {
    auto found = find(path);
    if (!found) return std::unexpected(std::move(found).error());
    if (found->empty()) return {};
    if (found->size() > 1) return refused(fmt::format("the path '{}' leads to {} elements, and must to one", path, found->size()));
    const auto at = place_of(root_, found->front().value);
    if (!at) return refused("the resource itself can't be deleted by a patch");
    auto* list = at->parent->if_array();
    if (!list) {
      at->parent->erase("_" + at->member);
      at->parent->erase(at->member);
      return {};
    }
    list->erase(list->begin() + static_cast<std::ptrdiff_t>(at->index));
    if (list->empty())
      if (const auto holder = place_of(root_, at->parent)) holder->parent->erase(holder->member);
    return {};
  }

  outcome<void> replace(const json& operation, const std::string& path) {
    const auto* from = part(operation, "value");
    if (!from) return broken("replace needs the part value");
    auto target = find_one(path);
    if (!target) return std::unexpected(std::move(target).error());
    auto value = built(*from, target->type, 0);
    if (!value) return std::unexpected(std::move(value).error());
    auto* here = held(target->value);
    if (!here) return refused("the resource itself can't be replaced by a patch");
    *here = std::move(*value);
    return {};
  }

  outcome<void> move(const json& operation, const std::string& path) {
    const auto source = number_of(operation, "source"), destination = number_of(operation, "destination");
    if (!source || !destination) return broken("move needs the parts source and destination");
    auto list = list_of(path);
    if (!list) return std::unexpected(std::move(list).error());
    auto& items = **list;
    if (*source >= items.size() || *destination >= items.size())
      return refused(fmt::format("'{}' has {} elements; source or destination is behind its end", path, items.size()));
    auto taken = std::move(items[*source]);
    items.erase(items.begin() + static_cast<std::ptrdiff_t>(*source));
    items.insert(items.begin() + static_cast<std::ptrdiff_t>(*destination), std::move(taken));
    return {};
  }

  json* held(const json* wanted) const {
    const auto at = place_of(root_, wanted);
    if (!at) return nullptr;
    if (auto* list = at->parent->if_array()) return &(*list)[at->index];
    return at->parent->find(at->member);
  }

  json& root_;
};

}  // namespace

std::expected<json, patch_fault> apply_fhirpath_patch(json resource, const json& parameters, const patch_limits& limits) {
  if (parameters["resourceType"].str() != "Parameters") return broken("a FHIRPath Patch is a Parameters resource");
  if (parameters["parameter"].size() > limits.operations)
    return broken(fmt::format("the patch has more than {} operations", limits.operations));
  patcher work(resource);
  std::size_t number = 0;
  for (const auto& operation : parameters["parameter"]) {
    ++number;
    if (operation["name"].str() != "operation") return broken("each parameter of a FHIRPath Patch is named operation");
    if (auto done = work.apply(operation); !done)
      return std::unexpected(patch_fault{done.error().status, fmt::format("Operation {} of the patch: {}", number, done.error().text)});
  }
  return resource;
}

}  // namespace dsf::fhir

#include "fhir/codec/checker.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "fhir/codec/primitive.hpp"
#include "fhir/codec/xhtml.hpp"

namespace dsf::fhir {
namespace {

constexpr std::string_view not_null = "null is not allowed here; leave the element out";
constexpr std::string_view only_id = "has only an id; an element needs a value or children";

bool only_an_id(const base::json::object& members) { return members.size() == 1 && members.front().first == "id"; }

// Long texts are cut in messages, at a character border.
std::string quoted(std::string_view text) {
  constexpr std::size_t most = 60;
  if (text.size() <= most) return fmt::format("'{}'", text);
  auto end = most;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return fmt::format("'{}...'", text.substr(0, end));
}

const base::json* find(const base::json::object& members, std::string_view prefix, std::string_view name) {
  for (const auto& [key, value] : members)
    if (key.size() == prefix.size() + name.size() && key.starts_with(prefix) && key.ends_with(name)) return &value;
  return nullptr;
}

std::string listed(const binding_info& binding) {
  std::string out;
  for (const auto& c : binding.codes) out += fmt::format("{}{}", out.empty() ? "" : ", ", c.code);
  return out;
}

// R4 terminologies.html 4.1.5.1: one coding of a required binding must be in the value set.
std::string concept_fault(const element_info& element, const base::json& v) {
  const auto* binding = element.binding;
  if (!binding || !binding->complete || element.type->name != "CodeableConcept") return {};
  const auto& codings = v["coding"];
  if (codings.size() == 0 && v.find("extension")) return {};
  for (const auto& c : codings) {
    const auto same_code = std::ranges::equal_range(binding->codes, std::string_view(c["code"].str()), {}, &coded::code);
    if (std::ranges::any_of(same_code, [&](const coded& known) { return known.system == c["system"].str(); })) return {};
  }
  return fmt::format("has no coding of the value set {}: {}", binding->value_set, listed(*binding));
}

}  // namespace

std::string_view kind_of(const base::json& v) {
  if (v.is_null()) return "null";
  if (v.is_bool()) return "true or false";
  if (v.is_number()) return "a number";
  if (v.is_string()) return "a string";
  return v.is_array() ? "an array" : "an object";
}

class checker::scope {
public:
  scope(checker& c, std::string_view name, std::ptrdiff_t index = -1) : checker_(c) { c.path_.push_back({name, index}); }
  ~scope() { checker_.path_.pop_back(); }
  scope(const scope&) = delete;
  scope& operator=(const scope&) = delete;

private:
  checker& checker_;
};

struct checker::progress {
  std::uint64_t mask = 0;                         // by position
  std::array<const element_info*, 64> variant;    // valid where the mask has the bit
};

std::string checker::path(std::string_view child) const {
  std::string out;
  for (const auto& s : path_) {
    if (!out.empty()) out += '.';
    out += s.name;
    if (s.index >= 0) out += fmt::format("[{}]", s.index);
  }
  if (!child.empty()) {
    if (!out.empty()) out += '.';
    out += child;
  }
  return out;
}

void checker::add(std::string_view code, std::string text, std::string_view child) {
  if (!full()) issues_.push_back({"error", std::string(code), path(child), std::move(text)});
}

void checker::resource(const base::json& value, bool contained) {
  const auto* members = value.if_object();
  if (!members) return add("structure", fmt::format("a resource must be a JSON object, not {}", kind_of(value)));
  const auto* name = value.find("resourceType");
  if (!name) return add("structure", "the resource has no 'resourceType'");
  if (!name->is_string()) return add("structure", fmt::format("must be a string, not {}", kind_of(*name)), "resourceType");
  const auto* type = find_type(name->str());
  if (!type || type->kind != type_kind::resource || type->abstract)
    return add("structure", fmt::format("{} is not an R4 resource type", quoted(name->str())), "resourceType");
  // R4 references.html, "Contained Resources" (dom-2)
  if (contained && value.find("contained")) add("structure", "a contained resource can't contain resources itself", "contained");
  if (path_.empty()) {
    const scope root(*this, type->name);
    return object(*type, *members, true);
  }
  object(*type, *members, true);
}

// The recursion object -> value -> object is bounded by the depth limit.
void checker::object(const type_info& type, const base::json::object& members, bool is_resource) {
  if (depth_ >= limits_.depth) return add("too-costly", fmt::format("nested deeper than {} levels", limits_.depth));
  ++depth_;
  progress seen;
  for (const auto& m : members) {
    if (full()) break;
    if (is_resource && m.first == "resourceType") continue;
    member(type, members, m, seen);
  }
  if (!full()) finish(type, members, seen);
  --depth_;
}

void checker::member(const type_info& type, const base::json::object& members, const base::json::member& m, progress& seen) {
  const std::string_view name = m.first;
  const bool sibling = name.starts_with('_');
  const auto* element = find_element(type, sibling ? name.substr(1) : name);
  if (!element || (sibling && (element->type->kind != type_kind::primitive || element->xml == xml_form::attribute)))
    return add("structure", fmt::format("{} has no element {}", type.name, quoted(name)), name);

  const auto bit = std::uint64_t{1} << element->position;
  if ((seen.mask & bit) && seen.variant[element->position] != element)
    add("structure",
        fmt::format("only one of the variants of {}[x] may be present, but both '{}' and '{}' are", element->choice,
                    seen.variant[element->position]->name, element->name),
        name);
  seen.mask |= bit;
  seen.variant[element->position] = element;

  if (element->array && !m.second.is_array())
    return add("structure", fmt::format("must be an array, because it may repeat, not {}", kind_of(m.second)), name);
  if (!element->array && m.second.is_array()) return add("structure", "must be a single value, not an array", name);
  if (m.second.is_array() && m.second.size() == 0) return add("structure", "is an empty array; leave the element out", name);
  if (sibling)
    siblings(*element, members, m.second);
  else
    values(*element, members, m.second);
}

void checker::values(const element_info& element, const base::json::object& members, const base::json& v) {
  const auto* list = v.if_array();
  if (!list) {
    const scope s(*this, element.name);
    return value(element, v);
  }
  for (std::size_t i = 0; i < list->size() && !full(); ++i) {
    const scope s(*this, element.name, static_cast<std::ptrdiff_t>(i));
    const auto& item = (*list)[i];
    // null stands for a value that has only an id or extensions. R4 json.html 2.6.2.4
    if (item.is_null() && element.type->kind == type_kind::primitive) {
      const auto* other = find(members, "_", element.name);
      if (!other || (*other)[i].is_null()) add("structure", fmt::format("null needs an object at the same place of '_{}'", element.name));
      continue;
    }
    value(element, item);
  }
}

void checker::siblings(const element_info& element, const base::json::object& members, const base::json& v) {
  const auto* list = v.if_array();
  const auto* other = find(members, "", element.name);
  if (!list) {
    const scope s(*this, element.name);
    return sibling(v, other);
  }
  for (std::size_t i = 0; i < list->size() && !full(); ++i) {
    const scope s(*this, element.name, static_cast<std::ptrdiff_t>(i));
    const auto& item = (*list)[i];
    if (!item.is_null())
      sibling(item, other && !(*other)[i].is_null());
    else if (!other || i >= other->size())
      add("structure", fmt::format("null in '_{}' needs a value at the same place of '{}'", element.name, element.name));
  }
}

void checker::sibling(const base::json& v, bool has_value) {
  static const type_info& element_type = *find_type("Element");
  const auto* members = v.if_object();
  if (!members) return add("structure", fmt::format("the id and extensions of a primitive must be an object, not {}", kind_of(v)));
  if (members->empty()) return add("structure", "is an empty object; leave it out");
  if (!has_value && only_an_id(*members)) add("structure", std::string(only_id));
  object(element_type, *members, false);
}

void checker::value(const element_info& element, const base::json& v) {
  if (v.is_null()) return add("structure", std::string(not_null));
  const auto& type = *element.type;
  if (type.kind == type_kind::primitive) return primitive_value(element, v);
  const auto* members = v.if_object();
  if (!members) return add("structure", fmt::format("must be an object ({}), not {}", type.name, kind_of(v)));
  if (members->empty()) return add("structure", "is an empty object; leave the element out");
  if (type.kind == type_kind::resource) return resource(v, element.name == "contained");
  object(type, *members, false);
  if (auto fault = concept_fault(element, v); !fault.empty()) add("code-invalid", std::move(fault));
}

void checker::primitive_value(const element_info& element, const base::json& v) {
  const auto& type = *element.type;
  std::string_view text;
  switch (json_form_of(type.primitive)) {
    case json_form::boolean:
      if (!v.is_bool())
        add("value",
            fmt::format("must be true or false, not {}", v.is_string() ? "the string " + quoted(v.str()) : std::string(kind_of(v))));
      return;
    case json_form::number:
      if (!v.is_number())
        return add("value", fmt::format("must be a number ({}), not {}", type.name,
                                        v.is_string() ? "the string " + quoted(v.str()) : std::string(kind_of(v))));
      text = v.if_number()->text;
      break;
    case json_form::string:
      if (!v.is_string()) return add("value", fmt::format("must be a string ({}), not {}", type.name, kind_of(v)));
      text = v.str();
      break;
  }
  if (const auto fault = lexical_fault(type.primitive, text); !fault.empty())
    return add("value", text.empty() ? fmt::format("the {} {}", type.name, fault) : fmt::format("{} {}", quoted(text), fault));
  if (type.primitive == primitive::xhtml) {
    if (auto fault = xhtml_fault(text); !fault.empty()) add("value", fmt::format("the narrative {}", fault));
  } else if (type.primitive == primitive::code) {
    required_code(element, text);
  }
}

// R4 terminologies.html 4.1.5.1: a code of a required binding must be in the value set.
void checker::required_code(const element_info& element, std::string_view code) {
  const auto* binding = element.binding;
  if (!binding || !binding->complete || binding->contains(code)) return;
  if (binding->codes.size() <= 20)
    add("code-invalid", fmt::format("{} is not one of {}", quoted(code), listed(*binding)));
  else
    add("code-invalid", fmt::format("{} is not in the value set {}", quoted(code), binding->value_set));
}

void checker::finish(const type_info& type, const base::json::object& members, const progress& seen) {
  if (const auto missing = type.required & ~seen.mask) {
    std::uint64_t told = 0;
    for (const auto& e : type.elements) {
      const auto bit = std::uint64_t{1} << e.position;
      if (!(missing & bit) || (told & bit)) continue;
      told |= bit;
      const auto name = e.choice.empty() ? std::string(e.name) : fmt::format("{}[x]", e.choice);
      add("required", fmt::format("{} must have '{}'", type.name, name), name);
    }
  }
  // R4 element.html (ele-1): an element has more than an id; with siblings the value of the primitive counts.
  if (type.kind != type_kind::resource && type.name != "Element" && only_an_id(members)) add("structure", std::string(only_id));
  // R4 extensibility.html (ext-1)
  if (type.name == "Extension") {
    bool value = false;
    bool extension = false;
    for (const auto& [name, v] : members) {
      extension = extension || name == "extension";
      value = value || name.starts_with("value") || name.starts_with("_value");
    }
    if (value == extension)
      add("structure", value ? "an extension has either a value or extensions, not both" : "an extension needs a value or extensions");
  }
}

}  // namespace dsf::fhir

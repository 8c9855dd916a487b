// From an element to its children. FHIRPath N1, 3 and 5.8; R4 fhirpath.html ("Polymorphic elements", "Using FHIRPath with resources")
#include <algorithm>

#include "base/mutant.hpp"
#include "fhir/path/value.hpp"

namespace dsf::fhir::path {
namespace {

const type_info* type_of(const element_info& info, const base::json& value) {
  // Where any resource may stand, the resource says what it is.
  if (info.type && info.type->abstract && info.type->kind == type_kind::resource) return find_type(value["resourceType"].str());
  return info.type;
}

bool absent(const base::json* j) { return !j || j->is_null(); }

// One member with its sibling `_name`: a single element or a list of them.
void append_member(const element_info* info, const base::json* value, const base::json* sibling, collection& out) {
  const bool list = (value && value->is_array()) || (sibling && sibling->is_array());
  const auto one = [&](const base::json* v, const base::json* s) {
    if (absent(v)) v = nullptr;
    if (absent(s)) s = nullptr;
    if (!v && !s) return;
    static const base::json none;
    const auto* type = info ? type_of(*info, v ? *v : none) : v && v->is_object() ? find_type((*v)["resourceType"].str()) : nullptr;
    out.emplace_back(element{v, s, type});
  };
  if (!list) return one(value, sibling);
  const auto count = std::max(value ? value->size() : 0, sibling ? sibling->size() : 0);
  for (std::size_t i = 0; i < count; ++i) one(value ? &(*value)[i] : nullptr, sibling ? &(*sibling)[i] : nullptr);
}

const base::json* sibling_of(const base::json& object, std::string_view member) {
  std::string name;
  name.reserve(member.size() + 1);
  name += '_';
  name += member;
  return object.find(name);
}

bool is_primitive(const element_info* info) { return info && info->type && info->type->kind == type_kind::primitive; }

void append_named(const element& e, const element_info* info, std::string_view member, collection& out) {
  const auto* value = e.value->find(member);
  const auto* sibling = is_primitive(info) ? sibling_of(*e.value, member) : nullptr;
  if (value || sibling) append_member(info, value, sibling, out);
}

}  // namespace

void append_children(const element& e, std::string_view name, collection& out) {
  if (!e.value || !e.value->is_object()) {
    // A primitive: its id and extensions stand in the sibling, its value is a System value.
    if (name == "value") {
      if (auto v = system_value(e)) out.push_back(std::move(*v));
    } else if (e.sibling && e.sibling->is_object() && e.type) {
      if (const auto* info = find_element(*e.type, name)) append_member(info, e.sibling->find(name), nullptr, out);
    }
    return;
  }
  if (!e.type) {
    if (name != "resourceType") append_member(nullptr, e.value->find(name), nullptr, out);
    return;
  }
  if (const auto* info = find_element(*e.type, name)) {
    // `valueQuantity` is how JSON writes it, not its name in the model.
    if (info->choice.empty()) append_named(e, info, name, out);
    return;
  }
  for (const auto& [member, value] : *e.value->if_object()) {
    const bool extra = member.starts_with('_');
    const auto plain = std::string_view(member).substr(extra ? 1 : 0);
    if (plain.size() <= name.size() || !plain.starts_with(name)) continue;
    const auto* info = find_element(*e.type, plain);
    if (!info || info->choice != name || DSF_MUTANT("fhir.path_choice_ignored")) continue;
    if (extra && e.value->find(plain)) continue;  // taken together with its value
    append_named(e, info, plain, out);
  }
}

void append_all_children(const element& e, collection& out) {
  const auto* object = e.value ? e.value->if_object() : nullptr;
  if (!object) {
    if (const auto* extra = e.sibling ? e.sibling->if_object() : nullptr; extra && e.type)
      for (const auto& [member, value] : *extra) append_member(find_element(*e.type, member), &value, nullptr, out);
    return;
  }
  for (const auto& [member, value] : *object) {
    if (member == "resourceType" || member == "fhir_comments") continue;
    if (member.starts_with('_')) {
      const auto plain = std::string_view(member).substr(1);
      if (!e.value->find(plain)) append_member(e.type ? find_element(*e.type, plain) : nullptr, nullptr, &value, out);
      continue;
    }
    const auto* info = e.type ? find_element(*e.type, member) : nullptr;
    append_member(info, &value, is_primitive(info) ? sibling_of(*e.value, member) : nullptr, out);
  }
}

void append_children(const item& i, std::string_view name, collection& out) {
  if (const auto* e = std::get_if<element>(&i)) return append_children(*e, name, out);
  if (const auto* t = std::get_if<std::shared_ptr<const type_ref>>(&i)) {
    if (name == "namespace") out.emplace_back((*t)->name_space);
    if (name == "name") out.emplace_back((*t)->name);
  }
  if (const auto* q = std::get_if<quantity_ptr>(&i)) {
    if (name == "value") out.emplace_back((*q)->value);
    if (name == "unit") out.emplace_back((*q)->unit);
  }
}

void append_all_children(const item& i, collection& out) {
  if (const auto* e = std::get_if<element>(&i)) append_all_children(*e, out);
}

}  // namespace dsf::fhir::path

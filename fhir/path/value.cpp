#include "fhir/path/value.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace dsf::fhir::path {
namespace {

// R4 fhirpath.html: a Quantity with a comparator is no System.Quantity; UCUM's codes of time are the calendar's keywords.
std::optional<item> quantity_of(const base::json& q) {
  if (q.find("comparator")) return {};
  const auto* number = q["value"].if_number();
  if (!number) return {};
  const auto value = decimal::parse(number->text);
  if (!value) return {};
  const bool ucum = q["system"].str() == "http://unitsofmeasure.org";
  const auto& code = q["code"].str();
  if (ucum && code == "a") return make_item({*value, "year", true});
  if (ucum && code == "mo") return make_item({*value, "month", true});
  if (!code.empty()) return make_item({*value, code, false});
  if (const auto& unit = q["unit"].str(); !unit.empty()) return make_item({*value, unit, false});
  return make_item({*value, "1", false});
}

template <class T>
std::optional<item> wrapped(std::optional<T> v) {
  return v ? std::optional<item>(std::move(*v)) : std::nullopt;
}

std::string_view system_name(const item& i) {
  static constexpr std::array<std::string_view, 3> temporal_names{"Date", "DateTime", "Time"};
  switch (i.index()) {
    case 1: return "Boolean";
    case 2: return "Integer";
    case 3: return "Decimal";
    case 4: return "String";
    case 5: return temporal_names[static_cast<std::size_t>(std::get<temporal>(i).kind)];
    case 6: return "Quantity";
    case 7: return "TypeInfo";
    default: return {};
  }
}

constexpr std::array<std::string_view, 10> system_types{"Any",     "Boolean",  "Date",   "DateTime", "Decimal",
                                                        "Integer", "Quantity", "String", "Time",     "TypeInfo"};

}  // namespace

element element::of(const base::json& resource) { return {&resource, nullptr, find_type(resource["resourceType"].str())}; }

bool has_value(const element& e) { return e.value && !e.value->is_null() && !e.value->is_object() && !e.value->is_array(); }

std::string_view primitive_text(const element& e) {
  if (!e.value) return {};
  if (const auto* s = e.value->if_string()) return *s;
  if (const auto* n = e.value->if_number()) return n->text;
  if (const auto* b = e.value->if_bool()) return *b ? "true" : "false";
  return {};
}

std::optional<item> system_value(const element& e) {
  if (!e.value) return {};
  if (e.value->is_object()) {
    if (e.type && derives_from(*e.type, "Quantity")) return quantity_of(*e.value);
    return {};
  }
  if (!has_value(e)) return {};
  const auto text = primitive_text(e);
  switch (e.type ? e.type->primitive : primitive::none) {
    case primitive::boolean:
      if (const auto* b = e.value->if_bool()) return item(*b);
      return item(text == "true");
    case primitive::integer:
    case primitive::positive_int:
    case primitive::unsigned_int: {
      std::int32_t v = 0;
      const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), v);
      if (ec == std::errc{} && end == text.data() + text.size()) return item(v);
      return wrapped(decimal::parse(text));
    }
    case primitive::decimal: return wrapped(decimal::parse(text));
    case primitive::date: return wrapped(temporal::parse(text, temporal_kind::date));
    case primitive::date_time:
    case primitive::instant: return wrapped(temporal::parse(text, temporal_kind::date_time));
    case primitive::time: return wrapped(temporal::parse(text, temporal_kind::time));
    case primitive::none:
      if (const auto* b = e.value->if_bool()) return item(*b);
      if (e.value->is_number()) return wrapped(decimal::parse(text));
      break;
    default: break;
  }
  return item(std::string(text));
}

std::optional<item> system_value(const item& i) {
  if (const auto* e = std::get_if<element>(&i)) return system_value(*e);
  return i;
}

std::string type_name_of(const item& i) {
  const auto* e = std::get_if<element>(&i);
  if (!e) return fmt::format("System.{}", system_name(i));
  return fmt::format("FHIR.{}", e->type ? e->type->name : "Element");
}

bool derives_from(const type_info& type, std::string_view base) {
  for (const auto* t = &type; t; t = t->base.empty() ? nullptr : find_type(t->base))
    if (t->name == base) return true;
  return false;
}

std::optional<type_name> type_name::find(std::string_view name_space, std::string_view name) {
  type_name out;
  if (name_space.empty() || name_space == "FHIR") out.fhir = find_type(name);
  if ((name_space.empty() || name_space == "System") && std::ranges::binary_search(system_types, name))
    out.system = *std::ranges::lower_bound(system_types, name);
  if (!name_space.empty() && name_space != "FHIR" && name_space != "System") return {};
  // A type of another FHIR release is a name without instances here; a lower-case word is a mistake.
  if (!out.fhir && out.system.empty()) return {};
  return out;
}

bool is_a(const item& i, const type_name& type) {
  if (const auto* e = std::get_if<element>(&i))
    return (type.fhir && e->type && derives_from(*e->type, type.fhir->name)) || type.system == "Any";
  return !type.system.empty() && (type.system == "Any" || type.system == system_name(i));
}

std::optional<std::string> text_of(const item& i) {
  const auto v = system_value(i);
  if (!v) return {};
  switch (v->index()) {
    case 1: return std::get<bool>(*v) ? "true" : "false";
    case 2: return std::to_string(std::get<std::int32_t>(*v));
    case 3: return std::get<decimal>(*v).to_string();
    case 4: return std::get<std::string>(*v);
    case 5: return std::get<temporal>(*v).to_string();
    case 6: return std::get<quantity_ptr>(*v)->to_string();
    default: return {};
  }
}

}  // namespace dsf::fhir::path

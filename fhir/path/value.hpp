// What a FHIRPath collection holds: elements of a resource (pointed to, never copied) and System values. FHIRPath N1, 2
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/json.hpp"
#include "fhir/model/model.hpp"
#include "fhir/path/decimal.hpp"
#include "fhir/path/quantity.hpp"
#include "fhir/path/temporal.hpp"

namespace dsf::fhir::path {

// A node of a resource. The JSON must outlive it.
struct element {
  const base::json* value = nullptr;     // null for a primitive that has extensions only
  const base::json* sibling = nullptr;   // the member `_name` beside a primitive
  const type_info* type = nullptr;       // null: not in the model; navigated by member names

  // A whole resource; its type comes from `resourceType`.
  static element of(const base::json& resource);
  bool operator==(const element&) const = default;
};

struct type_ref {
  std::string name_space;                // "FHIR", "System"
  std::string name;
  bool operator==(const type_ref&) const = default;
};

using quantity_ptr = std::shared_ptr<const quantity>;
using item = std::variant<element, bool, std::int32_t, decimal, std::string, temporal, quantity_ptr, std::shared_ptr<const type_ref>>;
using collection = std::vector<item>;

inline item make_item(quantity q) { return std::make_shared<const quantity>(std::move(q)); }

// The System value of an item: a primitive's value, a FHIR Quantity as a quantity, System values themselves. Nothing for other elements
// and for primitives without a value. R4 fhirpath.html, "Type safety" (implicit conversion)
std::optional<item> system_value(const item& i);
std::optional<item> system_value(const element& e);

bool has_value(const element& e);
// The text of any primitive, "" if there is none.
std::string_view primitive_text(const element& e);

// "FHIR.Patient", "System.Integer", for messages.
std::string type_name_of(const item& i);

// `name` of each: polymorphic choices by their stem (`value`), extensions of primitives, contained resources with their own type.
void append_children(const element& e, std::string_view name, collection& out);
void append_all_children(const element& e, collection& out);
void append_children(const item& i, std::string_view name, collection& out);
void append_all_children(const item& i, collection& out);

// A type of FHIRPath or of the model. `is`, `as`, ofType
struct type_name {
  const type_info* fhir = nullptr;
  std::string_view system;               // "Integer"; empty: none. A name may mean both: Quantity.
  // "FHIR.code", "System.String", "Patient"; nothing if there is no such type.
  static std::optional<type_name> find(std::string_view name_space, std::string_view name);
};
bool is_a(const item& i, const type_name& type);
bool derives_from(const type_info& type, std::string_view base);

// FHIRPath text of a value, as toString() gives it; nothing for elements that are no primitives.
std::optional<std::string> text_of(const item& i);

}  // namespace dsf::fhir::path

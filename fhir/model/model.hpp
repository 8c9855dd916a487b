// The R4 model as tables: types, elements in definition order, bindings. Compiled at build time from the R4 definitions (generate.py).
// All of it is constant data; pointers and views stay valid for ever.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace dsf::fhir {

enum class type_kind : std::uint8_t { primitive, complex, backbone, resource };

enum class primitive : std::uint8_t {
  none,
  base64_binary,
  boolean,
  canonical,
  code,
  date,
  date_time,
  decimal,
  id,
  instant,
  integer,
  markdown,
  oid,
  positive_int,
  string,
  time,
  unsigned_int,
  uri,
  url,
  uuid,
  xhtml,
};

// How an element looks in XML: <name value="..."/>, name="..." on its parent, or an XHTML div.
enum class xml_form : std::uint8_t { element, attribute, xhtml };

enum class binding_strength : std::uint8_t { required, extensible, preferred, example };

struct coded {
  std::string_view system;
  std::string_view code;
};

struct binding_info {
  std::string_view value_set;        // canonical URL without version
  binding_strength strength = binding_strength::example;
  bool complete = false;             // `codes` is the whole value set
  std::span<const coded> codes;      // sorted by code; only of required bindings whose value set can be listed

  [[nodiscard]] bool contains(std::string_view code) const;
};

struct type_info;

struct element_info {
  std::string_view name;                        // as in JSON: "status"; "valueString" for that variant of value[x]
  std::string_view choice;                      // "value" for the variants of value[x]; else empty
  const type_info* type = nullptr;              // Resource (abstract) where any resource may stand
  const binding_info* binding = nullptr;        // may be null
  std::span<const std::string_view> targets;    // resource types a Reference or canonical may point to; "Resource" = any
  std::uint8_t position = 0;                    // order in the definition; the variants of a choice share it
  std::uint8_t min = 0;                         // of a choice: any one variant
  bool array = false;
  bool summary = false;
  bool modifier = false;
  xml_form xml = xml_form::element;
};

struct type_info {
  std::string_view name;                        // "Task", "Coding", "string"; "Task.input" for a backbone element
  std::string_view base;                        // "DomainResource", "Element", ...; empty at the root
  type_kind kind = type_kind::complex;
  fhir::primitive primitive = fhir::primitive::none;
  bool abstract = false;                        // Resource, DomainResource, Element, BackboneElement
  std::uint64_t required = 0;                   // bit n: the element at position n has min > 0
  std::span<const element_info> elements;       // in definition order, inherited ones included; primitives: id and extension only
  std::span<const std::uint16_t> by_name;       // indexes into elements, sorted by name
};

// "Task", "HumanName", "string", "Task.input"; null if there is no such type.
const type_info* find_type(std::string_view name);
// Null if the type has no such element. `name` is the JSON name without a leading underscore.
const element_info* find_element(const type_info& type, std::string_view name);
// All types, sorted by name.
std::span<const type_info> all_types();

// A concrete resource type of R4 (not Resource or DomainResource).
bool is_resource(std::string_view name);
bool is_primitive(std::string_view name);
// The 26 types with routes of their own, sorted. dsf-fhir-server 1.1
std::span<const std::string_view> served_types();
bool is_served(std::string_view name);

}  // namespace dsf::fhir

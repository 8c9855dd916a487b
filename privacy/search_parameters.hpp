// The FHIR search parameters that criteria can be evaluated by, and how their values are read out of a resource.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "privacy/calendar.hpp"
#include "privacy/error.hpp"

namespace dsf::privacy {

enum class parameter_kind : std::uint8_t {
  token,               // Coding, CodeableConcept, Identifier
  code,                // a primitive code: compared without its system
  quantity,
  date,                // date, dateTime, instant or Period
  reference,
  composite_quantity,  // a component's code and quantity
  composite_token,     // a component's code and concept
};

// Paths are dotted; `|` separates alternatives; a step `extension(url)` takes the extensions of that URL; lists are entered.
// Composite parameters have the path of the component, and in it the paths of code and value.
struct search_parameter {
  std::string_view type;
  std::string_view name;
  parameter_kind kind;
  std::string_view path;
  std::string_view code_path = {};
  std::string_view value_path = {};
  bool value_is_code = false;  // a composite whose value is a primitive code
};

// Of one resource type, in a fixed order; empty for a type that is not indexed.
std::span<const search_parameter> parameters_of(std::string_view type);
const search_parameter* find_parameter(std::string_view type, std::string_view name);

struct token_value {
  std::string_view system;
  std::string_view code;
};
struct quantity_value {
  double value;
  std::string_view unit_code;
  std::string_view unit_text;
};
struct reference_value {
  std::string_view type;
  std::string_view id;
};
// All values of one parameter in one resource; views point into the resource. Only the lists of the parameter's kind are filled;
// in a composite, `codes[i]` belongs to `quantities[i]` or `tokens[i]`.
struct extracted {
  std::vector<token_value> tokens;
  std::vector<quantity_value> quantities;
  std::vector<day_range> dates;
  std::vector<reference_value> references;
  std::vector<token_value> codes;
  void clear();
};
base::result<void> extract(const search_parameter& parameter, const base::json& resource, extracted& into);

// "Patient/p1" or "https://host/fhir/Patient/p1/_history/3" -> {Patient, p1}; empty when it names no resource by type and id.
reference_value split_reference(std::string_view text);
// Whose resource it is: a Patient itself, or what `subject` or `patient` refers to; an empty id when it belongs to no one.
std::string_view patient_of(const base::json& resource);

// Checks what an index or a store relies on: a resource type, an id, and readable values of the parameters above.
base::result<void> check_clinical(const base::json& resource);

}  // namespace dsf::privacy

// What an evaluation may know besides the resource. FHIRPath N1, 9; R4 fhirpath.html, "Additional functions" and "Use of environment variables"
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "fhir/path/value.hpp"

namespace dsf::fhir::path {

using base::result;

// What only the caller can answer. Every default says that it can't.
class host {
public:
  virtual ~host() = default;
  // The target of a reference that is neither contained nor in the same Bundle; its JSON must live until the evaluation is over.
  virtual std::optional<element> resolve(std::string_view reference);
  // Nothing: the profile is not known.
  virtual std::optional<bool> conforms_to(const element& e, std::string_view profile);
  // Whether a code, Coding or CodeableConcept is in the value set; nothing: the value set is not known.
  virtual std::optional<bool> member_of(const element& e, std::string_view value_set);
  // Whether the text of a narrative is what R4 narrative.html allows.
  virtual std::optional<bool> html_checks(std::string_view xhtml);
  // trace(): what passes by.
  virtual void trace(std::string_view name, const collection& items);
};

struct evaluation_limits {
  std::size_t steps = 10'000;  // evaluated nodes, visited items and comparisons together
  std::size_t items = 100'000;  // in one collection
  std::size_t text_bytes = 1u << 20;  // of one string
  std::size_t regex_bytes = 1'000;
};

struct environment {
  element resource;  // %resource: what holds the context; a contained resource is its own
  element root_resource;  // %rootResource: the outermost; usually the same
  std::optional<base::timestamp> now;  // without one now(), today() and timeOfDay() are errors
  int zone_minutes = 0;  // of now(), today() and timeOfDay()
  std::map<std::string, collection, std::less<>> variables;
  path::host* host = nullptr;
  // resolve() makes of "Patient/1", when nobody knows it, an empty Patient: enough for `resolve() is Patient` in search parameters.
  bool references_by_type = false;
  // N1 says that `as` takes one item; the R4 definitions need it as a filter of several, and so does this library unless told.
  bool strict_as = false;
  evaluation_limits limits;

  // For a resource that nothing contains.
  static environment of(const base::json& resource);
};

}  // namespace dsf::fhir::path

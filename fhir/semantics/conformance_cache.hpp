// Task profiles and the other conformance resources that each write is checked against, read once and kept. Immutable; the endpoint builds a new one
// when a commit has touched one of the types.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/json.hpp"
#include "fhir/semantics/view.hpp"

namespace dsf::fhir {

class profile;

class conformance_cache {
public:
  // StructureDefinitions, CodeSystems (top-level concepts), ValueSets (enumerated ones) and NamingSystems (logical reference check).
  static base::result<std::shared_ptr<const conformance_cache>> build(const resource_view& view);
  static bool depends_on(std::string_view type) {
    return type == "StructureDefinition" || type == "CodeSystem" || type == "ValueSet" || type == "NamingSystem";
  }

  // By url or url|version; without version the newest of them. Null if unknown or retired.
  std::shared_ptr<const profile> profile_of(std::string_view canonical) const;
  // Null if the CodeSystem is not here. `system` is url or url|version.
  const std::unordered_set<std::string>* concepts_of(std::string_view system) const;
  // Codes as "system|code"; null if the ValueSet is not here or can't be enumerated.
  const std::unordered_set<std::string>* value_set(std::string_view canonical) const;
  // A NamingSystem demands that logical references with this identifier system resolve (dsf-fhir-server 4.2).
  bool checks_logical_references(std::string_view system) const { return checked_systems_.contains(std::string(system)); }
  // Urls without version of the resource profiles known here, by type, sorted; for metadata.
  const std::unordered_map<std::string, std::vector<std::string>>& supported_profiles() const { return supported_; }

private:
  std::unordered_map<std::string, std::shared_ptr<const profile>> profiles_;
  std::unordered_map<std::string, std::unordered_set<std::string>> concepts_;
  std::unordered_map<std::string, std::unordered_set<std::string>> value_sets_;
  std::unordered_set<std::string> checked_systems_;
  std::unordered_map<std::string, std::vector<std::string>> supported_;
};

}  // namespace dsf::fhir

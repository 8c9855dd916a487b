// Value sets as lists of concepts in their order (R4 valueset.html, "Composition Rules"): for bindings, and for $expand.
#pragma once

#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "base/json.hpp"
#include "base/result.hpp"

namespace dsf::fhir {

struct listed_concept {
  std::string system, version, code;   // version: of the code system, where the value set names one
  std::string display;                 // may be empty
  bool abstract = false;               // only to group others
  bool inactive = false;
};
using concept_list = std::vector<listed_concept>;

// Lists value sets of the server, and those of R4 that the model tables know. Each is listed once.
class value_set_lister {
public:
  // A CodeSystem or ValueSet by canonical; null: not known. A pointer stays valid as long as the lister is used.
  using lookup = std::function<base::result<const base::json*>(std::string_view type, std::string_view canonical)>;
  using outcome = std::expected<std::shared_ptr<const concept_list>, std::string>;

  explicit value_set_lister(lookup find) : find_(std::move(find)) {}

  // Or why it can't be listed from what is here: a code system that is missing or incomplete, a filter that is not understood, more
  // than 200,000 codes.
  outcome expand(std::string_view canonical);
  // One that may not be on the server.
  outcome list(const base::json& value_set);

private:
  using listed = std::expected<concept_list, std::string>;
  listed parts(const base::json& list, std::string_view name);
  listed part(const base::json& one);
  listed system(const base::json& one);

  lookup find_;
  std::map<std::string, outcome, std::less<>> done_;
  std::vector<std::string> open_;      // value sets on the way: one that contains itself can't be listed
};

}  // namespace dsf::fhir

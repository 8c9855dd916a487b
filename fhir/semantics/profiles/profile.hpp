// A StructureDefinition compiled for checking: the constraints of its whole chain merged by element id (dsf-fhir-server 4.5, dsf-bpe 1.3).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "fhir/issue.hpp"

namespace dsf::fhir {

class conformance_cache;

struct slice_discriminator {
  std::string type;                      // value, pattern, exists, type, profile
  std::string path;
};

// What one element of a profile, or one slice of it, must obey; children below it.
struct element_rule {
  std::string name;                      // last step of the path: "input", "value[x]"
  std::string slice;                     // name of the slice; empty: the element itself
  std::string id;                        // "Task.input:message-name.value[x]"
  std::optional<std::uint32_t> min, max; // max without a value: no limit, or not said
  base::json fixed, pattern;             // null: none
  std::vector<std::string> types;        // codes; empty: any
  std::vector<std::string> type_profiles;
  std::string required_value_set;
  std::vector<slice_discriminator> discriminators;
  std::string slicing_rules;             // open, closed, openAtEnd
  std::vector<std::string> constraints;  // keys of invariants
  std::vector<element_rule> children;    // an element before its slices

  element_rule* child(std::string_view child_name, std::string_view child_slice);
  const element_rule* child(std::string_view child_name, std::string_view child_slice = {}) const;
};

class profile {
public:
  // Base first: each StructureDefinition's differential (its snapshot if it has none) is laid over those before.
  static std::shared_ptr<const profile> compile(const std::vector<const base::json*>& chain);

  const std::string& url() const { return url_; }
  const std::string& version() const { return version_; }
  const std::string& type() const { return type_; }
  const element_rule& root() const { return root_; }

private:
  std::string url_, version_, type_;
  element_rule root_;
};

// All faults of the resource; at most `limit`. Value sets come from the cache; unknown ones bind nothing.
std::vector<issue> check_profile(const base::json& resource, const profile& against, const conformance_cache& conformance,
                                 std::size_t limit = 50);

// All profiles in meta.profile of a Task; one that this server does not know is an error.
std::vector<issue> check_task_profiles(const base::json& task, const conformance_cache& conformance);

// dsf-fhir-server 4.4; "" for Task.
std::string default_profile(std::string_view type);
// Adds the default profile if no default of the type is there.
void add_default_profile(base::json& resource);

}  // namespace dsf::fhir

// A StructureDefinition compiled for checking: the constraints of its whole chain merged by element id, over the R4 model tables
// (dsf-fhir-server 4.5, dsf-bpe 1.3; R4 profiling.html). What no profile says about an element is not in it: the codec has checked that.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "base/result.hpp"
#include "fhir/issue.hpp"
#include "fhir/model/model.hpp"
#include "fhir/semantics/profiles/invariants.hpp"

namespace dsf::fhir {

class canonical_map;
class code_set;
class conformance_cache;
class terminology;

// How an element may stand in JSON: "valueString" of type string.
struct value_form {
  std::string member;
  std::string code;
  const type_info* type = nullptr;
};

// One step of a discriminator's path. R4 profiling.html, "Discriminator"
struct path_step {
  enum class kind : std::uint8_t { member, resolve, of_type, extension };
  kind what = kind::member;
  std::string text;                      // name, type or url
};

struct slice_discriminator {
  enum class kind : std::uint8_t { value, exists, type, profile };
  kind what = kind::value;
  std::string path;
};

// What a value must fulfil to belong to a slice, for one discriminator.
struct slice_test {
  slice_discriminator::kind what = slice_discriminator::kind::value;
  std::vector<path_step> path;
  std::vector<base::json> any_of;        // value: fixed ones and patterns
  bool exact = false;                    // value: equal, not only containing
  std::shared_ptr<const code_set> codes; // value: of a required binding
  bool present = true;                   // exists
  std::vector<std::string> types;        // type: codes
  std::vector<std::string> profiles;     // profile
};

// What one element of a profile, or one slice of it, must obey; its slices, and the elements below it.
struct element_rule {
  std::string name;                      // without [x]
  bool choice = false;                   // value[x]
  std::string slice;                     // name of the slice; empty: the element itself
  std::string id;                        // "Task.input:message-name.value[x]"
  std::vector<value_form> forms;
  std::optional<std::uint32_t> min, max; // max without a value: no limit, or not said
  base::json fixed, pattern;             // null: none
  base::json min_value, max_value;
  std::optional<std::uint64_t> max_length;
  std::vector<std::string> types;        // codes; empty: any
  std::vector<std::string> type_profiles;
  std::vector<std::string> targets;      // resource types that a reference may point to; empty: any
  std::string required_value_set;
  std::shared_ptr<const code_set> codes; // of the required binding; null: not known here
  std::vector<slice_discriminator> discriminators;
  bool sliced_here = false;              // `slicing` was said, or the element is sliced by R4 itself
  bool closed = false, open_at_end = false, ordered = false;
  std::vector<invariant> invariants;
  std::vector<slice_test> tests;         // of a slice
  std::vector<element_rule> slices;
  std::vector<element_rule> children;

  element_rule* child(std::string_view child_name);
  const element_rule* child(std::string_view child_name) const;
  element_rule* slice_named(std::string_view slice_name);
};

class profile {
public:
  // Base first: each StructureDefinition's differential (its snapshot if it has none) is laid over those before. An error names the
  // StructureDefinition and the element that do not fit (place "url|version#Task.input:x").
  static base::result<std::shared_ptr<const profile>> compile(const std::vector<const base::json*>& chain, const canonical_map& definitions,
                                                              terminology& codes);
  // A profile that can't be used, and why.
  static std::shared_ptr<const profile> broken(const base::json& definition, std::string why);

  const std::string& url() const { return url_; }
  const std::string& version() const { return version_; }
  const std::string& type() const { return type_; }
  const element_rule& root() const { return root_; }
  // Empty: it can be used.
  const std::string& fault() const { return fault_; }
  // Of an extension: the elements it may stand on ("Task.output"); empty: anywhere.
  const std::vector<std::string>& contexts() const { return contexts_; }

private:
  friend class profile_compiler;
  std::string url_, version_, type_, fault_;
  std::vector<std::string> contexts_;
  element_rule root_;
};

// All faults of the resource; at most `limit`. Value sets that are not known bind nothing.
std::vector<issue> check_profile(const base::json& resource, const profile& against, const conformance_cache& conformance,
                                 std::size_t limit = 50);

// Everything that profiles say about a resource: those in meta.profile, of which an unknown one is an error; its extensions; and the
// profiles of contained resources and of those in a Bundle, as far as they are known.
std::vector<issue> check_profiles(const base::json& resource, const conformance_cache& conformance, std::size_t limit = 50);

// dsf-fhir-server 4.4; "" for Task.
std::string default_profile(std::string_view type);
// Adds the default profile if no default of the type is there.
void add_default_profile(base::json& resource);

}  // namespace dsf::fhir

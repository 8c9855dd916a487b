// One resource on its way through profiles. Private to the profiles.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fhir/issue.hpp"
#include "fhir/semantics/profiles/profile.hpp"
#include "fhir/semantics/profiles/slicing.hpp"

namespace dsf::fhir {

class check_run {
public:
  check_run(const base::json& resource, const conformance_cache& conformance, std::size_t limit)
      : resource_(&resource), conformance_(conformance), limit_(limit) {}

  // `resource` itself; its path begins with its type, or with what enter() opened.
  void check(const profile& p);
  // Extensions, and the profiles of resources inside of it.
  void walk();
  void add_error(std::string_view code, std::string path, std::string text) { put("error", code, std::move(path), std::move(text)); }

  std::vector<issue> take() && { return std::move(issues_); }

private:
  struct step {
    std::string_view name;
    std::ptrdiff_t index;                // -1: not in an array
  };
  struct context;                        // what an extension stands on

  void value_of(const profile& p, const value_ref& v);
  void children(const element_rule& rule, const value_ref& parent);
  void element(const element_rule& rule, const value_ref& parent);
  std::size_t gather(const element_rule& rule, const value_ref& parent);
  void slices(const element_rule& rule, std::size_t begin, std::size_t end);
  void cardinality(const element_rule& rule, std::size_t count);
  void value(const element_rule& rule, const value_ref& v);
  void fixed_parts(const element_rule& rule, const value_ref& v);
  void limits(const element_rule& rule, const base::json& v);
  void binding(const element_rule& rule, const base::json& v);
  void target(const element_rule& rule, const base::json& v);
  void type_profiles(const element_rule& rule, const value_ref& v);
  void invariants(const element_rule& rule, const value_ref& v);
  bool conforms(const value_ref& v, const std::string& canonical);

  void walk_members(const base::json& object);
  void extension(const base::json& e, bool modifier);
  bool stands_where_allowed(const profile& p) const;
  void inner_resource(const base::json& resource);

  // A fault of the current place; the text is made only where somebody reads it.
  template <class Text>
  void fault(const element_rule& rule, std::string_view code, const Text& text, std::string_view severity = "error");
  void put(std::string_view severity, std::string_view code, std::string path, std::string text);
  [[nodiscard]] std::string path() const;

  struct found {
    value_ref v;
    std::ptrdiff_t index;
    const element_rule* slice = nullptr;
  };

  const base::json* resource_;
  const conformance_cache& conformance_;
  std::size_t limit_;
  const profile* profile_ = nullptr;
  std::size_t nesting_ = 0;              // of profiles inside of profiles
  std::size_t quiet_ = 0;                // only asking whether a value conforms
  std::size_t faults_ = 0;
  std::vector<step> path_;
  std::vector<found> found_;             // a stack: each element's values while it is looked at
  std::vector<issue> issues_;
};

}  // namespace dsf::fhir

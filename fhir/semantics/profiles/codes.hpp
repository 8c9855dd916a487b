// Value sets as lists of codes: what a required binding is checked against (dsf-fhir-server 4.5; R4 valueset.html, "Composition Rules").
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "fhir/semantics/profiles/canonicals.hpp"
#include "fhir/semantics/profiles/value_sets.hpp"

namespace dsf::fhir {

class code_set {
public:
  void add(std::string_view system, std::string_view code);

  bool contains(std::string_view system, std::string_view code) const;
  // Of any system: for elements of type code, which carry none.
  bool contains_code(std::string_view code) const;
  bool empty() const { return systems_.empty(); }
  std::size_t size() const;
  void each(const std::function<void(const std::string& system, const std::string& code)>& visit) const;

private:
  struct hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  // By code; nearly always there is one system for it.
  std::unordered_map<std::string, std::vector<std::string>, hash, std::equal_to<>> systems_;
};

// Lists value sets of this server, and those of R4 that the model tables know. Each is listed once.
class terminology {
public:
  terminology(const canonical_map& code_systems, const canonical_map& value_sets);

  // Null if the value set is not known, or can't be listed from what is here.
  std::shared_ptr<const code_set> expand(std::string_view canonical);

private:
  value_set_lister lister_;
  std::map<std::string, std::shared_ptr<const code_set>, std::less<>> done_;
};

}  // namespace dsf::fhir

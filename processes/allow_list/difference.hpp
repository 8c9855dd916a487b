// What a bundle would change here, and whether it may.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "processes/allow_list/bundle.hpp"

namespace dsf::processes::allow_list {

struct wishes {
  std::string own_organization;  // identifiers
  std::string own_endpoint;
  bool accept_own_changes = false;
  std::set<std::string> accept_parents;  // beside those that the own allow-list has
};

struct plan {
  base::json difference;            // {"organizations": {"added", "changed", "removed", "not-in-bundle"}, ..., "thumbprints", "roles"}
  bool empty = true;                // nothing differs
  std::vector<std::string> faults;  // why it must not be applied
  base::json transaction;           // what differs, and nothing else
};
plan make_plan(const content& local, std::string_view base, const reading& bundle, const wishes& w);

// Of a difference, for people: "+ organization hospital-c.example (Hospital C)".
std::vector<std::string> lines_of(const base::json& difference);
// "2 organizations added, 1 thumbprint removed", "no difference"
std::string summary_of(const base::json& difference);

}  // namespace dsf::processes::allow_list

// The allow-list as a Bundle: a transaction of conditional updates (dsf-bpe 9.3), made here and read from others.
#pragma once

#include <string>
#include <vector>

#include "base/json.hpp"
#include "processes/allow_list/content.hpp"

namespace dsf::processes::allow_list {

inline constexpr std::size_t max_entries = 5'000;  // as the endpoint takes in one transaction
inline constexpr std::size_t max_faults = 20;      // told of one bundle

// Everything in `local`, in a fixed order and with fixed temporary ids, so that the same list makes the same bundle. What refers to something
// that is not there is left out and added to `left_out`.
base::json make_bundle(const content& local, std::string_view base, std::vector<std::string>& left_out);

struct reading {
  content list;  // what the bundle updates
  std::vector<key> deletions;  // affiliations perhaps without an endpoint: then of all endpoints
  std::vector<std::string> faults;  // why it is no allow-list; empty: it is one
};
// Looks at the bundle alone, and at all of it.
reading read_bundle(const base::json& bundle);

}  // namespace dsf::processes::allow_list

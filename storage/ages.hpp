// How old things are, in the order in which they were made, without their content; for what is removed by age.
#pragma once

#include <cstdint>
#include <vector>

#include "base/clock.hpp"
#include "base/uuid.hpp"
#include "storage/view.hpp"

namespace dsf::storage {

struct instance_age {
  std::uint64_t instance = 0;
  base::timestamp started;
  base::timestamp ended;  // 0 while it lives
  bool has_data_key = false;
};
// From the id `from` on; at most `limit`.
result<std::vector<instance_age>> instance_ages(const store_view& view, std::uint64_t from, std::size_t limit);

struct resource_age {
  std::uint32_t ordinal = 0;  // grows in the order of creation
  base::uuid id;
  std::uint64_t version = 0;
  bool deleted = false;
  base::timestamp last_updated;
};
// Current and deleted resources of a type; at most `limit`.
result<std::vector<resource_age>> resource_ages(const store_view& view, std::string_view type, std::uint32_t from, std::size_t limit);

}  // namespace dsf::storage

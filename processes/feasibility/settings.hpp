// The site's configuration of feasibility (README.md of this folder), read and checked.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "base/result.hpp"
#include "privacy/rate_limit.hpp"

namespace dsf::processes::feasibility {

enum class strategy : std::uint8_t { cql, ccdl };

struct store {
  std::string name;
  bool native = false;   // the site's own repository
  std::string base_url;  // else
  strategy evaluation = strategy::ccdl;
};

struct network {
  std::string name;  // a parent organisation, or "all"
  privacy::rate_limit limit;
  std::vector<store> stores;
  std::vector<store> with(strategy wanted) const;
};

// The network of this parent organisation, else "all".
base::result<network> network_for(const base::json& configuration, std::string_view parent_organization);
bool has_network(const base::json& configuration, std::string_view parent_organization);
std::int64_t request_task_timeout_us(const base::json& configuration);

}  // namespace dsf::processes::feasibility

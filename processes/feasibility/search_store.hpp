// Counting a cohort in an external FHIR server by searches (domain 3.4).
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "plugins/handler.hpp"
#include "privacy/search_translation.hpp"

namespace dsf::processes::feasibility {

struct search_limits {
  std::size_t pages = 100'000;        // of one search
  std::size_t patients = 50'000'000;  // of all searches
};

struct search_run {
  plugins::fhir_client& store;
  std::string base_url;                           // pages are followed below it and nowhere else
  std::function<base::result<void>()> may_go_on;  // asked before each request
  search_limits limits = {};
};

// The number of patients. A page that says its search was not done as asked is an error: half a count is none.
base::result<std::uint64_t> count_by_searches(search_run& run, const privacy::search_plan& plan);

}  // namespace dsf::processes::feasibility

// How the sites of a simulation are called.
#pragma once

#include <fmt/format.h>

#include <string>

namespace dsf::simulation {

inline constexpr unsigned sites_at_most = 5;
inline constexpr unsigned places_at_most = 2 * sites_at_most;  // the engines of split sites come behind the sites
inline constexpr std::int64_t begin_us = 1'800'000'000'000'000;  // when every run begins

inline std::string organization_of(unsigned site) { return fmt::format("site-{}.simulation.test", site); }
inline std::string host_of(unsigned site) { return fmt::format("s{}.simulation.test", site); }
inline std::string base_url_of(unsigned site) { return "https://" + host_of(site) + "/fhir"; }
inline std::string thumbprint_of(unsigned site) { return std::string(128, static_cast<char>('a' + site)); }

}  // namespace dsf::simulation

// Synthetic patients for demos, tests and benchmarks: no real person, always the same for the same seed.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "base/json.hpp"
#include "privacy/calendar.hpp"
#include "privacy/error.hpp"

namespace dsf::privacy {

// The truth about what was generated, counted while generating and without the evaluator, by the names of demo_queries().
struct generator_ledger {
  std::uint64_t patients = 0;
  std::uint64_t resources = 0;
  std::map<std::string, std::uint64_t, std::less<>> counts;
  base::json to_json() const;  // {"patients": n, "resources": n, "counts": {...}}
};

struct generator_settings {
  std::string site;                    // part of every id, and of the seed: two sites never share a patient
  std::uint64_t seed = 1;
  std::uint32_t patients = 2'000;
  day today = {20'454};                // 2026-01-01; ages in the ledger count to this day, dates lie before it
};

// A FHIR R4 resource: Patient, Condition, Observation or Consent. An error ends the generation.
using resource_sink = std::function<base::result<void>(const base::json& resource)>;

// Resources of one patient follow each other, the Patient first. `site` may hold letters, digits and '-', at most 32.
base::result<generator_ledger> generate(const generator_settings& settings, const resource_sink& sink);

}  // namespace dsf::privacy

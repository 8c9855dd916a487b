// Any bytes as a query: read or refused, and what was read can be evaluated against the demo's mapping and a few patients.
#include <cstdlib>

#include "privacy/cohort.hpp"
#include "privacy/demo_data.hpp"
#include "privacy/generator.hpp"

using namespace dsf;
using namespace dsf::privacy;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto map = *mapping::parse(demo_mapping());
  static const auto tree = *ontology_tree::parse(demo_tree());
  static const auto index = [] {
    clinical_index out;
    if (!generate({.site = "fuzz", .seed = 1, .patients = 20}, [&](const base::json& r) { return out.add(r); }) || !out.seal())
      std::abort();
    return out;
  }();
  const auto query = parse_ccdl({reinterpret_cast<const char*>(data), size});
  if (!query) return 0;
  const auto counted = count_cohort(index, *query, map, tree, {20'454});
  if (counted && counted->count > index.patients()) std::abort();
  return 0;
}

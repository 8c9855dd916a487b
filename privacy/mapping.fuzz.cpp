// Any bytes as a mapping and as an ontology tree; what was read answers look-ups of its own keys.
#include <cstdlib>

#include "privacy/mapping.hpp"

using namespace dsf;
using namespace dsf::privacy;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto map = mapping::parse(text))
    for (const auto& e : map->entries())
      if (!map->find(e.context, e.key)) std::abort();
  if (const auto tree = ontology_tree::parse(text))
    if (tree->expand({"fdpg.mii.cds", "Diagnose", "", ""}, {"s", "E10", "", ""}).size() > tree->size()) std::abort();
  return 0;
}

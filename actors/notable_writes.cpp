#include "actors/notable_writes.hpp"

namespace dsf::actors {

std::vector<notable_write> notable_writes(const fhir::write_set& writes) {
  std::vector<notable_write> out;
  for (const auto& w : writes.writes)
    if (w.what == fhir::resource_write::kind::purge || w.type == "Organization" || w.type == "Endpoint" ||
        w.type == "OrganizationAffiliation")
      out.push_back({w.what, w.type, w.id});
  return out;
}

}  // namespace dsf::actors

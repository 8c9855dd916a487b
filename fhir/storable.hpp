// The stored form of a resource: its JSON text with a gap in `meta` for what the commit gives, version and time. docs/design.md, decision 13
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "base/result.hpp"
#include "base/uuid.hpp"

namespace dsf::fhir {

struct storable {
  std::string bytes;  // {"resourceType":"Task","id":"...","meta":{...},...}
  std::uint32_t meta_at = 0;  // offset just after "meta":{
  bool operator==(const storable&) const = default;
};

// `resource` is a checked resource. Its id becomes `id`; meta.versionId and meta.lastUpdated are dropped, whoever sent them.
base::result<storable> make_storable(const base::json& resource, base::uuid id);

// The served bytes: versionId and lastUpdated (milliseconds) put in at `meta_at`.
std::string splice(std::string_view bytes, std::uint32_t meta_at, std::uint64_t version, base::timestamp last_updated);
inline std::string splice(const storable& s, std::uint64_t version, base::timestamp last_updated) {
  return splice(s.bytes, s.meta_at, version, last_updated);
}

}  // namespace dsf::fhir

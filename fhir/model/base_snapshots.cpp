#include "fhir/model/base_snapshots.hpp"

#include <zlib.h>

#include <algorithm>
#include <string>

#include "fhir/model/base_snapshots_impl.hpp"

namespace dsf::fhir {

base::json base_snapshot(std::string_view name) {
  const auto all = tables::snapshots;
  const auto at = std::ranges::lower_bound(all, name, {}, &tables::packed_snapshot::name);
  if (at == all.end() || at->name != name) return {};
  std::string text(at->size, '\0');
  uLongf size = text.size();
  const auto status =
      uncompress(reinterpret_cast<Bytef*>(text.data()), &size, reinterpret_cast<const Bytef*>(at->packed.data()), at->packed.size());
  // The build made it, and a test unpacks each of them.
  if (status != Z_OK || size != text.size()) return {};
  auto parsed = base::json::parse(text);
  return parsed ? *std::move(parsed) : base::json{};
}

}  // namespace dsf::fhir

// What the generated file defines.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace dsf::fhir::tables {

struct packed_snapshot {
  std::string_view name;
  std::size_t size = 0;     // of the text
  std::string_view packed;  // zlib
};
extern const std::span<const packed_snapshot> snapshots;  // sorted by name

}  // namespace dsf::fhir::tables

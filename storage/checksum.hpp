// CRC-32C (Castagnoli), as RocksDB's logs and table files use it.
#pragma once

#include <cstdint>
#include <string_view>

namespace dsf::storage {

// Continues `crc` (0 to begin) over `bytes`.
std::uint32_t crc32c(std::uint32_t crc, std::string_view bytes) noexcept;
// RocksDB stores checksums of data that holds checksums in this form.
constexpr std::uint32_t mask_crc(std::uint32_t crc) noexcept { return ((crc >> 15) | (crc << 17)) + 0xa282ead8U; }

}  // namespace dsf::storage

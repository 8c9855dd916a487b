// Bytes of a Binary that are too many for a row (docs/design.md, decision 15): a sealed file, and the few bytes about it that stand in the resource's sealed row.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/uuid.hpp"
#include "storage/sealing.hpp"

namespace dsf::storage {

// Who has it can read the file; so it is stored nowhere but under the data key of the resource, and erasing that key erases the file's content.
struct blob {
  base::uuid id;
  std::uint64_t size = 0;  // of the bytes in clear
  secret_key key;

  [[nodiscard]] std::string to_bytes() const;
  // damaged if they are not what to_bytes() made.
  static result<blob> from_bytes(std::string_view bytes);
};

// The file: 8 bytes "dsfblob1", then the bytes in chunks of 64 KiB, each sealed for its place: number, and whether it is the last one. An empty blob has one empty chunk.
inline constexpr std::string_view blob_magic = "dsfblob1";
inline constexpr std::uint64_t blob_chunk_bytes = 64 << 10;
inline constexpr std::uint64_t blob_seal_bytes = 28;  // nonce and tag of a chunk
[[nodiscard]] std::uint64_t blob_file_bytes(std::uint64_t size);
[[nodiscard]] std::string blob_chunk_name(base::uuid id, std::uint64_t number, bool last);

}  // namespace dsf::storage

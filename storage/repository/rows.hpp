// Keys and values of the repository's rows. Every value starts with a format byte.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "storage/errors.hpp"

namespace dsf::storage::repository_rows {

inline constexpr std::uint8_t format = 1;

// M name: settings of the repository itself.
inline std::string meta_key(std::string_view name) { return "M" + std::string(name); }
// R type id: a resource as imported.
inline std::string type_prefix(std::string_view type) {
  std::string out = "R";
  base::put_ordered(out, type);
  return out;
}
inline std::string resource_key(std::string_view type, std::string_view id) {
  auto out = type_prefix(type);
  out += id;
  return out;
}
// P source: how far the import of a file has come.
inline std::string position_key(std::string_view source) { return "P" + std::string(source); }
// I 0: header of the stored index; I n: its pieces.
inline std::string index_key(std::uint32_t piece) {
  std::string out = "I";
  base::put_u32(out, piece);
  return out;
}

struct import_position {
  std::uint64_t head_hash = 0;  // of the file's first bytes
  std::uint64_t size = 0;
  std::uint64_t offset = 0;  // bytes, or entries of a Bundle
  std::uint64_t line = 0;
  bool finished = false;
};
std::string encode(const import_position& p);
result<import_position> decode_position(std::string_view bytes);

struct index_header {
  std::uint64_t generation = 0;  // of the resources the index was built from
  std::uint32_t pieces = 0;
  std::uint64_t bytes = 0;
};
std::string encode(const index_header& h);
result<index_header> decode_index_header(std::string_view bytes);

std::string encode_number(std::uint64_t n);
result<std::uint64_t> decode_number(std::string_view bytes);

}  // namespace dsf::storage::repository_rows

#include "storage/repository/rows.hpp"

#include <fmt/format.h>

namespace dsf::storage::repository_rows {
namespace {

result<base::byte_reader> open_value(std::string_view bytes) {
  base::byte_reader in(bytes);
  const auto found = in.u8();
  if (!in.ok()) return fail(errc::damaged, "a row of the repository is empty");
  if (found != format)
    return fail(errc::newer_format, fmt::format("a row of the repository has format {}; this release reads {}", found, format));
  return in;
}
result<void> close_value(const base::byte_reader& in) {
  if (!in.at_end()) return fail(errc::damaged, "a row of the repository has the wrong length");
  return {};
}

}  // namespace

std::string encode(const import_position& p) {
  std::string out;
  base::put_u8(out, format);
  base::put_u64(out, p.head_hash);
  base::put_u64(out, p.size);
  base::put_u64(out, p.offset);
  base::put_u64(out, p.line);
  base::put_u8(out, p.finished ? 1 : 0);
  return out;
}
result<import_position> decode_position(std::string_view bytes) {
  auto in = TRY(open_value(bytes));
  import_position p;
  p.head_hash = in.u64();
  p.size = in.u64();
  p.offset = in.u64();
  p.line = in.u64();
  p.finished = in.u8() != 0;
  TRY(close_value(in));
  return p;
}

std::string encode(const index_header& h) {
  std::string out;
  base::put_u8(out, format);
  base::put_u64(out, h.generation);
  base::put_u32(out, h.pieces);
  base::put_u64(out, h.bytes);
  return out;
}
result<index_header> decode_index_header(std::string_view bytes) {
  auto in = TRY(open_value(bytes));
  index_header h;
  h.generation = in.u64();
  h.pieces = in.u32();
  h.bytes = in.u64();
  TRY(close_value(in));
  return h;
}

std::string encode_number(std::uint64_t n) {
  std::string out;
  base::put_u8(out, format);
  base::put_u64(out, n);
  return out;
}
result<std::uint64_t> decode_number(std::string_view bytes) {
  auto in = TRY(open_value(bytes));
  const auto n = in.u64();
  TRY(close_value(in));
  return n;
}

}  // namespace dsf::storage::repository_rows

#include "storage/blobs/blob.hpp"

#include "base/bytes.hpp"

namespace dsf::storage {
namespace {

constexpr char aside_format = 1;
constexpr std::size_t aside_bytes = 1 + 16 + 8 + secret_key::size;

}  // namespace

std::string blob::to_bytes() const {
  std::string out(1, aside_format);
  out += id.raw();
  base::put_u64(out, size);
  out += key.bytes();
  return out;
}

result<blob> blob::from_bytes(std::string_view bytes) {
  if (bytes.size() != aside_bytes || bytes[0] != aside_format)
    return fail(errc::damaged, "what a resource says of its blob does not read as that");
  base::byte_reader in(bytes.substr(17, 8));
  return blob{base::uuid::from_raw(bytes.substr(1, 16)), in.u64(), TRY(secret_key::from_bytes(bytes.substr(25)))};
}

std::uint64_t blob_file_bytes(std::uint64_t size) {
  const auto chunks = size == 0 ? 1 : (size + blob_chunk_bytes - 1) / blob_chunk_bytes;
  return blob_magic.size() + size + chunks * blob_seal_bytes;
}

std::string blob_chunk_name(base::uuid id, std::uint64_t number, bool last) {
  std::string out(id.raw());
  base::put_u64(out, number);
  out += last ? '\1' : '\0';
  return out;
}

}  // namespace dsf::storage

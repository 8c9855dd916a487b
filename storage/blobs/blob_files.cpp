// Writing and reading one blob's file, through the file system that the store's rows use.
#include <fmt/format.h>

#include <algorithm>

#include "base/mutant.hpp"
#include "storage/blobs/blob_files_impl.hpp"
#include "storage/blobs/blob_store.hpp"

namespace dsf::storage {

base::failure blob_io_error(const rocksdb::Status& s, std::string_view what, const std::string& place) {
  if (s.IsNotFound() || s.IsPathNotFound()) return fail(errc::not_found, fmt::format("can't {}: there is no such file", what), place);
  return fail(errc::io, fmt::format("can't {}: {}", what, s.ToString()), place);
}

blob_writer::blob_writer(blob_store& to, blob what, std::unique_ptr<file> f) : store_(&to), blob_(std::move(what)), file_(std::move(f)) {}

blob_writer::~blob_writer() {
  if (!file_) return;
  file_->out.reset();
  (void)file_->files.env->DeleteFile(file_->path);  // else the next start removes it
}

result<void> blob_writer::write_chunk(std::string_view bytes, bool last) {
  const auto sealed = TRY(seal(blob_.key, bytes, blob_chunk_name(blob_.id, chunks_, last), *store_->entropy_));
  ++chunks_;
  if (const auto s = file_->out->Append(sealed); !s.ok()) return blob_io_error(s, "write to the blob", file_->path);
  return {};
}

result<void> blob_writer::append(std::string_view bytes) {
  blob_.size += bytes.size();
  // The last chunk is known as such only at the end, so one is held back.
  while (waiting_.size() + bytes.size() > blob_chunk_bytes) {
    const auto n = blob_chunk_bytes - waiting_.size();
    if (waiting_.empty()) {
      TRY(write_chunk(bytes.substr(0, n), false));
    } else {
      waiting_ += bytes.substr(0, n);
      TRY(write_chunk(waiting_, false));
      waiting_.clear();
    }
    bytes.remove_prefix(n);
  }
  waiting_ += bytes;
  return {};
}

result<blob> blob_writer::finish() {
  TRY(write_chunk(waiting_, true));
  auto& out = *file_->out;
  auto s = out.Flush();
  if (s.ok() && !DSF_MUTANT("storage.blob_not_synced")) s = out.Sync();
  if (s.ok()) s = out.Close();
  if (!s.ok()) return blob_io_error(s, "finish the blob", file_->path);
  file_.reset();
  return blob_;
}

blob_reader::blob_reader(blob what, std::string place, std::unique_ptr<file> f)
    : blob_(std::move(what)), place_(std::move(place)), file_(std::move(f)) {}
blob_reader::~blob_reader() = default;

result<std::string> blob_reader::read(std::uint64_t offset, std::size_t length) {
  std::string out;
  if (offset >= blob_.size) return out;
  length = static_cast<std::size_t>(std::min<std::uint64_t>(length, blob_.size - offset));
  out.reserve(length);
  const auto chunks = (blob_.size + blob_chunk_bytes - 1) / blob_chunk_bytes;
  while (out.size() < length) {
    const auto number = (offset + out.size()) / blob_chunk_bytes;
    if (number != chunk_) {
      const auto size = number + 1 == chunks ? blob_.size - number * blob_chunk_bytes : blob_chunk_bytes;
      std::string sealed(size + blob_seal_bytes, '\0');
      rocksdb::Slice got;
      const auto at = blob_magic.size() + number * (blob_chunk_bytes + blob_seal_bytes);
      if (const auto s = file_->in->Read(at, sealed.size(), &got, sealed.data()); !s.ok()) return blob_io_error(s, "read the blob", place_);
      auto plain = open_sealed(blob_.key, {got.data(), got.size()}, blob_chunk_name(blob_.id, number, number + 1 == chunks));
      if (!plain) return base::failure(std::move(plain).error().at(place_));
      plain_ = std::move(*plain);
      chunk_ = number;
    }
    const auto from = static_cast<std::size_t>(offset + out.size() - number * blob_chunk_bytes);
    out.append(plain_, from, std::min(length - out.size(), plain_.size() - from));
  }
  return out;
}

}  // namespace dsf::storage

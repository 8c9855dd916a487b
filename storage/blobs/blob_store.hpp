// The blobs of a store: files blobs/ab/<resource id>.<blob id>, and blobs/new/ for those that are being written. Durable once keep() has returned;
// the commit that refers to one comes after that. A file that no version of its resource refers to is an orphan, and swept.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/entropy.hpp"
#include "storage/blobs/blob.hpp"

namespace dsf::storage {

class store_view;
class blob_store;

// Takes bytes in order. Dropped before finish(), nothing is left.
class blob_writer {
public:
  struct file;
  ~blob_writer();
  blob_writer(const blob_writer&) = delete;
  blob_writer& operator=(const blob_writer&) = delete;
  result<void> append(std::string_view bytes);
  // The file is whole and synced, under its first name.
  result<blob> finish();

private:
  friend class blob_store;
  blob_writer(blob_store& to, blob what, std::unique_ptr<file> f);
  result<void> write_chunk(std::string_view bytes, bool last);
  blob_store* store_;
  blob blob_;
  std::unique_ptr<file> file_;
  std::string waiting_;  // less than a chunk, or a chunk that may be the last one
  std::uint64_t chunks_ = 0;
};

// Any thread, but one call at a time.
class blob_reader {
public:
  struct file;
  ~blob_reader();
  [[nodiscard]] std::uint64_t size() const { return blob_.size; }
  // At most `length` bytes from `offset` on; none behind the end. damaged, io.
  result<std::string> read(std::uint64_t offset, std::size_t length);

private:
  friend class blob_store;
  blob_reader(blob what, std::string place, std::unique_ptr<file> f);
  blob blob_;
  std::string place_;
  std::unique_ptr<file> file_;
  std::uint64_t chunk_ = UINT64_MAX;  // the one in plain_
  std::string plain_;
};

class blob_store {
public:
  // Makes the folder when the first blob comes; what was being written before is removed unless `read_only`.
  static result<std::unique_ptr<blob_store>> open(std::filesystem::path folder, bool read_only, base::entropy& entropy);

  result<std::unique_ptr<blob_writer>> create();
  // Gives the file its name as a blob of that resource, durable. A second call with another owner renames it.
  result<void> keep(const blob& b, base::uuid owner);
  // The commit that refers to it is in, or will never be: then the file goes. Until one of both is said, no sweep touches it.
  void committed(const blob& b);
  void dropped(const blob& b);

  // not_found if the file is not there.
  result<std::unique_ptr<blob_reader>> read(const blob& b, base::uuid owner) const;

  // Removes files that no version of their resource refers to, of one resource or of all. Returns how many. `newest` is asked once for the newest view.
  result<std::size_t> sweep(const std::function<std::shared_ptr<const store_view>()>& newest, std::optional<base::uuid> of = {});

  struct kept_file {
    std::filesystem::path path;  // below the folder: ab/<resource id>.<blob id>
    base::uuid owner, id;
    std::uint64_t bytes = 0;
  };
  result<std::vector<kept_file>> files() const;
  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }

private:
  friend class blob_writer;
  blob_store(std::filesystem::path folder, base::entropy& entropy) : folder_(std::move(folder)), entropy_(&entropy) {}
  [[nodiscard]] std::filesystem::path new_path(base::uuid id) const;
  [[nodiscard]] std::filesystem::path kept_path(base::uuid id, base::uuid owner) const;

  std::filesystem::path folder_;
  base::entropy* entropy_;
  mutable std::mutex mutex_;
  struct under_way {
    base::uuid id;
    std::optional<base::uuid> owner;
    bool operator<(const under_way& o) const { return id < o.id; }
  };
  std::set<under_way> under_way_;
};

}  // namespace dsf::storage

// The folder of a store: STORE (what this is, in words), lock, rows/ (RocksDB), blobs/.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "storage/errors.hpp"

namespace dsf::storage {

class store_folder {
public:
  // Takes the lock. Refuses folders that hold something else, stores of newer releases, and stores in use.
  static result<std::unique_ptr<store_folder>> open(const std::filesystem::path& path, bool create, bool read_only,
                                                    const std::string& release);
  ~store_folder();
  store_folder(const store_folder&) = delete;
  store_folder& operator=(const store_folder&) = delete;

  [[nodiscard]] std::filesystem::path rows() const { return path_ / "rows"; }
  // The store was never finished: its rows have to be made.
  [[nodiscard]] bool is_new() const { return is_new_; }
  // To be called once the rows are made.
  result<void> finish(const std::string& release);

private:
  explicit store_folder(std::filesystem::path path) : path_(std::move(path)) {}
  result<void> lock(bool read_only);

  std::filesystem::path path_;
  int lock_file_ = -1;
  bool is_new_ = false;
};

// The file STORE. Without it a folder with rows is no store.
result<void> write_store_marker(const std::filesystem::path& folder, const std::string& release, bool ready);

// The sentence for a store of a format above ours.
base::failure newer_format(const std::string& place, const std::string& release, std::uint64_t format);

}  // namespace dsf::storage

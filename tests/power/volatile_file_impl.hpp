// One file whose last bytes, and whose last truncation, are in memory only.
#pragma once

#include <rocksdb/io_status.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

namespace dsf::tests {

class volatile_file {
public:
  // `on_disk`: an existing file or one to be made.
  static rocksdb::IOStatus open(const std::string& on_disk, bool make, std::shared_ptr<volatile_file>& out);
  ~volatile_file();
  volatile_file(const volatile_file&) = delete;
  volatile_file& operator=(const volatile_file&) = delete;

  void append(const char* bytes, std::size_t n);
  // The first `part` (0 to 1) of what is not there yet goes to the disk; 1 makes it all durable.
  rocksdb::IOStatus sync(double part = 1);
  rocksdb::IOStatus truncate(std::uint64_t size);
  // What a living process sees. Reads less than `n` at the end only.
  rocksdb::IOStatus read(std::uint64_t offset, std::size_t n, char* into, std::size_t& done) const;
  [[nodiscard]] std::uint64_t size() const;

private:
  volatile_file(int file, std::uint64_t size) : file_(file), on_disk_(size), kept_(size) {}

  mutable std::mutex mutex_;
  int file_;
  std::uint64_t on_disk_;  // bytes of the file on the disk
  std::uint64_t kept_;     // of them, those that still count
  std::string tail_;       // what follows them
};

rocksdb::IOStatus errno_status(const std::string& what, const std::string& file);

}  // namespace dsf::tests

// What the tests of this folder share.
#pragma once

#include <fmt/format.h>

#include <filesystem>
#include <string>

#include <unistd.h>

#include "base/entropy.hpp"
#include "storage/memory_kv.hpp"
#include "storage/store.hpp"

namespace dsf::storage::test {

// A folder that goes away with the test.
class temp_folder {
public:
  temp_folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "dsf-storage-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~temp_folder() {
    std::error_code ec;
    std::filesystem::remove_all(path_, ec);
  }
  const std::filesystem::path& path() const { return path_; }

private:
  std::filesystem::path path_;
};

inline base::uuid id(std::uint64_t n) {
  base::seeded_entropy e(n);
  return base::uuid::random(e);
}

inline put_resource task(base::uuid of, std::vector<fhir::index_entry> index = {}, std::vector<fhir::unique_key> unique = {},
                         std::string extra = "x") {
  put_resource op;
  op.type = "Task";
  op.id = of;
  op.body = fmt::format(R"({{"resourceType":"Task","id":"{}","meta":{{}},"description":"{}"}})", of.to_string(), extra);
  op.meta_at = static_cast<std::uint32_t>(op.body.find("\"meta\":{") + 8);
  op.index = std::move(index);
  op.unique = std::move(unique);
  op.access_class = "LOCAL";
  return op;
}

inline commit commit_of(std::vector<precondition> preconditions, std::vector<operation> operations) {
  return {0, std::move(preconditions), std::move(operations)};
}
inline commit commit_of(operation op) {
  commit c;
  c.operations.push_back(std::move(op));
  return c;
}

inline std::unique_ptr<store> open_memory(std::shared_ptr<memory_kv> rows, base::clock* clock = &base::system_clock_source(),
                                          store_limits limits = {}) {
  store_options o;
  o.rows = std::move(rows);
  o.clock = clock;
  o.limits = limits;
  auto opened = store::open(std::move(o));
  if (!opened) throw std::runtime_error(opened.error().to_string());
  return std::move(*opened);
}

inline result<std::unique_ptr<store>> open_folder(const std::filesystem::path& path, bool read_only = false, bool create = true) {
  store_options o;
  o.path = path;
  o.read_only = read_only;
  o.create = create;
  return store::open(std::move(o));
}

}  // namespace dsf::storage::test

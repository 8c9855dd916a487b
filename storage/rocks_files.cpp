#include "storage/rocks_files_impl.hpp"

#include <mutex>
#include <utility>

#include "storage/rocks_kv.hpp"

namespace dsf::storage {
namespace {

struct chosen_files {
  std::mutex mutex;
  rocks_files files;
};

chosen_files& chosen() {
  static chosen_files c;
  return c;
}

rocks_files of_machine() {
  // Neither is ever deleted by RocksDB, so nothing has to be done when the last user lets go.
  return {rocksdb::FileSystem::Default(), std::shared_ptr<rocksdb::Env>(rocksdb::Env::Default(), [](rocksdb::Env*) {})};
}

}  // namespace

void use_rocks_file_system(std::shared_ptr<rocksdb::FileSystem> files) {
  rocks_files next = of_machine();
  if (files) {
    next.env = rocksdb::NewCompositeEnv(files);
    next.system = std::move(files);
  }
  const std::lock_guard lock(chosen().mutex);
  chosen().files = std::move(next);
}

rocks_files current_rocks_files() {
  const std::lock_guard lock(chosen().mutex);
  if (!chosen().files.system) chosen().files = of_machine();
  return chosen().files;
}

}  // namespace dsf::storage

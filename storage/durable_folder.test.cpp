// That every name a store or a repository makes is synced with the folder that holds it: no kill shows what is missing here, a power loss does.
#include <catch2/catch.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <mutex>
#include <set>

#include "storage/durable_folder.hpp"
#include "storage/repository/repository.hpp"
#include "storage/test_support.hpp"

using namespace dsf;
using namespace dsf::storage;
using namespace dsf::storage::test;
namespace fs = std::filesystem;

namespace {

std::mutex synced_mutex;
std::set<std::string> synced;

bool was_synced(const fs::path& p) {
  const std::lock_guard lock(synced_mutex);
  return synced.contains(fs::canonical(p).string());
}
void forget() {
  const std::lock_guard lock(synced_mutex);
  synced.clear();
}

}  // namespace

// Instead of the C library's, for this whole program: notes what is synced, then does it.
extern "C" int fsync(int file) {
  char name[4096];
  const auto n = ::readlink(fmt::format("/proc/self/fd/{}", file).c_str(), name, sizeof name);
  if (n > 0) {
    const std::lock_guard lock(synced_mutex);
    synced.emplace(name, static_cast<std::size_t>(n));
  }
  return static_cast<int>(::syscall(SYS_fsync, file));
}

TEST_CASE("durable folder: a new store syncs every folder that got a new name") {
  const temp_folder folder;
  const auto path = folder.path() / "var/lib/site";
  forget();
  REQUIRE(open_folder(path));
  for (const auto& p : {folder.path(), folder.path() / "var", folder.path() / "var/lib", path, path / "rows"}) {
    INFO(p);
    CHECK(was_synced(p));
  }
}

TEST_CASE("durable folder: a store whose making was interrupted syncs what holds it") {
  const temp_folder folder;
  const auto path = folder.path() / "site";
  fs::create_directory(path);
  forget();
  REQUIRE(open_folder(path));
  CHECK(was_synced(folder.path()));
  // Once it is made that is not done again.
  forget();
  REQUIRE(open_folder(path));
  CHECK_FALSE(was_synced(folder.path()));
}

TEST_CASE("durable folder: a new repository syncs every folder that got a new name") {
  const temp_folder folder;
  const auto path = folder.path() / "data/repository";
  forget();
  REQUIRE(repository::open(path, {}));
  for (const auto& p : {folder.path(), folder.path() / "data", path}) {
    INFO(p);
    CHECK(was_synced(p));
  }
}

TEST_CASE("durable folder: what can't be made is said") {
  const temp_folder folder;
  const auto file = folder.path() / "file";
  ::close(::open(file.c_str(), O_WRONLY | O_CREAT, 0600));
  const auto made = make_durable_folder(file / "below");
  REQUIRE_FALSE(made);
  CHECK(made.error().is(errc::io));
  CHECK(made.error().text().find("Not a directory") != std::string::npos);
  CHECK(make_durable_folder(folder.path() / "with/slash/"));
  CHECK(fs::is_directory(folder.path() / "with/slash"));
}

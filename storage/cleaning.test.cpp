// What was purged is in no file any more, neither in tables, nor in blob files, nor in the log.
#include <catch2/catch.hpp>

#include <atomic>
#include <chrono>
#include <fstream>
#include <thread>

#include "base/bytes.hpp"
#include "storage/cleaning.hpp"
#include "storage/test_support.hpp"

using namespace dsf;
using namespace dsf::storage;
using namespace dsf::storage::test;
namespace fs = std::filesystem;

namespace {

// LZ4 leaves a text without repetitions as it is.
std::string secret(std::uint64_t n) {
  base::seeded_entropy e(n);
  std::string out;
  while (out.size() < 600) out += base::uuid::random(e).to_string().substr(0, 8);
  return out;
}

std::size_t files_with(const fs::path& folder, std::string_view text) {
  std::size_t n = 0;
  for (const auto& f : fs::recursive_directory_iterator(folder)) {
    if (!f.is_regular_file()) continue;
    std::ifstream in(f.path(), std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(in)), {});
    if (bytes.find(text) != std::string::npos) ++n;
  }
  return n;
}

}  // namespace

TEST_CASE("cleaning: after a purge and clean_files the bytes are in no file; what stays, stays") {
  const temp_folder folder;
  std::atomic<bool> stop = false;
  auto s = *open_folder(folder.path());
  const auto data_key = keys::resource_data_key("Task", id(1));
  const std::string wrapped = "a key that was wrapped for one resource only";
  const auto part = [](std::uint64_t n) { return secret(n).substr(0, 64); };
  REQUIRE(s->submit_wait(commit_of({}, {task(id(1), {{"code", part(3)}}, {{"rule", part(4)}}, secret(1)),
                                        put_row{table::data_key, data_key, wrapped}, task(id(2), {}, {}, secret(5))})));
  REQUIRE(s->submit_wait(commit_of(task(id(1), {{"code", part(3)}}, {{"rule", part(4)}}, secret(2)))));
  REQUIRE(s->submit_wait(commit_of({}, {append_events{9, 1, {secret(6)}, secret(7)}, end_instance{9}})));
  auto ranges = ranges_of_type("Task");
  for (const auto& more : {ranges_of_instances(9, 9), ranges_of_data_keys()}) ranges.insert(ranges.end(), more.begin(), more.end());
  const std::vector<std::string> gone{part(1), part(2), part(3), part(4), part(6), part(7), wrapped};
  for (const auto& text : gone) CHECK(files_with(folder.path(), text) > 0);

  REQUIRE(s->submit_wait(commit_of({}, {purge_resource{"Task", id(1)}, forget_instance{9}})));
  REQUIRE(clean_files(*s, ranges, stop));
  // RocksDB's list of its files names the first and last key of each; it is begun anew at each opening.
  REQUIRE(s->close());
  s = *open_folder(folder.path());
  // Obsolete files are unlinked in the background.
  const auto left = [&] {
    std::size_t n = 0;
    for (const auto& text : gone) n += files_with(folder.path(), text);
    return n;
  };
  for (int i = 0; i < 200 && left() > 0; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  for (std::size_t i = 0; i < gone.size(); ++i) {
    INFO(i);
    CHECK(files_with(folder.path(), gone[i]) == 0);
  }
  CHECK(files_with(folder.path(), part(5)) > 0);
  CHECK((*s->view()->current("Task", id(2)))->bytes->find(secret(5)) != std::string::npos);
}

TEST_CASE("cleaning: it can be stopped, and a closed store refuses it") {
  const temp_folder folder;
  const auto s = *open_folder(folder.path());
  REQUIRE(s->submit_wait(commit_of(task(id(1)))));
  std::atomic<bool> stop = true;
  CHECK_FALSE(clean_files(*s, ranges_of_type("Task"), stop));
  stop = false;
  CHECK(clean_files(*s, ranges_of_type("Task"), stop));
  REQUIRE(s->close());
  CHECK_FALSE(clean_files(*s, ranges_of_type("Task"), stop));
}

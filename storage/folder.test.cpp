// What opening refuses: other folders, damage, newer formats, stores in use; and what a kill leaves.
#include <catch2/catch.hpp>

#include <sys/wait.h>
#include <unistd.h>
#include <csignal>
#include <fstream>

#include "storage/checksum.hpp"
#include "storage/rocks_kv.hpp"
#include "storage/test_support.hpp"
#include "storage/wal_check.hpp"

using namespace dsf;
using namespace dsf::storage;
using namespace dsf::storage::test;
namespace fs = std::filesystem;

namespace {

std::string read_file(const fs::path& p) {
  std::ifstream in(p, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
void write_file(const fs::path& p, std::string_view text) { std::ofstream(p, std::ios::binary | std::ios::trunc) << text; }

std::vector<fs::path> files_with(const fs::path& folder, std::string_view extension) {
  std::vector<fs::path> out;
  for (const auto& e : fs::directory_iterator(folder))
    if (e.path().extension() == extension && fs::file_size(e.path()) > 0) out.push_back(e.path());
  return out;
}

// A store with `n` commits in its log.
void make_store(const fs::path& path, int n) {
  auto s = open_folder(path);
  REQUIRE(s);
  for (int i = 0; i < n; ++i)
    REQUIRE(
        (*s)->submit_wait(commit_of(task(id(static_cast<std::uint64_t>(i)), {{"code", fmt::format("{}", i)}}, {}, std::string(200, 'd')))));
}

}  // namespace

TEST_CASE("folder: a store is made once and keeps what it holds; read-only opening changes nothing") {
  const temp_folder folder;
  CHECK(open_folder(folder.path() / "none", false, false).error().is(errc::not_a_store));
  CHECK(open_folder(folder.path(), true).error().is(errc::not_a_store));
  const auto path = folder.path() / "site";
  make_store(path, 5);
  std::string site, dump;
  {
    auto s = open_folder(path, true);
    REQUIRE(s);
    site = (*s)->status().site_id;
    dump = (*s)->view()->dump().value();
    CHECK((*s)->view()->all_ids("Task", 10)->size() == 5);
    CHECK((*s)->submit_wait(commit_of(task(id(9)))).error().is(errc::read_only));
    CHECK_FALSE((*s)->status().writable);
    // Readers do not keep one another out, but a writer.
    CHECK(open_folder(path, true));
    CHECK(open_folder(path).error().is(errc::locked));
  }
  auto s = open_folder(path);
  REQUIRE(s);
  CHECK((*s)->status().site_id == site);
  CHECK((*s)->view()->dump().value() == dump);
  // Closing waits for snapshots in use; reopening works under a running program.
  REQUIRE((*s)->reopen());
  CHECK((*s)->submit_wait(commit_of(task(id(9)))));
  CHECK((*s)->status().disk_free_bytes > 0);
}

TEST_CASE("folder: a store in use is refused with the user's pid") {
  const temp_folder folder;
  auto s = open_folder(folder.path());
  REQUIRE(s);
  for (const bool read_only : {false, true}) {
    const auto second = open_folder(folder.path(), read_only);
    REQUIRE_FALSE(second);
    CHECK(second.error().is(errc::locked));
    CHECK(second.error().text().find(fmt::format("running dsfd (pid {})", ::getpid())) != std::string::npos);
  }
}

TEST_CASE("folder: what is no store is refused and left alone") {
  const temp_folder folder;
  write_file(folder.path() / "letter.txt", "dear");
  const auto opened = open_folder(folder.path());
  REQUIRE_FALSE(opened);
  CHECK(opened.error().is(errc::not_a_store));
  CHECK(opened.error().text().find("letter.txt") != std::string::npos);
  CHECK(std::distance(fs::directory_iterator(folder.path()), {}) == 1);
  const auto file = open_folder(folder.path() / "letter.txt");
  CHECK(file.error().is(errc::not_a_store));
  write_file(folder.path() / "STORE", "my shop");
  CHECK(open_folder(folder.path()).error().is(errc::not_a_store));
}

TEST_CASE("folder: a newer format is refused by name of its release, in the file and in the rows") {
  const temp_folder folder;
  make_store(folder.path(), 1);
  const auto good = read_file(folder.path() / "STORE");
  write_file(folder.path() / "STORE", "dsfd store\nformat 7\nrelease 4.2.0\nstate ready\n");
  auto opened = open_folder(folder.path());
  REQUIRE_FALSE(opened);
  CHECK(opened.error().is(errc::newer_format));
  CHECK(opened.error().text() ==
        "this store was written by release 4.2.0, format 7; this program knows formats up to 1. Install release 4.2.0 or newer");
  write_file(folder.path() / "STORE", good);
  {
    const auto rows = open_rocks_kv(folder.path() / "rows", {}, false, false);
    write_batch batch;
    batch.put(family::meta, "Mstore/format", std::string("\x01\0\0\0\0\0\0\0\x07", 9));
    REQUIRE((*rows)->write(batch, true));
  }
  opened = open_folder(folder.path());
  REQUIRE_FALSE(opened);
  CHECK(opened.error().is(errc::newer_format));
}

TEST_CASE("folder: a flipped byte in a table file or in the manifest is refused, and nothing is repaired") {
  const temp_folder folder;
  make_store(folder.path(), 20);
  make_store(folder.path(), 1);  // opening wrote the log into table files
  const auto tables = files_with(folder.path() / "rows", ".sst");
  REQUIRE_FALSE(tables.empty());
  const std::uint64_t seed = base::system_entropy().u64();
  INFO("seed " << seed);
  base::seeded_entropy random(seed);
  for (int i = 0; i < 12; ++i) {
    const auto& table = tables[random.below(tables.size())];
    const auto good = read_file(table);
    auto bad = good;
    const auto at = random.below(bad.size());
    bad[at] = static_cast<char>(bad[at] ^ (1 << random.below(8)));
    write_file(table, bad);
    for (const bool read_only : {true, false}) {
      const auto opened = open_folder(folder.path(), read_only);
      INFO(table << " at " << at << " of " << bad.size());
      REQUIRE_FALSE(opened);
      CHECK(opened.error().is(errc::damaged));
      CHECK(opened.error().text().find("backup") != std::string::npos);
    }
    write_file(table, good);
  }
  CHECK(open_folder(folder.path()));
  for (const auto& e : fs::directory_iterator(folder.path() / "rows"))
    if (e.path().filename().string().starts_with("MANIFEST")) {
      auto bad = read_file(e.path());
      bad[bad.size() / 3] = static_cast<char>(bad[bad.size() / 3] ^ 4);
      write_file(e.path(), bad);
    }
  CHECK(open_folder(folder.path()).error().is(errc::damaged));
  fs::remove(folder.path() / "rows" / "CURRENT");
  CHECK(open_folder(folder.path()).error().is(errc::damaged));
}

TEST_CASE("folder: every flipped byte of the log is refused; a torn end is not") {
  const temp_folder folder;
  make_store(folder.path(), 40);
  const auto logs = files_with(folder.path() / "rows", ".log");
  REQUIRE(logs.size() == 1);
  const auto good = read_file(logs[0]);
  REQUIRE(check_log(good, "log"));
  // Every byte that a record covers, and each bit once.
  for (std::size_t at = 0; at < good.size(); at += 1 + at % 7) {
    auto bad = good;
    bad[at] = static_cast<char>(bad[at] ^ (1 << at % 8));
    INFO("byte " << at);
    CHECK_FALSE(check_log(bad, "log"));
  }
  // A power loss cuts the end off, or leaves zeros there.
  for (std::size_t cut = 1; cut < 1'200; cut += 13) {
    INFO("cut " << cut);
    CHECK(check_log(std::string_view(good).substr(0, good.size() - cut), "log"));
  }
  CHECK(check_log(good + std::string(5'000, '\0'), "log"));

  auto bad = good;
  bad[good.size() / 2] = static_cast<char>(bad[good.size() / 2] ^ 1);
  write_file(logs[0], bad);
  for (const bool read_only : {true, false}) {
    const auto opened = open_folder(folder.path(), read_only);
    REQUIRE_FALSE(opened);
    CHECK(opened.error().is(errc::damaged));
    CHECK(opened.error().text().find(".log is damaged at byte") != std::string::npos);
  }
  CHECK(read_file(logs[0]) == bad);
  write_file(logs[0], std::string_view(good).substr(0, good.size() - 20));
  auto opened = open_folder(folder.path());
  REQUIRE(opened);
  CHECK((*opened)->view()->all_ids("Task", 100)->size() == 39);
}

// Acknowledges through a pipe what it wrote, until it is killed; only the next case calls it.
constexpr const char* writer_case = "folder: writes until it is killed";
TEST_CASE("folder: writes until it is killed", "[.]") {
  const char* folder = std::getenv("DSF_TEST_FOLDER");
  const char* pipe = std::getenv("DSF_TEST_PIPE");
  REQUIRE((folder != nullptr && pipe != nullptr));
  const int out = std::atoi(pipe);
  auto s = open_folder(folder);
  REQUIRE(s);
  for (std::uint64_t n = 1;; ++n) {
    // The acknowledgement leaves the program before the next step; a full queue just waits.
    (*s)->submit(commit_of({}, {task(id(n), {{"code", fmt::format("{:08}", n)}}), put_row{table::timer, fmt::format("{:08}", n), "t"},
                                append_events{n, 1, {"e"}, std::nullopt}}),
                 [n, out](result<receipt> r) {
                   if (r && ::write(out, &n, sizeof n) != sizeof n) ::_exit(2);
                 });
    if (n % 64 == 0 && !(*s)->submit_wait(commit_of(put_row{table::outbox, "pace", ""}))) ::_exit(3);
  }
}

TEST_CASE("folder: kill -9 loses no acknowledged commit and leaves no half one") {
  for (int round = 0; round < 3; ++round) {
    const temp_folder folder;
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    const auto child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      // Another program: after a fork alone the thread sanitizer takes no new threads.
      const auto out = std::to_string(ends[1]);
      ::setenv("DSF_TEST_FOLDER", folder.path().c_str(), 1);
      ::setenv("DSF_TEST_PIPE", out.c_str(), 1);
      ::execl("/proc/self/exe", "dsf_storage_test", writer_case, static_cast<char*>(nullptr));
      ::_exit(127);
    }
    ::close(ends[1]);
    std::vector<std::uint64_t> acknowledged;
    std::uint64_t n = 0;
    while (acknowledged.size() < 400U + 300U * static_cast<unsigned>(round) && ::read(ends[0], &n, sizeof n) == sizeof n)
      acknowledged.push_back(n);
    ::kill(child, SIGKILL);
    while (::read(ends[0], &n, sizeof n) == sizeof n) acknowledged.push_back(n);
    ::close(ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    REQUIRE(WIFSIGNALED(status));
    auto s = open_folder(folder.path());
    REQUIRE(s);
    const auto v = (*s)->view();
    for (const auto a : acknowledged) CHECK(v->current("Task", id(a)).value().has_value());
    const auto all = v->all_ids("Task", 1'000'000).value();
    CHECK(all.size() >= acknowledged.size());
    CHECK(v->rows(table::timer, {}, 1'000'000)->size() == all.size());
    CHECK(v->instances(0, 1'000'000)->size() == all.size());
    CHECK(v->ids_in("Task", "code", "", "", 1'000'000).value() == all);
  }
}

TEST_CASE("checksum: known values") {
  CHECK(crc32c(0, "123456789") == 0xe3069283U);
  CHECK(crc32c(crc32c(0, "12345"), "6789") == 0xe3069283U);
}

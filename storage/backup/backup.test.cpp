// A backup is whole or refused, holds no data key, and makes the store it was taken of.
#include <catch2/catch.hpp>

#include <sys/stat.h>

#include <atomic>
#include <fstream>
#include <sstream>
#include <thread>

#include "base/bytes.hpp"
#include "storage/backup/backup.hpp"
#include "storage/rocks_kv.hpp"
#include "storage/test_support.hpp"

using namespace dsf;
using namespace dsf::storage;
using namespace dsf::storage::test;
namespace fs = std::filesystem;

namespace {

const auto key_of_one = keys::instance_data_key(1), key_of_two = keys::instance_data_key(2);

// Some of everything.
void fill(store& s) {
  REQUIRE(s.submit_wait(commit_of(task(id(1), {{"code", "a"}}, {{"rule", "k"}}, std::string(5'000, 'x')))));
  REQUIRE(s.submit_wait(commit_of(task(id(1), {{"code", "b"}}, {{"rule", "k"}}, "second"))));
  REQUIRE(s.submit_wait(commit_of(task(id(2)))));
  REQUIRE(s.submit_wait(commit_of(delete_resource{"Task", id(2)})));
  for (std::uint64_t i = 1; i <= 20; ++i)
    REQUIRE(s.submit_wait(commit_of({}, {append_events{i, 1, {"one", std::string(2'000, 'e')}, "state"}, put_inbox{"row"},
                                         put_row{table::timer, "t" + std::to_string(i), "x"}})));
  REQUIRE(s.submit_wait(
      commit_of({}, {*s.put_data_key(s.new_data_key(), key_of_one), *s.put_data_key(s.new_data_key(), key_of_two), end_instance{3}})));
}
// Those two, and that of the long Task.
constexpr std::size_t keys_made = 3;

std::string wrapped_key_of(const store& s, const std::string& row) { return s.view()->row_value(table::data_key, row)->value(); }

// As an operator does who keeps the master key apart.
void bring_master_key(const fs::path& from, const fs::path& to) { fs::copy_file(from / "master.key", to / "master.key"); }

// Nor the row that says where a restored store comes from.
std::string without_keys(const store& s) {
  std::istringstream all(*s.view()->dump());
  std::string out;
  for (std::string line; std::getline(all, line);)
    if (!line.starts_with("4b") && !line.starts_with(base::to_hex("M" + std::string(restored_row)))) out += line + "\n";
  return out;
}

const backup_watch unwatched;

struct places {
  temp_folder folder;
  fs::path store = folder.path() / "store", backup = folder.path() / "backup", keys = folder.path() / "keys",
           again = folder.path() / "again";
};

bool found_in_files(const fs::path& folder, const std::string& text) {
  for (const auto& f : fs::recursive_directory_iterator(folder)) {
    if (!f.is_regular_file()) continue;
    std::ifstream in(f.path(), std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(in)), {});
    if (bytes.find(text) != std::string::npos) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("backup: what comes back is what was there, without the data keys, or with them from their file") {
  const bool with_keys = GENERATE(false, true);
  const places at;
  const auto s = *open_folder(at.store);
  fill(*s);
  const auto taken = back_up(*s, base::system_clock_source(), at.backup, at.keys, unwatched);
  REQUIRE(taken);
  CHECK(taken->keys == keys_made);
  CHECK(taken->sequence == s->view()->sequence());
  struct stat about{};
  REQUIRE(::stat(at.keys.c_str(), &about) == 0);
  CHECK((about.st_mode & 0777) == 0600);
  const auto wrapped = wrapped_key_of(*s, key_of_one);
  CHECK_FALSE(found_in_files(at.backup, wrapped));
  CHECK(found_in_files(at.keys.parent_path(), wrapped));

  const auto checked = check(at.backup, unwatched);
  REQUIRE(checked);
  CHECK(checked->is_backup);
  CHECK(checked->rows == taken->rows);

  const auto first_id = *s->allocate_instance_ids(0);
  const auto made = restore(at.backup, at.again, with_keys ? at.keys : fs::path{}, unwatched);
  REQUIRE(made);
  CHECK(made->rows == taken->rows);
  CHECK(made->keys == (with_keys ? keys_made : 0));
  if (with_keys) {
    const auto without = open_folder(at.again);
    REQUIRE_FALSE(without);
    CHECK(without.error().is(errc::wrong_key));
    bring_master_key(at.store, at.again);
  }
  auto again = open_folder(at.again);
  REQUIRE(again);
  CHECK((*again)->view()->sequence() == taken->sequence);
  CHECK((*again)->status().site_id == s->status().site_id);
  CHECK((*again)->view()->row_value(table::data_key, key_of_one)->has_value() == with_keys);
  // Ids that were given out after the backup are not given again.
  CHECK(*(*again)->allocate_instance_ids(0) > first_id + 1'000'000'000);
  REQUIRE((*again)->submit_wait(commit_of({version_is{"Task", id(1), 2}}, {task(id(1), {{"code", "c"}})})));
  CHECK((*again)->view()->history("Task", id(1), 10)->size() == 3);
  // The long version is there for those who have its key; else it reads as erased.
  const auto first = *(*again)->view()->version("Task", id(1), 1);
  REQUIRE(first);
  CHECK(first->deleted != with_keys);
  if (with_keys) CHECK(first->bytes->find(std::string(5'000, 'x')) != std::string::npos);
}

TEST_CASE("backup: every row but table K is the same") {
  const places at;
  const auto s = *open_folder(at.store);
  fill(*s);
  const auto before = without_keys(*s);
  REQUIRE(back_up(*s, base::system_clock_source(), at.backup, {}, unwatched));
  CHECK_FALSE(fs::exists(at.keys));
  REQUIRE(restore(at.backup, at.again, {}, unwatched));
  const auto again = *open_folder(at.again, true, false);
  CHECK(without_keys(*again) == before);
  CHECK(std::string(**again->view()->row_value(table::meta, std::string(restored_row))).starts_with("20"));
  const auto checked = check(at.again, unwatched);
  REQUIRE(checked);
  CHECK_FALSE(checked->is_backup);
  CHECK(checked->keys == 0);
}

TEST_CASE("backup: it is one moment of a store that goes on") {
  const places at;
  const auto s = *open_folder(at.store);
  std::atomic<bool> stop = false;
  std::uint64_t written = 0;
  std::thread writer([&] {
    // Both rows in one commit, always with the same number.
    for (; !stop; ++written) {
      const auto n = std::to_string(written);
      if (!s->submit_wait(commit_of({}, {put_row{table::timer, "a", n}, put_row{table::meta, "b", n},
                                         append_events{written + 1, 1, {std::string(500, 'e')}, std::nullopt}})))
        return;
    }
  });
  while (s->view()->sequence() < 300) std::this_thread::yield();
  const auto taken = back_up(*s, base::system_clock_source(), at.backup, {}, unwatched);
  stop = true;
  writer.join();
  REQUIRE(taken);
  REQUIRE(restore(at.backup, at.again, {}, unwatched));
  const auto again = *open_folder(at.again);
  const auto v = again->view();
  CHECK(v->sequence() == taken->sequence);
  const auto a = *v->row_value(table::timer, "a"), b = *v->row_value(table::meta, "b");
  REQUIRE((a && b));
  CHECK(*a == *b);
  CHECK(std::stoull(*a) + 1 == taken->sequence);
  CHECK(v->instances(0, SIZE_MAX)->size() == taken->sequence);
}

TEST_CASE("backup: one that was stopped, or killed in the middle, is none") {
  const places at;
  const auto s = *open_folder(at.store);
  fill(*s);
  SECTION("stopped") {
    for (int i = 0; i < 30; ++i)
      REQUIRE(s->submit_wait(commit_of(put_row{table::timer, "big" + std::to_string(i), std::string(1 << 20, 'x')})));
    int told = 0;
    const auto taken = back_up(*s, base::system_clock_source(), at.backup, at.keys, [&](const backup_progress&) { return ++told < 2; });
    REQUIRE_FALSE(taken);
    CHECK(taken.error().is(errc::closed));
    CHECK(fs::is_empty(at.backup));
    CHECK_FALSE(fs::exists(at.keys));
  }
  SECTION("killed") {
    for (int i = 0; i < 30; ++i)
      REQUIRE(s->submit_wait(commit_of(put_row{table::timer, "big" + std::to_string(i), std::string(1 << 20, 'x')})));
    // What the disk holds in the middle is what a kill leaves there.
    const auto whole = at.folder.path() / "whole";
    int told = 0;
    REQUIRE(back_up(*s, base::system_clock_source(), whole, {}, [&](const backup_progress&) {
      if (++told == 3) fs::copy(whole, at.backup, fs::copy_options::recursive);
      return true;
    }));
    REQUIRE(told > 3);
    CHECK(fs::exists(at.backup / "rows"));
  }
  const auto made = restore(at.backup, at.again, {}, unwatched);
  REQUIRE_FALSE(made);
  CHECK(made.error().is(errc::not_a_store));
  CHECK(made.error().text().find("never finished") + made.error().text().find("was finished") != std::string::npos);
  CHECK_FALSE(fs::exists(at.again));
  CHECK_FALSE(check(at.backup, unwatched));
  CHECK_FALSE(open_folder(at.backup, false, false));
}

TEST_CASE("backup: damage is found, and a restore that failed leaves no store") {
  const places at;
  {
    const auto s = *open_folder(at.store);
    fill(*s);
    REQUIRE(back_up(*s, base::system_clock_source(), at.backup, {}, unwatched));
  }
  const auto refused = [&] {
    CHECK_FALSE(check(at.backup, unwatched));
    CHECK_FALSE(restore(at.backup, at.again, {}, unwatched));
    CHECK_FALSE(open_folder(at.again, false, false));
  };
  SECTION("a row more") {
    // As a program that knows RocksDB might do it: everything checks out but the manifest.
    auto rows = *open_rocks_kv(at.backup / "rows", {}, false, false);
    write_batch more;
    more.put(family::queue, "Tmore", "x");
    REQUIRE(rows->write(more, true));
    rows.reset();
    refused();
  }
  SECTION("the manifest cut or changed") {
    std::ifstream in(at.backup / "BACKUP");
    std::string text((std::istreambuf_iterator<char>(in)), {});
    const auto change = GENERATE(0, 1, 2);
    if (change == 0) text.resize(text.size() - 3);
    if (change == 1) text.replace(text.find("sequence ") + 9, 1, "9");
    if (change == 2) text.clear();
    std::ofstream(at.backup / "BACKUP") << text;
    refused();
  }
  SECTION("files gone") {
    fs::remove_all(at.backup / "rows");
    refused();
  }
}

TEST_CASE("backup: destinations that hold something, and keys in the wrong place, are refused") {
  const places at;
  const auto s = *open_folder(at.store);
  fill(*s);
  fs::create_directory(at.backup);
  std::ofstream(at.backup / "mine") << "keep";
  CHECK_FALSE(back_up(*s, base::system_clock_source(), at.backup, {}, unwatched));
  CHECK(fs::exists(at.backup / "mine"));
  fs::remove(at.backup / "mine");
  CHECK_FALSE(back_up(*s, base::system_clock_source(), at.backup, at.backup / "keys", unwatched));
  std::ofstream(at.keys) << "mine";
  CHECK_FALSE(back_up(*s, base::system_clock_source(), at.backup, at.keys, unwatched));
  CHECK(fs::file_size(at.keys) == 4);
  REQUIRE(back_up(*s, base::system_clock_source(), at.backup, {}, unwatched));
  CHECK_FALSE(restore(at.backup, at.store, {}, unwatched));
  CHECK_FALSE(restore(at.backup, at.again, at.keys, unwatched));  // no file of keys
}

TEST_CASE("backup: keys of another store, older ones and cut ones are refused; with later ones what was erased since stays erased") {
  const places at;
  const auto s = *open_folder(at.store);
  fill(*s);
  const auto early = at.folder.path() / "early", late = at.folder.path() / "late", others = at.folder.path() / "others";
  REQUIRE(write_data_keys(*s, early));
  REQUIRE(s->submit_wait(commit_of(put_row{table::timer, "later", ""})));
  REQUIRE(back_up(*s, base::system_clock_source(), at.backup, at.keys, unwatched));
  REQUIRE(s->submit_wait(commit_of(delete_row{table::data_key, key_of_one})));
  REQUIRE(write_data_keys(*s, late));
  REQUIRE(write_data_keys(*s, late));  // takes the place of the one before
  const auto other = *open_folder(at.folder.path() / "other");
  fill(*other);
  REQUIRE(other->submit_wait(commit_of(put_row{table::timer, "later", ""})));
  REQUIRE(write_data_keys(*other, others));
  CHECK_FALSE(restore(at.backup, at.again, early, unwatched));
  CHECK_FALSE(restore(at.backup, at.again, others, unwatched));
  fs::resize_file(at.keys, fs::file_size(at.keys) - 1);
  CHECK_FALSE(restore(at.backup, at.again, at.keys, unwatched));
  CHECK_FALSE(fs::exists(at.again / "STORE"));
  fs::remove_all(at.again);
  const auto made = restore(at.backup, at.again, late, unwatched);
  REQUIRE(made);
  CHECK(made->keys == keys_made - 1);
  bring_master_key(at.store, at.again);
  const auto v = (*open_folder(at.again))->view();
  CHECK_FALSE(*v->row_value(table::data_key, key_of_one));
  CHECK(*v->row_value(table::data_key, key_of_two) == wrapped_key_of(*s, key_of_two));
}

// That a kill under power_files() loses what a power loss may lose, and nothing else. Finds: a test of power losses that tests nothing.
#include <catch2/catch.hpp>

#include <rocksdb/file_system.h>
#include <sys/wait.h>
#include <unistd.h>
#include <csignal>
#include <fstream>
#include <functional>

#include "storage/blobs/blob_store.hpp"
#include "storage/rocks_kv.hpp"
#include "storage/store.hpp"
#include "tests/power/power_files.hpp"
#include "tests/support/programs.hpp"

using namespace dsf;
using namespace dsf::tests;
namespace fs = std::filesystem;

namespace {

struct disk_under_test {
  std::shared_ptr<rocksdb::FileSystem> files;
  fs::path folder;
  std::map<std::string, std::unique_ptr<rocksdb::FSWritableFile>> open;

  std::string path(const std::string& name) const { return (folder / name).string(); }
  void ok(const rocksdb::IOStatus& s) const {
    INFO(s.ToString());
    REQUIRE(s.ok());
  }
  void create(const std::string& name) { ok(files->NewWritableFile(path(name), {}, &open[name], nullptr)); }
  void reopen(const std::string& name) { ok(files->ReopenWritableFile(path(name), {}, &open[name], nullptr)); }
  void append(const std::string& name, const std::string& text) { ok(open.at(name)->Append(text, {}, nullptr)); }
  void sync(const std::string& name) { ok(open.at(name)->Sync({}, nullptr)); }
  void close(const std::string& name) { ok(open.at(name)->Close({}, nullptr)), open.erase(name); }
  void truncate(const std::string& name, std::size_t n) { ok(files->Truncate(path(name), n, {}, nullptr)); }
  void rename(const std::string& from, const std::string& to) { ok(files->RenameFile(path(from), path(to), {}, nullptr)); }
  void remove(const std::string& name) { ok(files->DeleteFile(path(name), {}, nullptr)); }
  void sync_folder() {
    std::unique_ptr<rocksdb::FSDirectory> d;
    ok(files->NewDirectory(folder.string(), {}, &d, nullptr));
    ok(d->FsyncWithDirOptions({}, nullptr, rocksdb::DirFsyncOptions()));
  }
  // The folder as the living process sees it.
  std::map<std::string, std::string> seen() const {
    std::map<std::string, std::string> out;
    std::vector<std::string> names;
    ok(files->GetChildren(folder.string(), {}, &names, nullptr));
    for (const auto& n : names) {
      if (n == "." || n == "..") continue;
      std::uint64_t size = 0;
      ok(files->GetFileSize(path(n), {}, &size, nullptr));
      std::unique_ptr<rocksdb::FSRandomAccessFile> f;
      ok(files->NewRandomAccessFile(path(n), {}, &f, nullptr));
      std::string text(size + 10, '\0');
      rocksdb::Slice got;
      ok(f->Read(0, text.size(), {}, &got, text.data(), nullptr));
      CHECK(got.size() == size);
      out[n] = got.ToString();
      std::unique_ptr<rocksdb::FSSequentialFile> in_order;
      ok(files->NewSequentialFile(path(n), {}, &in_order, nullptr));
      ok(in_order->Skip(1));
      ok(in_order->Read(text.size(), {}, &got, text.data(), nullptr));
      CHECK(got.ToString() == (size == 0 ? "" : out[n].substr(1)));
    }
    return out;
  }
  void expect(const std::map<std::string, std::string>& all) const { CHECK(seen() == all); }
};

using content = std::map<std::string, std::string>;
struct scene {
  const char* name;
  std::function<void(disk_under_test&)> before;  // made durable
  std::function<void(disk_under_test&)> act;     // then the kill
  content after;
};

void two_durable_files(disk_under_test& d) {
  for (const auto* n : {"a", "b"}) {
    d.create(n);
    d.append(n, std::string(n) + "-old");
    d.sync(n);
    d.close(n);
  }
  d.sync_folder();
}

const std::vector<scene> scenes{
    {"what was not synced is gone, what was is there",
     two_durable_files,
     [](disk_under_test& d) {
       d.reopen("a");
       d.append("a", "+1");
       d.sync("a");
       d.append("a", "+2");
       d.expect({{"a", "a-old+1+2"}, {"b", "b-old"}});
     },
     {{"a", "a-old+1"}, {"b", "b-old"}}},
    {"closing is not syncing",
     two_durable_files,
     [](disk_under_test& d) {
       d.reopen("a");
       d.append("a", "+1");
       d.close("a");
       d.expect({{"a", "a-old+1"}, {"b", "b-old"}});
       d.reopen("b");
       d.append("b", "+1");
       d.close("b");
       // Closed by one and synced by another.
       d.reopen("b");
       d.sync("b");
     },
     {{"a", "a-old"}, {"b", "b-old+1"}}},
    {"a range sync promises nothing",
     two_durable_files,
     [](disk_under_test& d) {
       d.reopen("a");
       d.append("a", "+1");
       d.ok(d.open.at("a")->RangeSync(0, 7, {}, nullptr));
     },
     {{"a", "a-old"}, {"b", "b-old"}}},
    {"a new file is nowhere until its folder is synced, however often it is",
     two_durable_files,
     [](disk_under_test& d) {
       d.create("c");
       d.append("c", "new");
       d.sync("c");
       d.expect({{"a", "a-old"}, {"b", "b-old"}, {"c", "new"}});
     },
     {{"a", "a-old"}, {"b", "b-old"}}},
    {"the folder's sync brings the name, not the bytes",
     two_durable_files,
     [](disk_under_test& d) {
       d.create("c");
       d.append("c", "1");
       d.sync("c");
       d.append("c", "2");
       d.sync_folder();
       d.append("c", "3");
     },
     {{"a", "a-old"}, {"b", "b-old"}, {"c", "1"}}},
    {"a rename over another file is undone: both are as they were",
     two_durable_files,
     [](disk_under_test& d) {
       d.rename("a", "b");
       d.expect({{"b", "a-old"}});
       CHECK(d.files->FileExists(d.path("a"), {}, nullptr).IsNotFound());
       CHECK(d.files->FileExists(d.path("b"), {}, nullptr).ok());
     },
     {{"a", "a-old"}, {"b", "b-old"}}},
    {"a rename is kept once the folder was synced",
     two_durable_files,
     [](disk_under_test& d) {
       d.create("b.tmp");
       d.append("b.tmp", "new");
       d.sync("b.tmp");
       d.close("b.tmp");
       d.rename("b.tmp", "b");
       d.expect({{"a", "a-old"}, {"b", "new"}});
       d.sync_folder();
       d.expect({{"a", "a-old"}, {"b", "new"}});
     },
     {{"a", "a-old"}, {"b", "new"}}},
    {"names that follow one another are published in order",
     two_durable_files,
     [](disk_under_test& d) {
       d.rename("b", "c");
       d.rename("a", "b");
       d.create("a");
       d.append("a", "third");
       d.sync("a");
       d.expect({{"a", "third"}, {"b", "a-old"}, {"c", "b-old"}});
       d.sync_folder();
     },
     {{"a", "third"}, {"b", "a-old"}, {"c", "b-old"}}},
    {"a deletion counts at once",
     two_durable_files,
     [](disk_under_test& d) {
       d.remove("a");
       CHECK(d.files->DeleteFile(d.path("a"), {}, nullptr).IsPathNotFound());
       d.rename("b", "c");
       d.create("d");
       d.remove("d");
       d.expect({{"c", "b-old"}});
     },
     {{"b", "b-old"}}},
    {"a deletion takes the file, under whichever name it stands",
     two_durable_files,
     [](disk_under_test& d) {
       d.rename("a", "b");
       d.remove("b");
       d.expect({});
     },
     {}},
    {"a truncation counts when the file is synced",
     two_durable_files,
     [](disk_under_test& d) {
       d.truncate("a", 1);
       d.truncate("b", 1);
       d.reopen("b");
       d.append("b", "!");
       d.expect({{"a", "a"}, {"b", "b!"}});
       d.sync("b");
     },
     {{"a", "a-old"}, {"b", "b!"}}},
};

std::map<std::string, std::string> on_disk(const fs::path& folder) {
  std::map<std::string, std::string> out;
  for (const auto& e : fs::directory_iterator(folder)) out[e.path().filename().string()] = read_text(e.path());
  return out;
}

// Runs one case of this program until it kills itself.
void run_until_killed(const std::string& which, const std::string& folder, const std::string& argument) {
  const auto ended =
      run_to_end({fs::read_symlink("/proc/self/exe").string(), which}, {{"DSF_TEST_FOLDER", folder}, {"DSF_TEST_ARGUMENT", argument}});
  INFO(ended.out << ended.err);
  REQUIRE(ended.exit_code == 128 + SIGKILL);
}

}  // namespace

TEST_CASE("power: acts one scene and is killed", "[.]") {
  disk_under_test d{power_files(), std::getenv("DSF_TEST_FOLDER"), {}};
  const auto& s = scenes.at(std::strtoul(std::getenv("DSF_TEST_ARGUMENT"), nullptr, 10));
  s.before(d);
  s.act(d);
  ::raise(SIGKILL);
}

TEST_CASE("power: what a kill leaves is what was synced, under names that were synced") {
  for (std::size_t i = 0; i < scenes.size(); ++i) {
    const temp_folder folder("power");
    INFO(scenes[i].name);
    run_until_killed("power: acts one scene and is killed", folder.path().string(), std::to_string(i));
    // The next life sees it, and removes what was never durable.
    disk_under_test next{power_files(), folder.path(), {}};
    next.expect(scenes[i].after);
    CHECK(on_disk(folder.path()) == scenes[i].after);
  }
}

TEST_CASE("power: what is not supported is said") {
  const temp_folder folder("power");
  disk_under_test d{power_files(), folder.path(), {}};
  two_durable_files(d);
  rocksdb::FileOptions mapped, direct;
  mapped.use_mmap_reads = true;
  direct.use_direct_reads = direct.use_direct_writes = true;
  std::unique_ptr<rocksdb::FSRandomAccessFile> anywhere;
  std::unique_ptr<rocksdb::FSWritableFile> written;
  std::unique_ptr<rocksdb::FSRandomRWFile> both;
  CHECK(d.files->NewRandomAccessFile(d.path("a"), mapped, &anywhere, nullptr).IsNotSupported());
  CHECK(d.files->NewRandomAccessFile(d.path("a"), direct, &anywhere, nullptr).IsNotSupported());
  CHECK(d.files->NewWritableFile(d.path("c"), direct, &written, nullptr).IsNotSupported());
  CHECK(d.files->NewRandomRWFile(d.path("a"), {}, &both, nullptr).IsNotSupported());
  CHECK(d.files->LinkFile(d.path("a"), d.path("c"), {}, nullptr).IsNotSupported());
}

// The store's database on this disk. `sync` false is the fault that no other test sees.
TEST_CASE("power: writes rows and is killed", "[.]") {
  storage::use_rocks_file_system(power_files());
  const auto rows = storage::open_rocks_kv(std::getenv("DSF_TEST_FOLDER"), {}, true, false).value();
  for (int i = 0; i < 300; ++i) {
    storage::write_batch b;
    b.put(storage::family::meta, std::to_string(i), std::string(100, 'x'));
    REQUIRE(rows->write(b, std::getenv("DSF_TEST_ARGUMENT") == std::string("sync")));
  }
  ::raise(SIGKILL);
}

TEST_CASE("power: rows that were synced survive, rows that were not do not") {
  for (const auto& [how, expected] : std::map<std::string, int>{{"sync", 300}, {"no sync", 0}}) {
    const temp_folder folder("power");
    // Twice: the second life writes on what the first one left.
    for (int life = 0; life < 2; ++life) {
      run_until_killed("power: writes rows and is killed", (folder.path() / "rows").string(), how);
      const auto rows = storage::open_rocks_kv(folder.path() / "rows", {}, true, life == 1).value();
      int found = 0;
      REQUIRE(rows->scan(storage::family::meta, {}, [&](auto, auto) { return ++found > 0; }));
      CHECK(found == expected);
    }
  }
}

// A Binary whose bytes are a file of their own, acknowledged.
namespace {

constexpr std::string_view binary_id = "00000000-0000-4000-8000-000000000001";
const std::string binary_bytes(700'000, 'b');

std::unique_ptr<storage::store> store_at(const fs::path& folder) {
  storage::store_options o;
  o.path = folder / "store";
  auto opened = storage::store::open(std::move(o));
  if (!opened) throw std::runtime_error(opened.error().to_string());
  return *std::move(opened);
}

}  // namespace

TEST_CASE("power: stores a blob and is killed", "[.]") {
  storage::use_rocks_file_system(power_files());
  const auto s = store_at(std::getenv("DSF_TEST_FOLDER"));
  auto writer = s->blobs()->create().value();
  REQUIRE(writer->append(binary_bytes));
  const auto blob = writer->finish().value();
  storage::put_resource op;
  op.type = "Binary";
  op.id = base::uuid::parse(binary_id).value();
  op.body = std::string(R"({"resourceType":"Binary","id":")") + std::string(binary_id) + R"(","meta":{},"contentType":"text/plain"})";
  op.meta_at = static_cast<std::uint32_t>(op.body.find("\"meta\":{") + 8);
  op.access_class = "LOCAL";
  op.aside = blob.to_bytes();
  REQUIRE(s->blobs()->keep(blob, op.id));
  storage::commit c;
  c.operations.emplace_back(std::move(op));
  REQUIRE(s->submit_wait(std::move(c)));
  ::raise(SIGKILL);
}

TEST_CASE("power: the bytes and the name of a blob whose commit was acknowledged survive") {
  const temp_folder folder("power");
  run_until_killed("power: stores a blob and is killed", folder.path().string(), "");
  const auto s = store_at(folder.path());
  const auto id = base::uuid::parse(binary_id).value();
  const auto blob = s->view()->blob_of(id, 1).value();
  REQUIRE(blob);
  const auto reader = s->blobs()->read(*blob, id);
  if (!reader) FAIL(reader.error().to_string());
  CHECK((*reader)->read(0, binary_bytes.size()).value() == binary_bytes);
}

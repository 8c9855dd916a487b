// Would find: bytes that change, chunks in another order or fewer of them, a file that outlives its resource, one that goes with its resource still there,
// bytes that can be read after an erasure, a backup without them.
#include <catch2/catch.hpp>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "base/json.hpp"
#include "fhir/storable.hpp"
#include "storage/backup/backup.hpp"
#include "storage/blobs/blob_store.hpp"
#include "storage/erase.hpp"
#include "storage/test_support.hpp"

using namespace dsf;
using namespace dsf::storage;
using dsf::storage::test::temp_folder;
namespace fs = std::filesystem;

namespace {

std::string bytes_of(std::size_t size, std::uint64_t seed) {
  base::seeded_entropy e(seed);
  std::string out(size, '\0');
  e.fill({reinterpret_cast<std::uint8_t*>(out.data()), out.size()});
  return out;
}

std::string file_text(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}
void write_file(const fs::path& file, const std::string& text) { std::ofstream(file, std::ios::binary | std::ios::trunc) << text; }

struct site {
  temp_folder folder;
  std::unique_ptr<store> rows;
  site() { open(); }
  void open() {
    rows.reset();
    store_options o;
    o.path = folder.path() / "store";
    auto opened = store::open(std::move(o));
    if (!opened) FAIL(opened.error().to_string());
    rows = *std::move(opened);
  }
  blob_store& blobs() { return *rows->blobs(); }
  blob write(const std::string& bytes, std::size_t step) {
    auto w = blobs().create();
    REQUIRE(w);
    for (std::size_t at = 0; at < bytes.size(); at += step) REQUIRE((*w)->append(std::string_view(bytes).substr(at, step)));
    auto b = (*w)->finish();
    REQUIRE(b);
    return *b;
  }
  void store_binary(base::uuid id, const blob* b, std::uint64_t before = 0) {
    const auto resource =
        base::json::parse(R"({"resourceType":"Binary","contentType":"text/plain","securityContext":{"reference":"Organization/x"}})");
    const auto body = *fhir::make_storable(*resource, id);
    commit c;
    c.preconditions.emplace_back(version_is{"Binary", id, before});
    put_resource put{"Binary", id, body.bytes, body.meta_at, {}, {}, "all"};
    if (b) put.aside = b->to_bytes();
    c.operations.emplace_back(std::move(put));
    const auto r = rows->submit_wait(std::move(c));
    if (!r) FAIL(r.error().to_string());
  }
  std::string read_all(const blob& b, base::uuid owner, std::size_t step = 100'000) {
    auto r = blobs().read(b, owner);
    if (!r) FAIL(r.error().to_string());
    std::string out;
    for (;;) {
      const auto part = (*r)->read(out.size(), step);
      if (!part) FAIL(part.error().to_string());
      if (part->empty()) return out;
      out += *part;
    }
  }
  std::size_t sweep() {
    return *blobs().sweep([&] { return rows->view(); });
  }
  std::size_t files() { return blobs().files()->size(); }
};

const auto an_id = *base::uuid::parse("6f0a5c1e-0000-4000-8000-000000000001");
const auto another_id = *base::uuid::parse("6f0a5c1e-0000-4000-8000-000000000002");

}  // namespace

TEST_CASE("blobs: bytes of any size come back, whole and in part, however they were cut", "[blobs]") {
  site s;
  for (const std::size_t size : {0UL, 1UL, 65'535UL, 65'536UL, 65'537UL, 131'072UL, 200'001UL}) {
    const auto bytes = bytes_of(size, size + 1);
    const auto b = s.write(bytes, size == 200'001 ? 7'919 : 65'536 + size % 3);
    REQUIRE(s.blobs().keep(b, an_id));
    CHECK(b.size == size);
    CHECK(s.read_all(b, an_id) == bytes);
    auto r = s.blobs().read(b, an_id);
    REQUIRE(r);
    for (const std::size_t at : {0UL, 65'530UL, 65'536UL, 131'071UL, size, size + 5})
      CHECK(*(*r)->read(at, 70'000) == (at < size ? bytes.substr(at, 70'000) : ""));
    // Nothing of it stands there in clear.
    const auto file = s.blobs().folder() / s.blobs().files()->front().path;
    if (size > 100) CHECK(file_text(file).find(bytes.substr(0, 32)) == std::string::npos);
    CHECK(fs::file_size(file) == blob_file_bytes(size));
    s.blobs().dropped(b);
    CHECK(s.files() == 0);
  }
}

TEST_CASE("blobs: a file that was changed, cut or mixed up is told, not served", "[blobs]") {
  site s;
  const auto bytes = bytes_of(200'000, 3);
  const auto b = s.write(bytes, 200'000);
  REQUIRE(s.blobs().keep(b, an_id));
  const auto file = s.blobs().folder() / s.blobs().files()->front().path;
  const auto whole = file_text(file);
  const std::size_t chunk = blob_chunk_bytes + blob_seal_bytes;
  const auto read = [&](std::string text) -> base::result<std::string> {
    write_file(file, text);
    auto r = TRY(s.blobs().read(b, an_id));
    return r->read(0, b.size);
  };
  CHECK(*read(whole) == bytes);
  SECTION("a bit") {
    auto text = whole;
    text[100'000] ^= 1;
    CHECK(read(text).error().is(errc::damaged));
  }
  SECTION("two chunks change places") {
    auto text = whole;
    std::swap_ranges(text.begin() + 8, text.begin() + 8 + static_cast<std::ptrdiff_t>(chunk),
                     text.begin() + 8 + static_cast<std::ptrdiff_t>(chunk));
    CHECK(read(text).error().is(errc::damaged));
  }
  SECTION("the end is missing") { CHECK(read(whole.substr(0, whole.size() - 1)).error().is(errc::damaged)); }
  SECTION("the last chunk is missing, and the row says so too") {
    auto shorter = b;
    shorter.size = 2 * blob_chunk_bytes;
    write_file(file, whole.substr(0, 8 + 2 * chunk));
    auto r = s.blobs().read(shorter, an_id);
    REQUIRE(r);
    CHECK((*r)->read(0, shorter.size).error().is(errc::damaged));
  }
  SECTION("another key") {
    base::seeded_entropy e(4);
    auto other = b;
    other.key = secret_key::random(e);
    auto r = s.blobs().read(other, an_id);
    REQUIRE(r);
    CHECK((*r)->read(0, 10).error().is(errc::damaged));
  }
  SECTION("no file") {
    fs::remove(file);
    CHECK(s.blobs().read(b, an_id).error().is(errc::not_found));
  }
}

TEST_CASE("blobs: what no version refers to is swept, nothing else", "[blobs]") {
  site s;
  const auto first = s.write("the first version", 5), second = s.write("the second version", 5), orphan = s.write("nobody's", 5);
  for (const auto* b : {&first, &second}) {
    REQUIRE(s.blobs().keep(*b, an_id));
    s.store_binary(an_id, b, b == &first ? 0 : 1);
    s.blobs().committed(*b);
  }
  REQUIRE(s.blobs().keep(orphan, another_id));
  // Its commit may be on the way.
  CHECK(s.sweep() == 0);
  const auto view = s.rows->view();
  CHECK(view->blobs_of(an_id)->size() == 2);
  CHECK((*view->blob_of(an_id, 1))->id == first.id);
  CHECK((*view->blob_of(an_id, 2))->id == second.id);
  CHECK(s.read_all(**view->blob_of(an_id, 1), an_id) == "the first version");

  // After a crash nobody knows of what was under way.
  auto half = s.blobs().create();
  REQUIRE((*half)->append(bytes_of(300'000, 5)));
  const auto begun = s.blobs().folder() / "new";
  CHECK_FALSE(fs::is_empty(begun));
  const auto copy = s.folder.path() / "copy";
  fs::copy(s.folder.path() / "store", copy, fs::copy_options::recursive);
  half->reset();
  CHECK(fs::is_empty(begun));
  fs::remove(copy / "lock");
  store_options o;
  o.path = copy;
  auto reopened = store::open(std::move(o));
  REQUIRE(reopened);
  CHECK(fs::is_empty(copy / "blobs" / "new"));
  CHECK(*(*reopened)->blobs()->sweep([&] { return (*reopened)->view(); }) == 1);
  CHECK((*reopened)->blobs()->files()->size() == 2);
  reopened->reset();

  // Erased: the bytes can't be read, and the files go with their key.
  REQUIRE(erase_resource(*s.rows, "Binary", an_id));
  CHECK(s.rows->view()->blobs_of(an_id)->empty());
  CHECK(s.files() == 1);
  CHECK(s.sweep() == 0);
}

TEST_CASE("blobs: a backup has them, and a restored store reads them", "[blobs]") {
  site s;
  const auto bytes = bytes_of(150'000, 6);
  const auto b = s.write(bytes, 10'000);
  REQUIRE(s.blobs().keep(b, an_id));
  s.store_binary(an_id, &b);
  s.blobs().committed(b);
  const fs::path backup = s.folder.path() / "backup", again = s.folder.path() / "again", keys = s.folder.path() / "keys";
  const auto go_on = [](const auto&) { return true; };
  REQUIRE(back_up(*s.rows, base::system_clock_source(), backup, keys, go_on));
  const auto master = file_text(s.folder.path() / "store" / "master.key");
  REQUIRE(check(backup, go_on));
  REQUIRE(restore(backup, again, keys, go_on));
  write_file(again / "master.key", master);
  fs::permissions(again / "master.key", fs::perms::owner_read | fs::perms::owner_write);
  {
    store_options o;
    o.path = again;
    auto opened = store::open(std::move(o));
    if (!opened) FAIL(opened.error().to_string());
    auto r = (*opened)->blobs()->read(**(*opened)->view()->blob_of(an_id, 1), an_id);
    REQUIRE(r);
    CHECK(*(*r)->read(0, bytes.size()) == bytes);
  }
  CHECK(check(again, go_on));
  const auto file = s.blobs().files()->front().path;
  fs::resize_file(again / "blobs" / file, 100);
  CHECK(check(again, go_on).error().is(errc::damaged));
  fs::resize_file(backup / "blobs" / file, 100);
  CHECK(check(backup, go_on).error().is(errc::damaged));
  fs::remove_all(again);
  CHECK(restore(backup, again, keys, go_on).error().is(errc::damaged));
}

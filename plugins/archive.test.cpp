// Would find: a zip that writes outside its folder, hides a file behind another of the same name, or fills the memory.
#include <zip.h>

#include <catch2/catch.hpp>

#include "plugins/archive.hpp"
#include "plugins/testing/zip_maker.hpp"

using namespace dsf::plugins;
using dsf::plugins::testing::make_zip;
using dsf::plugins::testing::zip_entry;

namespace {

std::string refusal(const std::string& bytes, const archive_limits& limits = {}) {
  const auto zip = archive::parse(bytes, "a.zip", limits);
  REQUIRE_FALSE(zip);
  return zip.error().to_string();
}
bool has(const std::string& text, const std::string& part) {
  INFO(text);
  CHECK(text.find(part) != text.npos);
  return text.find(part) != text.npos;
}

// `size` zeros, packed by libzip.
std::string bomb(std::size_t size) {
  zip_error_t e;
  zip_error_init(&e);
  auto* memory = zip_source_buffer_create(nullptr, 0, 0, &e);
  zip_source_keep(memory);
  auto* zip = zip_open_from_source(memory, ZIP_TRUNCATE, &e);
  const std::string zeros(size, '\0');
  zip_file_add(zip, "zeros", zip_source_buffer(zip, zeros.data(), zeros.size(), 0), 0);
  REQUIRE(zip_close(zip) == 0);
  REQUIRE(zip_source_open(memory) == 0);
  std::string out(4u << 20, '\0');
  out.resize(static_cast<std::size_t>(zip_source_read(memory, out.data(), out.size())));
  zip_source_free(memory);
  return out;
}

// The size that directory and local head tell.
std::string with_size(std::string zip, std::uint32_t size) {
  const auto put = [&](std::size_t at) {
    for (int i = 0; i < 4; ++i) zip[at + static_cast<std::size_t>(i)] = static_cast<char>(size >> (8 * i) & 0xff);
  };
  const auto directory = zip.find("PK\1\2");
  REQUIRE(directory != zip.npos);
  put(directory + 24);
  return zip;
}

}  // namespace

TEST_CASE("archive: files in their order, folders left out", "[archive]") {
  auto zip = archive::parse(make_zip({{"b/", "", 040755}, {"b/two", "2"}, {"one", "1"}}), "a.zip");
  REQUIRE(zip);
  CHECK(zip->names() == std::vector<std::string>{"b/two", "one"});
  CHECK(zip->read("one").value() == "1");
  CHECK_FALSE(zip->read("three"));
}

TEST_CASE("archive: names that lead elsewhere", "[archive]") {
  for (const std::string name : {"../x", "a/../../x", "/etc/passwd", "a\\..\\x", "C:/x", "a//b", "./a", "a/..", "a\nb"}) {
    CAPTURE(name);
    CHECK_FALSE(fault_of_name(name).empty());
    has(refusal(make_zip({{"ok", "1"}, {name, "1"}})), "a.zip!entry 1: ");
  }
  CHECK(fault_of_name("fhir/Task/a..b.json").empty());
}

TEST_CASE("archive: names twice, links, too many entries, no zip", "[archive]") {
  has(refusal(make_zip({{"a", "1"}, {"a", "2"}})), "a.zip!a: the name occurs twice");
  has(refusal(make_zip({{"a", "/etc/passwd", 0120777}})), "a.zip!a: it is a link or a device");
  has(refusal(make_zip({{"a", "1"}, {"b", "2"}, {"c", "3"}}), {.entries = 2}), "it has 3 entries; 2 are the limit");
  has(refusal("no zip at all"), "no readable zip file");
  has(refusal(make_zip({{std::string(600, 'x'), "1"}})), "the name has 600 bytes; 512 are the limit");
  has(refusal(std::string(100, 'x'), {.file_bytes = 99}), "the file has 100 bytes; 99 are the limit");
  // All at once.
  const auto all = refusal(make_zip({{"../x", "1"}, {"a", "2"}, {"a", "3"}}));
  CHECK(has(all, "leads out"));
  CHECK(has(all, "twice"));
}

TEST_CASE("archive: what unpacks to more than it may", "[archive]") {
  has(refusal(make_zip({{"a", std::string(2'000, 'x')}}), {.entry_bytes = 1'999}), "a.zip!a: it unpacks to 2000 bytes; 1999 are the limit");
  has(refusal(make_zip({{"a", std::string(600, 'x')}, {"b", std::string(600, 'x')}}), {.total_bytes = 1'000}), "it unpacks to 1200 bytes");
  const auto zeros = bomb(8u << 20);
  has(refusal(zeros), "more than 200 times is not taken");
  // It says that it is small: what comes out counts.
  auto lying = archive::parse(with_size(zeros, 10), "a.zip");
  if (lying) {
    const auto text = lying->read("zeros");
    CHECK((!text || text->size() <= 10));
  }
  auto few = archive::parse(bomb(4u << 20), "a.jar", jar_limits);
  REQUIRE(few);
  CHECK_FALSE(few->read("zeros"));
}

TEST_CASE("archive: damage is found", "[archive]") {
  auto bytes = make_zip({{"a", "hello"}});
  bytes[bytes.find("hello")] = 'j';
  auto zip = archive::parse(bytes, "a.zip");
  REQUIRE(zip);
  CHECK_FALSE(zip->read("a"));
}

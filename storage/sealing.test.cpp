// Faults these find: a nonce used twice, a seal that is not checked, a text that can be moved to another row, a key file that others may read.
#include "storage/sealing.hpp"

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <set>

#include "storage/small_file.hpp"
#include "storage/test_support.hpp"

using namespace dsf;
using namespace dsf::storage;

namespace {

void write(const std::filesystem::path& file, std::string_view text, std::filesystem::perms mode) {
  std::ofstream(file, std::ios::trunc) << text;
  std::filesystem::permissions(file, mode);
}

}  // namespace

TEST_CASE("sealing: what was sealed opens, of any size; nothing else does") {
  base::seeded_entropy entropy(7);
  const auto key = secret_key::random(entropy), other = secret_key::random(entropy);
  for (const std::size_t size : {0u, 1u, 15u, 16u, 17u, 4'096u, 100'000u}) {
    CAPTURE(size);
    const std::string plain(size, 'p');
    const auto sealed = seal(key, plain, "row", entropy);
    REQUIRE(sealed);
    CHECK(sealed->size() == size + 28);
    CHECK(*open_sealed(key, *sealed, "row") == plain);
    CHECK(open_sealed(key, *sealed, "another row").error().is(errc::damaged));
    CHECK(open_sealed(other, *sealed, "row").error().is(errc::damaged));
    for (int i = 0; i < 40; ++i) {
      auto changed = *sealed;
      changed[entropy.below(changed.size())] ^= static_cast<char>(1 << entropy.below(8));
      CHECK_FALSE(open_sealed(key, changed, "row"));
    }
    CHECK_FALSE(open_sealed(key, std::string_view(*sealed).substr(0, sealed->size() - 1), "row"));
  }
  CHECK(open_sealed(key, "short", "row").error().is(errc::damaged));
}

TEST_CASE("sealing: the same text is sealed differently each time") {
  const auto key = secret_key::random(base::system_entropy());
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) CHECK(seen.insert(seal(key, "same", "row", base::system_entropy())->substr(0, 12)).second);
}

TEST_CASE("sealing: names under different keys have nothing in common") {
  base::seeded_entropy entropy(8);
  const auto a = secret_key::random(entropy), b = secret_key::random(entropy);
  CHECK(*keyed_name(a, "x") == *keyed_name(a, "x"));
  CHECK(*keyed_name(a, "x") != *keyed_name(b, "x"));
  CHECK(*keyed_name(a, "x") != *keyed_name(a, "y"));
  CHECK(keyed_name(a, "x")->size() == 32);
}

TEST_CASE("master key: wraps for one row; another master key is told from damage") {
  base::seeded_entropy entropy(9);
  const master_key master(secret_key::random(entropy)), other(secret_key::random(entropy));
  const auto key = secret_key::random(entropy);
  const auto wrapped = master.wrap(key, "row", entropy);
  REQUIRE(wrapped);
  CHECK(master.unwrap(*wrapped, "row")->bytes() == key.bytes());
  CHECK(master.unwrap(*wrapped, "another").error().is(errc::damaged));
  CHECK(other.unwrap(*wrapped, "row").error().is(errc::wrong_key));
  CHECK(master.unwrap("", "row").error().is(errc::damaged));
}

TEST_CASE("master key: its file is made once, for its owner only, and refused when it is anything else") {
  const test::temp_folder folder;
  const auto file = folder.path() / "master.key";
  CHECK(master_key::of_file(file, false, base::system_entropy()).error().is(errc::wrong_key));
  REQUIRE(master_key::of_file(file, true, base::system_entropy()));
  CHECK((std::filesystem::status(file).permissions() & std::filesystem::perms::all) ==
        (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
  const auto text = **read_small(file);
  REQUIRE(master_key::of_file(file, true, base::system_entropy()));
  CHECK(**read_small(file) == text);
  using std::filesystem::perms;
  std::filesystem::permissions(file, perms::owner_read | perms::group_read);
  CHECK(master_key::of_file(file, true, base::system_entropy()).error().text().find("chmod 600") != std::string::npos);
  write(file, "00", perms::owner_read | perms::owner_write);
  CHECK(master_key::of_file(file, true, base::system_entropy()).error().text().find("64 hexadecimal") != std::string::npos);
  write(file, std::string(64, 'g'), perms::owner_read | perms::owner_write);
  CHECK_FALSE(master_key::of_file(file, true, base::system_entropy()));
}

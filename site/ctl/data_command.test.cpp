// dsfctl data erase over a store on disk. Faults these find: something erased without --yes, data that can still be read afterwards.
#include "site/ctl/data_command.hpp"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <sstream>

#include "storage/store.hpp"

using namespace dsf;

TEST_CASE("data erase asks for --yes, erases a resource, and says so when it was erased before") {
  const auto folder = std::filesystem::temp_directory_path() / ("dsfd-ctl-data-" + std::to_string(::getpid()));
  storage::store_options so;
  so.path = folder / "store";
  auto store = std::move(*storage::store::open(so));
  const auto id = base::uuid::random(base::system_entropy());
  storage::put_resource put{"Binary", id, R"({"resourceType":"Binary","meta":{},"data":"QUJD"})", 0, {}, {}, "LOCAL"};
  put.meta_at = static_cast<std::uint32_t>(put.body.find("\"meta\":{") + 8);
  storage::commit c;
  c.operations.push_back(std::move(put));
  REQUIRE(store->submit_wait(std::move(c)));
  REQUIRE(store->close());
  store.reset();

  std::ostringstream out;
  std::ostringstream err;
  site::ctl_output o{out, err, false, 0, false, base::system_clock_source()};
  site::ctl::erase_options options{so.path.string(), {}, "Binary/" + id.to_string(), false};
  CHECK_FALSE(site::ctl::erase_resource(o, options));
  const auto readable = [&] {
    const auto s = std::move(*storage::store::open(so));
    const auto found = *s->view()->current("Binary", id);
    return found && !found->deleted && found->bytes != nullptr;
  };
  CHECK(readable());
  options.yes = true;
  const auto erased = site::ctl::erase_resource(o, options);
  INFO((erased ? "" : erased.error().to_string()));
  CHECK(erased);
  CHECK(out.str().find("Erased: all that Binary/" + id.to_string()) == 0);
  CHECK_FALSE(readable());
  CHECK(site::ctl::erase_resource(o, options).error().is(storage::errc::erased));
  for (const auto what : {"Binary", "/x", "Binary/x", ""}) {
    options.what = what;
    CHECK_FALSE(site::ctl::erase_resource(o, options));
  }
  options.what = "00000000-0000-4000-8000-000000000000";
  CHECK_FALSE(site::ctl::erase_instance(o, options));
  std::filesystem::remove_all(folder);
}

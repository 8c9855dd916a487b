// dsfctl log show over a store on disk. Faults these find: a large value that has to be there to list events, or that is printed.
#include "site/ctl/log_command.hpp"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <sstream>

#include "base/bytes.hpp"
#include "storage/instances/instance_codec.hpp"
#include "storage/store.hpp"

using namespace dsf;

namespace {

struct folder {
  std::filesystem::path path = std::filesystem::temp_directory_path() / ("dsfd-ctl-log-" + std::to_string(::getpid()));
  ~folder() { std::filesystem::remove_all(path); }
};

}  // namespace

TEST_CASE("log show prints a large value's size and hash, also when its row is gone") {
  const folder f;
  storage::store_options options;
  options.path = f.path / "store";
  auto store = std::move(*storage::store::open(options));
  const auto instance = *store->allocate_instance_ids(0);
  const auto id = store->external_id(instance);
  const std::string big(10'000, 'p');
  storage::large_values aside;
  const auto row = storage::encode_batch(
      {1, {5}, "c", "s", 1, {bpmn::event{bpmn::events::variables_written{1, {{"data", bpmn::value(big)}, {"small", bpmn::value("pp")}}}}}},
      aside);
  REQUIRE(row);
  storage::commit c;
  c.operations.push_back(storage::append_events{instance, 1, {*row}, std::nullopt});
  REQUIRE(store->submit_wait(std::move(c)));
  REQUIRE(store->close());

  std::ostringstream out;
  std::ostringstream err;
  site::ctl_output o{out, err, true, 0, false, base::system_clock_source()};
  const auto shown = site::ctl::log_show(o, {options.path.string(), id, 1});
  INFO((shown ? "" : shown.error().to_string()));
  REQUIRE(shown);
  const auto line = *base::json::parse(out.str());
  const auto& large = aside.to_put().front();
  CHECK(line["detail"].str() == "data (" + std::to_string(large.bytes.size()) + " bytes, row " + base::to_hex(large.sha256) + "), small");
}

// A store on a disk that fails at chosen requests: a commit that was refused must never be there, however often coming back fails.
#include <catch2/catch.hpp>

#include <fmt/format.h>
#include <atomic>

#include "base/uuid.hpp"
#include "storage/repository/repository.hpp"
#include "storage/rocks_kv.hpp"
#include "storage/store.hpp"
#include "tests/power/power_files.hpp"
#include "tests/support/programs.hpp"

using namespace dsf;
using namespace dsf::tests;

namespace {

struct chosen_faults final : disk_events {
  std::atomic<bool> log_syncs = false;  // the bytes arrive, and an error is answered
  std::atomic<bool> log_names = false;  // a log can't be opened to write
  std::atomic<std::uint64_t> appends = 0;
  disk_answer before_append(std::string_view, std::string_view) override {
    ++appends;
    return {};
  }
  disk_answer before_sync(std::string_view file) override {
    return log_syncs && file.ends_with(".log") ? disk_answer{disk_answer::error, 1} : disk_answer{};
  }
  void after_sync(std::string_view) override {}
  disk_answer before_name(std::string_view name) override {
    return log_names && name.ends_with(".log") ? disk_answer{disk_answer::error, 0} : disk_answer{};
  }
  disk_answer before_read(std::string_view) override { return {}; }
};

base::uuid id(std::uint64_t n) {
  base::seeded_entropy e(n);
  return base::uuid::random(e);
}

storage::commit task(std::uint64_t n) {
  storage::put_resource op;
  op.type = "Task";
  op.id = id(n);
  op.body = fmt::format(R"({{"resourceType":"Task","id":"{}","meta":{{}}}})", op.id.to_string());
  op.meta_at = static_cast<std::uint32_t>(op.body.find("\"meta\":{") + 8);
  op.access_class = "LOCAL";
  storage::commit c;
  c.operations.emplace_back(std::move(op));
  return c;
}

std::unique_ptr<storage::store> open(const std::filesystem::path& path) {
  storage::store_options o;
  o.path = path;
  auto opened = storage::store::open(std::move(o));
  if (!opened) throw std::runtime_error(opened.error().to_string());
  return std::move(*opened);
}

bool shows(const storage::store& s, std::uint64_t n) {
  const auto found = s.view()->current("Task", id(n));
  return found && found->has_value();
}

}  // namespace

TEST_CASE("power: a refused commit whose log can't be cut yet is not shown, and not there when it can") {
  const temp_folder folder("power");
  const auto disk = std::make_shared<chosen_faults>();
  storage::use_rocks_file_system(power_files(disk));
  auto s = open(folder / "store");
  REQUIRE(s->submit_wait(task(1)));
  disk->log_syncs = true;
  const auto refused = s->submit_wait(task(2));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().is(storage::errc::read_only));
  CHECK(s->status().may_recover);
  CHECK(shows(*s, 1));
  CHECK_FALSE(shows(*s, 2));
  disk->log_syncs = false;
  disk->log_names = true;
  for (int attempt = 0; attempt < 3; ++attempt) {
    INFO("attempt " << attempt);
    const auto again = s->reopen();
    REQUIRE_FALSE(again);
    CHECK(again.error().is(storage::errc::io));
    CHECK(s->status().may_recover);
    CHECK_FALSE(s->status().writable);
    CHECK_FALSE(shows(*s, 2));
    CHECK(s->submit_wait(task(3)).error().is(storage::errc::read_only));
  }
  disk->log_names = false;
  REQUIRE(s->reopen());
  CHECK(s->status().writable);
  for (int life = 0; life < 2; ++life) {
    CHECK(shows(*s, 1));
    CHECK_FALSE(shows(*s, 2));
    CHECK_FALSE(shows(*s, 3));
    REQUIRE(s->submit_wait(task(10 + static_cast<std::uint64_t>(life))));
    s.reset();
    s = open(folder / "store");
  }
  CHECK(s->view()->all_ids("Task", 100)->size() == 3);
  s.reset();
  storage::use_rocks_file_system(nullptr);
}

TEST_CASE("power: store and repository stand on the disk that was named before they were opened, and on no other") {
  const temp_folder folder("power");
  const auto disk = std::make_shared<chosen_faults>();
  const auto appends_of = [&](const auto& work) {
    const auto before = disk->appends.load();
    work();
    return disk->appends - before;
  };
  auto early = open(folder / "early");
  storage::use_rocks_file_system(power_files(disk));
  CHECK(appends_of([&] { REQUIRE(early->submit_wait(task(1))); }) == 0);
  CHECK(appends_of([&] { REQUIRE(storage::repository::open(folder / "repository", {})); }) > 0);
  auto late = open(folder / "late");
  storage::use_rocks_file_system(nullptr);
  CHECK(appends_of([&] { REQUIRE(late->submit_wait(task(1))); }) > 0);
  CHECK(appends_of([&] { REQUIRE(storage::repository::open(folder / "other", {})); }) == 0);
}

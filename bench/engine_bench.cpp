// dsf-bench engine: instances inside one program, beside what the commit pipeline could do with their commits.
#include <fmt/format.h>

#include <thread>

#include "base/entropy.hpp"
#include "bench/commands.hpp"
#include "bench/commit_limit.hpp"
#include "bench/cross_check.hpp"
#include "bench/instance_load.hpp"
#include "bench/machine.hpp"
#include "bench/waiting.hpp"
#include "storage/store_figures.hpp"

namespace dsf::bench {
namespace {

using base::result;

constexpr std::uint64_t keys_of_a_run = 10'000'000;
constexpr double db_bench_seconds = 5;
constexpr double row_overhead = 10;  // bytes of a row in a batch of the store that are neither key nor value

unsigned io_threads() { return std::max(1u, std::thread::hardware_concurrency() - 1); }

struct subject {
  std::string name;
  life what;
  std::optional<floor> must;
};

result<figure> one_run(const subject& s, const engine_options& o, const std::filesystem::path& folder, unsigned run) {
  figure f;
  f.name = s.name;
  f.unit = "instances/s";
  f.must = s.must;
  // The limit, then the figure, each in a new store on the same device.
  {
    const auto site = TRY(engine_site::open({folder / fmt::format("limit-{}-{}", s.name, run), false, o.common.models}));
    const auto recorded = TRY(record(*site, s.what));
    const auto before = site->store().status();
    const auto rows_before = site->store().figures().rows;
    const auto limit = TRY(commit_limit(*site, recorded, o.instances, o.in_flight));
    const auto after = site->store().status();
    const auto commits = static_cast<double>(std::max<std::uint64_t>(1, after.commits - before.commits));
    const auto rows = static_cast<double>(site->store().figures().rows - rows_before);
    f.limit = limit.commits_per_second;
    f.more = {{"limit_p50", limit.p50_us},
              {"limit_p99", limit.p99_us},
              {"commit_rows", rows / commits},
              {"commit_bytes", static_cast<double>(after.bytes_written - before.bytes_written) / commits}};
  }
  const auto site = TRY(engine_site::open({folder / fmt::format("site-{}-{}", s.name, run), true, o.common.models}));
  instance_load load;
  load.what = s.what;
  load.in_flight = o.in_flight;
  load.threads = o.threads != 0 ? o.threads : io_threads();
  // Warm: caches, the allocator, RocksDB's first files.
  load.count = std::max<std::uint64_t>(o.in_flight, o.instances / 20);
  TRY(run_instances(*site, load));
  load.first_key = (run + 1) * keys_of_a_run;
  load.count = o.instances;
  auto got = TRY(run_instances(*site, load));
  const auto n = static_cast<double>(o.instances);
  const auto commits = static_cast<double>(got.commits) / n;
  f.value = n / got.seconds;
  f.p50 = percentile(got.samples_us, 0.5);
  f.p99 = percentile(got.samples_us, 0.99);
  f.ratio = f.value * commits / f.limit;
  f.server_cpu_us = static_cast<double>(got.cpu_us) / n;
  f.more.insert(f.more.end(),
                {{"commits_an_instance", commits},
                 {"commits_a_sync", static_cast<double>(got.commits) / static_cast<double>(std::max<std::uint64_t>(1, got.groups))},
                 {"in_flight", o.in_flight},
                 {"instances", n}});
  return f;
}

// The limit beside RocksDB's own tool with as many rows and bytes a commit, and as many commits under way.
result<> check(const figure& of, const engine_options& o, const std::filesystem::path& folder, report& out) {
  commit_shape shape;
  shape.in_flight = o.in_flight;
  for (const auto& [name, value] : of.more) {
    if (name == "commit_rows") shape.rows = value;
    if (name == "commit_bytes") shape.bytes = value - row_overhead * shape.rows;
  }
  const auto theirs = TRY(db_bench_commits(folder / "db_bench", shape, o.common.quick ? 1 : db_bench_seconds));
  out.add(check_figure("check.commits" + of.name.substr(of.name.find('.')), "commits/s", of.limit, theirs));
  return {};
}

}  // namespace

result<> measure_engine(const engine_options& given, report& out) {
  auto o = given;
  if (o.common.quick) {
    o.instances = std::min<std::uint64_t>(o.instances, 1'000);
    o.waiting = std::min<std::uint64_t>(o.waiting, 2'000);
    o.common.runs = 1;
  }
  const auto scratch = TRY(scratch_folder::make(o.common.folder));
  out.about(TRY(look_at_machine(scratch.path())));
  out.note(
      fmt::format("limit: the commit pipeline with commits made before, commits/s; ratio: instances x commits an instance / limit; {} "
                  "under way, {} preparing thread(s), {} run(s)",
                  o.in_flight, o.threads != 0 ? o.threads : io_threads(), o.common.runs));
  const subject subjects[] = {{"engine.one_task", life::one_task, std::nullopt},
                              {"engine.one_wait", life::one_wait, floor{.ratio_at_least = 0.20, .value_at_least = 3'000}}};
  for (const auto& s : subjects) {
    if (!s.name.starts_with(o.common.only)) continue;
    std::vector<figure> runs;
    for (unsigned run = 0; run < o.common.runs; ++run) runs.push_back(TRY(one_run(s, o, scratch.path(), run)));
    const auto middle = median_of(runs);
    out.add(middle);
    if (o.cross_check) TRY(check(middle, o, scratch.path(), out));
  }
  if (o.waiting > 0 && std::string_view("engine.waiting_1m").starts_with(o.common.only)) TRY(measure_waiting(o, scratch.path(), out));
  return {};
}

}  // namespace dsf::bench

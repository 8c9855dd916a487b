// dsf-bench fhir: the endpoint alone, with a store full of Tasks, beside the TLS stack and the commit pipeline without FHIR.
#include <fmt/format.h>
#include <unistd.h>

#include "bench/commit_limit.hpp"
#include "bench/conversations.hpp"
#include "bench/fhir_run.hpp"
#include "bench/machine.hpp"

namespace dsf::bench {
namespace {

namespace fs = std::filesystem;
using base::fail;
using base::result;

constexpr double search_p99_ms = 5;

// The number behind "total": of a searchset.
std::uint64_t total_of(std::string_view answer) {
  constexpr std::string_view name = "\"total\":";
  const auto at = answer.find(name);
  return at == std::string_view::npos ? UINT64_MAX : std::strtoull(answer.data() + at + name.size(), nullptr, 10);
}

// The commit of one Task's creation, taken down in a site of this program; without the engine's row, as dsfd has none here.
result<recorded_life> record_create(engine_site& site) {
  recorded_life out;
  out.key = business_key(0x5eed'0000'0000ULL);
  storage::commit copy;
  const auto reply =
      site.post_task_and_wait(task_text(task_kind::start_one_wait, out.key), [&](storage::commit& c, const fhir::write_set& w) {
        copy.preconditions = c.preconditions;
        storage::append(copy, w);
      });
  const auto id = created_id(reply);
  if (!id) return fail(base::errc::invalid_argument, "a Task was refused: " + describe(reply));
  out.commits.push_back(std::move(copy));
  out.inbox_from.push_back(-1);
  out.tasks.push_back(*id);
  return out;
}

}  // namespace

load_plan fhir_run::plan(const load_target& to, const maker& make, unsigned connections) const {
  load_plan p;
  p.target = to;
  p.connections = connections;
  p.threads = o_.threads;
  p.seconds = o_.seconds;
  p.make = [make, port = to.port](unsigned c) { return make(port, c); };
  return p;
}

result<> fhir_run::prepare() {
  const auto bundle = (o_.common.models / "one_wait").string();
  sites_ = TRY(wire_consortium::make(folder_ / "sites", {"bench", "remote"}, {bundle}));
  // Once with an engine, which brings the process and its profiles.
  TRY(sites_->start(o_.dsfd, site()));
  site().process.stop(15'000);
  crowd_ = TRY(make_crowd(site().folder / "store", {o_.tasks, site().base_url(), site().organization, remote().organization}));
  TRY(sites_->configure(site(), {}, "fhir", fmt::format("limits: {{connections_per_partner: {}}}\n", o_.subscribers + 100)));
  TRY(sites_->start(o_.dsfd, site()));
  out_->note(fmt::format(
      "{} Tasks, made in {:.1f} s ({:.0f}/s) through the commit pipeline; {} of them of the rare status, the remote organisation sees 2 %; "
      "role fhir alone; load generator on {} thread(s), {:.1f} s x {} run(s)",
      o_.tasks, crowd_.seconds, static_cast<double>(o_.tasks) / crowd_.seconds, crowd_.rare, o_.threads, o_.seconds, o_.common.runs));
  return {};
}

result<std::string> fhir_run::answer_to(const wire_site& caller, const std::string& method, const std::string& path, std::string body) {
  std::string answer;
  const auto make = [&](std::uint16_t port, unsigned) {
    return std::make_unique<asker>(method, port, std::vector{path}, 0, &answer, body, 1);
  };
  auto once = plan(sites_->target(site(), caller), make, 1);
  once.threads = 1;
  TRY(run_load(once));
  return answer;
}

// GET or HEAD of Tasks, beside the same server with a handler that does nothing.
result<> fhir_run::read(const std::string& name, const char* method) {
  std::vector<std::string> paths;
  for (const auto& id : crowd_.ids) paths.push_back("/fhir/Task/" + id);
  const auto make = [&](std::uint16_t port, unsigned c) { return std::make_unique<asker>(method, port, paths, c * 37); };
  const auto answer = TRY(answer_to(site(), "GET", paths.front()));
  const auto limit_server = TRY(tls_limit::start(*sites_, answer));
  std::vector<figure> runs;
  for (unsigned run = 0; run < o_.common.runs; ++run) {
    auto limit = TRY(timed_when_up(plan(limit_server->target(), make, o_.connections), limit_server->pid()));
    auto got = TRY(timed(plan(sites_->target(site()), make, o_.connections), {site().process.pid()}));
    const auto n = static_cast<double>(got.load.exchanges);
    figure f;
    f.name = name;
    f.unit = "requests/s";
    f.must = floor{.ratio_at_least = 0.5};
    f.value = n / got.load.seconds;
    f.limit = static_cast<double>(limit.load.exchanges) / limit.load.seconds;
    f.ratio = f.value / f.limit;
    set_latencies(f, got.load.samples_us);
    f.server_cpu_us = static_cast<double>(got.server_cpu_us) / n;
    f.more = {{"limit_p50", percentile(limit.load.samples_us, 0.5)},
              {"limit_p99", percentile(limit.load.samples_us, 0.99)},
              {"limit_server_cpu_us", static_cast<double>(limit.server_cpu_us) / static_cast<double>(limit.load.exchanges)},
              {"client_cpu_us", static_cast<double>(got.load.cpu_us) / n},
              {"bytes_in", static_cast<double>(got.load.bytes_in) / n},
              {"connections", o_.connections}};
    runs.push_back(std::move(f));
  }
  out_->add(median_of(runs));
  return {};
}

result<> fhir_run::task_create() {
  auto shared = std::make_shared<task_sender::shared_state>();
  shared->organization = site().organization;
  shared->next = next_key_;
  shared->keep = false;
  const auto beside = TRY(engine_site::open({folder_ / "limit", false, o_.common.models}));
  const auto life = TRY(record_create(*beside));
  std::vector<figure> runs;
  for (unsigned run = 0; run < o_.common.runs; ++run) {
    auto got = TRY(timed(plan(
                             sites_->target(site()),
                             [&](std::uint16_t port, unsigned) { return std::make_unique<task_sender>(shared, port); }, o_.connections),
                         {site().process.pid()}));
    const auto n = static_cast<double>(got.load.exchanges);
    // About as long as the load took.
    const auto limit = TRY(commit_limit(*beside, life, std::max<std::uint64_t>(2'000, 3 * got.load.exchanges), o_.connections));
    figure f;
    f.name = "fhir.task_create";
    f.unit = "Tasks/s";
    f.must = floor{.ratio_at_least = 0.3};
    f.value = n / got.load.seconds;
    f.limit = limit.commits_per_second;
    f.ratio = f.value / f.limit;
    set_latencies(f, got.load.samples_us);
    f.server_cpu_us = static_cast<double>(got.server_cpu_us) / n;
    f.more = {{"limit_p50", limit.p50_us},
              {"limit_p99", limit.p99_us},
              {"client_cpu_us", static_cast<double>(got.load.cpu_us) / n},
              {"connections", o_.connections}};
    runs.push_back(std::move(f));
  }
  next_key_ = shared->next;
  out_->add(median_of(runs));
  return {};
}

// The value is the p99.
result<figure> fhir_run::search(const std::string& name, const wire_site& caller, const std::string& query, std::uint64_t expected) {
  const std::vector<std::string> what{"/fhir/Task?" + query + "&_count=20"};
  const auto answer = TRY(answer_to(caller, "GET", what.front()));
  if (const auto total = total_of(answer); total != expected)
    return fail(base::errc::invalid_argument, fmt::format("the search finds {} Tasks instead of {}", total, expected), name);
  std::vector<figure> runs;
  for (unsigned run = 0; run < o_.common.runs; ++run) {
    auto got =
        TRY(timed(plan(
                      sites_->target(site(), caller),
                      [&](std::uint16_t port, unsigned) { return std::make_unique<asker>("GET", port, what, 0); }, o_.search_connections),
                  {site().process.pid()}));
    const auto n = static_cast<double>(got.load.exchanges);
    figure f;
    f.name = name;
    f.unit = "ms";
    set_latencies(f, got.load.samples_us);
    f.value = f.p99 / 1000;
    f.limit = search_p99_ms;
    f.ratio = f.value / f.limit;
    f.must = floor{.value_at_most = search_p99_ms};
    f.server_cpu_us = static_cast<double>(got.server_cpu_us) / n;
    f.more = {{"searches_per_second", n / got.load.seconds},
              {"total", static_cast<double>(expected)},
              {"tasks", static_cast<double>(o_.tasks)},
              {"connections", o_.search_connections},
              {"bytes_in", static_cast<double>(got.load.bytes_in) / n}};
    runs.push_back(std::move(f));
  }
  return median_of(runs);
}

result<> fhir_run::searches() {
  const struct {
    const char* name;
    const wire_site* caller;
    const char* query;
    std::uint64_t expected;
  } all[] = {
      {"fhir.task_search_rare_local", &site(), "status=failed", crowd_.rare},
      {"fhir.task_search_common_local", &site(), "status=completed", crowd_.common},
      {"fhir.task_search_rare_remote", &remote(), "status=failed", crowd_.remote_rare},
      {"fhir.task_search_common_remote", &remote(), "status=completed", crowd_.remote_common},
  };
  for (const auto& one : all)
    if (wanted(one.name)) out_->add(TRY(search(one.name, *one.caller, one.query, one.expected)));
  return {};
}

result<> fhir_run::run() {
  TRY(prepare());
  if (wanted("fhir.read")) TRY(read("fhir.read", "GET"));
  if (wanted("fhir.head")) TRY(read("fhir.head", "HEAD"));
  TRY(searches());
  if (wanted("fhir.task_create")) TRY(task_create());
  if (wanted("fhir.read_beside_writes")) TRY(read_beside_writes());
  if (wanted("fhir.bundle_100")) TRY(bundle());
  if (wanted("fhir.binary_up") || wanted("fhir.binary_down")) TRY(binaries());
  if (wanted("fhir.subscribers_500")) TRY(subscribers());
  sites_->stop();
  if (o_.verify) TRY(verify_crowd(site().folder / "store", site().base_url()));
  if (wanted("fhir.identity") || wanted("fhir.read_access")) TRY(decisions());
  if (wanted("fhir.allow_list_change_500k")) TRY(allow_list_change());
  return {};
}

result<> measure_fhir(const fhir_options& options, report& out) {
  auto o = options;
  if (o.common.quick) {
    o.common.runs = 1;
    o.verify = true;
    o.seconds = std::min(o.seconds, 0.4);
    o.tasks = std::min<std::uint64_t>(o.tasks, 2'000);
    o.subscribers = std::min(o.subscribers, 20u);
  }
  const auto scratch = TRY(scratch_folder::make(o.common.folder));
  out.about(TRY(look_at_machine(scratch.path())));
  return fhir_run(o, out, scratch.path()).run();
}

}  // namespace dsf::bench

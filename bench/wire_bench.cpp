// dsf-bench wire: a real dsfd over mutual TLS, beside the same TLS stack with a handler that does nothing.
#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <fstream>

#include "bench/commands.hpp"
#include "bench/conversations.hpp"
#include "bench/cross_check.hpp"
#include "bench/load_client.hpp"
#include "bench/machine.hpp"
#include "bench/open_loop.hpp"
#include "bench/tls_limit.hpp"
#include "bench/wire_site.hpp"

namespace dsf::bench {
namespace {

namespace fs = std::filesystem;
using base::fail;
using base::result;

constexpr std::size_t tasks_read = 1'000;
constexpr std::int64_t poll_pause_us = 2'000;

class wire_run {
public:
  wire_run(const wire_options& o, report& out) : o_(o), out_(&out) {}

  result<> run() {
    if (o_.common.quick) {
      o_.seconds = std::min(o_.seconds, 0.4);
      o_.common.runs = 1;
    }
    const auto scratch = TRY(scratch_folder::make(o_.common.folder));
    out_->about(TRY(look_at_machine(scratch.path())));
    sites_ = TRY(wire_consortium::make(scratch.path() / "one", {"bench"}, {(o_.common.models / "one_wait").string()}));
    TRY(sites_->start(o_.dsfd));
    TRY(prepare());
    if (wanted("wire.read")) TRY(reads());
    if (wanted("wire.task_create") || wanted("wire.ping_round_trip")) TRY(creates());
    sites_->stop();
    if (wanted("wire.ping_round_trip")) TRY(pings(scratch.path() / "two"));
    return {};
  }

private:
  bool wanted(std::string_view name) const { return name.starts_with(o_.common.only); }

  load_plan plan(const load_target& to, std::function<std::unique_ptr<conversation>(unsigned)> make) const {
    load_plan p;
    p.target = to;
    p.connections = o_.connections;
    p.threads = o_.threads;
    p.seconds = o_.seconds;
    p.make = std::move(make);
    return p;
  }
  // Tasks to be read, and the answers that the limit gives.
  result<> prepare() {
    auto shared = std::make_shared<task_sender::shared_state>();
    shared->port = sites_->sites.front()->port;
    shared->organization = sites_->sites.front()->organization;
    auto p = plan(sites_->target(*sites_->sites.front()), [&](unsigned) { return std::make_unique<task_sender>(shared); });
    shared->at_most = tasks_read;
    p.threads = 1;
    p.seconds = 60;
    const auto got = TRY(run_load(p));
    ids_ = shared->ids;
    create_answer_ = shared->last_answer;
    next_key_ = shared->next;
    cipher_ = got.cipher;
    if (ids_.empty()) return fail(base::errc::io, "no Task was created");
    out_->note(
        fmt::format("limit: the same server with a handler that does nothing, exchanges/s; {}, {} connections kept alive, load generator "
                    "on {} thread(s), {:.1f} s x {} run(s)",
                    cipher_, o_.connections, o_.threads, o_.seconds, o_.common.runs));
    return {};
  }

  // A figure and its limit, alternating. `make(target, limit)`: the conversations with a server.
  using maker = std::function<std::unique_ptr<conversation>(std::uint16_t port, unsigned connection)>;
  result<> both(figure shape, const std::string& answer, const maker& make, double* limit_rate = nullptr) {
    const auto& s = *sites_->sites.front();
    const auto limit_server = TRY(tls_limit::start(*sites_, answer));
    std::vector<figure> runs;
    for (unsigned run = 0; run < o_.common.runs; ++run) {
      auto f = shape;
      const auto to_limit = limit_server->target();
      auto limit = TRY(timed_when_up(plan(to_limit, [&](unsigned c) { return make(to_limit.port, c); }), limit_server->pid()));
      auto got = TRY(timed(plan(sites_->target(s), [&](unsigned c) { return make(s.port, c); }), {s.process.pid()}));
      const auto n = static_cast<double>(got.load.exchanges), limit_n = static_cast<double>(limit.load.exchanges);
      f.value = n / got.load.seconds;
      f.limit = limit_n / limit.load.seconds;
      f.ratio = f.value / f.limit;
      set_latencies(f, got.load.samples_us);
      f.server_cpu_us = static_cast<double>(got.server_cpu_us) / n;
      f.more = {{"limit_p50", percentile(limit.load.samples_us, 0.5)},
                {"limit_p99", percentile(limit.load.samples_us, 0.99)},
                {"limit_server_cpu_us", static_cast<double>(limit.server_cpu_us) / limit_n},
                {"client_cpu_us", static_cast<double>(got.load.cpu_us) / n},
                {"bytes_out", static_cast<double>(got.load.bytes_out) / n},
                {"bytes_in", static_cast<double>(got.load.bytes_in) / n},
                {"limit_bytes_in", static_cast<double>(limit.load.bytes_in) / limit_n},
                {"connections", o_.connections},
                {"client_threads", o_.threads}};
      runs.push_back(std::move(f));
    }
    const auto middle = median_of(runs);
    if (limit_rate != nullptr) *limit_rate = middle.limit;
    if (!wanted(middle.name)) return {};
    out_->add(middle);
    if (!o_.open_loop) return {};
    const auto at = plan(sites_->target(s), [&](unsigned c) { return make(s.port, c); });
    for (const auto& f : TRY(open_loop(middle.name, middle.unit, middle.value, o_.common.runs, at))) out_->add(f);
    return {};
  }

  // The same server, asked by our load generator and by wrk, which has no client certificate.
  result<> check(const std::string& answer) {
    const auto server = TRY(tls_limit::start(*sites_, answer, false));
    const auto port = server->target().port;
    const auto ours = TRY(timed_when_up(
        plan(server->target(), [&](unsigned c) { return std::make_unique<task_reader>(port, ids_, c * 37, nullptr); }), server->pid()));
    const auto url = fmt::format("https://localhost:{}/fhir/Task/{}", port, ids_.front());
    const auto theirs = TRY(wrk_requests(url, o_.connections, o_.threads, o_.seconds));
    out_->add(check_figure("check.tls_exchanges", "exchanges/s", static_cast<double>(ours.load.exchanges) / ours.load.seconds, theirs));
    return {};
  }

  result<> reads() {
    auto answer = std::make_shared<std::string>();
    auto p = plan(sites_->target(*sites_->sites.front()),
                  [&](unsigned) { return std::make_unique<task_reader>(sites_->sites.front()->port, ids_, 0, answer.get()); });
    p.connections = 1;
    p.threads = 1;
    p.seconds = 0.1;
    TRY(run_load(p));
    figure f;
    f.name = "wire.read";
    f.unit = "requests/s";
    f.must = floor{.ratio_at_least = 0.30, .value_at_least = 12'000};
    if (o_.cross_check) TRY(check(*answer));
    return both(f, *answer, [&](std::uint16_t port, unsigned c) { return std::make_unique<task_reader>(port, ids_, c * 37, nullptr); });
  }

  result<> creates() {
    figure f;
    f.name = "wire.task_create";
    f.unit = "Tasks/s";
    auto shared = std::make_shared<task_sender::shared_state>();
    shared->organization = sites_->sites.front()->organization;
    shared->next = next_key_;
    shared->keep = false;
    return both(
        f, create_answer_, [shared](std::uint16_t port, unsigned) { return std::make_unique<task_sender>(shared, port); },
        &exchange_limit_);
  }

  result<> pings(const fs::path& folder) {
    auto bundle = o_.ping_bundle;
    for (const auto place : {"processes/ping/bundle", "processes/ping"})
      if (std::error_code ec; bundle.empty() && fs::exists(fs::path(DSF_SOURCE_DIR) / place / "plugin.yaml", ec))
        bundle = (fs::path(DSF_SOURCE_DIR) / place).string();
    if (bundle.empty())
      return fail(base::errc::invalid_argument,
                  "the ping process is missing; name its folder with --ping-bundle, or choose figures with --only");
    const auto two = TRY(wire_consortium::make(folder, {"site-a", "site-b"}, {bundle}));
    TRY(two->start(o_.dsfd));
    const auto& a = *two->sites.front();
    std::vector<figure> runs;
    for (unsigned run = 0; run < o_.common.runs; ++run) {
      auto shared = std::make_shared<ping_counter>();
      auto p = plan(two->target(a), [&](unsigned) { return std::make_unique<pinger>(a.port, a.organization, poll_pause_us, shared); });
      p.connections = o_.pings;
      p.threads = 1;
      p.seconds = std::max(o_.seconds, 3.0);  // a round trip is a dozen syncs; a shorter run could end before the first
      const auto got = TRY(timed(p, {a.process.pid(), two->sites.back()->process.pid()}));
      figure f;
      f.name = "wire.ping_round_trip";
      f.unit = "pings/s";
      if (shared->samples_us.empty()) return fail(base::errc::io, "no ping was answered");
      const auto n = static_cast<double>(shared->samples_us.size());
      f.value = n / got.load.seconds;
      f.p50 = percentile(shared->samples_us, 0.5);
      f.p99 = percentile(shared->samples_us, 0.99);
      // A ping is two Tasks between the sites; the start Task and the polling are the observer's.
      f.limit = exchange_limit_ / 2;
      f.ratio = f.value / f.limit;
      f.server_cpu_us = static_cast<double>(got.server_cpu_us) / n;
      f.more = {{"under_way", o_.pings}, {"exchanges_of_the_observer", static_cast<double>(got.load.exchanges) / n}};
      runs.push_back(std::move(f));
    }
    out_->add(median_of(runs));
    two->stop();
    return {};
  }

  wire_options o_;
  report* out_;
  std::unique_ptr<wire_consortium> sites_;
  std::vector<std::string> ids_;
  std::string create_answer_, cipher_;
  std::uint64_t next_key_ = 0;
  double exchange_limit_ = 0;
};

}  // namespace

result<> measure_wire(const wire_options& options, report& out) { return wire_run(options, out).run(); }

}  // namespace dsf::bench

// Writes beside reads, transactions, and the allow-list that changes under a store full of Tasks.
#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "base/json.hpp"
#include "bench/conversations.hpp"
#include "bench/fhir_run.hpp"
#include "bench/machine.hpp"
#include "net/https_client.hpp"
#include "site/ctl/demo/allow_list.hpp"

namespace dsf::bench {
namespace {

using base::fail;
using base::json;
using base::result;

constexpr unsigned members = 33;  // an Organization, an Endpoint and an OrganizationAffiliation each, and their parent: 100 entries
constexpr double reads_a_second = 500;
constexpr unsigned reading_connections = 4;
constexpr unsigned changes = 11;
constexpr std::int64_t patience_ms = 60'000;

}  // namespace

result<> fhir_run::bundle() {
  std::vector<site::ctl::allow_list_member> all;
  for (unsigned i = 0; i < members; ++i)
    all.push_back({fmt::format("member-{}.example", i), fmt::format("member-{}", i), fmt::format("member-{}.localhost", i),
                   fmt::format("https://member-{}.localhost/fhir", i), fmt::format("{:0128x}", 0xabc000 + i), "DIC"});
  const auto text = site::ctl::allow_list_bundle("members.example", all).dump();
  const auto make = [&](std::uint16_t port, unsigned) {
    return std::make_unique<asker>("POST", port, std::vector<std::string>{"/fhir"}, 0, nullptr, text);
  };
  const auto answer = TRY(answer_to(site(), "POST", "/fhir", text));
  const auto limit_server = TRY(tls_limit::start(*sites_, answer));
  std::vector<figure> runs;
  for (unsigned run = 0; run < o_.common.runs; ++run) {
    auto limit = TRY(timed_when_up(plan(limit_server->target(), make, 1), limit_server->pid()));
    auto got = TRY(timed(plan(sites_->target(site()), make, 1), {site().process.pid()}));
    const auto n = static_cast<double>(got.load.exchanges);
    figure f;
    f.name = "fhir.bundle_100";
    f.unit = "bundles/s";
    f.value = n / got.load.seconds;
    f.limit = static_cast<double>(limit.load.exchanges) / limit.load.seconds;
    f.ratio = f.value / f.limit;
    set_latencies(f, got.load.samples_us);
    f.server_cpu_us = static_cast<double>(got.server_cpu_us) / n;
    f.more = {{"entries", 3.0 * members + 1}, {"bytes_out", static_cast<double>(got.load.bytes_out) / n}};
    runs.push_back(std::move(f));
  }
  out_->add(median_of(runs));
  return {};
}

// Reads come on a timetable, alone and while creates run as fast as they can.
result<> fhir_run::read_beside_writes() {
  std::vector<std::string> paths;
  for (const auto& id : crowd_.ids) paths.push_back("/fhir/Task/" + id);
  auto reading = plan(
      sites_->target(site()), [&](std::uint16_t port, unsigned c) { return std::make_unique<asker>("GET", port, paths, c * 37); },
      reading_connections);
  reading.rate = reads_a_second;
  reading.threads = 1;
  auto shared = std::make_shared<task_sender::shared_state>();
  shared->organization = site().organization;
  shared->next = next_key_;
  shared->keep = false;
  auto writing = plan(
      sites_->target(site()), [&](std::uint16_t port, unsigned) { return std::make_unique<task_sender>(shared, port); }, o_.connections);
  writing.seconds = reading.seconds + 0.5;  // from before the first read until after the last
  std::vector<figure> runs;
  for (unsigned run = 0; run < o_.common.runs; ++run) {
    auto alone = TRY(run_load(reading));
    result<load_result> writes = load_result{};
    std::thread writer([&] { writes = run_load(writing); });
    auto beside = run_load(reading);
    writer.join();
    if (!beside) return base::failure(std::move(beside).error());
    auto written = TRY(std::move(writes));
    figure f;
    f.name = "fhir.read_beside_writes";
    f.unit = "ms";
    set_latencies(f, beside->samples_us);
    f.value = f.p99 / 1'000;
    f.limit = percentile(written.samples_us, 0.99) / 1'000;
    f.ratio = f.value / f.limit;
    f.more = {{"p50_alone", percentile(alone.samples_us, 0.5)},
              {"p99_alone", percentile(alone.samples_us, 0.99)},
              {"creates_per_second", static_cast<double>(written.exchanges) / written.seconds},
              {"create_p50", percentile(written.samples_us, 0.5)},
              {"reads_per_second", reads_a_second}};
    runs.push_back(std::move(f));
  }
  next_key_ = shared->next;
  auto middle = median_of(runs);
  // Reads that waited for writes would take as long as these.
  middle.must = floor{.value_at_most = middle.limit};
  out_->add(middle);
  return {};
}

namespace {

// One site with so many Tasks, whose allow-list is changed again and again: the remote organisation goes, and comes back.
class changing_site {
public:
  changing_site(const fhir_options& o, std::filesystem::path folder) : o_(&o), folder_(std::move(folder)) {}

  struct times {
    std::vector<std::int64_t> change_us, before_us,
        after_us;  // the PUT; the remote's search before it goes, and its first one when it is back
  };
  ~changing_site() {
    if (sites_) sites_->stop();
  }

  result<> start(std::uint64_t tasks) {
    const auto bundle = (o_->common.models / "one_wait").string();
    sites_ = TRY(wire_consortium::make(folder_, {"bench", "remote"}, {bundle}));
    auto& site = *sites_->sites.front();
    const auto& remote = *sites_->sites.back();
    TRY(sites_->start(o_->dsfd, site));
    site.process.stop(15'000);
    if (tasks > 0) {
      const auto crowd = TRY(make_crowd(site.folder / "store", {tasks, site.base_url(), site.organization, remote.organization}));
      visible_ = crowd.remote_common;
    }
    TRY(sites_->configure(site, {}, "fhir"));
    TRY(sites_->start(o_->dsfd, site));
    local_ = TRY(client(site));
    remote_ = TRY(client(remote));
    base_ = site.base_url();
    search_ = base_ + "/Task?status=completed&_count=20";
    const auto of = base_ + "/Organization?identifier=http://dsf.dev/sid/organization-identifier%7C" + remote.organization;
    organization_ = TRY(ask(*local_, "GET", of, 200)).body["entry"][std::size_t{0}]["resource"];
    return sees(TRY(ask(*remote_, "GET", search_, 200)).body);
  }

  // Off the list, and on it again.
  result<> round(times& out) {
    out.before_us.push_back(TRY(ask(*remote_, "GET", search_, 200)).took_us);
    for (const bool active : {false, true}) {
      organization_.set("active", active);
      const auto address = base_ + "/Organization/" + organization_["id"].str();
      out.change_us.push_back(TRY(ask(*local_, "PUT", address, 200, organization_.dump())).took_us);
      const auto after = TRY(ask(*remote_, "GET", search_, active ? 200 : 403));
      if (!active) continue;
      TRY(sees(after.body));
      out.after_us.push_back(after.took_us);
    }
    return {};
  }

private:
  struct answer {
    json body;
    std::int64_t took_us = 0;
  };
  result<std::unique_ptr<net::https_client>> client(const wire_site& s) const {
    net::client_options c;
    c.identity = TRY(net::tls_identity::load({sites_->file(s, "client.pem"), sites_->file(s, "client.key"), {}, {}, sites_->ca()}));
    return std::make_unique<net::https_client>(std::move(c));
  }
  static result<answer> ask(net::https_client& by, const std::string& method, const std::string& url, int status, std::string body = {}) {
    net::client_request r;
    r.method = method;
    r.url = url;
    r.headers.add("Accept", "application/fhir+json");
    if (!body.empty()) r.headers.add("Content-Type", "application/fhir+json");
    r.body = std::move(body);
    auto& clock = base::system_clock_source();
    const auto from = clock.steady_us();
    const auto got = TRY(by.send_and_wait(std::move(r), patience_ms));
    answer out;
    out.took_us = clock.steady_us() - from;
    if (got.status != status)
      return fail(base::errc::invalid_argument, fmt::format("answered {} instead of {}: {}", got.status, status, got.body.substr(0, 400)),
                  url);
    if (!got.body.empty()) out.body = TRY(json::parse(got.body));
    return out;
  }
  result<> sees(const json& page) const {
    const auto* total = page["total"].if_number();
    if (total != nullptr && total->text == std::to_string(visible_)) return {};
    return fail(base::errc::invalid_argument,
                fmt::format("the remote organisation sees {} Tasks instead of {}", total ? total->text : "no", visible_));
  }

  const fhir_options* o_;
  std::filesystem::path folder_;
  std::unique_ptr<wire_consortium> sites_;
  std::unique_ptr<net::https_client> local_, remote_;
  std::string base_, search_;
  json organization_;
  std::uint64_t visible_ = 0;  // Tasks that the remote organisation finds
};

}  // namespace

// Half as many Tasks as the other figures have, beside a store without any.
result<> fhir_run::allow_list_change() {
  changing_site without(o_, folder_ / "empty"), with(o_, folder_ / "half");
  TRY(without.start(0));
  TRY(with.start(o_.tasks / 2));
  changing_site::times empty, full;
  for (unsigned i = 0; i < changes; ++i) {
    TRY(without.round(empty));
    TRY(with.round(full));
  }
  figure f;
  f.name = "fhir.allow_list_change_500k";
  f.unit = "ms";
  set_latencies(f, full.change_us);
  f.value = f.p50 / 1'000;
  f.limit = percentile(empty.change_us, 0.5) / 1'000;
  f.ratio = f.value / f.limit;
  f.more = {{"tasks", static_cast<double>(o_.tasks / 2)},
            {"search_before_p50", percentile(full.before_us, 0.5)},
            {"first_search_after_p50", percentile(full.after_us, 0.5)},
            {"first_search_after_max", percentile(full.after_us, 1)},
            {"empty_first_search_after_p50", percentile(empty.after_us, 0.5)}};
  f.must = floor{.value_at_most = 2 * f.limit};
  out_->add(f);
  return {};
}

}  // namespace dsf::bench

// dsf-bench consortium: many sites on one machine. Each pings each other; then one asks all others, with many requests under way at once, and what
// each of them counted is compared with what the generator of its patients knows.
#include <fmt/format.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/entropy.hpp"
#include "base/uuid.hpp"
#include "bench/commands.hpp"
#include "bench/machine.hpp"
#include "privacy/demo_data.hpp"
#include "processes/feasibility/request_bundle.hpp"
#include "site/ctl/demo/consortium.hpp"
#include "site/ctl/demo/time_limits.hpp"

namespace dsf::bench {
namespace {

namespace fs = std::filesystem;
using base::fail;
using base::json;
using base::result;

constexpr std::int64_t start_timeout_ms = 300'000;
constexpr useconds_t poll_us = 200'000;
constexpr std::size_t told_at_most = 5;  // of what is wrong
const std::string ping_process = "dsfdev_ping|1.0";
const std::string request_process = "medizininformatik-initiativede_feasibilityRequest|1.0";
const std::string execute_process = "medizininformatik-initiativede_feasibilityExecute|1.0";
const std::string feasibility_codes = "http://medizininformatik-initiative.de/fhir/CodeSystem/feasibility";
const std::string never = "PT24H";

class consortium_run {
public:
  consortium_run(const consortium_options& o, fs::path folder, report& out) : o_(o), folder_(std::move(folder)), out_(&out) {}
  ~consortium_run() {
    if (sites_) sites_->stop_all();
  }

  result<> run() {
    TRY(start());
    if (wanted("consortium.ping_mesh")) TRY(pings());
    if (wanted("consortium.feasibility") || wanted("consortium.exact")) TRY(feasibility());
    memory();
    return {};
  }

private:
  using site_type = site::ctl::demo_site;
  [[nodiscard]] bool wanted(std::string_view name) const { return name.starts_with(o_.common.only); }
  [[nodiscard]] site_type& asking() { return *sites_->sites.front(); }
  static double seconds_since(std::int64_t from_us) {
    return static_cast<double>(base::system_clock_source().steady_us() - from_us) / base::us_per_s;
  }

  result<> start() {
    site::ctl::demo_options d;
    d.folder = (folder_ / "sites").string();
    d.hospitals = o_.sites - 1;
    d.patients = o_.patients;
    d.first_port = o_.first_port;
    d.program = o_.dsfd;
    d.processes = (fs::path(DSF_SOURCE_DIR) / "processes").string();
    // Nothing ends by a timer: what is lost is missing at the end.
    d.process_environment = site::ctl::time_limits(d.processes, never);
    d.requests_an_hour = 1'000'000;
    // Sites count ages to the day on which they are asked.
    d.today = static_cast<std::int32_t>(base::system_clock_source().now().us / (86'400 * base::us_per_s));
    ::setenv("DSFD_FEASIBILITY_GENERAL_REQUEST_TASK_TIMEOUT", never.c_str(), 1);
    sites_ = TRY(site::ctl::consortium::prepare(d));
    const auto from = base::system_clock_source().steady_us();
    for (auto& s : sites_->sites) TRY(sites_->start(*s));
    for (auto& s : sites_->sites) TRY(sites_->wait_until_ready(*s, start_timeout_ms));
    const auto started = seconds_since(from);
    for (auto& s : sites_->sites) {
      if (!s->holds_data()) continue;
      const auto file = TRY(sites_->make_patients(*s));
      TRY(s->admin->import(file.string(), [](const site::import_progress&) { return true; }));
    }
    out_->note(fmt::format("{} sites, started in {:.1f} s; {} patients at each but the first, which asks; {} requests at once", o_.sites,
                           started, o_.patients, o_.requests));
    return {};
  }

  // Until no site has an instance that runs.
  result<> wait_until_still(std::string_view what) {
    const auto from = base::system_clock_source().steady_us();
    for (std::size_t at = 0; at < sites_->sites.size();) {
      auto& s = *sites_->sites[at];
      if (!s.process.running()) return fail(base::errc::io, fmt::format("{} ended while {}", s.name, what));
      const auto status = TRY(s.admin->status());
      if (status.incidents > 0)
        return fail(base::errc::io, fmt::format("{} has {} incidents while {}: {}", s.name, status.incidents, what, first_incident(s)));
      if (status.running_instances == 0 && status.outbox == 0) {
        ++at;
        continue;
      }
      if (seconds_since(from) > o_.timeout_s)
        return fail(base::errc::io, fmt::format("{} has {} instances that have not ended after {} s while {}", s.name,
                                                status.running_instances, o_.timeout_s, what));
      ::usleep(poll_us);
    }
    return {};
  }

  static std::string first_incident(site_type& s) {
    const auto page = s.admin->list_incidents({});
    return page && !page->incidents.empty() ? page->incidents.front().error : std::string("no more is known");
  }

  result<std::vector<site::instance_summary>> instances(site_type& s, const std::string& process) {
    std::vector<site::instance_summary> out;
    site::instance_filter filter;
    filter.process = process;
    filter.limit = 1'000;
    do {
      auto page = TRY(s.admin->list_instances(filter));
      std::ranges::move(page.instances, std::back_inserter(out));
      filter.after = page.next;
    } while (!filter.after.empty());
    return out;
  }

  static std::int64_t cpu_us(const site::ctl::consortium& all) {
    std::int64_t sum = 0;
    for (const auto& s : all.sites) sum += cpu_us_of(s->process.pid());
    return sum;
  }

  result<> pings() {
    const auto from = base::system_clock_source().steady_us();
    const auto cpu = cpu_us(*sites_);
    std::vector<std::pair<site_type*, std::string>> tasks;
    for (auto& s : sites_->sites)
      tasks.emplace_back(s.get(), TRY(s->admin->start_task({.process = ping_process, .message = "startPing"})).task);
    TRY(wait_until_still("sites ping each other"));
    const auto took = seconds_since(from);
    const auto expected = static_cast<double>(o_.sites) * (o_.sites - 1);
    double pongs = 0;
    std::vector<std::int64_t> samples;
    for (auto& [s, task] : tasks) {
      const auto now = TRY(sites_->read(*s, task));
      for (const auto& output : now["output"]) pongs += output["valueCoding"]["code"].str() == "pong-received";
      for (const auto& i : TRY(instances(*s, ping_process))) samples.push_back(i.ended.us - i.started.us);
    }
    figure f;
    f.name = "consortium.ping_mesh";
    f.unit = "pings/s";
    f.value = pongs / took;
    set_latencies(f, samples);
    f.server_cpu_us = static_cast<double>(cpu_us(*sites_) - cpu) / expected;
    f.limit = expected;
    f.ratio = pongs / expected;
    f.must = floor{.ratio_at_least = 1};
    f.more = {{"sites", o_.sites}, {"pongs", pongs}, {"seconds", took}};
    out_->add(f);
    return {};
  }

  result<std::string> store_query(std::string_view ccdl) {
    const auto urn = [] { return "urn:uuid:" + base::uuid::random(base::system_entropy()).to_string(); };
    const auto measure = urn(), library = urn();
    const auto bundle =
        processes::feasibility::measure_and_library_bundle({.ccdl = ccdl,
                                                            .cql = privacy::demo_cql(),
                                                            .measure_url = measure,
                                                            .library_url = library,
                                                            .parent_organization = site::ctl::consortium::parent_organization});
    const auto answer = TRY(sites_->post(asking(), "", bundle));
    for (const auto& e : answer["entry"]) {
      const auto& location = e["response"]["location"].str();
      if (const auto at = location.find("Measure/"); at != location.npos) return location.substr(at, location.find('/', at + 8) - at);
    }
    return fail(base::errc::io, "the answer to the query's transaction names no Measure");
  }

  result<> feasibility() {
    std::vector<std::pair<std::string, std::string>> queries;  // name in the ledgers, Measure
    for (const auto& q : privacy::demo_queries()) queries.emplace_back(q.name, TRY(store_query(q.ccdl)));
    const auto from = base::system_clock_source().steady_us();
    const auto cpu = cpu_us(*sites_);
    const auto tasks_before = TRY(completed_tasks());
    std::map<std::string, std::string> asked;  // business key to query
    for (unsigned i = 0; i < o_.requests; ++i) {
      const auto& [name, measure] = queries[i % queries.size()];
      const auto started = TRY(asking().admin->start_task(
          {.process = request_process, .inputs = {{feasibility_codes, "measure-reference", "reference", measure}}}));
      asked.emplace(started.business_key, name);
    }
    const auto sent = seconds_since(from);
    TRY(wait_until_still("requests are answered"));
    const auto took = seconds_since(from);
    const auto used = cpu_us(*sites_) - cpu;

    std::vector<std::int64_t> samples;
    std::size_t lost = 0;
    const auto ended = TRY(instances(asking(), request_process));
    for (const auto& i : ended) {
      if (!asked.contains(i.business_key)) continue;
      samples.push_back(i.ended.us - i.started.us);
      if (i.state != "completed") tell(lost, fmt::format("{}: request {} {}: {}", asking().name, i.business_key, i.state, i.reason));
    }
    if (samples.size() != asked.size()) lost += asked.size() - std::min(asked.size(), samples.size());
    const auto answers = static_cast<double>(asked.size()) * (o_.sites - 1);
    const auto exact = static_cast<double>(TRY(exact_counts(asked)));
    const auto received = TRY(completed_tasks()) - tasks_before - static_cast<double>(asked.size());

    figure f;
    f.name = "consortium.feasibility";
    f.unit = "requests/s";
    f.value = static_cast<double>(samples.size()) / took;
    set_latencies(f, samples);
    f.server_cpu_us = static_cast<double>(used) / answers;
    f.limit = static_cast<double>(asked.size());
    f.ratio = static_cast<double>(samples.size() - std::min(samples.size(), lost)) / f.limit;
    f.must = floor{.ratio_at_least = 1};
    f.more = {{"sites", o_.sites},
              {"requests", static_cast<double>(asked.size())},
              {"answers_per_second", answers / took},
              {"seconds", took},
              {"seconds_until_all_were_sent", sent}};
    if (wanted(f.name)) out_->add(f);
    figure e;
    e.name = "consortium.exact";
    e.unit = "counts";
    e.value = exact;
    e.limit = answers;
    e.ratio = exact / answers;
    e.must = floor{.ratio_at_least = 1};
    e.more = {{"answers_received", received}};
    if (wanted(e.name)) out_->add(e);
    if (received != answers)
      return fail(base::errc::io, fmt::format("{:.0f} answers have reached {}, {:.0f} were due", received, asking().name, answers));
    return {};
  }

  // One instance a request at each site that holds data, which counted before noise what the ledger of its patients says.
  result<std::size_t> exact_counts(const std::map<std::string, std::string>& asked) {
    std::size_t exact = 0, wrong = 0;
    for (auto& s : sites_->sites) {
      if (!s->holds_data()) continue;
      std::set<std::string> seen;
      for (const auto& i : TRY(instances(*s, execute_process))) {
        const auto query = asked.find(i.business_key);
        if (query == asked.end() || i.state != "completed" || !seen.insert(i.business_key).second) {
          tell(wrong, fmt::format("{}: an instance too many, or one that failed: {} {} {}", s->name, i.business_key, i.state, i.reason));
          continue;
        }
        const auto truth = std::to_string(s->ledger.counts.at(query->second));
        std::string counted = "nothing";
        for (const auto& v : TRY(s->admin->show_instance(i.id)).variables)
          if (v.name == "measure-result-ccdl") counted = v.text;
        std::erase(counted, '"');
        if (counted == truth)
          ++exact;
        else
          tell(wrong, fmt::format("{}: {} counted {}, the ledger says {}", s->name, i.business_key, counted, truth));
      }
      if (seen.size() != asked.size()) tell(wrong, fmt::format("{}: {} of {} requests were answered", s->name, seen.size(), asked.size()));
    }
    return wrong == 0 ? exact : exact - std::min(exact, wrong);
  }

  // At the site that asks: a request's own Task, and one for each answer.
  result<double> completed_tasks() {
    return static_cast<double>(TRY(sites_->read(asking(), "Task?status=completed&_summary=count"))["total"].int_or(0));
  }

  void tell(std::size_t& count, const std::string& what) {
    if (++count <= told_at_most) out_->note(what);
  }

  void memory() {
    std::vector<double> mb;
    for (const auto& s : sites_->sites) mb.push_back(static_cast<double>(resident_kib_of(s->process.pid())) / 1024);
    const auto first = mb.front();
    double sum = 0;
    for (const auto m : mb) sum += m;
    std::ranges::sort(mb);
    figure f;
    f.name = "consortium.memory";
    f.unit = "MB";
    f.value = mb[mb.size() / 2];
    f.more = {{"largest_mb", mb.back()}, {"asking_site_mb", first}, {"all_sites_mb", sum}};
    if (!wanted(f.name)) return;
    out_->add(f);
    out_->note(fmt::format("memory resident of a site in the middle; the largest {:.0f} MB, the one that asks {:.0f} MB, all {:.0f} MB",
                           mb.back(), first, sum));
  }

  const consortium_options& o_;
  fs::path folder_;
  report* out_;
  std::unique_ptr<site::ctl::consortium> sites_;
};

}  // namespace

result<> measure_consortium(const consortium_options& given, report& out) {
  if (::access(given.dsfd.c_str(), X_OK) != 0)
    return fail(base::errc::invalid_argument, "dsfd is not there; build it, or name it with --dsfd", given.dsfd);
  auto o = given;
  if (o.common.quick) {
    o.sites = std::min(o.sites, 4u);
    o.requests = std::min(o.requests, 10u);
  }
  const auto scratch = TRY(scratch_folder::make(o.common.folder));
  out.about(TRY(look_at_machine(scratch.path())));
  return consortium_run(o, scratch.path(), out).run();
}

}  // namespace dsf::bench

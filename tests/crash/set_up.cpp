#include <fmt/format.h>

#include "base/uuid.hpp"
#include "net/pki.hpp"
#include "privacy/demo_data.hpp"
#include "processes/feasibility/request_bundle.hpp"
#include "site/ctl/demo/time_limits.hpp"
#include "tests/crash/crash.hpp"
#include "tests/support/programs.hpp"

namespace dsf::tests {
namespace {

namespace fs = std::filesystem;
using base::json;
using base::result;

constexpr std::int64_t start_timeout_ms = 60'000;
constexpr std::uint16_t listen_offset = 200;
// A lost message must hang and fail the test instead of ending by a timer.
const std::string never = "PT1H";

result<std::unique_ptr<recorder>> record(crash_run& run, site::ctl::demo_site& s) {
  recorder_options o;
  o.site = s.name;
  o.port = s.port;
  o.site_port = static_cast<std::uint16_t>(s.port + listen_offset);
  const auto ca = (s.certificates.parent_path() / "ca.pem").string();
  const auto files = [&](const fs::path& folder, const std::string& name) {
    return net::tls_files{(folder / (name + ".pem")).string(), (folder / (name + ".key")).string(), {}, {}, ca};
  };
  o.server = files(s.certificates, "server");
  for (const auto& other : run.sites->sites) o.clients[other->name] = files(other->certificates, "client");
  auto dice = std::make_shared<std::pair<std::mutex, base::seeded_entropy>>(std::piecewise_construct, std::forward_as_tuple(),
                                                                            std::forward_as_tuple(run.options.seed + s.port));
  o.keep_back = [&run, dice] {
    const std::lock_guard lock(dice->first);
    return !run.stop_killing && run.began_us != 0 && dice->second.below(100) < run.options.kept_back_percent;
  };
  if (run.options.mode != crash_mode::kill) {
    o.on_request = [&run](const recorded_post& p) { return run.trap.on_request(p); };
    o.on_answer = [&run](const recorded_post& p) { return run.trap.on_answer(p); };
  }
  return recorder::start(std::move(o));
}

result<std::string> store_query(crash_run& run) {
  const auto urn = [] { return "urn:uuid:" + base::uuid::random(base::system_entropy()).to_string(); };
  const auto measure = urn(), library = urn();
  const auto bundle =
      processes::feasibility::measure_and_library_bundle({.ccdl = privacy::demo_ccdl(),
                                                          .cql = privacy::demo_cql(),
                                                          .measure_url = measure,
                                                          .library_url = library,
                                                          .parent_organization = site::ctl::consortium::parent_organization});
  const auto answer = TRY(run.sites->post(*run.sites->sites.front(), "", bundle));
  for (const auto& e : answer["entry"]) {
    const auto& location = e["response"]["location"].str();
    const auto at = location.find("Measure/");
    if (at != location.npos) return location.substr(at, location.find('/', at + 8) - at);
  }
  return base::fail(base::errc::internal, "the answer to the query's transaction names no Measure");
}

}  // namespace

result<std::string> set_up(crash_run& run) {
  site::ctl::demo_options d;
  d.folder = run.options.folder.string();
  d.patients = run.options.patients;
  d.seed = run.options.seed;
  d.first_port = run.options.first_port;
  d.program = run.options.mode == crash_mode::kill ? dsfd_program() : dsfd_power_program();
  d.listen_offset = listen_offset;
  d.split = true;
  d.python_worker = d.split;
  d.processes = (fs::path(DSF_SOURCE_DIR) / "processes").string();
  d.process_environment = site::ctl::time_limits(d.processes, never);
  if (d.process_environment.empty())
    return base::fail(base::errc::internal, "the processes have no placeholders for time-outs", d.processes);
  for (const auto& [name, value] : d.process_environment) fmt::print("placeholder {} = {}\n", name, value);
  // For every site that is started from here.
  ::setenv("DSFD_LOG_LEVEL", "debug", 1);
  ::setenv("DSFD_FEASIBILITY_GENERAL_REQUEST_TASK_TIMEOUT", never.c_str(), 1);
  ::setenv("DSFD_STORE_RETRY_SECONDS", "1", 1);
  run.sites = TRY(site::ctl::consortium::prepare(d));
  if (!run.sites->no_worker_because().empty())
    return base::fail(base::errc::internal, "no site can run its handlers in a worker: " + run.sites->no_worker_because());
  for (auto& s : run.sites->sites) run.recorders.push_back(TRY(record(run, *s)));
  for (auto& s : run.sites->sites) TRY(start_site(run, *s));
  for (auto& s : run.sites->sites) {
    TRY(run.sites->wait_until_ready(*s, start_timeout_ms));
    if (s->has_worker) TRY(run.sites->wait_for_worker(*s, start_timeout_ms));
  }
  for (auto& s : run.sites->sites) {
    if (!s->holds_data()) continue;
    const auto file = TRY(run.sites->make_patients(*s));
    TRY(s->admin->import(file.string(), [](const site::import_progress&) { return true; }));
  }
  return store_query(run);
}

}  // namespace dsf::tests

// dsf-bench site: what one dsfd costs to start and to keep, with the demo's data in its store.
#include <fmt/format.h>
#include <unistd.h>

#include <fstream>

#include "bench/commands.hpp"
#include "bench/machine.hpp"
#include "net/https_client.hpp"
#include "site/ctl/demo.hpp"
#include "site/ctl/demo/child.hpp"

namespace dsf::bench {
namespace {

namespace fs = std::filesystem;
using base::fail;
using base::result;

constexpr std::int64_t start_timeout_us = 60'000'000;
constexpr useconds_t poll_pause_us = 1'000;
constexpr double cold_start_ms = 1'000, resident_mb = 64;

class site_run {
public:
  site_run(const site_options& o, fs::path folder) : options_(o), folder_(std::move(folder)) {}

  // The demo leaves four sites that have pinged, counted and been killed.
  result<> make_data() {
    std::ofstream said(folder_ / "demo.log", std::ios::trunc);
    site::ctl_output o{said, said, false, 0, false, base::system_clock_source()};
    site::ctl::demo_options d;
    d.folder = (folder_ / "demo").string();
    d.patients = options_.common.quick ? 100 : 2'000;
    d.once = true;
    d.program = options_.dsfd;
    d.first_port = options_.first_port;
    if (auto done = site::ctl::demo(o, d); !done)
      return fail(base::errc::io, "the demo that makes the data failed: " + done.error().to_string());
    return {};
  }

  // From the start of the program until a GET over mutual TLS, by another organisation, was answered with 200.
  result<std::int64_t> start() {
    const auto pki = folder_ / "demo/pki";
    net::client_options c;
    c.identity = TRY(net::tls_identity::load(
        {(pki / "research/client.pem").string(), (pki / "research/client.key").string(), {}, {}, (pki / "ca.pem").string()}));
    net::https_client client(std::move(c));
    auto& clock = base::system_clock_source();
    const auto from = clock.steady_us();
    const auto home = folder_ / "demo/hospital-a";
    process_ = TRY(site::ctl::child::start({options_.dsfd, "--config", (home / "site.yaml").string()}, (home / "bench.log").string()));
    for (;;) {
      net::client_request r;
      r.url = fmt::format("https://localhost:{}/fhir/metadata", options_.first_port + 1);
      r.headers.add("Accept", "application/fhir+json");
      const auto answer = client.send_and_wait(std::move(r), 1'000);
      const auto took = clock.steady_us() - from;
      if (answer && answer->status == 200) return took;
      if (!process_.running()) return fail(base::errc::io, "dsfd ended at its start; what it said is in " + (home / "bench.log").string());
      if (took > start_timeout_us) return fail(base::errc::io, "dsfd did not answer within a minute");
      ::usleep(poll_pause_us);
    }
  }

  result<> run(report& out) {
    TRY(make_data());
    std::vector<figure> starts;
    for (unsigned i = 0; i < options_.common.runs; ++i) {
      const auto took = TRY(start());
      starts.push_back({"site.cold_start",
                        static_cast<double>(took) / 1000,
                        "ms",
                        0,
                        0,
                        cold_start_ms,
                        static_cast<double>(took) / 1000 / cold_start_ms,
                        static_cast<double>(cpu_us_of(process_.pid())),
                        {},
                        floor{0, 0, cold_start_ms}});
      if (i + 1 < options_.common.runs) process_.stop(15'000);
    }
    if (wanted("site.cold_start")) out.add(median_of(starts));
    if (wanted("site.idle_memory")) {
      ::sleep(options_.common.quick ? 2 : options_.idle_seconds);
      const auto mb = static_cast<double>(resident_kib_of(process_.pid())) / 1024;
      out.add({"site.idle_memory",
               mb,
               "MB",
               0,
               0,
               resident_mb,
               mb / resident_mb,
               0,
               {{"peak_mb", static_cast<double>(peak_kib_of(process_.pid())) / 1024}, {"idle_seconds", options_.idle_seconds}},
               floor{0, 0, resident_mb}});
    }
    process_.stop(15'000);
    return {};
  }

private:
  [[nodiscard]] bool wanted(std::string_view name) const { return name.starts_with(options_.common.only); }

  const site_options& options_;
  fs::path folder_;
  site::ctl::child process_;
};

}  // namespace

result<> measure_site(const site_options& options, report& out) {
  if (::access(options.dsfd.c_str(), X_OK) != 0)
    return fail(base::errc::invalid_argument, "dsfd is not there; build it, or name it with --dsfd", options.dsfd);
  const auto scratch = TRY(scratch_folder::make(options.common.folder));
  out.about(TRY(look_at_machine(scratch.path())));
  auto o = options;
  if (o.common.quick) o.common.runs = 1;
  out.note(
      fmt::format("one of the demo's hospitals, {} patients; cold start: until the first 200 over mutual TLS, {} run(s); memory: resident "
                  "after {} s idle",
                  o.common.quick ? 100 : 2'000, o.common.runs, o.common.quick ? 2 : o.idle_seconds));
  return site_run(o, scratch.path()).run(out);
}

}  // namespace dsf::bench

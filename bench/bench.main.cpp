// dsf-bench: what dsfd reaches on this machine, beside what its parts could reach.
#include <CLI/CLI.hpp>

#include <csignal>
#include <filesystem>
#include <iostream>

#include "bench/commands.hpp"
#include "bench/compare.hpp"

namespace {

using namespace dsf::bench;
namespace fs = std::filesystem;

fs::path own_folder() {
  std::error_code ec;
  return fs::read_symlink("/proc/self/exe", ec).parent_path();
}

void add_common(CLI::App& c, common_options& o, bool& as_json) {
  c.add_option("--folder", o.folder, "measure in a folder of its own below this one; it should be on the disk that a site would use")
      ->capture_default_str();
  c.add_option("--models", o.models, "the folder of the models to run")->capture_default_str();
  c.add_option("--runs", o.runs, "runs of each figure; the median is shown")->check(CLI::Range(1u, 100u))->capture_default_str();
  c.add_option("--only", o.only, "only figures whose names start with this");
  c.add_flag("--quick", o.quick, "a smoke test: small numbers, one run, no floor is judged");
  c.add_flag("--json", as_json, "one JSON object a line");
}

int ended(const dsf::base::result<>& r, int otherwise) {
  if (r) return otherwise;
  std::cerr << "dsf-bench: " << r.error().to_string() << "\n";
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  ::signal(SIGPIPE, SIG_IGN);
  CLI::App app{"Figures of dsfd beside their limits. Exit code 0; 1 if a floor was missed; 2 if something could not be measured."};
  app.require_subcommand(1);
  bool as_json = false;

  engine_options engine;
  engine.common.folder = fs::temp_directory_path();
  engine.common.models = fs::path(DSF_SOURCE_DIR) / "bench/models";
  wire_options wire;
  wire.common = engine.common;
  wire.dsfd = (own_folder() / "../site/dsfd").lexically_normal().string();
  if (std::error_code ec; fs::exists(own_folder() / "dsfd", ec)) wire.dsfd = (own_folder() / "dsfd").string();

  auto* e = app.add_subcommand("engine", "process instances inside this program, beside the commit pipeline");
  add_common(*e, engine.common, as_json);
  e->add_option("--instances", engine.waiting, "waiting instances of engine.waiting_1m; 0 leaves it out")
      ->check([](const std::string& v) { return v == "0" || v.size() > 3 ? std::string{} : "must be 0 or at least 1000"; })
      ->capture_default_str();
  e->add_option("--load", engine.instances, "instances of a run of one_task and one_wait")
      ->check(CLI::Range(1u, 9'000'000u))
      ->capture_default_str();
  e->add_option("--in-flight", engine.in_flight, "instances under way at once")->check(CLI::Range(1u, 4'000u))->capture_default_str();
  e->add_option("--threads", engine.threads, "threads that prepare Tasks; 0: as many as the endpoint has io threads")
      ->capture_default_str();

  e->add_flag("--cross-check", engine.cross_check, "compare the commit limit with RocksDB's db_bench, as many rows and bytes a commit");

  target_options target;
  auto* w =
      app.add_subcommand("wire", "a real dsfd over mutual TLS, beside the same TLS stack without FHIR; or, with --target, any DSF site");
  add_common(*w, wire.common, as_json);
  w->add_option("--dsfd", wire.dsfd, "the program")->capture_default_str();
  w->add_option("--ping-bundle", wire.ping_bundle, "folder of the ping process; default: the shipped one");
  w->add_option("--connections", wire.connections, "connections of the load generator")->check(CLI::Range(1u, 64u))->capture_default_str();
  w->add_option("--threads", wire.threads, "threads of the load generator")->check(CLI::Range(1u, 16u))->capture_default_str();
  w->add_option("--seconds", wire.seconds, "length of a run")->check(CLI::Range(0.1, 600.0))->capture_default_str();
  w->add_option("--pings", wire.pings, "pings under way at once")->check(CLI::Range(1u, 64u))->capture_default_str();
  w->add_flag("--open-loop", wire.open_loop,
              "also at 50, 80 and 95 % of the rate measured, with latencies from the time at which each request was to be sent");
  w->add_flag("--cross-check", wire.cross_check, "compare the TLS limit with wrk's");
  auto* url =
      w->add_option("--target", target.url, "FHIR base address of a site, https://host/fhir: nothing of ours is measured beside it");
  w->add_option("--cert", target.certificate, "with --target: the client certificate, PEM")->check(CLI::ExistingFile)->needs(url);
  w->add_option("--key", target.key, "with --target: its key, PEM, not encrypted")->check(CLI::ExistingFile)->needs(url);
  w->add_option("--ca", target.trust, "with --target: the CA of the site's certificate, PEM")->check(CLI::ExistingFile)->needs(url);
  w->add_option(
       "--task", target.task,
       "with --target: a Task in FHIR JSON that is created again and again, each time with another business key; it does work there")
      ->check(CLI::ExistingFile)
      ->needs(url);

  consortium_options many;
  many.common = engine.common;
  many.dsfd = wire.dsfd;
  auto* c = app.add_subcommand("consortium", "many sites on this machine: a ping of each to each other, and feasibility requests at once");
  add_common(*c, many.common, as_json);
  c->add_option("--dsfd", many.dsfd, "the program")->capture_default_str();
  c->add_option("--sites", many.sites, "sites; one asks, the others hold data")->check(CLI::Range(2u, 90u))->capture_default_str();
  c->add_option("--requests", many.requests, "feasibility requests under way at once")
      ->check(CLI::Range(1u, 10'000u))
      ->capture_default_str();
  c->add_option("--patients", many.patients, "patients of a site")->check(CLI::Range(1u, 100'000u))->capture_default_str();
  c->add_option("--timeout", many.timeout_s, "seconds until what has not ended counts as lost")
      ->check(CLI::Range(10u, 86'400u))
      ->capture_default_str();
  c->add_option("--first-port", many.first_port, "the sites take as many ports from here, and as many 100 above for their status")
      ->capture_default_str();

  fhir_options fhir;
  fhir.common = engine.common;
  fhir.dsfd = wire.dsfd;
  auto* f =
      app.add_subcommand("fhir", "the FHIR endpoint alone with a store full of Tasks, beside the TLS stack and the commits without it");
  add_common(*f, fhir.common, as_json);
  f->add_option("--dsfd", fhir.dsfd, "the program")->capture_default_str();
  f->add_option("--tasks", fhir.tasks, "Tasks in the store that is searched")
      ->check(CLI::Range(1'000u, 100'000'000u))
      ->capture_default_str();
  f->add_option("--connections", fhir.connections, "connections that read and create")->check(CLI::Range(1u, 500u))->capture_default_str();
  f->add_option("--search-connections", fhir.search_connections, "connections that search")
      ->check(CLI::Range(1u, 64u))
      ->capture_default_str();
  f->add_option("--threads", fhir.threads, "threads of the load generator")->check(CLI::Range(1u, 16u))->capture_default_str();
  f->add_option("--seconds", fhir.seconds, "length of a run")->check(CLI::Range(0.1, 600.0))->capture_default_str();
  f->add_option("--subscribers", fhir.subscribers, "WebSocket connections that hear of each Task")
      ->check(CLI::Range(1u, 900u))
      ->capture_default_str();
  f->add_flag("--verify", fhir.verify, "at the end, check the store's index as dsfctl store verify does; --quick does so");
  f->add_option("--events", fhir.events, "Tasks a second that they hear of")->check(CLI::Range(1u, 1'000u))->capture_default_str();

  compare_options two;
  auto* p = app.add_subcommand("compare", "two result files, or folders of them, side by side; how many times better the second is");
  p->add_option("before", two.before, "what --json printed")->required()->check(CLI::ExistingPath);
  p->add_option("after", two.after, "what --json printed")->required()->check(CLI::ExistingPath);
  p->add_option("--floor", two.floor, "exit code 1 if a figure's factor is below this, or a figure is missing")
      ->check(CLI::Range(0.0, 100.0));
  p->add_flag("--json", two.as_json, "one JSON object a line");

  site_options site;
  site.common = engine.common;
  site.dsfd = wire.dsfd;
  auto* s = app.add_subcommand("site", "a dsfd with the demo's data: how long it takes to start, how much memory it keeps");
  add_common(*s, site.common, as_json);
  s->add_option("--dsfd", site.dsfd, "the program")->capture_default_str();
  s->add_option("--idle", site.idle_seconds, "seconds before memory is looked at")->check(CLI::Range(0u, 3'600u))->capture_default_str();
  s->add_option("--first-port", site.first_port, "the demo's sites take this and the three above it, and 100 above them for their status")
      ->capture_default_str();

  waiting_options waiting;
  const auto add_waiting = [&](const char* name, const char* help) {
    auto* c = app.add_subcommand(name, help)->group("");
    c->add_option("--folder", waiting.folder)->required();
    c->add_option("--models", waiting.models)->required();
    c->add_option("--instances", waiting.instances)->required();
    c->add_option("--in-flight", waiting.in_flight);
    c->add_option("--threads", waiting.threads);
    c->add_option("--first", waiting.first);
    c->add_option("--more", waiting.more);
    return c;
  };
  auto* make = add_waiting("make-waiting", "the first half of engine.waiting_1m");
  auto* end = add_waiting("end-waiting", "the second half of engine.waiting_1m");

  tls_server_options tls;
  auto* server = app.add_subcommand("tls-server", "the TLS limit's server")->group("");
  server->add_option("--certificate", tls.certificate)->required();
  server->add_option("--key", tls.key)->required();
  server->add_option("--trust", tls.trust)->required();
  server->add_option("--port", tls.port)->required();
  server->add_option("--answer", tls.answer)->required();
  bool no_client_certificates = false;
  server->add_flag("--no-client-certificates", no_client_certificates);

  CLI11_PARSE(app, argc, argv);
  if (make->parsed()) return ended(make_waiting(waiting), 0);
  if (end->parsed()) return ended(end_waiting(waiting), 0);
  tls.client_certificates = !no_client_certificates;
  if (server->parsed()) return ended(serve_tls_limit(tls), 0);
  if (p->parsed()) {
    const auto held = compare_results(two, std::cout);
    if (held) return *held ? 0 : 1;
    std::cerr << "dsf-bench: " << held.error().to_string() << "\n";
    return 2;
  }
  if (!target.url.empty() && (target.certificate.empty() || target.key.empty() || target.trust.empty())) {
    std::cerr << "dsf-bench: --target needs --cert, --key and --ca: a DSF site lets nobody in without a certificate\n";
    return 2;
  }
  const auto quick = e->parsed()   ? engine.common.quick
                     : s->parsed() ? site.common.quick
                     : c->parsed() ? many.common.quick
                     : f->parsed() ? fhir.common.quick
                                   : wire.common.quick;
  report out(std::cout, as_json, !quick);
  const auto measure = [&]() -> dsf::base::result<> {
    if (e->parsed()) return measure_engine(engine, out);
    if (s->parsed()) return measure_site(site, out);
    if (c->parsed()) return measure_consortium(many, out);
    if (f->parsed()) return measure_fhir(fhir, out);
    if (target.url.empty()) return measure_wire(wire, out);
    target.common = wire.common;
    target.connections = wire.connections;
    target.threads = wire.threads;
    target.seconds = wire.seconds;
    target.open_loop = wire.open_loop;
    return measure_target(target, out);
  };
  const auto done = measure();
  return ended(done, out.finish() ? 0 : 1);
}

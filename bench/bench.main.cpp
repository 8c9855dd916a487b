// dsf-bench: what dsfd reaches on this machine, beside what its parts could reach.
#include <CLI/CLI.hpp>

#include <csignal>
#include <filesystem>
#include <iostream>

#include "bench/commands.hpp"

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

  auto* w = app.add_subcommand("wire", "a real dsfd over mutual TLS, beside the same TLS stack without FHIR");
  add_common(*w, wire.common, as_json);
  w->add_option("--dsfd", wire.dsfd, "the program")->capture_default_str();
  w->add_option("--ping-bundle", wire.ping_bundle, "folder of the ping process; default: the shipped one");
  w->add_option("--connections", wire.connections, "connections of the load generator")->check(CLI::Range(1u, 64u))->capture_default_str();
  w->add_option("--threads", wire.threads, "threads of the load generator")->check(CLI::Range(1u, 16u))->capture_default_str();
  w->add_option("--seconds", wire.seconds, "length of a run")->check(CLI::Range(0.1, 600.0))->capture_default_str();
  w->add_option("--pings", wire.pings, "pings under way at once")->check(CLI::Range(1u, 64u))->capture_default_str();

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

  CLI11_PARSE(app, argc, argv);
  if (make->parsed()) return ended(make_waiting(waiting), 0);
  if (end->parsed()) return ended(end_waiting(waiting), 0);
  if (server->parsed()) return ended(serve_tls_limit(tls), 0);
  const auto quick = e->parsed() ? engine.common.quick : s->parsed() ? site.common.quick : wire.common.quick;
  report out(std::cout, as_json, !quick);
  const auto done = e->parsed() ? measure_engine(engine, out) : s->parsed() ? measure_site(site, out) : measure_wire(wire, out);
  return ended(done, out.finish() ? 0 : 1);
}

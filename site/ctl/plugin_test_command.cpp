// `dsfctl plugin test`: a bundle on a site that exists for it alone, with a consortium of one; then its tests, each on a site without a network.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

#include "net/pki.hpp"
#include "plugins/bundle.hpp"
#include "site/admin/admin_client.hpp"
#include "site/ctl/commands.hpp"
#include "site/ctl/demo/allow_list.hpp"
#include "site/ctl/demo/child.hpp"
#include "site/ctl/plugin_commands.hpp"
#include "site/ctl/plugin_test_run.hpp"
#include "site/ctl/text_table.hpp"

namespace dsf::site::ctl {
namespace {

namespace fs = std::filesystem;
using base::fail;
using base::json;
using base::result;

constexpr int start_timeout_ms = 60'000, look_every_ms = 50;

struct temporary_folder {
  fs::path path;
  ~temporary_folder() {
    std::error_code ec;
    if (!path.empty()) fs::remove_all(path, ec);
  }
};

result<> write(const fs::path& file, const std::string& text) {
  std::ofstream out(file, std::ios::binary);
  out << text;
  out.close();
  if (!out) return fail(base::errc::io, "the file can't be written", file.string());
  return {};
}

std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? "''" : std::string(1, c);
  return out + "'";
}

// Nobody calls the site from outside: the port of its own address is not the one it listens on.
result<> prepare(const fs::path& folder, const std::map<std::string, std::string>& settings, const std::vector<std::string>& in_workers) {
  const auto at = [&](const char* name) { return (folder / name).string(); };
  const net::pki_files ca{at("ca.pem"), at("ca.key")};
  TRY(net::create_ca({}, ca));
  TRY(net::issue_certificate({.use = net::certificate_use::server, .common_name = "localhost"}, ca, {},
                             {at("server.pem"), at("server.key")}));
  TRY(net::issue_certificate({.common_name = "test.invalid"}, ca, {}, {at("client.pem"), at("client.key")}));
  const std::string base = "https://localhost:9443/fhir";
  const allow_list_member own{"test.invalid", "test", "test.localhost", base, TRY(net::thumbprint_of(at("client.pem"))), "DIC"};
  TRY(write(folder / "allow-list.json", allow_list_bundle("parent.invalid", {&own, 1}).dump()));
  auto text = fmt::format(
      "name: plugin-test\n"
      "roles: [fhir, bpe]\n"
      "organization: {{identifier: test.invalid}}\n"
      "endpoint: {{identifier: test.localhost}}\n"
      "fhir: {{base_url: '{}', address: 127.0.0.1, port: 0, allow_list: allow-list.json}}\n"
      "status: {{port: 0}}\n"
      "admin: {{socket: admin.sock}}\n"
      "store: {{path: store, low_water_mark: 0}}\n"
      "log: {{file: log.jsonl}}\n"
      "tls:\n"
      "  server: {{certificate: server.pem, key: server.key, trust: ca.pem}}\n"
      "  client: {{certificate: client.pem, key: client.key, trust: ca.pem}}\n",
      base);
  // None comes to this site: it only has to know that they will.
  if (!in_workers.empty()) text += fmt::format("workers: {{plugins: {{test: {{processes: ['{}']}}}}}}\n", fmt::join(in_workers, "', '"));
  if (!settings.empty()) text += "process_environment:\n";
  for (const auto& [name, value] : settings) text += fmt::format("  {}: {}\n", quoted(name), quoted(value));
  return write(folder / "site.yaml", text);
}

result<> wait_until_ready(child& process, const std::string& socket, const fs::path& output) {
  for (int waited = 0; waited < start_timeout_ms; waited += look_every_ms) {
    admin_client admin(socket);
    if (const auto s = admin.status(); s && s->ready) return {};
    if (!process.running()) {
      std::ifstream in(output);
      std::string line, last = "it said nothing";
      while (std::getline(in, line)) last = line;
      return fail(admin_errc::unavailable, "the temporary site did not start: " + last);
    }
    ::usleep(look_every_ms * 1'000);
  }
  return fail(admin_errc::timeout, "the temporary site was not ready in time");
}

struct program_names {
  std::string dsfd, testbed;
};

// Beside dsfctl, or as the build tree has them.
result<program_names> programs_of(const plugin_options& options) {
  std::error_code ec;
  const auto here = fs::read_symlink("/proc/self/exe", ec).parent_path();
  program_names out{options.program, options.testbed};
  if (out.dsfd.empty()) out.dsfd = (here / "dsfd").string();
  if (out.testbed.empty()) {
    out.testbed = (here / "dsfd_testbed").string();
    if (::access(out.testbed.c_str(), X_OK) != 0) out.testbed = (here / "testbed" / "dsfd_testbed").string();
  }
  if (::access(out.dsfd.c_str(), X_OK) != 0)
    return fail(admin_errc::not_found, "dsfd is not there; build it, or name it with --dsfd", out.dsfd);
  return out;
}

// What there is to run, and how; read as lint reads it.
struct tests_of_bundle {
  plugin_test_setup setup;
  std::vector<plugins::bundle_test> drafts, own;
};

result<tests_of_bundle> find_tests(const plugin_options& options, const std::map<std::string, std::string>& settings,
                                   const program_names& programs, const fs::path& folder) {
  plugins::bundle_context context;
  context.organization = "site.test";
  context.environment = settings;
  context.offline = true;
  const auto bundle = TRY(plugins::read_bundle(options.path, context));
  auto read = plugins::read_bundle_tests(TRY(plugins::find_bundle_tests(options.path)));
  if (!read.faults.empty()) {
    std::string all;
    for (const auto& f : read.faults) all += (all.empty() ? "" : "\n") + f.line();
    return fail(admin_errc::invalid, std::move(all), options.path);
  }
  tests_of_bundle out;
  out.own = std::move(read.tests);
  auto& s = out.setup;
  s = {.testbed = programs.testbed,
       .bundle = options.path,
       .plugin = bundle.name,
       .settings = settings,
       .worker = options.worker,
       .folder = folder.string()};
  for (const auto& p : bundle.processes) {
    s.processes.push_back(p.definition->key);
    for (const auto n : p.definition->starts)
      if (const auto& e = p.definition->nodes[n].event; !e.name.empty()) s.starters.emplace(e.name, p.definition->key);
    for (const auto& r : p.resources) {
      if (r.type != "Task" || r.content["status"].str() != "draft") continue;
      // What a running instance takes starts nothing.
      auto test = plugins::test_of_draft(r, p.definition->key);
      const auto& message = test.steps.front().with["start"];
      if (std::ranges::any_of(p.definition->starts, [&](auto n) { return p.definition->nodes[n].event.name == message.str(); }))
        out.drafts.push_back(std::move(test));
    }
  }
  for (const auto& c : bundle.classes)
    if (const auto key = c.process.substr(0, c.process.find('|'));
        c.runtime == plugins::handler_runtime::worker && std::ranges::find(s.in_workers, key) == s.in_workers.end())
      s.in_workers.push_back(key);
  return out;
}

json to_json(const plugin_test_result& r) {
  return json::object{{"process", r.process}, {"test", r.test}, {"outcome", r.outcome}, {"detail", r.detail}};
}

// The error, if one failed, counts them.
result<std::vector<plugin_test_result>> run_tests(const tests_of_bundle& tests) {
  if (tests.drafts.empty() && tests.own.empty()) return std::vector<plugin_test_result>{};
  if (::access(tests.setup.testbed.c_str(), X_OK) != 0)
    return fail(admin_errc::not_found, "dsfd_testbed is not there; build it, or name it with --testbed", tests.setup.testbed);
  std::vector<plugin_test_result> out;
  const auto one = [&](const plugins::bundle_test& test, bool draft) {
    auto setup = tests.setup;
    setup.folder = (fs::path(setup.folder) / std::to_string(out.size())).string();
    std::error_code ec;
    fs::create_directory(setup.folder, ec);
    out.push_back(run_plugin_test(test, draft, setup));
  };
  for (const auto& t : tests.drafts) one(t, true);
  for (const auto& t : tests.own) one(t, false);
  for (const auto& p : tests.setup.processes)
    if (std::ranges::none_of(out, [&](const auto& r) { return r.process == p; }))
      out.push_back({p, "-", "skipped", "the bundle has no draft Task and no test that starts it"});
  return out;
}

}  // namespace

result<> plugin_test(ctl_output& o, const plugin_options& options) {
  // What lint finds needs no site; its report comes first, and once.
  ctl_output report{o.json ? o.err : o.out, o.err, false, o.width, o.terminal, o.clock};
  TRY(plugin_lint(report, options));
  std::error_code ec;
  const auto programs = TRY(programs_of(options));
  std::map<std::string, std::string> settings;
  for (const auto& s : options.settings) settings.insert(TRY(parse_pair(s)));
  auto name = (fs::temp_directory_path(ec) / "dsfd-plugin-XXXXXX").string();
  if (!::mkdtemp(name.data())) return fail(base::errc::io, "a temporary folder can't be made", name);
  const temporary_folder folder{name};
  const auto tests = TRY(find_tests(options, settings, programs, folder.path));
  TRY(prepare(folder.path, settings, tests.setup.in_workers));
  auto process =
      TRY(child::start({programs.dsfd, "--config", (folder.path / "site.yaml").string()}, (folder.path / "output.log").string()));
  const auto socket = (folder.path / "admin.sock").string();
  auto done = [&]() -> result<deploy_result> {
    TRY(wait_until_ready(process, socket, folder.path / "output.log"));
    admin_client admin(socket);
    return admin.deploy_plugin(fs::absolute(options.path).lexically_normal().string());
  }();
  process.stop(15'000);
  const auto d = TRY(std::move(done));
  if (!o.json) o.out << fmt::format("a temporary site took it: {} processes, {} resources created\n", d.processes.size(), d.resources);
  const auto results = TRY(run_tests(tests));
  const auto failed = std::ranges::count_if(results, &plugin_test_result::failed);
  if (o.json) {
    json::array lines;
    for (const auto& r : results) lines.push_back(to_json(r));
    o.out << json(json::object{{"deployed", true},
                               {"plugin", d.plugin},
                               {"version", d.version},
                               {"resources", d.resources},
                               {"tests", std::move(lines)}})
                 .dump()
          << "\n";
  } else {
    text_table t({"PROCESS", "TEST", "OUTCOME", ""});
    for (const auto& r : results) t.add({r.process, r.test, r.outcome, r.failed() ? "" : r.detail});
    if (!t.empty()) o.out << "\n" << t.str(o.width);
    for (const auto& r : results)
      if (r.failed()) o.out << fmt::format("\nfailed: {} of {}\n  {}\n", r.test, r.process, r.detail);
  }
  if (failed == 0) return {};
  return fail(admin_errc::invalid, fmt::format("{} of {} tests failed", failed, results.size()), options.path);
}

}  // namespace dsf::site::ctl

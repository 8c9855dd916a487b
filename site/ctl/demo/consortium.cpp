#include "site/ctl/demo/consortium.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <sstream>

#include "net/pki.hpp"
#include "site/ctl/commands.hpp"
#include "site/ctl/demo/allow_list.hpp"
#include "site/ctl/demo/python_worker.hpp"

namespace dsf::site::ctl {
namespace {

namespace fs = std::filesystem;
using base::fail;
using base::json;
using base::result;

constexpr std::int64_t request_timeout_ms = 30'000;

result<> write_file(const fs::path& file, const std::string& text) {
  std::error_code ec;
  fs::create_directories(file.parent_path(), ec);
  std::ofstream out(file, std::ios::binary | std::ios::trunc);
  out << text;
  out.close();
  if (!out) return fail(base::errc::io, "the file can't be written", file.string());
  return {};
}

fs::path own_folder() {
  std::error_code ec;
  return fs::read_symlink("/proc/self/exe", ec).parent_path();
}

// The processes that come with the program: beside the source tree's build, or installed.
result<std::vector<std::string>> shipped_plugins(const std::string& named) {
  std::vector<std::string> found;
  std::vector<fs::path> folders{own_folder() / "../../../processes", own_folder() / "../share/dsfd/processes"};
  if (!named.empty()) folders = {named};
  for (const auto& folder : folders) {
    std::error_code ec;
    for (const auto& entry : fs::directory_iterator(folder, ec))
      for (const auto& bundle : {entry.path(), entry.path() / "bundle"})
        if (fs::exists(bundle / "plugin.yaml")) found.push_back(fs::canonical(bundle).string());
    if (!found.empty()) break;
  }
  if (found.empty())
    return fail(admin_errc::not_found,
                "the shipped processes are missing: neither processes/ of the source tree nor ../share/dsfd/processes is there",
                own_folder().string());
  std::sort(found.begin(), found.end());
  return found;
}

// a to z, then ba, bb ...
std::string letters(unsigned n) {
  std::string out(1, static_cast<char>('a' + n % 26));
  while ((n /= 26) > 0) out.insert(out.begin(), static_cast<char>('a' + n % 26));
  return out;
}

std::string last_line(const fs::path& file) {
  std::ifstream in(file);
  std::string line, said;
  while (std::getline(in, line))
    if (!line.empty()) said = line;
  return said.empty() ? "it said nothing" : said;
}

}  // namespace

result<std::unique_ptr<consortium>> consortium::prepare(const demo_options& options) {
  auto c = std::unique_ptr<consortium>(new consortium(options));
  c->folder_ = fs::absolute(options.folder).lexically_normal();
  if (!options.broken.empty()) c->folder_ /= "broken-" + options.broken;
  c->program_ = options.program.empty() ? (own_folder() / "dsfd").string() : options.program;
  if (::access(c->program_.c_str(), X_OK) != 0)
    return fail(admin_errc::not_found, "dsfd is not there; build it, or name it with --dsfd", c->program_);
  c->plugins_ = TRY(shipped_plugins(options.processes));
  if (options.python_worker) {
    auto found = find_python_worker({own_folder() / "../../../workers/python", own_folder() / "../share/dsfd/workers/python"}, c->folder_);
    if (found)
      c->worker_program_ = std::move(*found);
    else
      c->no_worker_because_ = found.error().text();
  }

  std::vector<std::pair<std::string, const char*>> members{{"research", "HRP"}};
  for (unsigned i = 0; i < options.hospitals; ++i) members.emplace_back("hospital-" + letters(i), "DIC");
  std::uint16_t port = options.first_port;
  for (const auto& [name, role] : members) {
    auto s = std::make_unique<demo_site>();
    s->name = name;
    s->organization = s->name + ".example";
    s->role = role;
    s->port = port++;
    s->folder = c->folder_ / name;
    s->certificates = c->folder_ / "pki" / name;
    s->faulty = !options.broken.empty() && s->name == "hospital-b";
    s->split = options.split && options.broken.empty() && s->name == "hospital-b";
    s->has_worker = !c->worker_program_.empty() && s->name == "hospital-a";
    c->sites.push_back(std::move(s));
  }
  TRY(c->certificates());
  TRY(c->allow_lists());
  TRY(c->settings());
  return c;
}

demo_site* consortium::named(const std::string& organization) {
  for (auto& s : sites)
    if (s->organization == organization) return s.get();
  return nullptr;
}

result<> consortium::certificates() {
  pki_options made{(folder_ / "pki").string(), {}, {"practitioner@research.example"}, {}};
  for (const auto& s : sites) made.sites.push_back(s->name);
  std::ostringstream nowhere;
  ctl_output quiet{nowhere, nowhere, true, 0, false, base::system_clock_source()};
  TRY(pki(quiet, made));
  for (auto& s : sites) {
    s->thumbprint = TRY(net::thumbprint_of((s->certificates / "client.pem").string()));
    if (!s->faulty || (options_.broken != "wrong-ca" && options_.broken != "expired")) continue;
    // The faulty site shows another certificate than the one made above.
    const bool expired = options_.broken == "expired";
    const net::pki_files own{(s->certificates / "faulty.pem").string(), (s->certificates / "faulty.key").string()};
    net::pki_files ca{(folder_ / "pki/ca.pem").string(), (folder_ / "pki/ca.key").string()};
    if (!expired) {
      ca = {(s->certificates / "other-ca.pem").string(), (s->certificates / "other-ca.key").string()};
      if (!fs::exists(ca.certificate)) TRY(net::create_ca({}, ca));
    }
    if (!fs::exists(own.certificate)) {
      net::certificate_request request;
      request.common_name = s->name;
      if (expired) request.valid_days = -1;
      TRY(net::issue_certificate(request, ca, {}, own));
    }
    s->thumbprint = TRY(net::thumbprint_of(own.certificate));
  }
  return {};
}

result<> consortium::allow_lists() {
  for (const auto& reader : sites) {
    std::vector<allow_list_member> members;
    for (const auto& s : sites) {
      if (s->faulty && options_.broken == "not-listed" && s != reader) continue;
      const bool wrong_role = !options_.broken.empty() && options_.broken == "wrong-role" && s->role == "HRP" && reader != s;
      members.push_back({s->organization, s->name, s->name + ".localhost", s->base_url(), s->thumbprint, wrong_role ? "COS" : s->role});
    }
    TRY(write_file(reader->folder / "allow-list.json", allow_list_bundle(parent_organization, members).dump_pretty() + "\n"));
  }
  return {};
}

result<> consortium::settings() {
  for (const auto& s : sites) {
    const auto ca = (folder_ / "pki/ca.pem").string();
    const std::string client = s->faulty && (options_.broken == "wrong-ca" || options_.broken == "expired") ? "faulty" : "client";
    const auto listens = s->port + options_.listen_offset;
    const std::string roles = std::string(s->split ? "bpe" : "fhir, bpe") + (s->holds_data() ? ", repository" : "");
    // What a split site's halves have in common with a whole one, and what not.
    const auto fhir =
        s->split ? fmt::format("fhir: {{base_url: '{0}'}}\nbpe: {{endpoint: 'https://localhost:{1}/fhir'}}\n", s->base_url(), listens)
                 : fmt::format("fhir: {{base_url: '{}', port: {}, allow_list: allow-list.json}}\n", s->base_url(), listens);
    auto text = fmt::format(
        "# Made by `dsfctl demo`; made anew at each start.\n"
        "name: {0}\n"
        "roles: [{1}]\n"
        "organization: {{identifier: {2}}}\n"
        "endpoint: {{identifier: {0}.localhost}}\n"
        "{3}"
        "status: {{port: {4}}}\n"
        "admin: {{socket: admin.sock}}\n"
        "store: {{path: store}}\n"
        "log: {{file: log.jsonl}}\n"
        "tls:\n"
        "  server: {{certificate: '{5}/server.pem', key: '{5}/server.key', trust: '{6}'}}\n"
        "  client: {{certificate: '{5}/{7}.pem', key: '{5}/{7}.key', trust: '{6}'}}\n",
        s->name, roles, s->organization, fhir, s->port + 100, s->certificates.string(), ca, client);
    if (s->holds_data() && !s->split) text += "allow_repository_beside_fhir: true   # everything on one machine, with made-up patients\n";
    if (s->holds_data())
      text +=
          "feasibility: {stores: {own: {native: true}}" +
          (options_.requests_an_hour == 0 ? std::string()
                                          : fmt::format(", networks: {{all: {{rate_limit: {{count: {}}}}}}}", options_.requests_an_hour)) +
          "}\n";
    if (s->split)
      TRY(write_file(s->folder / "endpoint/site.yaml",
                     fmt::format("# Made by `dsfctl demo`; made anew at each start.\n"
                                 "name: {0}-endpoint\n"
                                 "roles: [fhir]\n"
                                 "organization: {{identifier: {1}}}\n"
                                 "endpoint: {{identifier: {0}.localhost}}\n"
                                 "fhir: {{base_url: '{2}', port: {3}, allow_list: ../allow-list.json}}\n"
                                 "status: {{port: 0}}\n"
                                 "admin: {{socket: admin.sock}}\n"
                                 "store: {{path: store}}\n"
                                 "log: {{file: log.jsonl}}\n"
                                 "tls:\n"
                                 "  server: {{certificate: '{4}/server.pem', key: '{4}/server.key', trust: '{5}'}}\n"
                                 "  client: {{certificate: '{4}/client.pem', key: '{4}/client.key', trust: '{5}'}}\n",
                                 s->name, s->organization, s->base_url(), listens, s->certificates.string(), ca) +
                         options_.more_settings));
    text += "plugins:\n  folders:\n";
    for (const auto& p : plugins_) text += "  - '" + p + "'\n";
    if (s->has_worker)
      text += "workers: {socket: workers.sock, plugins: {ping: {processes: [dsfdev_ping, dsfdev_pong, dsfdev_pingAutostart]}}}\n";
    if (!options_.process_environment.empty()) text += "process_environment:\n";
    for (const auto& [name, value] : options_.process_environment) text += fmt::format("  {}: '{}'\n", name, value);
    text += options_.more_settings;
    TRY(write_file(s->folder / "site.yaml", text));
  }
  return {};
}

result<> consortium::start(demo_site& site) {
  // In any order; this way the engine finds its endpoint at the first try, mostly.
  TRY(start_endpoint(site));
  if (site.has_worker) TRY(start_worker(site));
  if (site.process.running()) return {};
  site.process = TRY(child::start({program_, "--config", (site.folder / "site.yaml").string()}, (site.folder / "output.log").string()));
  site.admin = std::make_unique<admin_client>(site.socket());
  return {};
}

result<> consortium::start_worker(demo_site& site) {
  if (site.worker.running()) return {};
  site.worker = TRY(child::start({python_program, worker_program_, "--socket", (site.folder / "workers.sock").string()},
                                 (site.folder / "worker.log").string()));
  return {};
}

result<> consortium::wait_for_worker(demo_site& site, std::int64_t timeout_ms) {
  for (std::int64_t waited = 0; waited < timeout_ms; waited += 20) {
    if (const auto w = site.admin->workers(); w && !w->workers.empty()) return {};
    if (!site.worker.running())
      return fail(admin_errc::unavailable,
                  fmt::format("the worker of {} did not start: {}", site.name, last_line(site.folder / "worker.log")));
    ::usleep(20'000);
  }
  return fail(admin_errc::timeout, fmt::format("the worker of {} is not connected after {} s", site.name, timeout_ms / 1000));
}

result<> consortium::start_endpoint(demo_site& site) {
  const auto endpoint = site.folder / "endpoint";
  if (site.split && !site.endpoint_process.running())
    site.endpoint_process =
        TRY(child::start({program_, "--config", (endpoint / "site.yaml").string()}, (endpoint / "output.log").string()));
  return {};
}

result<> consortium::wait_until_ready(demo_site& site, std::int64_t timeout_ms) {
  std::string last = "it does not answer";
  for (std::int64_t waited = 0; waited < timeout_ms; waited += 50) {
    if (!site.process.running())
      return fail(admin_errc::unavailable, fmt::format("{} did not start: {}", site.name, last_line(site.folder / "output.log")));
    const auto s = site.admin->status();
    if (s && s->ready) {
      if (!site.client) TRY(open_client(site));
      return {};
    }
    last = s ? s->not_ready_because : s.error().text();
    // A channel that failed once pauses for seconds; a fresh one tries at once.
    if (!s) site.admin = std::make_unique<admin_client>(site.socket());
    ::usleep(50'000);
  }
  return fail(admin_errc::timeout, fmt::format("{} is not ready after {} s: {}", site.name, timeout_ms / 1000, last));
}

result<> consortium::open_client(demo_site& site) {
  net::client_options o;
  // Even the faulty site's own organisation is asked with the certificate that its own endpoint trusts.
  net::tls_files files{
      (site.certificates / "client.pem").string(), (site.certificates / "client.key").string(), {}, {}, (folder_ / "pki/ca.pem").string()};
  o.identity = TRY(net::tls_identity::load(files));
  site.client = std::make_unique<net::https_client>(std::move(o));
  return {};
}

result<fs::path> consortium::make_patients(demo_site& site) {
  const auto file = site.folder / "patients.ndjson";
  std::ofstream out(file, std::ios::binary | std::ios::trunc);
  privacy::generator_settings g;
  g.site = site.name;
  g.seed = options_.seed;
  g.patients = options_.patients;
  if (options_.today != 0) g.today = {options_.today};
  std::string line;
  site.ledger = TRY(privacy::generate(g, [&](const json& resource) -> result<> {
    line.clear();
    resource.append_to(line);
    line += '\n';
    out << line;
    if (!out) return fail(base::errc::io, "the patients can't be written; is the disk full?", file.string());
    return {};
  }));
  out.close();
  if (!out) return fail(base::errc::io, "the patients can't be written; is the disk full?", file.string());
  return file;
}

void consortium::stop_all() {
  // All at once, then wait for each.
  for (auto& s : sites)
    for (auto* p : {&s->process, &s->endpoint_process, &s->worker})
      if (p->started()) ::kill(p->pid(), SIGTERM);
  for (auto& s : sites)
    for (auto* p : {&s->process, &s->endpoint_process, &s->worker}) p->stop(15'000);
}

result<json> consortium::read(demo_site& site, const std::string& path) {
  net::client_request r;
  r.url = site.base_url() + "/" + path;
  r.headers.set("Accept", "application/fhir+json");
  const auto answer = TRY(site.client->send_and_wait(std::move(r), request_timeout_ms));
  if (answer.status != 200)
    return fail(admin_errc::unavailable, fmt::format("GET {} at {} was answered with status {}", path, site.name, answer.status));
  return json::parse(answer.body);
}

result<json> consortium::post(demo_site& site, const std::string& path, const json& body) {
  net::client_request r;
  r.method = "POST";
  r.url = site.base_url() + (path.empty() ? "" : "/" + path);
  r.headers.set("Accept", "application/fhir+json");
  r.headers.set("Content-Type", "application/fhir+json");
  r.body = body.dump();
  const auto answer = TRY(site.client->send_and_wait(std::move(r), request_timeout_ms));
  if (answer.status != 200 && answer.status != 201)
    return fail(admin_errc::unavailable, fmt::format("POST to {} at {} was answered with status {}: {}", path.empty() ? "the base" : path,
                                                     site.name, answer.status, answer.body.substr(0, 400)));
  return json::parse(answer.body);
}

}  // namespace dsf::site::ctl

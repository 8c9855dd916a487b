// `dsfctl plugin test`: a bundle on a site that exists for it alone, with a consortium of one.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

#include "net/pki.hpp"
#include "site/admin/admin_client.hpp"
#include "site/ctl/commands.hpp"
#include "site/ctl/demo/allow_list.hpp"
#include "site/ctl/demo/child.hpp"
#include "site/ctl/plugin_commands.hpp"

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
result<> prepare(const fs::path& folder, const std::map<std::string, std::string>& settings) {
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

}  // namespace

result<> plugin_test(ctl_output& o, const plugin_options& options) {
  // What lint finds needs no site; its report comes first, and once.
  ctl_output report{o.json ? o.err : o.out, o.err, false, o.width, o.terminal, o.clock};
  TRY(plugin_lint(report, options));
  std::error_code ec;
  const auto program = options.program.empty() ? (fs::read_symlink("/proc/self/exe", ec).parent_path() / "dsfd").string() : options.program;
  if (::access(program.c_str(), X_OK) != 0)
    return fail(admin_errc::not_found, "dsfd is not there; build it, or name it with --dsfd", program);
  std::map<std::string, std::string> settings;
  for (const auto& s : options.settings) settings.insert(TRY(parse_pair(s)));
  auto name = (fs::temp_directory_path(ec) / "dsfd-plugin-XXXXXX").string();
  if (!::mkdtemp(name.data())) return fail(base::errc::io, "a temporary folder can't be made", name);
  const temporary_folder folder{name};
  TRY(prepare(folder.path, settings));
  auto process = TRY(child::start({program, "--config", (folder.path / "site.yaml").string()}, (folder.path / "output.log").string()));
  const auto socket = (folder.path / "admin.sock").string();
  auto done = [&]() -> result<deploy_result> {
    TRY(wait_until_ready(process, socket, folder.path / "output.log"));
    admin_client admin(socket);
    return admin.deploy_plugin(fs::absolute(options.path).lexically_normal().string());
  }();
  process.stop(15'000);
  const auto d = TRY(std::move(done));
  if (o.json)
    o.out << json(json::object{{"deployed", true}, {"plugin", d.plugin}, {"version", d.version}, {"resources", d.resources}}).dump()
          << "\n";
  else
    o.out << fmt::format("a temporary site took it: {} processes, {} resources created\n", d.processes.size(), d.resources);
  return {};
}

}  // namespace dsf::site::ctl

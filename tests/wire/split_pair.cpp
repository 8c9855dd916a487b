#include "tests/wire/split_pair.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <stdexcept>

#include "base/entropy.hpp"
#include "base/uuid.hpp"
#include "net/pki.hpp"
#include "site/ctl/demo/allow_list.hpp"
#include "tests/wire/wire_site.hpp"

namespace dsf::tests {
namespace {

constexpr int start_timeout_ms = 30'000, look_every_ms = 20;
constexpr std::int64_t answer_timeout_ms = 10'000;
const std::string parent = "medizininformatik-initiative.de";

std::string text_of(const base::json& task, const std::string& code) {
  for (const auto& in : task["input"])
    if (in["type"]["coding"][std::size_t{0}]["code"].str() == code) return in["valueString"].str();
  return {};
}

}  // namespace

split_pair::split_pair() : endpoint_port(free_port()), other_port(free_port()), engine_status_port(free_port()) {
  proxy = std::make_unique<tcp_proxy>(endpoint_port);
  make_certificates();
  write_settings();
  make_clients();
}

void split_pair::make_clients() {
  const auto client = [&](const std::string& name) {
    net::client_options o;
    o.identity = must(net::tls_identity::load({folder / (name + ".pem"), folder / (name + ".key"), {}, {}, folder / "ca.pem"}));
    return std::make_unique<net::https_client>(std::move(o));
  };
  own_ = client("split");
  others_ = client("other");
}

void split_pair::make_certificates() {
  const net::pki_files ca{folder / "ca.pem", folder / "ca.key"};
  must(net::create_ca({}, ca));
  must(net::issue_certificate({.use = net::certificate_use::server, .common_name = "localhost"}, ca, {},
                              {folder / "server.pem", folder / "server.key"}));
  for (const std::string name : {"split", "other"})
    must(net::issue_certificate({.common_name = name + ".example"}, ca, {}, {folder / (name + ".pem"), folder / (name + ".key")}));
}

void split_pair::write_settings() {
  const auto base = [](std::uint16_t port) { return fmt::format("https://localhost:{}/fhir", port); };
  const auto print = [&](const std::string& who) { return must(net::thumbprint_of(folder / (who + ".pem"))); };
  const site::ctl::allow_list_member members[] = {
      {"split.example", "split", "split.localhost", base(endpoint_port), print("split"), "DIC"},
      {"other.example", "other", "other.localhost", base(other_port), print("other"), "HRP"},
  };
  write_text(folder / "allow-list.json", site::ctl::allow_list_bundle(parent, members).dump());
  const auto processes = (std::filesystem::path(DSF_SOURCE_DIR) / "processes").string();
  // A lost message must hang and fail the test instead of ending by a timer.
  const auto patience = fmt::format(
      "plugins: {{folders: ['{0}/ping/bundle', '{0}/ping2/bundle']}}\n"
      "process_environment: {{dev.dsf.bpe.ping.send.deadline: PT1H, dev.dsf.bpe.ping.pong.timeout: PT1H, "
      "dev.dsf.bpe.ping2.pong.timeout: PT1H, "
      "dev.dsf.bpe.ping.maxUploadSizeBytes: '100000000', dev.dsf.bpe.ping.maxDownloadSizeBytes: '100000000'}}\n",
      processes);
  const auto common = [&](const std::string& name, const std::string& who, std::uint16_t port) {
    return fmt::format(
               "name: {0}\norganization: {{identifier: {1}.example}}\nendpoint: {{identifier: {1}.localhost}}\n"
               "admin: {{socket: {0}.sock}}\nstore: {{path: {0}, low_water_mark: 0}}\nlog: {{file: {0}.jsonl, level: debug}}\n"
               "tls:\n  client: {{certificate: {1}.pem, key: {1}.key, trust: ca.pem}}\n",
               name, who) +
           (port == 0 ? std::string()
                      : fmt::format("  server: {{certificate: server.pem, key: server.key, trust: ca.pem}}\n"
                                    "fhir: {{base_url: '{}', port: {}, allow_list: allow-list.json}}\nstatus: {{port: 0}}\n",
                                    base(port), port));
  };
  write_text(folder / "endpoint.yaml", "roles: [fhir]\n" + common("endpoint", "split", endpoint_port));
  write_text(folder / "engine.yaml",
             "roles: [bpe]\n" + common("engine", "split", 0) +
                 fmt::format("fhir: {{base_url: '{}'}}\nbpe: {{endpoint: '{}', allow_list_refresh: 2s}}\nstatus: {{port: {}}}\n",
                             base(endpoint_port), base(proxy->port()), engine_status_port) +
                 patience);
  write_text(folder / "other.yaml", "roles: [fhir, bpe]\n" + common("other", "other", other_port) + patience);
}

void split_pair::start(program& p) {
  p.process = must(site::ctl::child::start({dsfd_program(), "--config", folder / (p.name + ".yaml")}, folder / (p.name + ".out")));
  p.admin = std::make_unique<site::admin_client>(folder / (p.name + ".sock"));
}

void split_pair::wait_until_ready(program& p, bool ready) {
  std::string last;
  for (int waited = 0; waited < start_timeout_ms; waited += look_every_ms) {
    const auto s = p.admin->status();
    if (s && s->ready == ready) return;
    last = s ? s->not_ready_because : s.error().to_string();
    // A channel that failed once pauses for seconds; a fresh one tries at once.
    if (!s) p.admin = std::make_unique<site::admin_client>(folder / (p.name + ".sock"));
    if (!p.process.running()) break;
    ::usleep(look_every_ms * 1'000);
  }
  throw std::runtime_error(p.name + (ready ? " is not ready: " : " is still ready; ") + last + "\n" +
                           read_text(folder / (p.name + ".out")));
}

void split_pair::start_all() {
  for (auto* p : {&endpoint, &other, &engine}) start(*p);
  for (auto* p : {&endpoint, &other, &engine}) wait_until_ready(*p);
}

std::string split_pair::ping(program& from, std::string business_key) {
  site::start_request r;
  r.process = "dsfdev_ping|1.0";
  r.message = "startPing";
  r.business_key = std::move(business_key);
  return must(from.admin->start_task(r)).task.substr(5);
}

std::string split_pair::ping_by_post(const std::string& business_key) {
  const auto text = [&](const std::string& code, const std::string& value) {
    return base::json::object{
        {"type", base::json::object{{"coding", base::json::array{base::json::object{
                                                   {"system", "http://dsf.dev/fhir/CodeSystem/bpmn-message"}, {"code", code}}}}}},
        {"valueString", value}};
  };
  const auto own = base::json::object{
      {"type", "Organization"},
      {"identifier", base::json::object{{"system", "http://dsf.dev/sid/organization-identifier"}, {"value", "split.example"}}}};
  base::json task = base::json::object{
      {"resourceType", "Task"},
      {"meta", base::json::object{{"profile", base::json::array{"http://dsf.dev/fhir/StructureDefinition/task-start-ping|1.0"}}}},
      {"instantiatesCanonical", "http://dsf.dev/bpe/Process/ping|1.0"},
      {"status", "requested"},
      {"intent", "order"},
      {"authoredOn", base::to_iso(base::system_clock_source().now())},
      {"requester", own},
      {"restriction", base::json::object{{"recipient", base::json::array{own}}}},
      {"input", base::json::array{text("message-name", "startPing"), text("business-key", business_key)}}};
  net::client_request q;
  q.method = "POST";
  q.url = fmt::format("https://localhost:{}/fhir/Task", endpoint_port);
  q.headers = {{"Content-Type", "application/fhir+json"}, {"Accept", "application/fhir+json"}, {"Prefer", "return=representation"}};
  q.body = task.dump();
  const auto answer = must(own_->send_and_wait(std::move(q), answer_timeout_ms));
  if (answer.status != 201) throw std::runtime_error(fmt::format("the start Task is refused: {} {}", answer.status, answer.body));
  return must(base::json::parse(answer.body))["id"].str();
}

base::json split_pair::get(net::https_client& with, const std::string& url) {
  const auto answer =
      must(with.send_and_wait({.url = url, .headers = {{"Accept", "application/fhir+json"}}, .body = {}}, answer_timeout_ms));
  if (answer.status != 200) throw std::runtime_error(fmt::format("GET {}: {} {}", url, answer.status, answer.body));
  return must(base::json::parse(answer.body));
}
base::json split_pair::read(const std::string& path) {
  return get(*own_, fmt::format("https://localhost:{}/fhir/{}", endpoint_port, path));
}
base::json split_pair::read_other(const std::string& path) {
  return get(*others_, fmt::format("https://localhost:{}/fhir/{}", other_port, path));
}

std::string split_pair::outcome_of(program& at, const std::string& task, int timeout_ms) {
  base::json now;
  std::string last;
  for (int waited = 0; waited < timeout_ms; waited += look_every_ms) {
    try {
      now = &at == &other ? read_other("Task/" + task) : read("Task/" + task);
      last = now["status"].str();
    } catch (const std::exception& e) { last = e.what(); }
    if (last == "completed" || last == "failed") break;
    ::usleep(look_every_ms * 1'000);
  }
  if (last != "completed") return "Task/" + task + " is " + last + ": " + now["output"].dump();
  std::string outputs;
  for (const auto& out : now["output"]) outputs += out["valueCoding"]["code"].str() + ";";
  if (outputs != "pong-received;") return "Task/" + task + " has the outputs " + outputs;
  const auto key = text_of(now, "business-key");
  // The answering side has one Task of each message, too.
  const auto mine = instances(at, key);
  if (mine != 1) return fmt::format("{} has {} instances of {}", at.name, mine, key);
  return {};
}

std::size_t split_pair::instances(program& at, const std::string& business_key) {
  site::instance_filter filter;
  filter.limit = 500;
  std::size_t n = 0;
  do {
    const auto page = must((&at == &endpoint ? engine : at).admin->list_instances(filter));
    for (const auto& i : page.instances) n += i.business_key == business_key;
    filter.after = page.next;
  } while (!filter.after.empty());
  return n;
}

}  // namespace dsf::tests

// A real dsfd whose handlers run in workers: over its socket, over TCP with mutual TLS, killed with their work, and missing; and what they reach
// through it outside the network.
#include <fmt/format.h>
#include <grpcpp/grpcpp.h>
#include <unistd.h>
#include <catch2/catch.hpp>

#include "base/bytes.hpp"
#include "base/json.hpp"
#include "net/testing/smtp_fake.hpp"
#include "proto/worker.grpc.pb.h"
#include "site/admin/admin_client.hpp"
#include "tests/wire/lone_site.hpp"

using namespace dsf;
using namespace dsf::tests;
namespace wire = dsf::worker::v1;
namespace fs = std::filesystem;

namespace {

constexpr const char* process = "dsfdev_ping|1.0";
constexpr const char* handler = "dev.dsf.bpe.service.SelectPingTargets";

// One session; what it reads is asked for by the test.
class worker_session {
public:
  explicit worker_session(std::shared_ptr<grpc::Channel> channel) : stub_(wire::Workers::NewStub(std::move(channel))) {
    context_.set_deadline(gpr_time_add(gpr_now(GPR_CLOCK_REALTIME), gpr_time_from_seconds(60, GPR_TIMESPAN)));
    stream_ = stub_->Session(&context_);
    wire::FromWorker m;
    auto& h = *m.mutable_hello();
    h.set_protocol(1);
    h.set_worker_name("wire test");
    h.set_plugin("ping");
    h.set_credits(2);
    auto& claim = *h.add_handlers();
    claim.set_process_key("dsfdev_ping");
    claim.set_class_name(handler);
    stream_->Write(m);
    first = next();
  }
  ~worker_session() { context_.TryCancel(); }
  wire::ToWorker next() {
    wire::ToWorker m;
    open = stream_->Read(&m);
    return m;
  }
  void end_instance(std::uint64_t activation) {
    wire::FromWorker m;
    m.mutable_outcome()->set_activation_id(activation);
    m.mutable_outcome()->mutable_outcome()->mutable_end_instance()->set_reason("ended by the worker");
    stream_->Write(m);
  }
  wire::ServiceResult ask(wire::ServiceCall call) {
    wire::FromWorker m;
    *m.mutable_call() = std::move(call);
    m.mutable_call()->set_call_id(++calls_);
    stream_->Write(m);
    return next().result();
  }
  std::string organization() {
    wire::ServiceCall call;
    call.mutable_local();
    return ask(std::move(call)).member().organization_identifier();
  }
  wire::ToWorker first;
  bool open = true;

private:
  std::uint64_t calls_ = 0;
  grpc::ClientContext context_;
  std::unique_ptr<wire::Workers::Stub> stub_;
  std::unique_ptr<grpc::ClientReaderWriter<wire::FromWorker, wire::ToWorker>> stream_;
};

struct worker_site : lone_site {
  explicit worker_site(const std::string& more = {}, std::uint16_t port = 0) : lone_site(port) {
    settings += fmt::format(R"(plugins: {{folders: ['{}']}}
workers:
  wait: 100ms
  plugins: {{ping: {{processes: [dsfdev_ping], certificates: [ping-worker]}}}}
{})",
                            shipped, more);
  }
  static inline const std::string shipped = (fs::path(DSF_SOURCE_DIR) / "processes/ping/bundle").string();
  std::shared_ptr<grpc::Channel> socket() {
    grpc::ChannelArguments own;
    own.SetInt("grpc.use_local_subchannel_pool", 1);
    return grpc::CreateCustomChannel("unix:" + (folder / "store/workers.sock").string(), grpc::InsecureChannelCredentials(), own);
  }
  std::shared_ptr<grpc::Channel> tcp(int port, const std::string& certificate) {
    grpc::SslCredentialsOptions tls;
    tls.pem_root_certs = read_text(folder / "ca.pem");
    if (!certificate.empty()) {
      tls.pem_cert_chain = read_text(folder / (certificate + ".pem"));
      tls.pem_private_key = read_text(folder / (certificate + ".key"));
    }
    grpc::ChannelArguments own;
    own.SetInt("grpc.use_local_subchannel_pool", 1);
    return grpc::CreateCustomChannel(fmt::format("localhost:{}", port), grpc::SslCredentials(tls), own);
  }
  site::admin_client admin{folder / "admin.sock"};
  std::string why(const std::string& key) {
    const auto answers = admin.why(key);
    if (!answers || answers->empty()) return {};
    std::string out = answers->front().sentence;
    for (const auto& w : answers->front().waits) out += " " + w.detail;
    return out;
  }
  template <class Condition>
  bool eventually(Condition c) {
    for (int i = 0; i < 600; ++i) {
      if (c()) return true;
      ::usleep(50'000);
    }
    return false;
  }
};

}  // namespace

TEST_CASE("a worker over the socket runs a handler that dsfd has itself; killed, another one goes on") {
  worker_site s;
  auto running = s.start();
  auto first = std::make_unique<worker_session>(s.socket());
  REQUIRE(first->first.has_welcome());
  CHECK(first->organization() == "site-a.example");
  const auto listed = s.admin.workers();
  REQUIRE(listed);
  REQUIRE(listed->workers.size() == 1);
  CHECK(listed->workers[0].worker == "wire test");
  const auto started = s.admin.start_task({.process = process, .message = "startPing"});
  INFO((started ? "" : started.error().to_string()));
  REQUIRE(started);
  const auto got = first->next();
  REQUIRE(got.has_activate());
  CHECK(got.activate().activation().class_name() == handler);
  CHECK(got.activate().activation().has_start_task());
  worker_session second{s.socket()};
  first.reset();
  const auto again = second.next();
  REQUIRE(again.has_activate());
  CHECK(again.activate().delivery() == 2);
  CHECK(again.activate().activation().idempotency_key() == got.activate().activation().idempotency_key());
  second.end_instance(again.activate().activation_id());
  CHECK(s.eventually([&] {
    const auto page = s.admin.list_instances({.business_key = started->business_key});
    return page && page->instances.size() == 1 && page->instances[0].state != "running";
  }));
}

TEST_CASE("without a worker dsfctl why names the class") {
  worker_site s;
  auto running = s.start();
  const auto started = s.admin.start_task({.process = process, .message = "startPing"});
  REQUIRE(started);
  CHECK(s.eventually(
      [&] { return s.why(started->business_key).find(std::string("no worker is connected for class ") + handler) != std::string::npos; }));
}

TEST_CASE("workers of other machines come with mutual TLS and a certificate the settings name") {
  const auto port = free_port();
  worker_site s{
      fmt::format("  address: 127.0.0.1\n  port: {}\n  tls: {{certificate: server.pem, key: server.key, trust: ca.pem}}\n", port)};
  s.issue("worker", {.common_name = "ping-worker"});
  s.issue("other", {.common_name = "other-worker"});
  auto running = s.start();
  worker_session good{s.tcp(port, "worker")};
  REQUIRE(good.first.has_welcome());
  CHECK(s.admin.workers()->workers.at(0).worker == "ping-worker");
  worker_session other{s.tcp(port, "other")};
  CHECK(other.first.refused().code() == "identity");
  worker_session none{s.tcp(port, "")};
  CHECK_FALSE(none.open);
  worker_session plain{grpc::CreateChannel(fmt::format("localhost:{}", port), grpc::InsecureChannelCredentials())};
  CHECK_FALSE(plain.open);
}

// Would find: settings of the mail server or of a connection that do not reach it, a mail without the site's sender, credentials in the log.
TEST_CASE("a worker sends a mail over STARTTLS and reads at a FHIR connection") {
  const auto port = static_cast<std::uint16_t>(free_port());
  worker_site s{{}, port};
  fs::copy(worker_site::shipped, s.folder / "bundle", fs::copy_options::recursive);
  auto manifest = read_text(s.folder / "bundle/plugin.yaml");
  const std::string had = "services: [directory, fhir-local]";
  REQUIRE(manifest.find(had) != manifest.npos);
  manifest.replace(manifest.find(had), had.size(), "services: [mail, fhir-connections]\n  connections: [own, public]");
  write_text(s.folder / "bundle/plugin.yaml", manifest);
  s.replace(worker_site::shipped, s.folder / "bundle");
  s.replace("certificates: [ping-worker]", "connections: [own, public]");
  net::testing::smtp_fake server({.starttls = true, .auth = true}, {s.folder / "server.pem", s.folder / "server.key"});
  write_text(s.folder / "password", "secret\n");
  s.settings += fmt::format(
      R"(mail: {{host: localhost, port: {}, username: u, password_file: password, from: dsf@site-a.example, to: [desk@site-a.example]}}
fhir_connections: {{file: connections.yaml, test_on_startup: true}}
)",
      server.port);
  write_text(s.folder / "connections.yaml", fmt::format(R"(own:
  base-url: https://localhost:{0}/fhir
  cert-auth: {{private-key-file: client.key, certificate-file: client.pem}}
public:
  base-url: https://localhost:{0}/fhir
  basic-auth: {{username: u, password: planted-word}}
  test-connection-on-startup: false
)",
                                                        port));
  auto running = s.start();
  worker_session worker{s.socket()};
  REQUIRE(worker.first.has_welcome());
  REQUIRE(s.admin.start_task({.process = process, .message = "startPing"}));
  const auto got = worker.next();
  REQUIRE(got.has_activate());
  wire::ServiceCall call;
  call.set_activation_id(got.activate().activation_id());
  call.mutable_mail()->set_subject("Ping");
  call.mutable_mail()->set_text("no answer");
  const auto sent = worker.ask(call);
  INFO(sent.error().text());
  CHECK(sent.text().ends_with("@site-a.example"));
  CHECK_THAT(server.said(), Catch::Contains("TLS\nEHLO site-a.example") && Catch::Contains("MAIL FROM:<dsf@site-a.example>") &&
                                Catch::Contains("RCPT TO:<desk@site-a.example>") && Catch::Contains("Message-ID: <" + sent.text() + ">") &&
                                Catch::Contains(base::to_base64("no answer")));
  const auto search = [&](const std::string& name) {
    wire::ServiceCall ask;
    ask.set_activation_id(got.activate().activation_id());
    ask.mutable_fhir_search()->mutable_server()->set_connection(name);
    ask.mutable_fhir_search()->set_query("Organization?active=true");
    return worker.ask(ask);
  };
  const auto found = search("own");
  INFO(found.error().text());
  CHECK(must(base::json::parse(found.fhir()))["total"].int_or(0) >= 1);
  CHECK_THAT(search("public").error().text(), Catch::Contains("certificate"));  // it shows none
  CHECK(search("none").error().code() == "worker.permission_denied");
  // The test at the start came before the endpoint listened, and kept nothing from starting.
  CHECK(s.eventually(
      [&] { return read_text(s.folder / "log.jsonl").find("the FHIR server does not answer as it should") != std::string::npos; }));
  running.stop(15'000);
  const auto log = read_text(s.folder / "log.jsonl") + read_text(s.folder / "output.log");
  CHECK_THAT(log, Catch::Contains("a mail was sent"));
  for (const auto* secret : {"planted-word", "secret\"", "no answer"}) CHECK(log.find(secret) == std::string::npos);
}

TEST_CASE("a site does not start with connections that are wrong, and says where") {
  worker_site s;
  s.settings += "fhir_connections: {file: connections.yaml}\n";
  write_text(s.folder / "connections.yaml", "lab:\n  base-url: http://lab.example/fhir\n  colour: red\n");
  auto process = must(site::ctl::child::start(s.command(), s.folder / "output.log"));
  CHECK(s.eventually([&] { return !process.running(); }));
  const auto said = read_text(s.folder / "output.log") + read_text(s.folder / "log.jsonl");
  CHECK_THAT(said,
             Catch::Contains("connections.yaml:2") && Catch::Contains("it is not encrypted") && Catch::Contains("connections.yaml:3"));
}

// The host over its Unix socket, with a client as a worker has it. Faults these find: a session that outlives its connection, host services
// that answer the wrong call or give more than the settings allow, messages without a limit.
#include <grpcpp/grpcpp.h>
#include <sys/stat.h>
#include <catch2/catch.hpp>

#include <filesystem>
#include <thread>

#include "base/bytes.hpp"
#include "plugins/errc.hpp"
#include "plugins/workers/testing_impl.hpp"
#include "plugins/workers/worker_host.hpp"
#include "proto/worker.grpc.pb.h"

using namespace dsf;
using namespace dsf::plugins;
using namespace dsf::plugins::workers::testing;
namespace wire = dsf::worker::v1;
using base::json;

namespace {

struct fake_endpoint final : fhir_client {
  base::result<json> read(std::string_view type, std::string_view id, std::uint64_t) override {
    if (id == "missing") return base::fail(errc::http_status, "HTTP 404 Not Found", std::string(type) + "/missing");
    json out;
    out.set("resourceType", type);
    out.set("id", id);
    return out;
  }
  base::result<json> search(std::string_view query) override {
    json out;
    out.set("resourceType", "Bundle");
    out.set("query", query);
    return out;
  }
  base::result<json> create(const json& resource, std::string_view key) override {
    json out = resource;
    out.set("id", key);
    return out;
  }
  base::result<json> transaction(const json& bundle) override { return bundle; }
};

struct shared_state {
  std::mutex mutex;
  std::map<std::string, std::string> values;
};

struct fake_services final : services {
  explicit fake_services(shared_state& s) : state(s) {}
  member local() const override { return {"org-a", "A", "e-a", "https://a/fhir", true}; }
  base::result<std::vector<member>> members() override {
    return std::vector<member>{local(), {"org-b", "B", "e-b", "https://b/fhir", false}};
  }
  base::result<std::vector<member>> members(std::string_view parent, std::string_view role) override {
    return std::vector<member>{{std::string(parent), std::string(role), "", "", false}};
  }
  base::result<std::vector<std::string>> parents_of(std::string_view, std::string_view) override {
    return std::vector<std::string>{"parent"};
  }
  fhir_client& local_endpoint() override { return own; }
  std::shared_ptr<fhir_client> endpoint(std::string_view) override { return std::make_shared<fake_endpoint>(); }
  base::result<std::uint64_t> cohort_count(const json&) override { return std::uint64_t{7}; }
  std::string setting(std::string_view name) const override { return "value of " + std::string(name); }
  json process_configuration(std::string_view) const override { return {}; }
  base::result<std::string> update_state(std::string_view name, const std::function<std::string(const std::string&)>& f) override {
    const std::lock_guard lock{state.mutex};
    auto& v = state.values[std::string(name)];
    return v = f(v);
  }
  base::timestamp now() const override { return {1'000}; }
  double uniform() override { return 0.5; }
  std::string new_uuid() override { return "uuid"; }
  const base::logger& log() const override { std::abort(); }
  base::log_context log_context() const override { return {}; }
  shared_state& state;
  fake_endpoint own;
};

// One session as a worker has it; reads block, so a test that waits for what never comes ends by the deadline.
struct client {
  explicit client(const std::string& socket) {
    grpc::ChannelArguments args;
    args.SetInt("grpc.use_local_subchannel_pool", 1);
    args.SetMaxReceiveMessageSize(-1);
    stub = wire::Workers::NewStub(grpc::CreateCustomChannel("unix:" + socket, grpc::InsecureChannelCredentials(), args));
    context.set_deadline(gpr_time_add(gpr_now(GPR_CLOCK_REALTIME), gpr_time_from_seconds(20, GPR_TIMESPAN)));
    stream = stub->Session(&context);
  }
  ~client() {
    if (stream) context.TryCancel();
  }
  wire::ToWorker greet(const wire::Hello& h) {
    wire::FromWorker m;
    *m.mutable_hello() = h;
    stream->Write(m);
    return next();
  }
  wire::ToWorker next() {
    wire::ToWorker m;
    open = stream->Read(&m);
    return m;
  }
  bool ends() {
    while (open) next();
    return true;
  }
  wire::ServiceResult call(const std::function<void(wire::ServiceCall&)>& fill, std::uint64_t activation = 0) {
    wire::FromWorker m;
    m.mutable_call()->set_call_id(++last_call);
    m.mutable_call()->set_activation_id(activation);
    fill(*m.mutable_call());
    stream->Write(m);
    const auto answer = next();
    REQUIRE(answer.has_result());
    REQUIRE(answer.result().call_id() == last_call);
    return answer.result();
  }
  grpc::ClientContext context;
  std::unique_ptr<wire::Workers::Stub> stub;
  std::unique_ptr<grpc::ClientReaderWriter<wire::FromWorker, wire::ToWorker>> stream;
  std::uint64_t last_call = 0;
  bool open = true;
};

struct site {
  std::filesystem::path folder;
  worker_options options;
  shared_state state;
  base::logger log{base::system_clock_source(), "test", base::log_level::off, base::null_log_sink()};
  handler_registry registry;
  std::unique_ptr<worker_host> host;

  explicit site(worker_options o = workers::testing::options()) : options(std::move(o)) {
    std::string name = (std::filesystem::temp_directory_path() / "dsf-workers-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()));
    folder = name;
    options.socket = (folder / "w.sock").string();
    options.settings = {{"SEEN", "yes"}, {"HIDDEN", "no"}};
    host = std::make_unique<worker_host>(
        options, [this](const activation&) { return std::make_unique<fake_services>(state); }, base::system_clock_source(),
        base::system_entropy(), log);
    host->add_handlers(registry);
    const auto listening = host->listen();
    INFO((listening ? "" : listening.error().to_string()));
    REQUIRE(listening);
  }
  ~site() {
    host->stop();
    std::filesystem::remove_all(folder);
  }
  std::shared_ptr<kept_attempt> start(activation a) {
    auto attempt = std::make_shared<kept_attempt>();
    const auto* entry = registry.find(a.process_key, a.version_tag, a.class_name);
    REQUIRE(entry);
    entry->start(std::move(a), attempt);
    return attempt;
  }
  template <class Condition>
  bool eventually(Condition c) {
    for (int i = 0; i < 1'000; ++i) {
      if (c()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }
};

}  // namespace

TEST_CASE("a worker over the socket: welcome with its settings only, activation, outcome") {
  site s;
  struct stat found{};
  REQUIRE(::stat(s.options.socket.c_str(), &found) == 0);
  CHECK((found.st_mode & 0777) == 0600);
  client w{s.options.socket};
  const auto welcome = w.greet(hello(1));
  REQUIRE(welcome.has_welcome());
  CHECK(welcome.welcome().settings().size() == 1);
  CHECK(welcome.welcome().settings().at("SEEN") == "yes");
  const auto lines = s.host->sessions();
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].plugin == "p");
  CHECK(lines[0].handlers == std::vector<std::string>{"proc||C"});
  auto a = call("i");
  a.variables.emplace_back("v", bpmn::value("text"));
  const auto attempt = s.start(a);
  const auto m = w.next();
  REQUIRE(m.has_activate());
  CHECK(m.activate().activation().variables(0).value().text() == "text");
  CHECK(m.activate().activation().deadline_us() == 42);
  wire::FromWorker done;
  done.mutable_outcome()->set_activation_id(m.activate().activation_id());
  auto& v = *done.mutable_outcome()->mutable_outcome()->mutable_completed()->add_variables();
  v.set_name("answer");
  v.mutable_new_value()->set_i32(42);
  w.stream->Write(done);
  REQUIRE(s.eventually([&] { return s.host->sessions()[0].done == 1; }));
  REQUIRE(s.eventually([&] { return attempt->times == 1; }));
  CHECK(*std::get<completed>(*attempt->last).variables.at(0).new_value.as<std::int32_t>() == 42);
}

TEST_CASE("a connection that ends loses its activation; another worker gets it") {
  site s;
  auto a = std::make_unique<client>(s.options.socket);
  REQUIRE(a->greet(hello(1)).has_welcome());
  const auto attempt = s.start(call("i"));
  REQUIRE(a->next().has_activate());
  client b{s.options.socket};
  REQUIRE(b.greet(hello(1)).has_welcome());
  a.reset();
  const auto again = b.next();
  REQUIRE(again.has_activate());
  CHECK(again.activate().delivery() == 2);
  CHECK(attempt->times == 0);
  CHECK(s.host->sessions().size() == 1);
}

TEST_CASE("a worker that is refused hears why, and its stream ends") {
  site s;
  client w{s.options.socket};
  auto wrong = hello(1);
  wrong.set_plugin("other");
  const auto answer = w.greet(wrong);
  REQUIRE(answer.has_refused());
  CHECK(answer.refused().code() == "plugin");
  CHECK(w.ends());
  client impatient{s.options.socket};
  wire::FromWorker m;
  m.mutable_heartbeat();
  impatient.stream->Write(m);
  CHECK(impatient.next().refused().code() == "message");
  CHECK(impatient.ends());
}

TEST_CASE("a message above the limit ends the session") {
  auto o = workers::testing::options();
  o.message_bytes = 64 << 10;
  site s{o};
  client w{s.options.socket};
  REQUIRE(w.greet(hello(1)).has_welcome());
  const auto attempt = s.start(call("i"));
  REQUIRE(w.next().has_activate());
  wire::FromWorker m;
  m.mutable_outcome()->set_activation_id(1);
  m.mutable_outcome()->mutable_outcome()->mutable_failed()->set_error(std::string(100 << 10, 'x'));
  w.stream->Write(m);
  CHECK(w.ends());
  CHECK(s.eventually([&] { return s.host->sessions().empty(); }));
  CHECK(s.eventually([&] { return attempt->lost(); }));
}

TEST_CASE("host services over the connection") {
  site s;
  client w{s.options.socket};
  REQUIRE(w.greet(hello(1)).has_welcome());
  CHECK(w.call([](auto& c) { c.mutable_local(); }).member().organization_identifier() == "org-a");
  CHECK(w.call([](auto& c) { c.mutable_members(); }).members().entries_size() == 2);
  CHECK(w.call([](auto& c) {
           c.mutable_members()->set_parent_organization("p");
           c.mutable_members()->set_role_code("DIC");
         })
            .members()
            .entries(0)
            .organization_name() == "DIC");
  CHECK(w.call([](auto& c) { c.mutable_members()->set_role_code("DIC"); }).error().code() == "worker.bad_request");
  CHECK(w.call([](auto& c) { c.mutable_parents()->set_organization_identifier("x"); }).names().entries(0) == "parent");
  CHECK(w.call([](auto& c) { c.mutable_now(); }).time_us() == 1'000);
  CHECK(w.call([](auto& c) { c.mutable_uniform(); }).real() == 0.5);
  CHECK(w.call([](auto& c) { c.mutable_uuid(); }).text() == "uuid");
  CHECK(w.call([](auto& c) { c.mutable_random()->set_bytes(32); }).data().size() == 32);
  CHECK(w.call([](auto& c) { c.mutable_random()->set_bytes(65'537); }).has_error());
  CHECK(w.call([](auto& c) { c.mutable_setting()->set_name("SEEN"); }).text() == "value of SEEN");
  CHECK(w.call([](auto& c) { c.mutable_setting()->set_name("HIDDEN"); }).error().kind() == "forbidden");
  CHECK(w.call([](auto& c) { c.mutable_process_configuration()->set_process_key("proc"); }).json().empty());
  CHECK(w.call([](auto& c) { c.mutable_process_configuration()->set_process_key("other"); }).error().kind() == "forbidden");
  CHECK(w.call([](auto& c) { c.mutable_cohort_count()->set_ccdl("{}"); }).error().place() == "workers.plugins.p.cohort_count");
  CHECK(w.call([](auto&) {}).error().code() == "worker.bad_request");
}

TEST_CASE("hashes are those of the standards") {
  site s;
  client w{s.options.socket};
  REQUIRE(w.greet(hello(1)).has_welcome());
  // FIPS 180-2, and RFC 4231 test case 2
  CHECK(base::to_hex(w.call([](auto& c) { c.mutable_hash()->set_data("abc"); }).data()) ==
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(base::to_hex(w.call([](auto& c) {
                        c.mutable_hmac()->set_key("Jefe");
                        c.mutable_hmac()->set_data("what do ya want for nothing?");
                      }).data()) == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  CHECK(w.call([](auto& c) {
           c.mutable_hash()->set_algorithm(wire::SHA512);
           c.mutable_hash()->set_data("abc");
         })
            .data()
            .size() == 64);
}

TEST_CASE("FHIR over the connection: the own endpoint, sites of the allow-list, stores the plugin may use") {
  site s;
  client w{s.options.socket};
  REQUIRE(w.greet(hello(1)).has_welcome());
  const auto read = [&](const std::string& id, const std::string& url = {}, const std::string& store = {}) {
    return w.call([&](auto& c) {
      c.mutable_fhir_read()->set_type("Task");
      c.mutable_fhir_read()->set_id(id);
      if (!url.empty()) c.mutable_fhir_read()->mutable_server()->set_endpoint_url(url);
      if (!store.empty()) c.mutable_fhir_read()->mutable_server()->set_store(store);
    });
  };
  CHECK((*json::parse(read("1").fhir()))["id"].str() == "1");
  CHECK(read("missing").error().text() == "HTTP 404 Not Found");
  CHECK(read("1", "https://b/fhir").has_fhir());
  CHECK(read("1", "https://intranet/fhir").error().kind() == "forbidden");
  CHECK(read("1", "", "store").error().kind() == "forbidden");
  CHECK(w.call([](auto& c) { c.mutable_fhir_search()->set_query("Task?a=b"); }).has_fhir());
  const auto create = [&](std::uint64_t activation, const std::string& resource) {
    return w.call(
        [&](auto& c) {
          c.mutable_fhir_create()->set_resource(resource);
          c.mutable_fhir_create()->set_idempotency_key("key");
        },
        activation);
  };
  CHECK(create(0, R"({"resourceType":"Binary"})").error().code() == "worker.bad_request");
  s.start(call("i"));
  REQUIRE(w.next().has_activate());
  CHECK((*json::parse(create(1, R"({"resourceType":"Binary"})").fhir()))["id"].str() == "key");
  CHECK(create(1, "no json").error().code() == "worker.bad_request");
}

TEST_CASE("a state is swapped only if it is what the worker expects, and belongs to its plugin") {
  site s;
  client w{s.options.socket};
  REQUIRE(w.greet(hello(1)).has_welcome());
  const auto swap = [&](const std::string& expected, const std::string& next) {
    return w
        .call([&](auto& c) {
          c.mutable_swap_state()->set_name("n");
          c.mutable_swap_state()->set_expected(expected);
          c.mutable_swap_state()->set_next(next);
        })
        .state();
  };
  CHECK(swap("", "1").swapped());
  const auto stale = swap("", "2");
  CHECK_FALSE(stale.swapped());
  CHECK(stale.value() == "1");
  CHECK(swap("1", "2").swapped());
  CHECK(w.call([](auto& c) { c.mutable_read_state()->set_name("n"); }).state().value() == "2");
  CHECK(s.state.values.contains("worker/p/n"));
}

TEST_CASE("read access tags are added once") {
  site s;
  client w{s.options.socket};
  REQUIRE(w.greet(hello(1)).has_welcome());
  const auto add = [&](const std::string& resource) {
    return w
        .call([&](auto& c) {
          auto& in = *c.mutable_add_read_access();
          in.set_resource(resource);
          in.set_local(true);
          in.add_organizations("org-b");
          in.add_roles()->set_parent_organization("parent");
          in.mutable_roles(0)->set_role_code("DIC");
        })
        .fhir();
  };
  const auto once = add(R"({"resourceType":"Binary"})");
  CHECK((*json::parse(once))["meta"]["tag"].size() == 3);
  CHECK(add(once) == once);
}

TEST_CASE("a host that stops says so to its workers") {
  site s;
  client w{s.options.socket};
  REQUIRE(w.greet(hello(1)).has_welcome());
  const auto attempt = s.start(call("i"));
  REQUIRE(w.next().has_activate());
  s.host->stop();
  const auto last = w.next();
  REQUIRE(last.has_cancel());
  CHECK(last.cancel().reason() == wire::SITE_STOPS);
  CHECK(w.ends());
  CHECK(attempt->times == 0);
}

TEST_CASE("two hosts do not share a socket; one that was left behind is taken") {
  site s;
  auto o = s.options;
  const auto make = [](const activation&) -> std::unique_ptr<services> { return nullptr; };
  worker_host second{o, make, base::system_clock_source(), base::system_entropy(), s.log};
  const auto taken = second.listen();
  REQUIRE_FALSE(taken);
  CHECK_THAT(taken.error().to_string(), Catch::Contains("another program listens"));
  o.users = {"no-such-user"};
  o.socket += "2";
  worker_host third{o, make, base::system_clock_source(), base::system_entropy(), s.log};
  CHECK_THAT(third.listen().error().to_string(), Catch::Contains("no user 'no-such-user'"));
}

#include "tests/golden/golden_site.hpp"

#include <algorithm>
#include <fstream>
#include <future>
#include <iterator>

#include "actors/inbox.hpp"
#include "bpmn/model.hpp"
#include "fhir/semantics/search/index.hpp"
#include "fhir/storable.hpp"
#include "tests/golden/golden_services.hpp"

namespace dsf::tests {
namespace {

using base::fail;
using base::json;
using base::result;

const std::string base_url = "https://golden.example/fhir";
const std::string definition_rows = "definition/", state_rows = "process/";
constexpr std::size_t rows_at_most = 10'000;
constexpr std::int64_t command_timeout_ms = 20'000;

json coded_input(const std::string& code, const std::string& text) {
  return json::object{
      {"type",
       json::object{{"coding", json::array{json::object{{"system", "http://dsf.dev/fhir/CodeSystem/bpmn-message"}, {"code", code}}}}}},
      {"valueString", text}};
}

}  // namespace

void golden_network::send(net::client_request request, std::int64_t, net::client_callback done) {
  if (!answers) return done(net::fail(net::errc::connection_refused, "connection refused"));
  const auto task = json::parse(request.body.view());
  {
    const std::lock_guard lock{mutex_};
    taken_.push_back(task ? (*task)["identifier"][0]["value"].str() : "not JSON");
  }
  net::client_response r;
  r.status = 201;
  done(std::move(r));
}

std::vector<std::string> golden_network::taken() const {
  const std::lock_guard lock{mutex_};
  return taken_;
}

golden_site::golden_site() : log_(base::system_clock_source(), "golden", base::log_level::off, base::null_log_sink()) {}
golden_site::~golden_site() { (void)close(); }

result<std::unique_ptr<golden_site>> golden_site::open(const std::filesystem::path& folder, bool create) {
  auto site = std::unique_ptr<golden_site>(new golden_site);
  auto& s = *site;
  storage::store_options o;
  o.path = folder;
  o.create = create;
  o.clock = &s.clock;
  o.limits.low_water_bytes = 0;
  s.store_ = TRY(storage::store::open(std::move(o)));
  s.register_handlers();
  auto& c = s.context_;
  c.store = s.store_.get();
  c.processes = &s.definitions_;
  c.handlers = &s.handlers_;
  c.clock = &s.clock;
  c.entropy = &base::system_entropy();
  c.log = &s.log_;
  c.events = &s.events_;
  c.settings.organization = "golden.example";
  // Time leaps here; what was received waits for the instance all the same.
  c.settings.correlation_buffer_us = 365LL * 86'400 * base::us_per_s;
  c.services_for = [](const plugins::activation&) { return golden_services(); };
  c.write_task = put;
  if (create) TRY(s.deploy_models());
  TRY(s.read_definitions());
  s.store_->on_commit([&s](std::span<const storage::feed_entry> entries) {
    const std::lock_guard lock{s.engine_mutex_};
    if (s.engine_ && std::ranges::any_of(entries, [](const auto& e) { return e.touches(storage::table::inbox); }))
      s.engine_->inbox_changed();
  });
  return site;
}

result<storage::put_resource> golden_site::put(const json& resource, base::uuid id) {
  auto body = TRY(fhir::make_storable(resource, id));
  storage::put_resource out;
  out.type = resource["resourceType"].str();
  out.id = id;
  out.meta_at = body.meta_at;
  out.body = std::move(body.bytes);
  out.index = fhir::index_entries(resource, nullptr, base_url);
  return out;
}

// As a deployment stores them (plugins/deploy.cpp).
result<> golden_site::deploy_models() {
  storage::commit c;
  for (const auto& file : std::filesystem::directory_iterator(DSF_SOURCE_DIR "/tests/golden/models")) {
    std::ifstream in(file.path());
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    for (const auto& d : TRY(bpmn::read_bpmn(text, file.path().filename().string()))) {
      c.operations.push_back(storage::put_row{storage::table::meta, definition_rows + d->sha256, "\1" + text});
      c.operations.push_back(storage::put_row{storage::table::meta, state_rows + d->key + "|" + d->version_tag, "\1active"});
    }
  }
  TRY(store_->submit_wait(std::move(c)));
  return {};
}

// All that the store has are startable again: the site of these stores has its plugin still deployed.
result<> golden_site::read_definitions() {
  for (const auto& row : TRY(store_->view()->rows(storage::table::meta, definition_rows, rows_at_most)))
    for (auto& d : TRY(bpmn::read_bpmn(std::string_view(row.value).substr(1), row.key)))
      definitions_.add({std::move(d), actors::process_state::active, "PT10H"});
  return {};
}

void golden_site::register_handlers() {
  using plugins::handler_trait;
  const auto add = [&](const char* process, const char* name, handler_trait trait, auto run) {
    handlers_.add(std::string("goldenexample_") + process, "", std::string("golden.") + name, trait,
                  [run](const plugins::activation& a, plugins::services&) -> plugins::outcome { return run(a); });
  };
  const auto fill = [](const plugins::activation&) -> plugins::outcome {
    plugins::completed c;
    for (auto& [name, value] : golden_values()) c.variables.push_back({bpmn::variable_change::scope::instance, name, value});
    return c;
  };
  for (const auto* process : {"message", "user", "each"}) add(process, "Fill", handler_trait::blocking, fill);
  const auto work = [this](const plugins::activation&) -> plugins::outcome {
    if (handlers_fail) return plugins::failed{"not today", true};
    ++worked;
    return plugins::completed{};
  };
  for (const auto* process : {"backoff", "incident"}) add(process, "Work", handler_trait::blocking, work);
  add("user", "Check", handler_trait::blocking, [this](const plugins::activation& a) -> plugins::outcome {
    ++checked;
    for (const auto& [name, value] : golden_values())
      if (const auto* there = a.variable(name); !there || *there != value) ++checked_wrong;
    if (a.variable_text("answer") != "yes") ++checked_wrong;
    return plugins::completed{};
  });
  add("send", "Send", handler_trait::quick, [](const plugins::activation& a) -> plugins::outcome {
    if (a.event == "send_error") return plugins::end_instance{"could not ask: " + a.field_text("error")};
    plugins::completed c;
    bpmn::outgoing_message m;
    m.to = {"site-b.example", "endpoint-b.example", "https://site-b.example/fhir", ""};
    m.message_name = a.field_text("messageName");
    m.profile = a.field_text("profile");
    m.instantiates_canonical = a.field_text("instantiatesCanonical");
    m.business_key = a.business_key;
    m.send_deadline = "PT10H";
    c.messages.push_back(std::move(m));
    return c;
  });
}

void golden_site::start_engine() {
  auto made = std::make_shared<actors::engine>(context_, network);
  {
    const std::lock_guard lock{engine_mutex_};
    engine_ = made;
  }
  made->start();
}

void golden_site::stop_engine() {
  std::shared_ptr<actors::engine> stopped;
  {
    const std::lock_guard lock{engine_mutex_};
    stopped.swap(engine_);
  }
  if (stopped) stopped->stop();
}

result<> golden_site::close() {
  stop_engine();
  if (!store_) return {};
  auto closed = store_->close();
  store_.reset();
  return closed;
}

result<std::string> golden_site::post(const std::string& process, const std::string& message, const std::string& business_key) {
  const auto id = base::uuid::random(base::system_entropy());
  const json task = json::object{{"resourceType", "Task"},
                                 {"status", "requested"},
                                 {"intent", "order"},
                                 {"instantiatesCanonical", "http://golden.example/bpe/Process/" + process + "|1.0"},
                                 {"authoredOn", base::to_iso(clock.now())},
                                 {"input", json::array{coded_input("message-name", message), coded_input("business-key", business_key)}}};
  storage::commit c;
  c.operations.push_back(TRY(context_.write_task(task, id)));
  c.operations.push_back(storage::put_inbox{actors::encode_inbox({actors::inbox_kind::task, id.to_string()})});
  TRY(store_->submit_wait(std::move(c)));
  return id.to_string();
}

result<> golden_site::signal(const std::string& name) {
  storage::commit c;
  c.operations.push_back(storage::put_inbox{actors::encode_inbox({actors::inbox_kind::signal, name})});
  TRY(store_->submit_wait(std::move(c)));
  return {};
}

result<> golden_site::command(std::uint64_t instance, bpmn::command what) {
  auto promise = std::make_shared<std::promise<result<>>>();
  auto answer = promise->get_future();
  engine_->command(instance, std::move(what), [promise](result<> r) { promise->set_value(std::move(r)); });
  if (answer.wait_for(std::chrono::milliseconds(command_timeout_ms)) != std::future_status::ready)
    return fail(base::errc::io, "the engine did not answer a command");
  return answer.get();
}

result<std::string> golden_site::status_of_task(const std::string& id) const {
  const auto stored = TRY(store_->view()->current("Task", TRY(base::uuid::parse(id))));
  if (!stored || stored->deleted) return fail(base::errc::invalid_argument, "there is no such Task", id);
  return TRY(json::parse(*stored->bytes))["status"].str();
}

result<std::map<std::string, std::uint64_t>> golden_site::instances() const {
  std::map<std::string, std::uint64_t> out;
  for (const auto& i : TRY(store_->view()->instances(0, rows_at_most))) out.emplace(TRY(load(i.instance)).state().business_key, i.instance);
  return out;
}

result<actors::instance_host> golden_site::load(std::uint64_t instance, bool before_end) const {
  actors::instance_host h{context_, instance};
  TRY(h.load(before_end));
  return h;
}

result<std::vector<std::string>> golden_site::waits(std::uint64_t instance) const {
  const auto h = TRY(load(instance));
  std::vector<std::string> out;
  for (const auto& w : bpmn::waits_for(h.definition(), h.state())) out.push_back(w.kind + " " + w.activity_id);
  std::ranges::sort(out);
  return out;
}

std::size_t golden_site::rows(storage::table t) const {
  const auto found = store_->view()->rows(t, {}, rows_at_most);
  return found ? found->size() : rows_at_most;
}

}  // namespace dsf::tests

#include "tests/simulation/site.hpp"

#include <optional>
#include <stdexcept>

#include "fhir/semantics/access.hpp"
#include "fhir/semantics/search/index.hpp"
#include "fhir/storable.hpp"
#include "net/query.hpp"
#include "plugins/remote_client.hpp"
#include "tests/simulation/names.hpp"
#include "tests/simulation/patient_client.hpp"

namespace dsf::simulation {
namespace {

using base::json;
using base::result;

struct no_transport final : net::transport {
  void send(net::client_request r, std::int64_t, net::client_callback done) override {
    done(net::fail(net::errc::connection_refused, "a site that is set up has no network", r.url));
  }
};
no_transport nowhere;

std::string text_of(const fhir::reply& r) {
  if (const auto* bytes = std::get_if<std::shared_ptr<const std::string>>(&r.body)) return *bytes ? **bytes : std::string{};
  if (const auto* j = std::get_if<json>(&r.body)) return j->dump();
  return {};
}

}  // namespace

site_parts::site_parts(site_settings s) : settings(std::move(s)) {
  auto* transport = settings.transport ? settings.transport : &nowhere;
  log = std::make_unique<base::logger>(*settings.clock, host_of(settings.number),
                                       settings.log_sink ? base::log_level::debug : base::log_level::off,
                                       settings.log_sink ? settings.log_sink : base::null_log_sink());
  storage::store_options so;
  so.rows = settings.rows;
  so.clock = settings.clock;
  so.entropy = settings.entropy;
  so.log = log.get();
  so.limits.group_commits = settings.group_commits;
  so.by_hand = true;
  auto opened = storage::store::open(std::move(so));
  if (!opened) throw std::runtime_error("a store does not open: " + opened.error().to_string());
  store = std::move(*opened);
  const auto organization = organization_of(settings.number);
  caches = std::make_unique<actors::endpoint_caches>(*store, fhir::identity_config{base_url(), organization, {}});
  work = std::make_unique<actors::work_pool>(0);
  actors::endpoint_options eo;
  eo.config.base_url = base_url();
  eo.config.organization_identifier = organization;
  eo.inbox = settings.is != part::endpoint;
  const auto head = [transport](const std::string& url, std::function<void(int)> done) {
    net::client_request r;
    r.method = "HEAD";
    r.url = url;
    transport->send(std::move(r), 10'000, [done = std::move(done)](net::result<net::client_response> a) { done(a ? a->status : 0); });
  };
  const auto alone = [this](const std::string& type, std::function<void(std::function<void()>)> job) {
    if (engine)
      engine->run_alone(type, std::move(job));
    else
      job([] {});
  };
  endpoint =
      std::make_unique<actors::fhir_endpoint>(eo, *store, *caches, *work, head, alone, *settings.clock, *settings.entropy, *log, events);
  plugins::host_options ho;
  ho.base_url = base_url();
  host = std::make_unique<plugins::host>(std::move(ho), *store, *caches, *endpoint, *transport, *settings.clock, *settings.entropy, *log);

  context.store = store.get();
  context.processes = settings.processes;
  context.handlers = settings.handlers;
  context.clock = settings.clock;
  context.entropy = settings.entropy;
  context.log = log.get();
  context.events = &events;
  context.settings.organization = organization;
  context.settings.default_send_deadline = "P30D";
  context.settings.correlation_buffer_us = settings.correlation_buffer_us;
  context.services_for = [this](const plugins::activation& a) { return host->services_for(a); };
  context.endpoint_elsewhere = settings.is == part::engine;
  context.write_task = [this](const json& task, base::uuid id) { return write_task(task, id); };
  store->on_commit([this](std::span<const storage::feed_entry> entries) {
    caches->on_commit(entries);
    if (subscribers) subscribers->changed();
    if (link) link->on_commit(entries);
    if (!engine) return;
    for (const auto& e : entries)
      if (e.touches(storage::table::inbox)) return engine->inbox_changed();
  });
  make_engine();
  if (settings.is == part::endpoint)
    subscribers = std::make_unique<actors::subscriptions>(eo.config, *store, *caches, *settings.clock, *log, settings.drive);
  if (settings.is == part::engine) make_link();
}

void site_parts::make_link() {
  actors::link_options o;
  o.base_url = base_url();
  // What the connection loses must stay lost and be found, instead of being searched for some minutes later.
  o.catch_up_every_us = 400LL * 86'400 * base::us_per_s;
  outside = std::make_unique<patient_client>(*settings.drive, *settings.transport, base_url());
  actors::link_parts p;
  p.store = store.get();
  p.transport = settings.transport;
  p.endpoint = outside.get();
  p.clock = settings.clock;
  p.entropy = settings.entropy;
  p.log = log.get();
  p.make_put = [this](const json& task, base::uuid id) { return write_task(task, id); };
  p.open = settings.open_socket;
  p.reached = [] { return result<>{}; };
  p.drive = settings.drive;
  link = std::make_unique<actors::endpoint_link>(std::move(o), std::move(p));
  link->start();
}

void site_parts::make_engine() {
  if (settings.transport == nullptr || settings.is == part::endpoint) return;
  engine = std::make_unique<actors::engine>(context, *settings.transport, actors::engine_drive::by_hand);
  engine->start();
}

result<> site_parts::bring_back() {
  TRY(store->reopen());
  make_engine();
  return {};
}

site_parts::~site_parts() {
  if (link) link->stop();
  if (subscribers) subscribers->stop();
  if (engine) engine->stop();
  work->stop();
  // What the disk refuses at the end of a crash is no news here.
  if (store) (void)store->close();
}

std::string site_parts::base_url() const { return base_url_of(settings.number); }

result<storage::put_resource> site_parts::write_task(const json& task, base::uuid id) const {
  const auto facts = TRY(caches->facts());
  auto body = TRY(fhir::make_storable(task, id));
  storage::put_resource put;
  put.type = "Task";
  put.id = id;
  put.meta_at = body.meta_at;
  put.body = std::move(body.bytes);
  put.index = fhir::index_entries(task, facts->allow_list.get(), base_url());
  put.access_class = fhir::access_class_of(task, *facts->allow_list, base_url());
  return put;
}

bool site_parts::turn() { return work->run_one(0) || store->run_one_group(); }

fhir::reply site_parts::call(const fhir::identity& who, fhir::interaction_request request) {
  std::optional<fhir::reply> answer;
  request.accept = "application/fhir+json";
  request.content_type = "application/fhir+json";
  endpoint->handle_as(who, std::move(request), [&](fhir::reply r) { answer = std::move(r); });
  while (!answer)
    if (!turn()) throw std::runtime_error("the endpoint does not answer");
  return std::move(*answer);
}

result<json> own_endpoint::call(fhir::interaction_request request) {
  const auto what = request.path;
  const auto who = TRY(site_->caches->local());
  if (!who) return base::fail(base::errc::invalid_argument, "the site's own Organization is not on its allow-list");
  const auto reply = site_->call(*who, std::move(request));
  return plugins::resource_in_answer(reply.status, text_of(reply), what);
}

result<json> own_endpoint::read(std::string_view type, std::string_view id, std::uint64_t) {
  fhir::interaction_request r;
  r.path = std::string(type) + "/" + std::string(id);
  return call(std::move(r));
}

result<json> own_endpoint::search(std::string_view query) {
  fhir::interaction_request r;
  const auto question = query.find('?');
  r.path = std::string(query.substr(0, question));
  if (question != std::string_view::npos)
    for (auto& p : TRY(net::parse_query(query.substr(question + 1)))) r.query.emplace_back(std::move(p.name), std::move(p.value));
  r.prefer = "handling=strict";
  return call(std::move(r));
}

result<json> own_endpoint::create(const json& resource, std::string_view) {
  fhir::interaction_request r;
  r.method = fhir::http_method::post;
  r.path = resource["resourceType"].str();
  r.body = resource.dump();
  r.prefer = "return=representation";
  return call(std::move(r));
}

result<json> own_endpoint::transaction(const json& bundle) {
  fhir::interaction_request r;
  r.method = fhir::http_method::post;
  r.body = bundle.dump();
  return call(std::move(r));
}

}  // namespace dsf::simulation

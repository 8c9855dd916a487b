#include "site/running/running_site.hpp"

#include "base/log_file.hpp"
#include "base/mutant.hpp"
#include "fhir/semantics/access.hpp"
#include "fhir/semantics/search/index.hpp"
#include "net/query.hpp"
#include "privacy/ccdl.hpp"
#include "processes/register.hpp"
#include "site/pages/pages.hpp"
#include "site/running/errc.hpp"
#include "site/running/feasibility_stores.hpp"
#include "site/running/inbox_rows.hpp"
#include "site/running/parts.hpp"

namespace dsf::site {
namespace {

using base::fail;
using base::json;
using base::result;

std::string iso_seconds(std::int64_t us) { return "PT" + std::to_string(us / base::us_per_s) + "S"; }

// The day on which ages are counted.
privacy::day today(const base::clock& time) { return {static_cast<std::int32_t>(time.now().us / (86'400 * base::us_per_s))}; }

}  // namespace

running_site::running_site(std::unique_ptr<parts> p) : parts_(std::move(p)) {}
running_site::~running_site() { stop(); }

result<std::unique_ptr<running_site>> running_site::start(const site_config& config) {
  auto site = std::unique_ptr<running_site>(new running_site(std::make_unique<parts>()));
  auto& p = *site->parts_;
  p.config = config;
  TRY(p.open());
  TRY(p.bootstrap());
  TRY(p.serve());
  if (!config.admin_socket.empty()) {
    p.audited_port = audited(*site, *p.audit);
    p.admin.emplace(TRY(admin_server::start(config.admin_socket, *p.audited_port)));
  }
  return site;
}

result<> running_site::parts::open() {
  auto& clock = base::system_clock_source();
  auto& entropy = base::system_entropy();
  started = clock.now();
  try {
    log = std::make_unique<base::logger>(clock, config.name, config.log_level,
                                         base::rotating_log_sink(config.log_file, static_cast<std::size_t>(config.log_file_bytes),
                                                                 static_cast<std::size_t>(config.log_files_kept)));
  } catch (const std::exception& e) {
    return fail(running_errc::cannot_start, std::string("the log file can't be opened: ") + e.what(), config.log_file);
  }
  log->info("site", "starting", {}, {{"organization", config.organization_identifier}});
  for (const auto& [variable, why] : config.notes)
    log->info("settings", "a variable of DSF has no meaning here", {}, {{"variable", variable}, {"why", why}});
  if (DSF_MUTANT("site.secret_in_log")) log->debug("site", "client key " + config.client_tls.key_password.reveal());

  audit = TRY(audit_trail::open(config, *log));

  storage::store_options so;
  so.path = config.store_path;
  so.master_key_file = config.store_master_key_file;
  so.log = log.get();
  so.block_cache_bytes = static_cast<std::size_t>(config.store_block_cache_bytes);
  so.write_buffers_bytes = static_cast<std::size_t>(config.store_write_buffers_bytes);
  so.limits.low_water_bytes = static_cast<std::uint64_t>(config.store_low_water_bytes);
  store = TRY(storage::store::open(std::move(so)));
  TRY(look_whether_restored());
  if (config.role_repository) TRY(open_repository());

  caches = std::make_unique<actors::endpoint_caches>(
      *store, fhir::identity_config{config.base_url, config.organization_identifier, config.practitioner_rules});
  work = std::make_unique<actors::work_pool>(4);
  net::client_options co;
  co.identity = TRY(net::tls_identity::load(client_files_of(config.client_tls)));
  co.proxy = TRY(proxy_of(config));
  client = std::make_unique<net::https_client>(std::move(co));

  if (config.role_bpe && !config.role_fhir) half = TRY(engine_half::make(config, *store, *client, *log));

  actors::endpoint_options eo;
  const auto url = TRY(net::parse_url(config.base_url));
  eo.base_path = url.target;
  metrics = std::make_unique<metrics_state>(url.target);
  audit->know(*caches, metrics->http, url.target);
  eo.inbox = config.role_bpe;
  eo.body_bytes = static_cast<std::uint64_t>(config.limits.body_bytes);
  eo.binary_resource_bytes = static_cast<std::uint64_t>(config.limits.binary_resource_bytes);
  eo.binary_bytes = static_cast<std::uint64_t>(config.limits.binary_bytes);
  if (!config.audit.file.empty())
    eo.on_notable_write = [this](const fhir::identity& who, const net::peer* peer, const actors::notable_write& w) {
      audit->written(who, peer, w);
    };
  if (const auto& r = config.limits.rate; r.per_second > 0 || r.local_per_second > 0) {
    rates = std::make_unique<rate_limits>(request_rate{r.per_second, r.burst}, request_rate{r.local_per_second, r.local_burst});
    eo.throttle = [this](const fhir::identity* who, const net::peer& peer) {
      // Who is not on the allow-list is limited by its certificate; an organisation's certificates share one bucket.
      if (!who) return rates->wait_s(peer.thumbprint, false);
      return who->is_practitioner() ? rates->wait_s(who->name(), who->local) : rates->wait_s(who->organization_identifier, who->local);
    };
  }
  eo.config.base_url = config.base_url;
  eo.config.organization_identifier = config.organization_identifier;
  eo.config.page_count = static_cast<int>(config.page_count);
  eo.config.max_candidates = static_cast<std::size_t>(config.limits.search_candidates);
  eo.config.max_bundle_entries = static_cast<std::size_t>(config.limits.bundle_entries);
  const auto head = [this](const std::string& target, std::function<void(int)> done) {
    net::client_request r;
    r.method = "HEAD";
    r.url = target;
    r.headers = {{"Accept", "application/fhir+json"}};
    client->send(std::move(r), 10'000,
                 [done = std::move(done)](net::result<net::client_response> answer) { done(answer ? answer->status : 0); });
  };
  const auto alone = [this](const std::string& type, std::function<void(std::function<void()>)> job) {
    engine->run_alone(type, std::move(job));
  };
  endpoint = std::make_unique<actors::fhir_endpoint>(eo, *store, *caches, *work, head, alone, clock, entropy, *log, events);
  // What a crash left behind between a blob and its commit.
  work->run([this] { endpoint->sweep_blobs(); });

  if (config.role_fhir) subscribers = std::make_unique<actors::subscriptions>(eo.config, *store, *caches, clock, *log);

  plugins::host_options ho;
  ho.base_url = config.base_url;
  ho.remote_endpoint = config.bpe_endpoint;
  ho.settings = config.process_environment;
  const auto feasibility = TRY(feasibility_document(config.feasibility, config.role_repository));
  for (const auto key : {"medizininformatik-initiativede_feasibilityRequest", "medizininformatik-initiativede_feasibilityExecute"})
    ho.process_configuration[key] = feasibility;
  stores = TRY(connect_stores(config));
  for (const auto& [name, s] : stores) ho.stores[name] = {s.remote, s.client.get()};
  ho.send_mail = mail_sender_of(config, clock, *log);
  connections = TRY(open_connections(config, *log));
  for (const auto& [name, c] : connections) ho.connections[name] = {c.remote, c.client.get()};
  if (repository) ho.cohort_count = [this](const json& ccdl) { return count(ccdl); };
  host = std::make_unique<plugins::host>(std::move(ho), *store, *caches, *endpoint, others(), clock, entropy, *log);
  processes::register_handlers(handlers);
  if (config.role_bpe && !config.workers.plugins.empty()) open_workers();

  context.store = store.get();
  context.processes = &definitions;
  context.handlers = &handlers;
  context.clock = &clock;
  context.entropy = &entropy;
  context.log = log.get();
  context.events = &events;
  context.settings.organization = config.organization_identifier;
  context.settings.default_send_deadline = iso_seconds(config.send_deadline_us);
  context.settings.passivate_after_us = config.passivate_after_us;
  context.settings.limits.segment_steps = static_cast<std::size_t>(config.limits.segment_steps);
  context.settings.limits.multi_instance = static_cast<std::size_t>(config.limits.multi_instance);
  context.settings.handler_deadline_us = config.handler_deadline_us;
  context.settings.correlation_buffer_us = config.correlation_buffer_us;
  context.settings.live_instances = static_cast<std::size_t>(config.limits.live_instances);
  context.settings.handler_threads = static_cast<unsigned>(config.handler_threads);
  context.services_for = [this](const plugins::activation& a) { return host->services_for(a); };
  context.give_up = [this] { host->give_up(true); };
  context.endpoint_elsewhere = half != nullptr;
  context.write_task = [this](const json& task, base::uuid id) { return task_put(task, id); };
  if (workers) context.ask = workers->asker();
  make_engine();
  start_retention();
  store->on_commit([this](std::span<const storage::feed_entry> entries) {
    caches->on_commit(entries);
    retention->on_commit(entries);
    if (subscribers) subscribers->changed();
    if (half) half->on_commit(entries);
    // Without the role bpe Tasks wait for an engine of their own; this one would find no process and fail them.
    if (!config.role_bpe || held) return;
    for (const auto& e : entries)
      if (e.touches(storage::table::inbox)) {
        engine->inbox_changed();
        break;
      }
  });
  return {};
}

result<storage::put_resource> running_site::parts::task_put(const json& task, base::uuid id) const {
  const auto facts = TRY(caches->facts());
  auto body = TRY(fhir::make_storable(task, id));
  storage::put_resource put;
  put.type = "Task";
  put.id = id;
  put.meta_at = body.meta_at;
  put.body = std::move(body.bytes);
  put.index = fhir::index_entries(task, facts->allow_list.get(), config.base_url);
  put.access_class = fhir::access_class_of(task, *facts->allow_list, config.base_url);
  return put;
}

// At the start, and again when the store has come back: what the actors of the one before know may differ from what the disk holds.
void running_site::parts::make_engine() {
  host->give_up(false);
  engine.set(std::make_shared<actors::engine>(context, others()));
}

result<> running_site::parts::open_repository() {
  repository = TRY(storage::repository::open(config.repository_path));
  const auto texts = TRY(read_ontology(config.feasibility));
  mapping = TRY(privacy::mapping::parse(texts.mapping));
  tree = TRY(privacy::ontology_tree::parse(texts.tree));
  return {};
}

result<std::uint64_t> running_site::parts::count(const json& ccdl) {
  if (!repository) return fail(running_errc::role_missing, "this site has no repository: give it the role repository");
  const auto query = TRY(privacy::ccdl_from_json(ccdl));
  return repository->count(query, *mapping, *tree, today(base::system_clock_source()));
}

result<> running_site::parts::bootstrap() {
  if (config.role_fhir) {
    const auto loader = fhir::initial_data_loader(caches->config());
    TRY(load_bundled_resources(*store, *endpoint, loader));
    if (!config.allow_list.empty()) TRY(load_allow_list(config.allow_list, *store, *endpoint, loader, *log));
  }
  TRY(plugins::load_definitions(*store, definitions));
  if (config.role_bpe) TRY(deploy_plugins());
  // The engine takes what it is told of at once, so its processes are there already.
  if (config.role_fhir) TRY(settle_inbox(*store, config.role_bpe, *log));
  return {};
}

result<> running_site::parts::serve() {
  note_certificates(config);
  if (!held) go_on();
  if (workers) TRY(workers->listen());
  if (config.role_fhir) TRY(serve_fhir());
  if (config.status_listen.port != 0) {
    net::server_options o;
    o.address = config.status_listen.address;
    o.port = config.status_listen.port;
    o.certificates = net::client_certificate::none;
    o.threads = 1;
    status_server.emplace(TRY(net::https_server::start(std::move(o), [this](net::request&& r, net::responder a) {
      if (r.path() == "/metrics")
        return work->run([this, answer = std::make_shared<net::responder>(std::move(a))] {
          net::response page;
          page.headers = {{"Content-Type", std::string(metrics_page::content_type)}};
          page.body = metrics_text();
          (*answer)(std::move(page));
        });
      if (r.path() != "/status") return a(net::text_response(404, "only /status and /metrics are here\n"));
      json body;
      const auto why = not_ready_because();
      body.set("ready", why.empty());
      if (!why.empty()) body.set("because", why);
      body.set("certificates", metrics->certificates.report(base::system_clock_source().now()));
      net::response answer;
      answer.status = why.empty() ? 200 : 503;
      answer.headers = {{"Content-Type", "application/json"}};
      answer.body = body.dump() + "\n";
      a(std::move(answer));
    })));
  }
  caretaker_work tasks;
  tasks.store = store.get();
  tasks.log = log.get();
  tasks.retry_us = config.store_retry_us;
  tasks.stop_engine = [this] { engine->stop(); };
  tasks.start_engine = [this] {
    const std::lock_guard lock{held_mutex};
    make_engine();
    if (config.role_bpe && !held) engine->start();
  };
  tasks.now_and_then = [this] { warn_of_certificates(); };
  care = std::make_unique<caretaker>(std::move(tasks));
  log->info("site", "serving", {}, {{"base", config.base_url}});
  return {};
}

std::string running_site::parts::not_ready_because() const {
  const auto s = store->status();
  if (!s.writable)
    return "the store is read-only: " + s.why_not +
           (s.may_recover ? "; it is tried again every " + std::to_string(config.store_retry_us / base::us_per_s) + " s" : "");
  if (held) return "the store was made of a backup and waits for `dsfctl store release`";
  if (config.role_bpe && !engine->receiving()) return "the engine does not receive yet";
  if (half)
    if (const auto link = half->status(); !link.connected) return link.why_not;
  return {};
}
bool running_site::parts::ready() const { return not_ready_because().empty(); }

void running_site::parts::stop() {
  if (std::exchange(stopped, true)) return;
  if (log) log->info("site", "stopping");
  if (proxy_server) proxy_server->stop(std::max<std::int64_t>(100, config.stop_timeout_us / 1000));
  if (fhir_server) fhir_server->stop(std::max<std::int64_t>(100, config.stop_timeout_us / 1000));
  if (subscribers) subscribers->stop();
  if (half) half->stop();
  if (retention) retention->stop();
  if (care) care->stop();
  if (engine) engine->stop();
  if (workers) workers->stop();
  if (work) work->stop();
  half.reset();
  provider_client.reset();
  client.reset();
  for (auto& [name, s] : stores) s.client.reset();
  if (status_server) status_server->stop(500);
  if (admin) admin->stop();
  if (store)
    if (auto closed = store->close(); !closed && log)
      log->error("site", "the store did not close in order", {}, {{"error", closed.error().to_string()}});
  if (audit) audit->stop();
  if (log) log->info("site", "stopped");
}

void running_site::stop() { parts_->stop(); }

void running_site::on_shutdown(std::function<void(std::string)> what) {
  const std::lock_guard lock{parts_->shutdown_mutex};
  parts_->on_shutdown = std::move(what);
}

}  // namespace dsf::site

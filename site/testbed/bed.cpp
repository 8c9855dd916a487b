#include "site/testbed/bed.hpp"

#include <algorithm>
#include <future>
#include <thread>

#include "fhir/semantics/access.hpp"
#include "fhir/semantics/search/index.hpp"
#include "fhir/storable.hpp"
#include "net/query.hpp"
#include "plugins/deploy.hpp"
#include "processes/register.hpp"
#include "site/ctl/demo/allow_list.hpp"
#include "site/running/errc.hpp"
#include "site/running/parts.hpp"

namespace dsf::site {
namespace {

using base::fail;
using base::json;
using base::result;

constexpr auto default_start = "2026-01-05T08:00:00Z";
constexpr std::size_t thumbprint_digits = 128;

result<std::string> text(const json& document, std::string_view name, bool required = false) {
  const auto& v = document[name];
  if (v.is_string() || (v.is_null() && !required)) return v.str();
  return fail(running_errc::bad_request, "must be a text", std::string(name));
}

result<bed_member> member(const json& m, std::size_t number) {
  bed_member out;
  out.organization = TRY(text(m, "organization", true));
  out.role = m["role"].is_null() ? "DIC" : TRY(text(m, "role"));
  out.endpoint = "endpoint." + out.organization;
  out.url = "https://" + out.organization + "/fhir";
  out.thumbprint = std::to_string(number + 1);
  out.thumbprint.insert(0, thumbprint_digits - out.thumbprint.size(), '0');
  return out;
}

}  // namespace

result<bed_config> bed_config::read(const json& document) {
  if (!document.is_object()) return fail(running_errc::bad_request, "the first line must be a JSON object with the site's configuration");
  bed_config out;
  out.socket = TRY(text(document, "socket", true));
  for (const auto& b : document["bundles"]) out.bundles.push_back(b.str());
  if (out.bundles.empty()) return fail(running_errc::bad_request, "must name at least one folder of a plugin", "bundles");
  out.plugin = document["plugin"].is_null() ? "test" : TRY(text(document, "plugin"));
  for (const auto& p : document["processes"]) out.processes.insert(p.str());
  out.builtin = document["builtin"].bool_or(false);
  out.parent_organization = document["parent"].is_null() ? "network.test" : TRY(text(document, "parent"));
  out.members.push_back(TRY(member(document["site"], 0)));
  for (const auto& p : document["partners"]) out.members.push_back(TRY(member(p, out.members.size())));
  if (const auto* settings = document["settings"].if_object())
    for (const auto& [name, value] : *settings) out.settings[name] = value.str();
  if (const auto* connections = document["connections"].if_object())
    for (const auto& [name, value] : *connections) out.connections[name] = value.str();
  out.start = TRY(base::parse_iso(document["time"].is_null() ? default_start : document["time"].str()));
  out.patience_us = document["patience_ms"].int_or(10'000) * 1'000;
  out.log = TRY(text(document, "log"));
  return out;
}

result<std::unique_ptr<bed>> bed::open(bed_config config) {
  std::unique_ptr<bed> b{new bed()};
  b->config_ = std::move(config);
  b->clock_.set(b->config_.start);
  try {
    b->log_ = std::make_unique<base::logger>(b->clock_, b->own().organization, base::log_level::debug,
                                             b->config_.log.empty() ? base::null_log_sink() : base::file_log_sink(b->config_.log));
  } catch (const std::exception& e) {
    return fail(running_errc::cannot_start, std::string("the log file can't be opened: ") + e.what(), b->config_.log);
  }
  b->rows_ = storage::memory_kv::create();
  TRY(b->prepare());
  TRY(b->assemble(true));
  b->make_engine();
  TRY(b->workers_->listen());
  TRY(b->settle(true));
  return b;
}

bed::~bed() {
  if (engine_) engine_->stop();
  if (workers_) {
    // A call of a worker may wait for a commit, which is this thread's work.
    std::atomic<bool> stopped{false};
    std::thread stopping([&] {
      workers_->stop();
      stopped = true;
    });
    while (!stopped) look_around(1'000);
    stopping.join();
  }
  take_apart();
}

// The store first: what it tells of its last commits goes to the caches.
void bed::take_apart() {
  if (work_) work_->stop();
  if (store_)
    if (auto closed = store_->close(); !closed)
      log_->error("testbed", "the store did not close", {}, {{"error", closed.error().to_string()}});
  host_.reset();
  endpoint_.reset();
  work_.reset();
  caches_.reset();
  store_.reset();
}

result<> bed::prepare() {
  TRY(assemble(false));
  const auto loader = fhir::initial_data_loader(caches_->config());
  TRY(load_bundled_resources(*store_, *endpoint_, loader));
  std::vector<ctl::allow_list_member> list;
  for (const auto& m : config_.members) list.push_back({m.organization, m.organization, m.endpoint, m.url, m.thumbprint, m.role});
  fhir::interaction_request request;
  request.method = fhir::http_method::post;
  request.accept = request.content_type = "application/fhir+json";
  request.body = ctl::allow_list_bundle(config_.parent_organization, list).dump();
  std::promise<fhir::reply> answer;
  endpoint_->handle_as(loader, std::move(request), [&](fhir::reply r) { answer.set_value(std::move(r)); });
  if (const auto status = answer.get_future().get().status; status != 200)
    return fail(running_errc::cannot_start, "the allow-list is refused: HTTP " + std::to_string(status));
  TRY(deploy());
  take_apart();
  return {};
}

result<> bed::deploy() {
  plugins::bundle_context known;
  known.organization = own().organization;
  known.environment = config_.settings;
  std::set<std::string> keys;
  for (const auto& folder : config_.bundles) {
    bundles_.push_back(TRY(plugins::read_bundle(folder, known)));
    TRY(plugins::deploy(bundles_.back(), {}, *store_, definitions_, *host_->local_client(), *log_));
    for (const auto& p : bundles_.back().processes) {
      keys.insert(p.definition->key);
      for (const auto& r : p.resources) {
        if (r.type != "ActivityDefinition") continue;
        for (const auto& extension : r.content["extension"]) {
          bed_message m{p.definition->key, r.content["url"].str() + "|" + r.content["version"].str(), {}, {}};
          for (const auto& part : extension["extension"]) {
            if (part["url"].str() == "message-name") m.name = part["valueString"].str();
            if (part["url"].str() == "task-profile") m.profile = part["valueCanonical"].str();
          }
          if (!m.name.empty()) messages_.push_back(std::move(m));
        }
      }
    }
  }
  for (const auto& p : config_.processes)
    if (!keys.contains(p)) return fail(running_errc::bad_request, "the bundles have no process " + p, "processes");
  if (config_.processes.empty() && !config_.builtin) config_.processes = keys;
  return {};
}

result<> bed::assemble(bool by_hand) {
  auto& entropy = base::system_entropy();
  storage::store_options so;
  so.rows = rows_;
  so.clock = &clock_;
  so.log = log_.get();
  so.by_hand = by_hand;
  store_ = TRY(storage::store::open(std::move(so)));
  caches_ = std::make_unique<actors::endpoint_caches>(*store_, fhir::identity_config{own().url, own().organization, {}});
  work_ = std::make_unique<actors::work_pool>(2);
  actors::endpoint_options eo;
  eo.base_path = TRY(net::parse_url(own().url)).target;
  eo.config.base_url = own().url;
  eo.config.organization_identifier = own().organization;
  // Who refers to something here refers to what is there.
  const auto head = [](const std::string&, std::function<void(int)> done) { done(200); };
  const auto alone = [this](const std::string& type, std::function<void(std::function<void()>)> job) {
    if (!engine_) return job([] {});
    main_.post([this, type, job = std::move(job)]() mutable { engine_->run_alone(type, std::move(job)); });
  };
  endpoint_ = std::make_unique<actors::fhir_endpoint>(eo, *store_, *caches_, *work_, head, alone, clock_, entropy, *log_, events_);
  plugins::host_options ho;
  ho.base_url = own().url;
  ho.settings = config_.settings;
  for (const auto& [name, url] : config_.connections) ho.connections[name] = {{.base_url = url}, &partners_};
  ho.send_mail = [this](const plugins::mail& m) { return take_mail(m); };
  host_ = std::make_unique<plugins::host>(std::move(ho), *store_, *caches_, *endpoint_, partners_, clock_, entropy, *log_);
  store_->on_commit([this](std::span<const storage::feed_entry> entries) {
    caches_->on_commit(entries);
    if (!engine_) return;
    for (const auto& e : entries)
      if (e.touches(storage::table::inbox)) return engine_->inbox_changed();
  });
  return {};
}

void bed::make_engine() {
  plugins::worker_options wo;
  wo.socket = config_.socket;
  wo.wait_us = 3'000'000;
  wo.organization = own().organization;
  wo.base_url = own().url;
  wo.settings = config_.settings;
  auto& plugin = wo.plugins[config_.plugin];
  plugin.processes.assign(config_.processes.begin(), config_.processes.end());
  for (const auto& [name, url] : config_.connections) plugin.connections.push_back(name);
  wo.grants = [this](std::string_view key, std::string_view version) {
    std::vector<std::shared_ptr<const plugins::worker_grant>> out;
    for (const auto& b : bundles_)
      if (std::ranges::any_of(b.processes, [&](const auto& p) {
            return p.definition->key == key && (version.empty() || p.definition->version_tag == version);
          }))
        out.push_back(plugins::grant_of(b));
    return out;
  };
  // Leases are real time: a worker that hangs is found although the test's clock stands still.
  workers_ = std::make_unique<plugins::worker_host>(
      std::move(wo), [this](const plugins::activation& a) { return services_beside_main(host_->services_for(a), main_); },
      base::system_clock_source(), base::system_entropy(), *log_);
  workers_->add_handlers(workers_handlers_);
  processes::register_handlers(handlers_);
  for (const auto& key : config_.processes) handlers_.add_process(key, through_main(workers_handlers_, main_, open_));

  context_.store = store_.get();
  context_.processes = &definitions_;
  context_.handlers = &handlers_;
  context_.clock = &clock_;
  context_.entropy = &base::system_entropy();
  context_.log = log_.get();
  context_.events = &events_;
  context_.settings.organization = own().organization;
  context_.ask = [this, ask = workers_->asker()](plugins::question_origin origin, std::vector<bpmn::el::question> questions,
                                                 plugins::answers_callback done) {
    const auto number = open_.add("a question of " + origin.process_key);
    ask(std::move(origin), std::move(questions), [this, number, done = std::move(done)](auto answers) {
      main_.post([this, number, done, answers = std::move(answers)]() mutable {
        if (open_.remove(number)) done(std::move(answers));
      });
    });
  };
  context_.services_for = [this](const plugins::activation& a) { return host_->services_for(a); };
  context_.write_task = [this](const json& task, base::uuid id) -> result<storage::put_resource> {
    const auto facts = TRY(caches_->facts());
    auto body = TRY(fhir::make_storable(task, id));
    storage::put_resource put;
    put.type = "Task";
    put.id = id;
    put.meta_at = body.meta_at;
    put.body = std::move(body.bytes);
    put.index = fhir::index_entries(task, facts->allow_list.get(), own().url);
    put.access_class = fhir::access_class_of(task, *facts->allow_list, own().url);
    return put;
  };
  engine_ = std::make_unique<actors::engine>(context_, partners_, actors::engine_drive::by_hand);
  engine_->start();
}

}  // namespace dsf::site

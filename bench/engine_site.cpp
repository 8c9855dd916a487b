#include "bench/engine_site.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <future>

#include "fhir/conformance/bundled.hpp"
#include "fhir/semantics/access.hpp"
#include "fhir/semantics/search/index.hpp"
#include "plugins/bundle.hpp"
#include "plugins/deploy.hpp"
#include "site/ctl/demo/allow_list.hpp"

namespace dsf::bench {
namespace {

using base::fail;
using base::json;
using base::result;

const std::string base_url = "https://bench.localhost/fhir";
constexpr std::string_view loaded_row = "bench/loaded";
constexpr std::int64_t start_timeout_us = 60'000'000;

}  // namespace

void no_network::send(net::client_request request, std::int64_t, net::client_callback done) {
  done(net::fail(net::errc::connection_refused, "this program has no network", request.url));
}

result<std::unique_ptr<engine_site>> engine_site::open(const engine_site_options& options) {
  auto site = std::unique_ptr<engine_site>(new engine_site);
  auto& s = *site;
  auto& clock = base::system_clock_source();
  auto& entropy = base::system_entropy();
  std::error_code ec;
  std::filesystem::create_directories(options.folder, ec);
  try {
    s.log_ =
        std::make_unique<base::logger>(clock, "bench", base::log_level::info, base::file_log_sink((options.folder / "log.jsonl").string()));
  } catch (const std::exception& e) {
    return fail(base::errc::io, std::string("the log file can't be opened: ") + e.what(), options.folder.string());
  }
  storage::store_options so;
  so.path = options.folder / "store";
  so.log = s.log_.get();
  s.store_ = TRY(storage::store::open(std::move(so)));
  s.caches_ = std::make_unique<actors::endpoint_caches>(*s.store_, fhir::identity_config{base_url, std::string(organization), {}});
  s.work_ = std::make_unique<actors::work_pool>(4);
  actors::endpoint_options eo;
  eo.config.base_url = base_url;
  eo.config.organization_identifier = organization;
  const auto alone = [&s](const std::string& type, std::function<void(std::function<void()>)> job) {
    if (s.engine_)
      s.engine_->run_alone(type, std::move(job));
    else
      job([] {});
  };
  s.endpoint_ = std::make_unique<actors::fhir_endpoint>(
      eo, *s.store_, *s.caches_, *s.work_, [](const std::string&, std::function<void(int)> done) { done(0); }, alone, clock, entropy,
      *s.log_, s.events_);
  plugins::host_options ho;
  ho.base_url = base_url;
  s.host_ = std::make_unique<plugins::host>(std::move(ho), *s.store_, *s.caches_, *s.endpoint_, s.network_, clock, entropy, *s.log_);
  s.handlers_.add("benchexample_oneTask", "", "dsf.bench.Nothing", plugins::handler_trait::quick,
                  [](const plugins::activation&, plugins::services&) -> plugins::outcome { return plugins::completed{}; });

  auto& c = s.context_;
  c.store = s.store_.get();
  c.processes = &s.definitions_;
  c.handlers = &s.handlers_;
  c.clock = &clock;
  c.entropy = &entropy;
  c.log = s.log_.get();
  c.events = &s.events_;
  c.settings.organization = organization;
  c.services_for = [&s](const plugins::activation& a) { return s.host_->services_for(a); };
  c.write_task = [&s](const json& task, base::uuid id) -> result<storage::put_resource> {
    const auto facts = TRY(s.caches_->facts());
    auto body = TRY(fhir::make_storable(task, id));
    storage::put_resource put;
    put.type = "Task";
    put.id = id;
    put.meta_at = body.meta_at;
    put.body = std::move(body.bytes);
    put.index = fhir::index_entries(task, facts->allow_list.get(), base_url);
    put.access_class = fhir::access_class_of(task, *facts->allow_list, base_url);
    return put;
  };
  if (options.with_engine) s.engine_ = std::make_unique<actors::engine>(c, s.network_);
  s.store_->on_commit([&s](std::span<const storage::feed_entry> entries) {
    s.caches_->on_commit(entries);
    if (s.engine_)
      for (const auto& e : entries)
        if (e.touches(storage::table::inbox)) {
          s.engine_->inbox_changed();
          break;
        }
    const std::lock_guard lock{s.watch_mutex_};
    if (s.watch_) s.watch_(entries);
  });
  TRY(s.load(options.models));
  if (s.engine_) {
    s.engine_->start();
    const auto until = clock.steady_us() + start_timeout_us;
    while (!s.engine_->receiving()) {
      if (clock.steady_us() > until) return fail(base::errc::io, "the engine does not receive after a minute");
      ::usleep(1'000);
    }
  }
  return site;
}

engine_site::~engine_site() {
  watch(nullptr);
  if (engine_) engine_->stop();
  if (work_) work_->stop();
  if (store_)
    if (auto closed = store_->close(); !closed)
      fmt::print(stderr, "dsf-bench: the store did not close in order: {}\n", closed.error().to_string());
}

result<> engine_site::load(const std::filesystem::path& models) {
  if (!TRY(store_->view()->row_value(storage::table::meta, loaded_row))) TRY(load_resources());
  const auto local = TRY(caches_->local());
  if (!local) return fail(base::errc::invalid_argument, "the site's own Organization was not loaded");
  local_ = *local;
  TRY(plugins::load_definitions(*store_, definitions_));
  for (const auto name : {"one_task", "one_wait"}) {
    plugins::bundle_context bc;
    bc.organization = organization;
    bc.handlers = &handlers_;
    const auto bundle = TRY(plugins::read_bundle(models / name, bc));
    TRY(plugins::deploy(bundle, {}, *store_, definitions_, *host_->local_client(), *log_));
  }
  return settle();
}

result<> engine_site::load_resources() {
  const auto loader = fhir::initial_data_loader(caches_->config());
  for (const auto text : fhir::bundled_resources()) {
    const auto resource = TRY(json::parse(text));
    fhir::interaction_request request;
    request.method = fhir::http_method::post;
    request.path = resource["resourceType"].str();
    request.body = std::string(text);
    const auto reply = call(loader, std::move(request), nullptr);
    if (reply.status != 201)
      return fail(base::errc::invalid_argument, "a resource of the release is refused: " + describe(reply), request.path);
  }
  const site::ctl::allow_list_member self{std::string(organization), "bench", "bench.localhost", base_url, std::string(128, 'a'), "DIC"};
  fhir::interaction_request request;
  request.method = fhir::http_method::post;
  request.body = site::ctl::allow_list_bundle("consortium.example", {&self, 1}).dump();
  const auto reply = call(loader, std::move(request), nullptr);
  if (reply.status != 200) return fail(base::errc::invalid_argument, "the allow-list is refused: " + describe(reply));
  return settle();
}

// The store tells its listeners after it has answered, so the caches may be behind an answer that is already here. They have been told of everything
// before a commit that is answered after it.
result<> engine_site::settle() {
  storage::commit c;
  c.operations.push_back(storage::put_row{storage::table::meta, std::string(loaded_row), "\1"});
  TRY(store_->submit_wait(std::move(c)));
  return {};
}

fhir::reply engine_site::call(const fhir::identity& who, fhir::interaction_request request, actors::fhir_endpoint::extend more) {
  std::promise<fhir::reply> promise;
  auto answer = promise.get_future();
  request.accept = "application/fhir+json";
  request.content_type = "application/fhir+json";
  endpoint_->handle_as(who, std::move(request), [&](fhir::reply r) { promise.set_value(std::move(r)); }, std::move(more));
  return answer.get();
}

void engine_site::watch(std::function<void(std::span<const storage::feed_entry>)> what) {
  const std::lock_guard lock{watch_mutex_};
  watch_ = std::move(what);
}

void engine_site::post_task(std::string body, std::function<void(fhir::reply)> done, actors::fhir_endpoint::extend more) {
  fhir::interaction_request request;
  request.method = fhir::http_method::post;
  request.path = "Task";
  request.body = std::move(body);
  request.accept = "application/fhir+json";
  request.content_type = "application/fhir+json";
  endpoint_->handle_as(local_, std::move(request), std::move(done), std::move(more));
}

fhir::reply engine_site::post_task_and_wait(std::string body, actors::fhir_endpoint::extend more) {
  std::promise<fhir::reply> promise;
  auto answer = promise.get_future();
  post_task(std::move(body), [&](fhir::reply r) { promise.set_value(std::move(r)); }, std::move(more));
  return answer.get();
}

std::optional<base::uuid> created_id(const fhir::reply& reply) {
  const auto* location = reply.header("Location");
  if (reply.status != 201 || location == nullptr) return std::nullopt;
  const auto at = location->find("/Task/");
  if (at == std::string::npos) return std::nullopt;
  const auto id = base::uuid::parse(std::string_view(*location).substr(at + 6, 36));
  return id ? std::optional(*id) : std::nullopt;
}

std::string describe(const fhir::reply& r) {
  std::string out = fmt::format("HTTP {}", r.status);
  if (const auto* j = std::get_if<json>(&r.body)) out += " " + j->dump().substr(0, 600);
  if (const auto* b = std::get_if<std::shared_ptr<const std::string>>(&r.body); b && *b) out += " " + (*b)->substr(0, 600);
  return out;
}

}  // namespace dsf::bench

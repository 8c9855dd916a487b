#include "actors/engine.hpp"

#include "actors/engine_impl.hpp"
#include "fhir/semantics/names.hpp"

namespace dsf::actors {

struct engine::impl {
  shared_engine shared = std::make_shared<engine_shared>();
  std::unique_ptr<caf::actor_system_config> config;
  std::unique_ptr<caf::actor_system> system;
};

namespace {

// The root of the tree: makes the supervisors, and again when one fails.
caf::behavior site_actor(caf::event_based_actor* self, shared_engine shared, std::shared_ptr<actor_record> record) {
  const auto make = [=](int which) {
    caf::actor a;
    switch (which) {
      case 0: a = shared->process_engine = self->spawn(process_engine_actor, shared, shared->actors.add("process-engine", record->name)); break;
      case 1: a = shared->timers = self->spawn(timers_actor, shared, shared->actors.add("timers", record->name)); break;
      case 2: a = shared->remote_sites = self->spawn(remote_sites_actor, shared, shared->actors.add("remote-sites", record->name)); break;
      default: a = shared->resource_types = self->spawn(resource_types_actor, shared, shared->actors.add("fhir-endpoint", record->name)); break;
    }
    self->monitor(a);
    return a;
  };
  auto children = std::make_shared<std::vector<caf::actor>>();
  for (int i = 0; i < 4; ++i) children->push_back(make(i));
  self->set_down_handler([=](const caf::down_msg& d) {
    if (shared->stopping) return;
    for (std::size_t i = 0; i < children->size(); ++i) {
      if ((*children)[i].address() != d.source) continue;
      static constexpr const char* names[] = {"process-engine", "timers", "remote-sites", "fhir-endpoint"};
      ++shared->actors.add(names[i], record->name)->restarts;
      shared->context.log->error("site", std::string("the actor ") + names[i] + " ended unexpectedly; it starts again from the store");
      (*children)[i] = make(static_cast<int>(i));
      if (i == 0) caf::anon_send((*children)[i], inbox_wake{});
      if (i == 1) caf::anon_send((*children)[i], clock_tick{});
      if (i == 2) caf::anon_send((*children)[i], outbox_route{nullptr});
    }
  });
  self->attach_functor([=] {
    for (auto& c : *children) caf::anon_send_exit(c, caf::exit_reason::user_shutdown);
    children->clear();
  });
  return {[](const retire&) {}};
}

}  // namespace

engine::engine(engine_context context, net::transport& transport) : impl_(std::make_unique<impl>()) {
  auto& s = *impl_->shared;
  s.context = std::move(context);
  s.transport = &transport;
  s.handlers = std::make_unique<work_pool>(s.context.settings.handler_threads);
  impl_->config = std::make_unique<caf::actor_system_config>();
  impl_->config->set("logger.verbosity", caf::atom("quiet"));
  impl_->system = std::make_unique<caf::actor_system>(*impl_->config);
  auto record = s.actors.add("site", "");
  s.root = impl_->system->spawn(site_actor, impl_->shared, record);
  // The children are made while the root initialises; a first message that is answered tells that they are there.
  caf::scoped_actor wait{*impl_->system};
  while (!s.resource_types) std::this_thread::yield();
}

engine::~engine() { stop(); }

void engine::start() {
  auto& s = *impl_->shared;
  for (const auto type : {"ActivityDefinition", "Endpoint", "Library", "Measure", "MeasureReport", "Organization", "OrganizationAffiliation", "Task"})
    caf::anon_send(s.resource_types, run_job{nullptr, type});
  inbox_changed();
  caf::anon_send(s.timers, clock_tick{});
  caf::anon_send(s.remote_sites, outbox_route{nullptr});
}

bool engine::receiving() const { return impl_->shared->receiving; }

void engine::stop() {
  if (!impl_->system) return;
  auto& s = *impl_->shared;
  s.stopping = true;
  s.receiving = false;
  s.holds.stop();
  s.handlers->stop();
  caf::anon_send_exit(s.root, caf::exit_reason::user_shutdown);
  s.root = nullptr;
  impl_->system->await_all_actors_done();
  s.process_engine = s.timers = s.remote_sites = s.resource_types = nullptr;
  impl_->system.reset();
}

void engine::inbox_changed() {
  auto& s = *impl_->shared;
  // Many commits, one wake-up: the engine reads all that is there.
  if (s.stopping || s.inbox_wake_sent.exchange(true)) return;
  caf::anon_send(s.process_engine, inbox_wake{});
}

void engine::command(std::uint64_t instance, bpmn::command what, std::function<void(base::result<>)> done) {
  auto in = std::make_shared<incoming>();
  in->what = std::move(what);
  in->done = std::move(done);
  caf::anon_send(impl_->shared->process_engine, deliver{instance, std::move(in)});
}

void engine::run_alone(const std::string& resource_type, std::function<void(release)> job) {
  caf::anon_send(impl_->shared->resource_types, run_job{std::make_shared<std::function<void(release)>>(std::move(job)), resource_type});
}

handler_holds& engine::holds() { return impl_->shared->holds; }
std::vector<actor_line> engine::actors(std::size_t limit) const { return impl_->shared->actors.lines(limit); }
std::vector<partner_line> engine::partners() const { return impl_->shared->partners.lines(); }
std::size_t engine::live_instances() const { return impl_->shared->live.load(); }

}  // namespace dsf::actors

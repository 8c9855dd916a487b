#include "actors/engine.hpp"

#include "actors/engine_figures.hpp"
#include "actors/engine_impl.hpp"

namespace dsf::actors {

namespace {

constexpr std::size_t supervisors = 4;
constexpr const char* supervisor_names[supervisors] = {"process-engine", "timers", "remote-sites", "fhir-endpoint"};

caf::actor make_supervisor(caf::actor_system& system, const shared_engine& shared, std::size_t which) {
  const auto record = shared->actors.add(supervisor_names[which], "site");
  shared->keep_record(record);
  caf::actor a;
  switch (which) {
    case 0: shared->process_engine.set(a = system.spawn(process_engine_actor, shared, record)); break;
    case 1: shared->timers.set(a = system.spawn(timers_actor, shared, record)); break;
    case 2: shared->remote_sites.set(a = system.spawn(remote_sites_actor, shared, record)); break;
    default: shared->resource_types.set(a = system.spawn(resource_types_actor, shared, record)); break;
  }
  return a;
}

// What a supervisor is told when it begins: go on from the store.
void begin(const shared_engine& shared, std::size_t which) {
  if (which == 0) tell(shared->process_engine, inbox_wake{});
  if (which == 1) tell(shared->timers, clock_tick{});
  if (which == 2) tell(shared->remote_sites, outbox_route{nullptr});
}

// The root of the tree: watches the supervisors, and makes one again that fails.
caf::behavior site_actor(caf::event_based_actor* self, shared_engine shared, std::shared_ptr<actor_record> record) {
  auto children = std::make_shared<std::vector<caf::actor>>();
  for (std::size_t i = 0; i < supervisors; ++i) {
    children->push_back(make_supervisor(self->home_system(), shared, i));
    self->monitor(children->back());
  }
  self->set_down_handler([=](const caf::down_msg& d) {
    if (shared->stopping) return;
    for (std::size_t i = 0; i < children->size(); ++i) {
      if ((*children)[i].address() != d.source) continue;
      ++shared->actors.add(supervisor_names[i], record->name)->restarts;
      shared->context.log->error("site",
                                 std::string("the actor ") + supervisor_names[i] + " ended unexpectedly; it starts again from the store");
      (*children)[i] = make_supervisor(self->home_system(), shared, i);
      self->monitor((*children)[i]);
      begin(shared, i);
    }
  });
  self->attach_functor([=] {
    for (auto& c : *children) caf::anon_send_exit(c, caf::exit_reason::user_shutdown);
    children->clear();
  });
  return {[](const retire&) {}};
}

}  // namespace

engine::engine(engine_context context, net::transport& transport, engine_drive drive) : impl_(std::make_unique<impl>()) {
  const bool by_hand = drive == engine_drive::by_hand;
  auto& s = *impl_->shared;
  s.context = std::move(context);
  s.transport = &transport;
  s.handlers = std::make_unique<work_pool>(by_hand ? 0 : s.context.settings.handler_threads);
  impl_->config = std::make_unique<caf::actor_system_config>();
  // One queue with a condition variable: threads that steal work from each other poll for it.
  impl_->config->set("scheduler.policy", by_hand ? caf::atom("testing") : caf::atom("sharing"));
  impl_->config->set("logger.verbosity", caf::atom("quiet"));
  impl_->system = std::make_unique<caf::actor_system>(*impl_->config);
  if (by_hand) impl_->hand = &dynamic_cast<caf::scheduler::test_coordinator&>(impl_->system->scheduler());
  auto record = s.actors.add("site", "");
  s.keep_record(record);
  s.root.set(impl_->system->spawn(site_actor, impl_->shared, record));
  // The supervisors are made when the root initialises; its answer tells that they are there.
  if (by_hand) {
    impl_->hand->run();
  } else {
    caf::scoped_actor wait{*impl_->system};
    wait->request(s.root.get(), caf::infinite, retire{}).receive([] {}, [](const caf::error&) {});
  }
  // This thread would keep the system's logger, and stop() on another thread wait for ever for it to go.
  caf::logger::set_current_actor_system(nullptr);
}

engine::~engine() { stop(); }

void engine::start() {
  auto& s = *impl_->shared;
  for (const auto type :
       {"ActivityDefinition", "Endpoint", "Library", "Measure", "MeasureReport", "Organization", "OrganizationAffiliation", "Task"})
    tell(s.resource_types, run_job{nullptr, type});
  for (std::size_t i = 0; i < supervisors; ++i) begin(impl_->shared, i);
}

bool engine::receiving() const { return impl_->shared->receiving; }

void engine::stop() {
  if (!impl_->system) return;
  auto& s = *impl_->shared;
  s.stopping = true;
  s.receiving = false;
  s.holds.stop();
  if (s.context.give_up) s.context.give_up();
  s.handlers->stop();
  s.elsewhere.stop();
  caf::anon_send_exit(s.root.get(), caf::exit_reason::user_shutdown);
  s.root.set(nullptr);
  if (impl_->hand) impl_->hand->run();
  impl_->system->await_all_actors_done();
  for (auto* slot : {&s.process_engine, &s.timers, &s.remote_sites, &s.resource_types}) slot->set(nullptr);
  impl_->hand = nullptr;
  impl_->system.reset();
}

void engine::inbox_changed() {
  auto& s = *impl_->shared;
  // Many commits, one wake-up: the engine reads all that is there.
  if (s.stopping || s.inbox_wake_sent.exchange(true)) return;
  tell(s.process_engine, inbox_wake{});
}

void engine::command(std::uint64_t instance, bpmn::command what, std::function<void(base::result<>)> done) {
  auto in = std::make_shared<incoming>();
  in->what = std::move(what);
  in->done = std::move(done);
  in->sent_again = true;
  tell(impl_->shared->process_engine, deliver{instance, std::move(in)});
}

void engine::run_alone(const std::string& resource_type, std::function<void(release)> job) {
  // While no engine runs nobody takes turns; the job finds a store that takes no writes, and answers that.
  if (impl_->shared->stopping) return job([] {});
  tell(impl_->shared->resource_types, run_job{std::make_shared<std::function<void(release)>>(std::move(job)), resource_type});
}

handler_holds& engine::holds() { return impl_->shared->holds; }
std::vector<actor_line> engine::actors(std::size_t limit) const { return impl_->shared->actors.lines(limit); }
std::vector<partner_line> engine::partners() const { return impl_->shared->partners.lines(); }
std::uint32_t engine::conflicts_of(const std::string& instance) const { return impl_->shared->actors.conflicts_of("instance/" + instance); }
std::size_t engine::live_instances() const { return impl_->shared->live.load(); }
engine_figures engine::figures() const {
  const auto& s = *impl_->shared;
  engine_figures out;
  out.handlers_waiting = s.handlers->waiting();
  out.handlers_running = s.handlers->running();
  out.handler_threads = s.context.settings.handler_threads;
  out.deadlines_missed = s.deadlines_missed;
  out.live_instances = s.live;
  out.actors = s.actors.kinds();
  return out;
}

}  // namespace dsf::actors

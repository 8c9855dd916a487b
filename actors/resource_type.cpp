// One actor a FHIR resource type: writers that kept colliding take turns here (docs/design.md, decision 1).
#include <deque>
#include <unordered_map>

#include "actors/engine_impl.hpp"

namespace dsf::actors {
namespace {

struct resource_type_state {
  std::shared_ptr<actor_record> record;
  std::deque<std::shared_ptr<std::function<void(engine::release)>>> waiting;
  bool busy = false;

  void pump(caf::event_based_actor* self) {
    if (busy || waiting.empty()) return;
    busy = true;
    auto job = std::move(waiting.front());
    waiting.pop_front();
    (*job)([me = caf::actor_cast<caf::actor>(self)] { caf::anon_send(me, job_released{}); });
  }
};

caf::behavior resource_type_actor(caf::event_based_actor* self, std::shared_ptr<actor_record> record) {
  auto state = std::make_shared<resource_type_state>();
  state->record = std::move(record);
  return {
      [=](const run_job& j) {
        handled(state->record);
        state->waiting.push_back(j.job);
        state->pump(self);
      },
      [=](const job_released&) {
        state->busy = false;
        state->pump(self);
      },
  };
}

}  // namespace

caf::behavior resource_types_actor(caf::event_based_actor* self, shared_engine shared, std::shared_ptr<actor_record> record) {
  struct type_actor {
    caf::actor actor;
    std::shared_ptr<actor_record> record;
  };
  auto types = std::make_shared<std::unordered_map<std::string, type_actor>>();
  self->set_down_handler([=](const caf::down_msg& d) {
    for (auto& [name, t] : *types)
      if (t.actor && t.actor.address() == d.source) {
        ++t.record->restarts;
        t.actor = nullptr;
        shared->context.log->error("endpoint", "the actor of resource type " + name + " ended unexpectedly");
      }
  });
  self->attach_functor([=] {
    for (auto& [name, t] : *types)
      if (t.actor) caf::anon_send_exit(t.actor, caf::exit_reason::user_shutdown);
    types->clear();
  });
  return {
      [=](const run_job& j) {
        handled(record);
        auto& t = (*types)[j.resource_type];
        if (!t.actor) {
          if (!t.record)
            t.record = shared->actors.add("resource-type/" + (j.resource_type.empty() ? "Bundle" : j.resource_type), record->name);
          t.actor = self->spawn(resource_type_actor, t.record);
          self->monitor(t.actor);
        }
        // A null job only makes the actor.
        if (j.job) tell(t.actor, t.record, j);
      },
  };
}

}  // namespace dsf::actors

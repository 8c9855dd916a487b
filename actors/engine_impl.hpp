// The messages between the engine's actors, and how each actor is made. Private to actors/.
#pragma once

#include <atomic>
#include <caf/all.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "actors/engine.hpp"
#include "actors/instance_host.hpp"

namespace dsf::actors {

// ---- messages: plain structs, never sent to another process ----

struct inbox_wake {};
// A command for an instance, by way of the process engine.
struct deliver {
  std::uint64_t instance = 0;
  std::shared_ptr<incoming> what;   // null: look what is due
};
// How a Task of the inbox fared.
struct inbox_outcome {
  std::string row;
  std::shared_ptr<base::result<>> result;
};
struct passivation_wish {
  std::uint64_t instance = 0;
  std::uint64_t handled = 0;        // deliveries it has seen
};
struct retire {};
struct idle_check {
  std::uint64_t generation = 0;
};
struct commit_answer {
  std::shared_ptr<storage::result<storage::receipt>> receipt;
};
struct handler_report {
  bpmn::local_id job = 0;
  std::string class_name;
  std::shared_ptr<plugins::outcome> outcome;
  std::shared_ptr<std::atomic<bool>> attempt;  // the activation's cancellation flag: tells this attempt from a later one
};
// The deadline of a handler's attempt has passed.
struct handler_overdue {
  bpmn::local_id job = 0;
  std::string class_name;
  std::shared_ptr<std::atomic<bool>> attempt;
};
// What a worker answered to the questions of the command that waits for it.
struct questions_answered {
  std::shared_ptr<base::result<std::vector<bpmn::el::answer>>> answers;
};
struct pump_again {};
struct timer_request {
  base::timestamp due;
  std::uint64_t instance = 0;
};
struct clock_tick {};
struct outbox_add {
  std::shared_ptr<outbox_entry> entry;
};
struct outbox_answer {
  std::uint64_t number = 0;
  std::shared_ptr<net::result<net::client_response>> response;
};
// To the remote-site supervisor: entries, or (null) look into the store.
struct outbox_route {
  std::shared_ptr<outbox_entry> entry;
};
struct run_job {
  std::shared_ptr<std::function<void(engine::release)>> job;
  std::string resource_type;
};
struct job_released {};

// ---- shared by the actors of one engine ----

// The current actor of a role; a supervisor puts a new one in its place while others send.
class actor_slot {
public:
  void set(caf::actor a) {
    const std::lock_guard lock{mutex_};
    actor_ = std::move(a);
  }
  [[nodiscard]] caf::actor get() const {
    const std::lock_guard lock{mutex_};
    return actor_;
  }

private:
  mutable std::mutex mutex_;
  caf::actor actor_;
};

// What an actor expects of another program: a handler's outcome, an answer.
class awaited_elsewhere {
public:
  virtual ~awaited_elsewhere() = default;
  // The engine stops: the actor is not told any more.
  virtual void give_up() = 0;
};
// All of it: when the engine stops it is given up before the actors go.
class elsewhere_board {
public:
  // False: the engine has stopped.
  bool add(std::shared_ptr<awaited_elsewhere> one);
  void remove(const std::shared_ptr<awaited_elsewhere>& one);
  void stop();

private:
  std::mutex mutex_;
  bool stopped_ = false;
  std::set<std::shared_ptr<awaited_elsewhere>> awaited_;
};

struct engine_shared {
  engine_context context;
  net::transport* transport = nullptr;
  actor_board actors;
  partner_board partners;
  handler_holds holds;
  std::unique_ptr<work_pool> handlers;
  handler_deadlines deadlines;
  elsewhere_board elsewhere;
  std::atomic<std::size_t> live{0};
  std::atomic<std::uint64_t> deadlines_missed{0};
  std::atomic<bool> receiving{false};
  std::atomic<bool> stopping{false};
  actor_slot process_engine, timers, remote_sites, resource_types, root;
  std::atomic<bool> inbox_wake_sent{false};

  // Records of supervisors stay on the board while one is being made again.
  void keep_record(std::shared_ptr<actor_record> r) {
    const std::lock_guard lock{kept_mutex};
    kept.push_back(std::move(r));
  }
  std::mutex kept_mutex;
  std::vector<std::shared_ptr<actor_record>> kept;
};
using shared_engine = std::shared_ptr<engine_shared>;

struct engine::impl {
  shared_engine shared = std::make_shared<engine_shared>();
  std::unique_ptr<caf::actor_system_config> config;
  std::unique_ptr<caf::actor_system> system;
  caf::scheduler::test_coordinator* hand = nullptr;  // of an engine that is driven by hand, until it stops
};

caf::behavior process_engine_actor(caf::event_based_actor* self, shared_engine shared, std::shared_ptr<actor_record> record);
// `process` null: load from the store.
caf::behavior process_instance_actor(caf::event_based_actor* self, shared_engine shared, std::uint64_t id,
                                     std::shared_ptr<const deployed_process> process, std::shared_ptr<actor_record> record);
caf::behavior timers_actor(caf::event_based_actor* self, shared_engine shared, std::shared_ptr<actor_record> record);
caf::behavior remote_sites_actor(caf::event_based_actor* self, shared_engine shared, std::shared_ptr<actor_record> record);
caf::behavior remote_site_actor(caf::event_based_actor* self, shared_engine shared, std::string endpoint_url,
                                std::shared_ptr<actor_record> record);
caf::behavior resource_types_actor(caf::event_based_actor* self, shared_engine shared, std::shared_ptr<actor_record> record);

// Sends and counts for the actor board.
template <class Message>
void tell(const actor_slot& to, Message&& m) {
  // Empty while the engine stops.
  if (auto a = to.get()) caf::anon_send(a, std::forward<Message>(m));
}
template <class Message>
void tell(const caf::actor& to, const std::shared_ptr<actor_record>& record, Message&& m) {
  if (record) ++record->mailbox;
  caf::anon_send(to, std::forward<Message>(m));
}
inline void handled(const std::shared_ptr<actor_record>& record) {
  if (record->mailbox.load() > 0) --record->mailbox;
  ++record->handled;
}

}  // namespace dsf::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dsf::actors::inbox_wake)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dsf::actors::deliver)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dsf::actors::inbox_outcome)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dsf::actors::passivation_wish)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dsf::actors::retire)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dsf::actors::idle_check)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dsf::actors::commit_answer)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dsf::actors::handler_report)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dsf::actors::handler_overdue)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dsf::actors::questions_answered)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dsf::actors::pump_again)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dsf::actors::timer_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dsf::actors::clock_tick)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dsf::actors::outbox_add)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dsf::actors::outbox_answer)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dsf::actors::outbox_route)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dsf::actors::run_job)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dsf::actors::job_released)

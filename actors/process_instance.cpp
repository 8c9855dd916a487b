// The actor around one process instance: it queues what arrives while a commit is under way and drains the queue as one commit.
#include <deque>
#include <unordered_map>

#include "actors/engine_impl.hpp"
#include "actors/running_elsewhere_impl.hpp"
#include "base/mutant.hpp"
#include "bpmn/errc.hpp"
#include "storage/errors.hpp"

namespace dsf::actors {
namespace {

constexpr std::size_t batch_limit = 256;        // commands drained as one commit
constexpr int rounds_limit = 100;               // of questions a command may ask
constexpr int conflict_limit = 5;               // reloads in a row before a command is given back or rests
constexpr auto overload_pause = std::chrono::milliseconds(20);
constexpr auto longest_rest = std::chrono::milliseconds(10'000);
constexpr std::uint32_t conflicts_to_report = 50;  // of one command: about ten seconds

// The job that a command is about; 0: none.
bpmn::local_id job_of(const bpmn::command& command) {
  return std::visit(
      [](const auto& c) -> bpmn::local_id {
        if constexpr (requires { c.job; })
          return c.job;
        else
          return 0;
      },
      command.what);
}

// A handler's attempt: its flag tells it from a later one.
struct running_handler {
  std::shared_ptr<std::atomic<bool>> flag;
  std::shared_ptr<running_elsewhere> elsewhere;  // null: on a thread of this program

  void cancel(plugins::cancel_reason why) const {
    flag->store(true);
    if (elsewhere) elsewhere->cancel(why);
  }
};

struct instance_state_of_actor {
  instance_state_of_actor(caf::event_based_actor* s, shared_engine e, std::uint64_t id, std::shared_ptr<actor_record> r)
      : self(s), shared(std::move(e)), host(shared->context, id), record(std::move(r)) {
    ++shared->live;
  }
  ~instance_state_of_actor() { --shared->live; }

  caf::event_based_actor* self;
  shared_engine shared;
  instance_host host;
  std::shared_ptr<actor_record> record;
  bool ready = false;
  bool committing = false;
  int conflicts = 0;
  std::uint64_t deliveries = 0;
  std::uint64_t generation = 0;
  bool asking = false;  // a worker, on behalf of under_way
  int rounds = 0;
  std::vector<bpmn::el::answer> answers;        // to what the first of the queue has asked so far
  std::deque<incoming> queue;
  std::vector<incoming> resting;                // met too many conflicts; back in the queue with the next pump_again
  bool rest_set = false;
  std::vector<incoming> under_way;              // copies of what the running commit carries
  std::optional<planned_step> step;
  std::unordered_map<bpmn::local_id, running_handler> running;  // by job
  std::deque<bpmn::run_handler> waiting_handlers;

  const engine_context& context() const { return shared->context; }
  base::timestamp now() const { return context().clock->now(); }

  bool load() {
    if (ready) return true;
    if (auto loaded = host.load(); !loaded) {
      if (loaded.error().is(storage::errc::erased) && !DSF_MUTANT("actors.erased_instance_stays") && host.load_without_data())
        return end_without_data();
      if (!loaded.error().is(bpmn::errc::not_waiting))
        context().log->error("engine", "a process instance can't be loaded", {.instance = host.external_id()},
                             {{"error", loaded.error().to_string()}});
      for (auto& in : queue) give_back(in, loaded.error());
      queue.clear();
      return false;
    }
    ready = true;
    if (auto open = host.resume())
      go_on(std::move(*open));
    else
      context().log->error("engine", "open work of an instance can't be resumed", host.log_context(),
                           {{"error", open.error().to_string()}});
    return true;
  }

  // Its data key is gone, so no step can be taken but the last (docs/decisions/erasure.md).
  bool end_without_data() {
    ready = true;
    if (!host.running()) return true;
    context().log->warning("engine", "the data of a running process instance were erased: it is ended", host.log_context());
    const auto ends = [](const incoming& in) { return std::holds_alternative<bpmn::cancel_instance>(in.what.what); };
    if (std::ranges::none_of(queue, ends) && std::ranges::none_of(resting, ends))
      queue.push_front(
          {bpmn::command{now(), "erasure", bpmn::cancel_instance{"the data of this process instance were erased"}}, {}, {}, {}});
    return true;
  }

  static void give_back(incoming& in, const base::error& why) {
    if (in.done) in.done(base::failure(why));
  }

  void push(incoming in) { queue.push_back(std::move(in)); }
  void push(bpmn::command c) { queue.push_back({std::move(c), {}, {}, {}}); }

  // What a wake-up finds due.
  void look() {
    if (!host.running() || host.without_data()) return;
    auto open = host.resume();
    if (!open)
      return context().log->error("engine", "open work of an instance can't be read", host.log_context(),
                                  {{"error", open.error().to_string()}});
    const auto t = now();
    for (const auto& job : host.state().jobs)
      if (job.kind == bpmn::job_kind::timer && job.status == bpmn::job_status::ready && job.due <= t) {
        context().events->publish(
            {site_event_kind::timer_fired, t, host.process_name(), host.external_id(), host.state().business_key, {}, {}, {}});
        if (!has_command_for(job.id)) push(bpmn::command{t, "timer", bpmn::timer_due{job.id}});
      }
    go_on(std::move(*open));
  }

  // A loop, not recursion: many commands in a row may change nothing.
  void pump() {
    while (!committing && !asking && !queue.empty() && load()) drain();
    finish_pump();
  }

  void drain() {
    std::vector<incoming> batch;
    const auto limit = conflicts > 0 || rounds > 0 ? std::size_t{1} : batch_limit;
    while (!queue.empty() && batch.size() < limit) {
      batch.push_back(std::move(queue.front()));
      queue.pop_front();
    }
    under_way = batch;
    auto plan = host.plan(std::move(batch), answers);
    if (plan && !plan->questions.empty()) return ask(std::move(plan->questions));
    rounds = 0;
    answers.clear();
    if (!plan) {
      plan_failed(plan.error());
      return;
    }
    for (auto& [in, why] : plan->refused) give_back(in, why);
    if (plan->commit.operations.empty()) {
      for (auto& in : plan->taken)
        if (in.done) in.done({});
      under_way.clear();
      return;
    }
    committing = true;
    step = std::move(*plan);
    auto commit = std::move(step->commit);
    context().store->submit(std::move(commit), [actor = caf::actor_cast<caf::actor>(self)](storage::result<storage::receipt> r) {
      caf::anon_send(actor, commit_answer{std::make_shared<storage::result<storage::receipt>>(std::move(r))});
    });
  }

  // Decision 6: the core asks; the command stays first, and is planned again with the answers.
  void ask(std::vector<bpmn::el::question> questions) {
    if (under_way.size() > 1) {
      conflicts = 1;
      return take_back();
    }
    if (++rounds > rounds_limit)
      return no_answer(base::error{bpmn::errc::limit, "a command asks its worker more than 100 times", questions.front().text});
    asking = true;
    question_elsewhere::ask(shared, caf::actor_cast<caf::actor>(self),
                            {host.definition().key, host.definition().version_tag, host.external_id()}, std::move(questions));
  }

  void answered_questions(base::result<std::vector<bpmn::el::answer>>& given) {
    asking = false;
    if (!given) {
      no_answer(given.error());
    } else {
      answers.insert(answers.end(), std::make_move_iterator(given->begin()), std::make_move_iterator(given->end()));
      take_back();
    }
    pump();
  }

  void no_answer(const base::error& why) {
    rounds = 0;
    answers.clear();
    plan_failed(why);
  }

  void take_back() {
    auto commands = std::exchange(under_way, {});
    for (auto it = commands.rbegin(); it != commands.rend(); ++it) queue.push_front(std::move(*it));
  }

  // The commands could not be planned together; one by one only the culprit fails.
  void plan_failed(const base::error& why) {
    auto failed = std::exchange(under_way, {});
    if (failed.size() > 1) {
      conflicts = 1;
      for (auto it = failed.rbegin(); it != failed.rend(); ++it) queue.push_front(std::move(*it));
      return;
    }
    auto& in = failed.front();
    context().log->error("engine", "a step of a process instance failed", host.log_context(),
                         {{"cause", in.what.cause}, {"error", why.to_string()}});
    const auto job = in.sent_again || std::holds_alternative<bpmn::handler_failed>(in.what.what) ? 0 : job_of(in.what);
    // An outcome that can't be applied is a fault of ours: it becomes retries and an incident, not silence (decision 8).
    if (job != 0)
      push(bpmn::command{now(), in.what.cause, bpmn::handler_failed{job, why.to_string(), true, true}});
    else
      give_back(in, why);
  }

  void answered(storage::result<storage::receipt>& receipt) {
    committing = false;
    auto commands = std::exchange(under_way, {});
    if (receipt || (DSF_MUTANT("conflict-is-success") && receipt.error().kind() == base::error_kind::conflict)) {
      conflicts = 0;
      if (resting.empty()) record->conflicts = 0;
      auto done = std::move(*step);
      step.reset();
      host.adopt(done);
      ready = true;
      for (const auto job : done.after.cancelled_jobs) {
        if (const auto at = running.find(job); at != running.end()) at->second.cancel(plugins::cancel_reason::interrupted);
        std::erase_if(waiting_handlers, [&](const auto& h) { return h.job == job; });
      }
      for (auto& in : done.taken)
        if (in.done) in.done({});
      for (const auto& e : done.after.events) context().events->publish(e);
      go_on(std::move(done.after));
      return pump();
    }
    step.reset();
    const auto& why = receipt.error();
    if (why.kind() == base::error_kind::conflict) return conflicted(std::move(commands), why);
    if (why.kind() == base::error_kind::overloaded) {
      for (auto it = commands.rbegin(); it != commands.rend(); ++it) queue.push_front(std::move(*it));
      self->delayed_send(self, overload_pause, pump_again{});
      return;
    }
    context().log->error("engine", "a commit of a process instance was refused", host.log_context(), {{"error", why.to_string()}});
    conflicts = 0;
    if (why.kind() == base::error_kind::unavailable) {
      // The store takes no more commits. Another engine goes on from what is stored (site/running/caretaker).
      for (auto& in : commands) give_back(in, why);
    } else {
      under_way = std::move(commands);
      plan_failed(why);
    }
    pump();
  }

  // Somebody else wrote a Task or a row meanwhile: look again.
  void conflicted(std::vector<incoming> commands, const base::error& why) {
    // A new instance has nothing to load yet.
    if (host.state().events > 0) ready = false;
    if (++conflicts <= conflict_limit) {
      for (auto it = commands.rbegin(); it != commands.rend(); ++it) queue.push_front(std::move(*it));
      return pump();
    }
    const auto in_a_row = static_cast<std::uint32_t>(std::exchange(conflicts, 0));
    for (auto& in : commands) {
      if (in.sent_again || DSF_MUTANT("actors.conflict_ends_command")) {
        context().log->warning("engine", "a command met one conflict after the other and is given back", host.log_context(),
                               {{"cause", in.what.cause}, {"conflicts", static_cast<std::int64_t>(in_a_row)}, {"error", why.to_string()}});
        give_back(in, why);
      } else {
        rest(std::move(in), in_a_row, why);
      }
    }
    pump();
  }

  // Nobody would send it again: it is tried until it succeeds, and the others need not wait for it.
  void rest(incoming in, std::uint32_t in_a_row, const base::error& why) {
    const auto before = in.conflicts;
    in.conflicts += in_a_row;
    record->conflicts = std::max(record->conflicts.load(), in.conflicts);
    if (in.conflicts / conflicts_to_report > before / conflicts_to_report)
      context().log->warning(
          "engine", "a command of a process instance meets one conflict after the other and is tried again", host.log_context(),
          {{"cause", in.what.cause}, {"conflicts", static_cast<std::int64_t>(in.conflicts)}, {"error", why.to_string()}});
    const auto pause = std::min(longest_rest, overload_pause * (1U << std::min(in.conflicts / in_a_row, 10U)));
    resting.push_back(std::move(in));
    if (!std::exchange(rest_set, true)) self->delayed_send(self, pause, pump_again{});
  }

  void end_rest() {
    rest_set = false;
    auto rested = std::exchange(resting, {});
    for (auto it = rested.rbegin(); it != rested.rend(); ++it) queue.push_front(std::move(*it));
    pump();
  }

  [[nodiscard]] bool has_command_for(bpmn::local_id job) const {
    const auto is_its = [job](const incoming& in) { return job_of(in.what) == job; };
    return std::ranges::any_of(queue, is_its) || std::ranges::any_of(resting, is_its) || std::ranges::any_of(under_way, is_its);
  }

  // A job whose outcome is known and not stored yet is not begun again.
  void go_on(after_commit after) {
    for (auto& call : after.handlers)
      if (!running.contains(call.job) && !has_command_for(call.job)) start_handler(std::move(call));
    for (const auto job : after.continuations)
      if (!has_command_for(job)) push(bpmn::command{now(), "continuation", bpmn::continue_job{job}});
    for (const auto due : after.wake_ups) tell(shared->timers, timer_request{due, host.id()});
    for (auto& m : after.messages) tell(shared->remote_sites, outbox_route{std::make_shared<outbox_entry>(std::move(m))});
  }

  void start_handler(bpmn::run_handler call) {
    if (!running.empty() && !host.may_run_beside(call)) {
      if (std::ranges::none_of(waiting_handlers, [&](const auto& h) { return h.job == call.job; }))
        waiting_handlers.push_back(std::move(call));
      return;
    }
    const auto* entry = context().handlers->find(host.definition().key, host.definition().version_tag, call.class_name);
    auto activation = host.activation_of(call);
    if (!entry || !activation) {
      const auto text = entry ? activation.error().to_string() : "no handler is deployed for class " + call.class_name;
      push(bpmn::command{now(), "handler " + call.class_name, bpmn::handler_failed{call.job, text, true, true}});
      return;
    }
    auto cancelled = std::make_shared<std::atomic<bool>>(false);
    activation->cancelled = cancelled;
    if (entry->start) {
      running.emplace(call.job, running_handler{cancelled, running_elsewhere::start(shared, caf::actor_cast<caf::actor>(self), call.job,
                                                                                    cancelled, entry->start, std::move(*activation))});
      return;
    }
    running.emplace(call.job, running_handler{cancelled, nullptr});
    shared->handlers->run([shared = shared, actor = caf::actor_cast<caf::actor>(self), run = entry->run, job = call.job, cancelled,
                           a = std::move(*activation)]() mutable {
      const auto& context = shared->context;
      // Given up while it waited for this thread: the instance still counts it as running until it hears of it.
      if (*cancelled && !DSF_MUTANT("actors.interrupted_handler_runs"))
        return caf::anon_send(actor,
                              handler_report{job, a.class_name, std::make_shared<plugins::outcome>(plugins::failed{"cancelled", false}),
                                             std::move(cancelled)});
      a.deadline = {context.clock->now().us + context.settings.handler_deadline_us};
      const auto under_way = shared->deadlines.begin(
          a.deadline, [=, class_name = a.class_name] { caf::anon_send(actor, handler_overdue{job, class_name, cancelled}); });
      const auto publish = [&](site_event_kind kind, bool failed = false) {
        const auto process = a.process_key + "|" + a.version_tag;
        context.events->publish({kind, context.clock->now(), process, a.instance_id, a.business_key, a.activity_id, {}, a.class_name});
        if (context.log->enabled(base::log_level::debug))
          context.log->debug("handler", to_string(kind),
                             {.process = process, .instance = a.instance_id, .business_key = a.business_key, .activity = a.activity_id},
                             {{"class", a.class_name}, {"job", a.idempotency_key}, {"failed", failed}});
      };
      publish(site_event_kind::handler_started);
      auto outcome = std::make_shared<plugins::outcome>();
      try {
        const auto services = context.services_for(a);
        *outcome = run(a, *services);
      } catch (const std::exception& e) { *outcome = plugins::failed{std::string("the handler threw: ") + e.what(), true}; }
      // When the program stops, the outcome is dropped: the job is still open and runs again with the same idempotency key.
      const bool go_on = shared->holds.wait_released(a.class_name);
      shared->deadlines.end(under_way);
      if (!go_on) return;
      publish(site_event_kind::handler_finished, std::holds_alternative<plugins::failed>(*outcome));
      caf::anon_send(actor, handler_report{job, a.class_name, std::move(outcome), std::move(cancelled)});
    });
  }

  [[nodiscard]] bool is_running(bpmn::local_id job, const std::shared_ptr<std::atomic<bool>>& attempt) const {
    const auto at = running.find(job);
    return DSF_MUTANT("actors.lost_attempt_used") || (at != running.end() && at->second.flag == attempt);
  }

  void reported(handler_report& report) {
    if (!is_running(report.job, report.attempt))
      return context().log->warning("engine", "a handler reported after its attempt was given up; the result is not used",
                                    host.log_context(), {{"class", report.class_name}});
    auto command = to_command(report.job, std::move(*report.outcome), now());
    handler_ended(report.job, report.class_name, std::move(command));
  }

  // Its thread may still be busy, but the instance does not wait for it any longer: a new attempt has the same idempotency key (decision 8).
  void overdue(const handler_overdue& late) {
    if (!is_running(late.job, late.attempt) || DSF_MUTANT("actors.handler_deadline_ignored")) return;
    if (const auto at = running.find(late.job); at != running.end()) at->second.cancel(plugins::cancel_reason::deadline);
    ++shared->deadlines_missed;
    const auto text = "the handler did not report within " + std::to_string(context().settings.handler_deadline_us / 1'000) +
                      " ms (engine.handler_deadline)";
    context().log->warning("engine", text, host.log_context(), {{"class", late.class_name}});
    handler_ended(late.job, late.class_name, bpmn::command{now(), {}, bpmn::handler_failed{late.job, text, true, true}});
  }

  void handler_ended(bpmn::local_id job, const std::string& class_name, bpmn::command command) {
    running.erase(job);
    command.cause = "handler " + class_name;
    push(std::move(command));
    while (running.empty() && !waiting_handlers.empty()) {
      auto next = std::move(waiting_handlers.front());
      waiting_handlers.pop_front();
      if (host.state().jobs.find(next.job) != nullptr) start_handler(std::move(next));
    }
    pump();
  }

  void finish_pump() {
    if (committing || asking || !queue.empty() || !resting.empty() || !running.empty() || !waiting_handlers.empty()) return;
    ++generation;
    if (!host.running() || shared->live.load() > context().settings.live_instances) {
      tell(shared->process_engine, passivation_wish{host.id(), deliveries});
      return;
    }
    self->delayed_send(self, std::chrono::microseconds(context().settings.passivate_after_us), idle_check{generation});
  }
};

}  // namespace

caf::behavior process_instance_actor(caf::event_based_actor* self, shared_engine shared, std::uint64_t id,
                                     std::shared_ptr<const deployed_process> process, std::shared_ptr<actor_record> record) {
  auto state = std::make_shared<instance_state_of_actor>(self, std::move(shared), id, std::move(record));
  if (process) {
    state->host.create(std::move(process));
    state->ready = true;
  }
  return {
      [=](const deliver& d) {
        handled(state->record);
        ++state->deliveries;
        if (d.what) {
          state->push(std::move(*d.what));
        } else if (state->load()) {
          state->look();
        }
        state->pump();
      },
      [=](const commit_answer& a) { state->answered(*a.receipt); },
      [=](handler_report& r) { state->reported(r); },
      [=](const handler_overdue& o) { state->overdue(o); },
      [=](questions_answered& a) { state->answered_questions(*a.answers); },
      [=](const pump_again&) { state->end_rest(); },
      [=](const idle_check& i) {
        if (i.generation == state->generation && state->queue.empty() && state->resting.empty() && !state->committing && !state->asking &&
            state->running.empty())
          tell(state->shared->process_engine, passivation_wish{state->host.id(), state->deliveries});
      },
      [=](const retire&) { self->quit(); },
  };
}

}  // namespace dsf::actors

#include "actors/running_elsewhere_impl.hpp"

namespace dsf::actors {

running_elsewhere::running_elsewhere(shared_engine shared, caf::actor instance, bpmn::local_id job, std::shared_ptr<std::atomic<bool>> flag,
                                     const plugins::activation& a)
    : shared_(std::move(shared)),
      job_(job),
      flag_(std::move(flag)),
      class_name_(a.class_name),
      process_(a.process_key + "|" + a.version_tag),
      instance_id_(a.instance_id),
      business_key_(a.business_key),
      activity_id_(a.activity_id),
      idempotency_key_(a.idempotency_key),
      instance_(std::move(instance)) {}

std::shared_ptr<running_elsewhere> running_elsewhere::start(shared_engine shared, caf::actor instance, bpmn::local_id job,
                                                            std::shared_ptr<std::atomic<bool>> flag, const plugins::remote_handler& handler,
                                                            plugins::activation a) {
  std::shared_ptr<running_elsewhere> self{new running_elsewhere(shared, std::move(instance), job, std::move(flag), a)};
  if (!shared->elsewhere.add(self)) return self;
  auto call = handler(std::move(a), self);
  const std::lock_guard lock{self->mutex_};
  // What has ended already needs no handle; keeping it would keep both alive.
  if (self->instance_) self->call_ = std::move(call);
  return self;
}

void running_elsewhere::publish(site_event_kind kind, bool failed) const {
  const auto& context = shared_->context;
  context.events->publish({kind, context.clock->now(), process_, instance_id_, business_key_, activity_id_, {}, class_name_});
  if (context.log->enabled(base::log_level::debug))
    context.log->debug("handler", to_string(kind),
                       {.process = process_, .instance = instance_id_, .business_key = business_key_, .activity = activity_id_},
                       {{"class", class_name_}, {"job", idempotency_key_}, {"failed", failed}, {"elsewhere", true}});
}

base::timestamp running_elsewhere::begins() {
  const std::lock_guard lock{mutex_};
  const auto& context = shared_->context;
  if (deadline_) return *deadline_;
  deadline_ = base::timestamp{context.clock->now().us + context.settings.handler_deadline_us};
  if (!instance_) return *deadline_;
  deadline_number_ = shared_->deadlines.begin(
      *deadline_, [actor = instance_, late = handler_overdue{job_, class_name_, flag_}] { caf::anon_send(actor, late); });
  publish(site_event_kind::handler_started, false);
  return *deadline_;
}

void running_elsewhere::ended(plugins::outcome result) {
  auto whole = std::make_shared<plugins::outcome>(std::move(result));
  {
    const std::lock_guard lock{mutex_};
    if (!instance_ || has_result_) return;
    has_result_ = true;
  }
  if (!shared_->holds.held(class_name_)) return report(std::move(whole));
  // An operator's breakpoint: a handler's thread waits, as it does for a handler of this program.
  shared_->handlers->run([self = shared_from_this(), whole = std::move(whole)]() mutable {
    if (self->shared_->holds.wait_released(self->class_name_)) self->report(std::move(whole));
  });
}

void running_elsewhere::report(std::shared_ptr<plugins::outcome> result) {
  std::shared_ptr<plugins::remote_call> done;
  {
    const std::lock_guard lock{mutex_};
    if (!instance_) return;
    shared_->deadlines.end(deadline_number_);
    publish(site_event_kind::handler_finished, std::holds_alternative<plugins::failed>(*result));
    caf::anon_send(std::exchange(instance_, nullptr), handler_report{job_, class_name_, std::move(result), flag_});
    done = std::move(call_);
  }
  forget();
}

void running_elsewhere::cancel(plugins::cancel_reason why) {
  std::shared_ptr<plugins::remote_call> call;
  {
    const std::lock_guard lock{mutex_};
    if (!instance_) return;
    call = call_;
    if (why != plugins::cancel_reason::interrupted) {
      shared_->deadlines.end(deadline_number_);
      instance_ = nullptr;
      call_.reset();
    }
  }
  if (call) call->cancel(why);
  if (why != plugins::cancel_reason::interrupted) forget();
}

void running_elsewhere::forget() { shared_->elsewhere.remove(shared_from_this()); }

// ---- questions

void question_elsewhere::ask(const shared_engine& shared, caf::actor instance, plugins::question_origin from,
                             std::vector<bpmn::el::question> questions) {
  const auto self = std::make_shared<question_elsewhere>(shared, std::move(instance));
  if (!shared->elsewhere.add(self)) return;
  shared->context.ask(std::move(from), std::move(questions), [self](base::result<std::vector<bpmn::el::answer>> answers) {
    {
      const std::lock_guard lock{self->mutex_};
      if (!self->instance_) return;
      caf::anon_send(std::exchange(self->instance_, nullptr),
                     questions_answered{std::make_shared<base::result<std::vector<bpmn::el::answer>>>(std::move(answers))});
    }
    self->shared_->elsewhere.remove(self);
  });
}

void question_elsewhere::give_up() {
  const std::lock_guard lock{mutex_};
  instance_ = nullptr;
}

bool elsewhere_board::add(std::shared_ptr<awaited_elsewhere> one) {
  const std::lock_guard lock{mutex_};
  if (stopped_) return false;
  awaited_.insert(std::move(one));
  return true;
}

void elsewhere_board::remove(const std::shared_ptr<awaited_elsewhere>& one) {
  const std::lock_guard lock{mutex_};
  awaited_.erase(one);
}

void elsewhere_board::stop() {
  std::set<std::shared_ptr<awaited_elsewhere>> all;
  {
    const std::lock_guard lock{mutex_};
    stopped_ = true;
    all.swap(awaited_);
  }
  for (const auto& one : all) one->give_up();
}

}  // namespace dsf::actors

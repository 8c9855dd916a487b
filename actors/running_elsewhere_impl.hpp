// The engine's side of an attempt whose handler runs in another program (plugins::remote_attempt). Private to actors/.
#pragma once

#include <mutex>

#include "actors/engine_impl.hpp"

namespace dsf::actors {

// Reports to the instance's actor as a handler of this program does, but keeps no thread while it waits.
class running_elsewhere final : public plugins::remote_attempt,
                                public awaited_elsewhere,
                                public std::enable_shared_from_this<running_elsewhere> {
public:
  // Made and begun; a result that is there at once is reported all the same.
  static std::shared_ptr<running_elsewhere> start(shared_engine shared, caf::actor instance, bpmn::local_id job,
                                                  std::shared_ptr<std::atomic<bool>> flag, const plugins::remote_handler& handler,
                                                  plugins::activation a);

  base::timestamp begins() override;
  void ended(plugins::outcome result) override;

  // From the instance's actor. After `deadline` and `stopping` nothing is reported.
  void cancel(plugins::cancel_reason why);
  void give_up() override { cancel(plugins::cancel_reason::stopping); }

private:
  running_elsewhere(shared_engine shared, caf::actor instance, bpmn::local_id job, std::shared_ptr<std::atomic<bool>> flag,
                    const plugins::activation& a);
  void report(std::shared_ptr<plugins::outcome> result);
  void publish(site_event_kind kind, bool failed) const;
  void forget();

  const shared_engine shared_;
  const bpmn::local_id job_;
  const std::shared_ptr<std::atomic<bool>> flag_;
  const std::string class_name_, process_, instance_id_, business_key_, activity_id_, idempotency_key_;

  std::mutex mutex_;
  caf::actor instance_;  // null: nothing is reported any more
  bool has_result_ = false;
  std::optional<base::timestamp> deadline_;
  std::uint64_t deadline_number_ = 0;
  std::shared_ptr<plugins::remote_call> call_;
};

// Questions of one command, on their way to a worker and back.
class question_elsewhere final : public awaited_elsewhere {
public:
  question_elsewhere(shared_engine shared, caf::actor instance) : shared_(std::move(shared)), instance_(std::move(instance)) {}
  // The actor gets questions_answered, unless the engine stops.
  static void ask(const shared_engine& shared, caf::actor instance, plugins::question_origin from,
                  std::vector<bpmn::el::question> questions);
  void give_up() override;

private:
  const shared_engine shared_;
  std::mutex mutex_;
  caf::actor instance_;
};

}  // namespace dsf::actors

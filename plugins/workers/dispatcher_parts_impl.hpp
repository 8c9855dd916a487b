// What a dispatcher is made of, shared by its .cpp files.
#pragma once

#include "plugins/workers/dispatcher_impl.hpp"

namespace dsf::plugins::workers {

inline std::string claim_text(std::string_view process_key, std::string_view version_tag, std::string_view class_name) {
  std::string out{process_key};
  ((out += '|') += version_tag) += '|';
  return out += class_name;
}

enum class job_state : std::uint8_t { waiting, sent, over };

// One activation, from submit until its outcome. Guarded by the dispatcher's mutex.
struct job final : remote_call, std::enable_shared_from_this<job> {
  std::weak_ptr<dispatcher> owner;
  activation what;  // ids only: the values went into the message
  std::string key, any_version;  // its claims: of the exact version, of all
  std::shared_ptr<pb::ToWorker> message;  // as it was sent first
  std::shared_ptr<remote_attempt> attempt;
  job_state state = job_state::waiting;
  bool cancelled = false;
  std::uint32_t delivery = 0;
  std::int64_t since_us = 0;  // steady: waits since
  std::uint64_t session = 0, activation_id = 0;
  std::int64_t lease_until_us = 0;  // steady

  void cancel(cancel_reason why) override {
    if (const auto d = owner.lock()) d->cancel(shared_from_this(), why);
  }
};

// The questions of one command; the callback goes with the last answer or the first failure.
struct inquiry {
  std::vector<bpmn::el::answer> answers;
  std::size_t missing = 0;
  answers_callback done;
};
struct open_question {
  std::shared_ptr<inquiry> of;
  std::size_t place = 0;
  std::int64_t until_us = 0;  // steady
};

struct dispatcher::session {
  std::uint64_t number = 0;
  std::string id, worker, plugin, address;
  std::shared_ptr<session_port> port;
  std::set<std::string> claims;
  std::uint32_t credits = 0;
  bool draining = false;
  std::map<std::uint64_t, job_ptr> held;  // by activation id; null: given up, the credit is still taken
  std::deque<job_ptr> mine;  // of instances that live here
  std::uint64_t last_activation = 0, last_question = 0;
  std::map<std::uint64_t, open_question> questions;
  std::size_t calls = 0;
  std::uint64_t done = 0, lost = 0;
  base::timestamp connected, last_heard;
  std::int64_t heard_us = 0;  // steady

  [[nodiscard]] bool free() const { return !draining && held.size() < credits; }
};

// Holds the mutex; what is to be told outside is told when it has been given back.
class dispatcher::turn {
public:
  explicit turn(const dispatcher& d) : lock_(d.mutex_) {}
  ~turn() {
    lock_.unlock();
    for (auto& [attempt, result] : ended_) attempt->ended(std::move(result));
    for (auto& [done, result] : answered_) done(std::move(result));
  }
  turn(const turn&) = delete;
  turn& operator=(const turn&) = delete;
  void end(const job_ptr& j, outcome result) {
    j->state = job_state::over;
    j->message.reset();
    if (j->attempt) ended_.emplace_back(std::exchange(j->attempt, nullptr), std::move(result));
  }

  void answer(inquiry& i) {
    if (i.done) answered_.emplace_back(std::exchange(i.done, nullptr), std::move(i.answers));
  }
  void fail(inquiry& i, base::error why) {
    if (i.done) answered_.emplace_back(std::exchange(i.done, nullptr), base::failure(std::move(why)));
  }

private:
  std::unique_lock<std::mutex> lock_;
  std::vector<std::pair<std::shared_ptr<remote_attempt>, outcome>> ended_;
  std::vector<std::pair<answers_callback, base::result<std::vector<bpmn::el::answer>>>> answered_;
};

}  // namespace dsf::plugins::workers

// Who gets which activation: sessions with credits and leases, the queue before them, and what is done when one is lost. Knows messages but no
// connection, so it is tested without one. Private to plugins/workers/.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <unordered_map>

#include "base/entropy.hpp"
#include "base/log.hpp"
#include "plugins/handler.hpp"
#include "plugins/workers/options.hpp"
#include "proto/worker.pb.h"

namespace dsf::plugins::workers {

namespace pb = worker::v1;

// Where messages to one worker go. Neither call blocks nor calls back.
class session_port {
public:
  virtual ~session_port() = default;
  virtual void send(std::shared_ptr<const pb::ToWorker> message) = 0;
  // Ends the stream: when all is sent, or (`now`) at once.
  virtual void close(bool now) = 0;
};

struct worker_identity {
  bool local = true;  // over the Unix socket
  std::string certificate;  // common name, over TCP
  std::string address;
};

struct job;

// A host service call to be carried out elsewhere. `of` is null for a call on behalf of no activation.
struct host_call {
  std::string plugin;
  std::shared_ptr<const activation> of;  // without its variables
  pb::ServiceCall what;
  std::function<void(pb::ServiceResult)> done;  // from any thread
};

class dispatcher : public std::enable_shared_from_this<dispatcher> {
public:
  dispatcher(worker_options options, base::clock& time, base::entropy& entropy, const base::logger& log,
             std::function<void(host_call)> run_call);

  // ---- the engine's side
  std::shared_ptr<remote_call> submit(activation a, std::shared_ptr<remote_attempt> attempt);

  // One answer for each question, in their order, or the first error.
  void ask(const question_origin& from, const std::vector<bpmn::el::question>& questions, answers_callback done);

  // ---- the workers' side
  // Sends welcome or refused. The session's number; 0: refused.
  std::uint64_t open(const pb::Hello& hello, const worker_identity& who, std::shared_ptr<session_port> port);
  // Any message but hello.
  void received(std::uint64_t session, pb::FromWorker&& message);
  // The stream has ended: what the session has is lost.
  void closed(std::uint64_t session);

  // What time brings: leases that expire, sessions that fell silent, activations that have waited too long. Every quarter of a lease.
  void tick();
  // Takes leave of all sessions; nothing is handed out any more.
  void stop();
  [[nodiscard]] std::vector<worker_line> lines() const;
  [[nodiscard]] std::size_t waiting() const;

private:
  struct session;
  class turn;
  friend struct job;
  using job_ptr = std::shared_ptr<job>;
  using session_ptr = std::shared_ptr<session>;

  std::optional<pb::Refused> check(const pb::Hello& hello, const worker_identity& who) const;
  void cancel(const job_ptr& j, cancel_reason why);
  void outcome_of(turn& t, session& s, pb::ActivationOutcome&& message);
  void call_of(session_ptr s, pb::ServiceCall&& call);
  void log_of(const session& s, const pb::LogLine& line) const;

  session* home_of_questions(const question_origin& from);
  void answer_of(turn& t, session& s, pb::Answer&& message);

  bool serves(const session& s, const job& j) const;
  session* sticky(const job& j);
  session* best(const job& j);
  void enqueue(const job_ptr& j, bool front);
  void pump(turn& t);
  void send(turn& t, session& s, const job_ptr& j);
  void lose(turn& t, const job_ptr& j, const std::string& why);
  void end_session(turn& t, const session_ptr& s, const std::string& why);
  void claim(const session& s, int by);
  void expire_waiting(turn& t, std::int64_t now);
  std::string nobody_for(const job& j) const;

  const worker_options options_;
  base::clock& clock_;
  base::entropy& entropy_;
  const base::logger& log_;
  const std::function<void(host_call)> run_call_;

  mutable std::mutex mutex_;
  bool stopped_ = false;
  std::uint64_t last_session_ = 0;
  std::map<std::uint64_t, session_ptr> sessions_;
  std::map<std::string, int> claims_;  // by claim: sessions that have it and take activations
  std::map<std::string, std::deque<job_ptr>> queues_;  // by process|version|class, those that are not bound to a session
  std::string last_served_;  // queues take turns
  std::size_t waiting_ = 0;
  std::unordered_map<std::string, std::uint64_t> homes_;  // instance -> session that has its objects
};

}  // namespace dsf::plugins::workers

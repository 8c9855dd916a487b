// The workers' side: who may come, what they say, and how a session ends.
#include <algorithm>

#include "base/mutant.hpp"
#include "base/uuid.hpp"
#include "plugins/worker_codec_impl.hpp"
#include "plugins/workers/dispatcher_parts_impl.hpp"
#include "plugins/workers/errc.hpp"
#include "plugins/workers/grants.hpp"

namespace dsf::plugins::workers {
namespace {

constexpr std::uint32_t protocol = 1;
constexpr std::uint32_t credits_at_most = 10'000;
constexpr int handlers_at_most = 1'000;
constexpr std::size_t name_bytes = 500;
constexpr std::size_t log_text_bytes = 16 << 10;
constexpr int log_fields = 32;

pb::Refused refused(std::string code, std::string reason, bool again = false) {
  pb::Refused out;
  out.set_code(std::move(code));
  out.set_reason(std::move(reason));
  out.set_again(again);
  return out;
}

bool has(const std::vector<std::string>& list, const std::string& name) { return std::ranges::find(list, name) != list.end(); }

}  // namespace

std::optional<pb::Refused> dispatcher::check(const pb::Hello& hello, const worker_identity& who) const {
  if (stopped_) return refused("busy", "the site stops", true);
  if (hello.protocol() != protocol)
    return refused("protocol", "this site speaks protocol 1, the worker protocol " + std::to_string(hello.protocol()));
  if (sessions_.size() >= options_.sessions)
    return refused("busy", "there are " + std::to_string(sessions_.size()) + " sessions already (workers.max_sessions)", true);
  const auto at = options_.plugins.find(hello.plugin());
  if (at == options_.plugins.end())
    return refused("plugin", "the settings have no plugin '" + hello.plugin() + "'; name its processes in workers.plugins." +
                                 (hello.plugin().empty() ? "<name>" : hello.plugin()) + ".processes");
  const auto& plugin = at->second;
  const auto setting = "workers.plugins." + hello.plugin();
  if (!who.local && !has(plugin.certificates, who.certificate))
    return refused("identity", "the certificate of '" + who.certificate + "' may not serve plugin " + hello.plugin() + "; name it in " +
                                   setting + ".certificates");
  if (hello.worker_name().size() > name_bytes) return refused("message", "the worker's name is longer than 500 bytes");
  if (hello.credits() > credits_at_most) return refused("message", "more than 10000 credits");
  if (hello.handlers_size() == 0) return refused("handlers", "the worker names no handler");
  if (hello.handlers_size() > handlers_at_most) return refused("handlers", "the worker names more than 1000 handlers");
  std::set<std::string> seen;
  for (const auto& h : hello.handlers()) {
    if (h.class_name().empty() || h.process_key().empty()) return refused("handlers", "a handler without a process key or a class name");
    const auto text = claim_text(h.process_key(), h.version_tag(), h.class_name());
    if (text.size() > name_bytes) return refused("handlers", "a handler's name is longer than 500 bytes: " + text.substr(0, 100) + "...");
    if (!has(plugin.processes, h.process_key()))
      return refused("handlers", "process " + h.process_key() + " of handler " + text + " does not belong to plugin " + hello.plugin() +
                                     "; name it in " + setting + ".processes");
    if (!seen.insert(text).second) return refused("handlers", "handler " + text + " is named twice");
  }
  return std::nullopt;
}

std::uint64_t dispatcher::open(const pb::Hello& hello, const worker_identity& who, std::shared_ptr<session_port> port) {
  turn t{*this};
  auto answer = std::make_shared<pb::ToWorker>();
  if (auto no = check(hello, who)) {
    log_.warning("workers", "a worker was refused", {},
                 {{"worker", hello.worker_name()}, {"plugin", hello.plugin()}, {"address", who.address}, {"why", no->reason()}});
    *answer->mutable_refused() = std::move(*no);
    port->send(std::move(answer));
    port->close(false);
    return 0;
  }
  auto s = std::make_shared<session>();
  s->number = ++last_session_;
  s->id = base::uuid::random(entropy_).to_string();
  s->worker = who.local ? hello.worker_name() : who.certificate;
  s->plugin = hello.plugin();
  s->address = who.address;
  s->port = std::move(port);
  for (const auto& h : hello.handlers()) s->claims.insert(claim_text(h.process_key(), h.version_tag(), h.class_name()));
  s->credits = hello.credits();
  s->connected = s->last_heard = clock_.now();
  s->heard_us = clock_.steady_us();
  auto& w = *answer->mutable_welcome();
  w.set_protocol(protocol);
  w.set_session_id(s->id);
  w.set_lease_ms(static_cast<std::uint32_t>(options_.lease_us / 1'000));
  w.set_heartbeat_ms(static_cast<std::uint32_t>(std::max<std::int64_t>(1, options_.lease_us / 4'000)));
  w.set_max_message_bytes(options_.message_bytes);
  w.set_max_calls(static_cast<std::uint32_t>(options_.calls));
  for (auto& [name, setting] : entitlement{options_, s->plugin, nullptr}.settings()) (*w.mutable_settings())[name] = std::move(setting);
  w.set_local_organization(options_.organization);
  w.set_base_url(options_.base_url);
  s->port->send(std::move(answer));
  log_.info("workers", "a worker is connected", {},
            {{"worker", s->worker},
             {"plugin", s->plugin},
             {"address", s->address},
             {"session", s->id},
             {"handlers", static_cast<std::int64_t>(s->claims.size())}});
  const auto number = s->number;
  claim(*s, 1);
  sessions_.emplace(number, std::move(s));
  pump(t);
  return number;
}

void dispatcher::claim(const session& s, int by) {
  for (const auto& text : s.claims)
    if ((claims_[text] += by) <= 0) claims_.erase(text);
}

void dispatcher::received(std::uint64_t number, pb::FromWorker&& message) {
  turn t{*this};
  const auto at = sessions_.find(number);
  if (at == sessions_.end()) return;
  const auto s = at->second;
  s->last_heard = clock_.now();
  s->heard_us = clock_.steady_us();
  switch (message.what_case()) {
    case pb::FromWorker::kAddCredits: {
      const auto next = static_cast<std::int64_t>(s->credits) + message.add_credits().credits();
      s->credits = static_cast<std::uint32_t>(std::clamp<std::int64_t>(next, 0, credits_at_most));
      return pump(t);
    }
    case pb::FromWorker::kHeartbeat:
      for (const auto id : message.heartbeat().activation_ids())
        if (const auto held = s->held.find(id); held != s->held.end() && held->second)
          held->second->lease_until_us = s->heard_us + options_.lease_us;
      return;
    case pb::FromWorker::kOutcome: return outcome_of(t, *s, std::move(*message.mutable_outcome()));
    case pb::FromWorker::kCall: return call_of(s, std::move(*message.mutable_call()));
    case pb::FromWorker::kLog: return log_of(*s, message.log());
    case pb::FromWorker::kDrain:
      if (std::exchange(s->draining, true)) return;
      claim(*s, -1);
      for (auto& j : std::exchange(s->mine, {})) {
        if (j->state != job_state::waiting) continue;
        --waiting_;
        enqueue(j, false);
      }
      return pump(t);
    case pb::FromWorker::kAnswer: return answer_of(t, *s, std::move(*message.mutable_answer()));
    case pb::FromWorker::kHello:
    case pb::FromWorker::WHAT_NOT_SET: break;
  }
  auto answer = std::make_shared<pb::ToWorker>();
  *answer->mutable_refused() = refused("message", "a message that has no place here: a second hello, or an empty message");
  s->port->send(std::move(answer));
  s->port->close(false);
  end_session(t, s, "the worker broke the order of messages");
  pump(t);
}

void dispatcher::outcome_of(turn& t, session& s, pb::ActivationOutcome&& message) {
  const auto at = s.held.find(message.activation_id());
  if (at == s.held.end()) {
    log_.warning("workers", "an outcome for an activation the worker has not", {},
                 {{"worker", s.worker}, {"activation", message.activation_id()}});
    return;
  }
  const auto j = std::move(at->second);
  s.held.erase(at);
  ++s.done;
  if (j) {
    auto result = from_proto(std::move(*message.mutable_outcome()));
    if (!result)
      t.end(j, failed{"the outcome of worker " + s.worker + " can't be used: " + result.error().to_string(), false});
    else
      t.end(j, std::move(*result));
  }
  pump(t);
}

void dispatcher::call_of(session_ptr s, pb::ServiceCall&& call) {
  host_call todo{s->plugin, nullptr, std::move(call), {}};
  const auto refuse = [&](errc code, std::string text) {
    const base::error e{code, std::move(text)};
    auto answer = std::make_shared<pb::ToWorker>();
    auto& result = *answer->mutable_result();
    result.set_call_id(todo.what.call_id());
    result.mutable_error()->set_code(e.code());
    result.mutable_error()->set_kind(std::string(to_string(e.kind())));
    result.mutable_error()->set_text(e.text());
    s->port->send(std::move(answer));
  };
  if (s->calls >= options_.calls && !DSF_MUTANT("workers.calls_without_limit"))
    return refuse(errc::overloaded, std::to_string(s->calls) + " calls are under way; wait for a result");
  if (const auto id = todo.what.activation_id()) {
    const auto at = s->held.find(id);
    if (at == s->held.end() || !at->second || at->second->cancelled)
      return refuse(errc::not_outstanding, "activation " + std::to_string(id) + " is not this session's, or not any more");
    todo.of = std::shared_ptr<const activation>(at->second, &at->second->what);
  }
  ++s->calls;
  todo.done = [this, self = shared_from_this(), s](pb::ServiceResult result) {
    auto answer = std::make_shared<pb::ToWorker>();
    if (result.ByteSizeLong() + 16 > options_.message_bytes) {
      const auto bytes = result.ByteSizeLong();
      const base::error e{errc::too_large, "the result has " + std::to_string(bytes) + " bytes (workers.max_message)"};
      result.mutable_error()->set_code(e.code());
      result.mutable_error()->set_kind(std::string(to_string(e.kind())));
      result.mutable_error()->set_text(e.text());
    }
    answer->mutable_result()->Swap(&result);
    const std::lock_guard lock{mutex_};
    --s->calls;
    s->port->send(std::move(answer));
  };
  run_call_(std::move(todo));
}

void dispatcher::log_of(const session& s, const pb::LogLine& line) const {
  base::log_context context;
  if (const auto at = s.held.find(line.activation_id()); at != s.held.end() && at->second) {
    const auto& a = at->second->what;
    context = {.process = a.process_key + "|" + a.version_tag,
               .instance = a.instance_id,
               .business_key = a.business_key,
               .activity = a.activity_id,
               .attempt = a.attempt};
  }
  std::vector<base::logger::field> fields{{"worker", s.worker}};
  for (const auto& [name, text] : line.fields()) {
    if (fields.size() > log_fields) break;
    if (name != "worker") fields.emplace_back(name, text.substr(0, log_text_bytes));
  }
  static constexpr base::log_level levels[] = {base::log_level::debug, base::log_level::info, base::log_level::warning,
                                               base::log_level::error};
  const auto level = pb::LogLevel_IsValid(line.level()) ? levels[line.level()] : base::log_level::info;
  log_.log(level, "worker", line.text().substr(0, log_text_bytes), context, std::move(fields));
}

void dispatcher::closed(std::uint64_t number) {
  turn t{*this};
  const auto at = sessions_.find(number);
  if (at == sessions_.end()) return;
  end_session(t, session_ptr{at->second}, "the worker's connection ended");
  pump(t);
}

void dispatcher::end_session(turn& t, const session_ptr& s, const std::string& why) {
  sessions_.erase(s->number);
  if (!s->draining) claim(*s, -1);
  const auto now = clock_.steady_us();
  // Who waited for a free place of this session begins to wait for a worker.
  for (auto& [key, queue] : queues_)
    for (auto& j : queue) j->since_us = std::max(j->since_us, now);
  for (auto& j : s->mine) {
    if (j->state != job_state::waiting) continue;
    --waiting_;
    j->since_us = now;
    enqueue(j, true);
  }
  s->mine.clear();
  for (auto& [id, q] : std::exchange(s->questions, {}))
    t.fail(*q.of, {errc::no_answer, why + " before it had answered (" + s->worker + ")"});
  std::size_t lost = 0;
  for (auto& [id, j] : std::exchange(s->held, {}))
    if (j) {
      ++lost;
      lose(t, j, why + " (" + s->worker + ")");
    }
  log_.info("workers", "a worker's session ended", {},
            {{"worker", s->worker}, {"plugin", s->plugin}, {"session", s->id}, {"why", why}, {"lost", static_cast<std::int64_t>(lost)}});
}

void dispatcher::tick() {
  turn t{*this};
  const auto now = clock_.steady_us();
  std::vector<session_ptr> silent;
  for (auto& [number, s] : sessions_) {
    if (now - s->heard_us > options_.lease_us) {
      silent.push_back(s);
      continue;
    }
    std::erase_if(s->questions, [&](auto& entry) {
      if (entry.second.until_us > now) return false;
      t.fail(*entry.second.of, {errc::no_answer, "worker " + s->worker + " did not answer in time (workers.lease)"});
      return true;
    });
    std::vector<job_ptr> late;
    for (auto& [id, j] : s->held)
      if (j && j->lease_until_us < now && !DSF_MUTANT("workers.lease_never_expires"))
        late.push_back(DSF_MUTANT("workers.late_outcome_counts") ? j : std::exchange(j, nullptr));
    for (const auto& j : late) {
      ++s->lost;
      auto message = std::make_shared<pb::ToWorker>();
      message->mutable_cancel()->set_activation_id(j->activation_id);
      message->mutable_cancel()->set_reason(pb::LEASE_EXPIRED);
      s->port->send(std::move(message));
      lose(t, j, "the worker let the lease expire (" + s->worker + ")");
    }
  }
  for (const auto& s : silent) {
    s->port->close(true);
    end_session(t, s, "the worker was silent for longer than its lease");
  }
  expire_waiting(t, now);
  pump(t);
}

void dispatcher::stop() {
  turn t{*this};
  stopped_ = true;
  for (auto& [number, s] : sessions_) {
    for (auto& [id, j] : s->held) {
      if (!j) continue;
      auto message = std::make_shared<pb::ToWorker>();
      message->mutable_cancel()->set_activation_id(id);
      message->mutable_cancel()->set_reason(pb::SITE_STOPS);
      s->port->send(std::move(message));
      j->attempt.reset();
      j->state = job_state::over;
    }
    for (auto& [id, q] : s->questions) t.fail(*q.of, {errc::no_answer, "the site stops"});
    s->port->close(false);
  }
  sessions_.clear();
  claims_.clear();
  for (auto& [key, queue] : std::exchange(queues_, {}))
    for (auto& j : queue) {
      j->attempt.reset();
      j->state = job_state::over;
    }
  waiting_ = 0;
}

std::vector<worker_line> dispatcher::lines() const {
  const std::lock_guard lock{mutex_};
  std::vector<worker_line> out;
  for (const auto& [number, s] : sessions_) {
    worker_line line{s->id, s->worker, s->plugin, s->address, {s->claims.begin(), s->claims.end()}};
    line.credits = s->credits;
    line.running = static_cast<std::uint32_t>(s->held.size());
    line.done = s->done;
    line.lost = s->lost;
    line.draining = s->draining;
    line.connected = s->connected;
    line.last_heard = s->last_heard;
    out.push_back(std::move(line));
  }
  return out;
}

}  // namespace dsf::plugins::workers

// The jobs' side: the queue, who gets what, and what follows a loss.
#include <algorithm>

#include "base/mutant.hpp"
#include "plugins/worker_codec_impl.hpp"
#include "plugins/workers/dispatcher_parts_impl.hpp"

namespace dsf::plugins::workers {
namespace {

constexpr std::uint32_t deliveries = 3;         // sessions that one attempt may be lost with before the engine backs off
constexpr std::size_t homes_kept = 100'000;     // instances whose session is remembered
constexpr std::size_t envelope_bytes = 256;     // of an activation's message around the activation

// Room for one more activation.
constexpr auto has_room = [](const auto& session) {
  return session.free() || (DSF_MUTANT("workers.credits_ignored") && !session.draining);
};

}  // namespace

dispatcher::dispatcher(worker_options options, base::clock& time, base::entropy& entropy, const base::logger& log,
                       std::function<void(host_call)> run_call)
    : options_(std::move(options)), clock_(time), entropy_(entropy), log_(log), run_call_(std::move(run_call)) {}

std::shared_ptr<remote_call> dispatcher::submit(activation a, std::shared_ptr<remote_attempt> attempt) {
  auto j = std::make_shared<job>();
  j->owner = weak_from_this();
  j->key = claim_text(a.process_key, a.version_tag, a.class_name);
  j->any_version = claim_text(a.process_key, "", a.class_name);
  auto message = std::make_shared<pb::ToWorker>();
  to_proto(a, *message->mutable_activate()->mutable_activation());
  a.fields.clear();
  a.variables.clear();
  a.start_task.reset();
  a.latest_task.reset();
  a.current_tasks.clear();
  j->what = std::move(a);
  j->attempt = std::move(attempt);
  const auto bytes = message->ByteSizeLong() + envelope_bytes;
  j->message = std::move(message);

  turn t{*this};
  if (stopped_) {  // the engine stops, too: the job is still open
    j->state = job_state::over;
    return j;
  }
  if (bytes > options_.message_bytes) {
    t.end(j, failed{"the activation has " + std::to_string(bytes) + " bytes, a message to a worker at most " +
                        std::to_string(options_.message_bytes) + " (workers.max_message)",
                    false});
    return j;
  }
  if (waiting_ >= options_.queue) {
    t.end(j, failed{"the workers' queue is full: " + std::to_string(waiting_) + " activations wait (workers.max_queue)", true, true});
    return j;
  }
  j->since_us = clock_.steady_us();
  enqueue(j, false);
  pump(t);
  return j;
}

// A claim of the exact version comes before one of all versions.
bool dispatcher::serves(const session& s, const job& j) const {
  if (s.draining) return false;
  if (s.claims.contains(j.key)) return true;
  return s.claims.contains(j.any_version) && (j.key == j.any_version || !claims_.contains(j.key));
}

dispatcher::session* dispatcher::sticky(const job& j) {
  const auto home = homes_.find(j.what.instance_id);
  if (home == homes_.end()) return nullptr;
  const auto at = sessions_.find(home->second);
  if (at != sessions_.end() && serves(*at->second, j)) return at->second.get();
  return nullptr;
}

// The one with the least of its credits taken; not the one that lost it before, unless nobody else has the handler.
dispatcher::session* dispatcher::best(const job& j) {
  session *found = nullptr, *lost_it = nullptr;
  bool others = false;
  for (auto& [number, s] : sessions_) {
    if (!serves(*s, j)) continue;
    if (j.delivery > 0 && number == j.session) {
      lost_it = s.get();
      continue;
    }
    others = true;
    if (has_room(*s) && (!found || s->held.size() * found->credits < found->held.size() * s->credits)) found = s.get();
  }
  return !others && lost_it && lost_it->free() ? lost_it : found;
}

void dispatcher::enqueue(const job_ptr& j, bool front) {
  j->state = job_state::waiting;
  ++waiting_;
  auto* home = sticky(*j);
  auto& queue = home ? home->mine : queues_[j->key];
  if (front)
    queue.push_front(j);
  else
    queue.push_back(j);
}

// Instances that have a session first; then the queues take turns, one activation each, so that many of one kind do not keep others waiting.
void dispatcher::pump(turn& t) {
  for (auto& [number, s] : sessions_)
    while (s->free() && !s->mine.empty()) {
      auto j = std::move(s->mine.front());
      s->mine.pop_front();
      if (j->state == job_state::waiting) send(t, *s, j);
    }
  for (bool progress = true; progress;) {
    progress = false;
    auto at = queues_.upper_bound(last_served_);
    for (auto n = queues_.size(); n > 0; --n) {
      if (at == queues_.end()) at = queues_.begin();
      auto& queue = at->second;
      while (!queue.empty() && queue.front()->state != job_state::waiting) queue.pop_front();
      if (queue.empty()) {
        at = queues_.erase(at);
        continue;
      }
      auto* home = sticky(*queue.front());
      auto* to = home ? home : best(*queue.front());
      if (to) {
        auto j = std::move(queue.front());
        queue.pop_front();
        if (has_room(*to))
          send(t, *to, j);
        else
          to->mine.push_back(std::move(j));
        last_served_ = at->first;
        progress = true;
      }
      ++at;
    }
  }
}

void dispatcher::send(turn&, session& s, const job_ptr& j) {
  --waiting_;
  j->state = job_state::sent;
  j->session = s.number;
  j->activation_id = ++s.last_activation;
  j->lease_until_us = clock_.steady_us() + options_.lease_us;
  // The first session may still be sending its copy when another one gets the attempt.
  auto message = j->delivery == 0 ? j->message : std::make_shared<pb::ToWorker>(*j->message);
  auto& activate = *message->mutable_activate();
  activate.set_activation_id(j->activation_id);
  activate.set_lease_ms(static_cast<std::uint32_t>(options_.lease_us / 1'000));
  activate.set_delivery(++j->delivery);
  j->what.deadline = j->attempt->begins();
  activate.mutable_activation()->set_deadline_us(j->what.deadline.us);
  s.held.emplace(j->activation_id, j);
  if (homes_.size() >= homes_kept) std::erase_if(homes_, [&](const auto& home) { return !sessions_.contains(home.second); });
  if (homes_.size() >= homes_kept) homes_.erase(homes_.begin());
  homes_[j->what.instance_id] = s.number;
  s.port->send(std::move(message));
}

// The attempt is lost with its session. Another session gets it at once; without one the engine backs off (decision 8).
void dispatcher::lose(turn& t, const job_ptr& j, const std::string& why) {
  if (j->cancelled) return t.end(j, failed{"cancelled", false});
  const bool another = std::ranges::any_of(
      sessions_, [&](const auto& entry) { return entry.first != j->session && entry.second->credits > 0 && serves(*entry.second, *j); });
  if (!another || j->delivery >= deliveries) return t.end(j, failed{why, true, true});
  if (const auto home = homes_.find(j->what.instance_id); home != homes_.end() && home->second == j->session) homes_.erase(home);
  log_.warning("workers", "an attempt was lost and goes to another worker",
               {.process = j->what.process_key + "|" + j->what.version_tag,
                .instance = j->what.instance_id,
                .business_key = j->what.business_key,
                .activity = j->what.activity_id,
                .attempt = j->what.attempt},
               {{"class", j->what.class_name}, {"why", why}, {"delivery", static_cast<std::int64_t>(j->delivery)}});
  j->since_us = clock_.steady_us();
  enqueue(j, true);
}

void dispatcher::cancel(const job_ptr& j, cancel_reason why) {
  turn t{*this};
  if (j->state == job_state::over) return;
  const bool awaited = why == cancel_reason::interrupted;
  if (!awaited) j->attempt.reset();
  if (j->state == job_state::waiting) {
    --waiting_;
    t.end(j, failed{"cancelled", false});  // its place in the queue is passed over
    return;
  }
  const auto at = sessions_.find(j->session);
  if (at != sessions_.end()) {
    auto message = std::make_shared<pb::ToWorker>();
    message->mutable_cancel()->set_activation_id(j->activation_id);
    message->mutable_cancel()->set_reason(awaited ? pb::INTERRUPTED : why == cancel_reason::deadline ? pb::DEADLINE : pb::SITE_STOPS);
    if (!DSF_MUTANT("workers.cancel_not_forwarded")) at->second->port->send(std::move(message));
    if (!awaited) at->second->held[j->activation_id] = nullptr;
  }
  if (awaited)
    j->cancelled = true;
  else
    j->state = job_state::over;
}

std::string dispatcher::nobody_for(const job& j) const {
  std::string plugin;
  for (const auto& [name, p] : options_.plugins)
    if (std::ranges::find(p.processes, j.what.process_key) != p.processes.end()) plugin = name;
  return "no worker is connected for class " + j.what.class_name + " of process " + j.what.process_key + "; start a worker of plugin " +
         plugin + " that has it (dsfctl workers)";
}

void dispatcher::expire_waiting(turn& t, std::int64_t now) {
  for (auto& [key, queue] : queues_) {
    if (queue.empty()) continue;
    if (std::ranges::any_of(sessions_, [&](const auto& entry) { return serves(*entry.second, *queue.front()); })) continue;
    std::erase_if(queue, [&](const job_ptr& j) {
      if (j->state != job_state::waiting) return true;
      if (now - j->since_us < options_.wait_us) return false;
      --waiting_;
      t.end(j, failed{nobody_for(*j), true, true});
      return true;
    });
  }
}

std::size_t dispatcher::waiting() const {
  const std::lock_guard lock{mutex_};
  return waiting_;
}

}  // namespace dsf::plugins::workers

#include "actors/subscriptions.hpp"

#include <algorithm>

#include "actors/peer_facts.hpp"
#include "base/mutant.hpp"
#include "fhir/codec/xml.hpp"
#include "fhir/semantics/rules/rule.hpp"
#include "fhir/semantics/search/run.hpp"
#include "storage/errors.hpp"

namespace dsf::actors {

namespace {

using base::json;

constexpr std::size_t feed_step = 256;
constexpr std::size_t bindings_at_most = 100;   // of one connection
constexpr int texts_at_most = 100;              // of one connection that wait to be looked at
constexpr std::size_t text_bytes = 4 * 1024;    // a bind is 41
constexpr std::int64_t retry_pause_us = 200'000;
constexpr std::uint16_t can_not_accept = 1003, policy = 1008;
constexpr std::string_view bind_prefix = "bind ";

}  // namespace

subscriptions::subscriptions(fhir::endpoint_config config, storage::store& store, endpoint_caches& caches, base::clock& time,
                             const base::logger& log, thread_drive* drive)
    : config_(std::move(config)), store_(&store), caches_(&caches), clock_(&time), drive_(drive), log_(&log), thread_(run_on(drive, [this] {
        loop();
      })) {}

subscriptions::~subscriptions() { stop(); }

void subscriptions::stop() {
  {
    const std::lock_guard lock{mutex_};
    if (std::exchange(stopping_, true)) return;
  }
  wake_.notify_all();
  thread_.reset();
  connections_.clear();
}

void subscriptions::changed() {
  {
    const std::lock_guard lock{mutex_};
    feed_grew_ = true;
  }
  wake_.notify_one();
}

net::websocket_verdict subscriptions::judge(const net::request& request, std::string_view path) {
  net::websocket_verdict out;
  out.limits.message_bytes = text_bytes;
  const auto facts = facts_of(*request.peer);
  const auto who = caches_->identify(facts);
  if (path != "/ws") {
    out.refusal = net::text_response(404, "WebSockets are at /ws");
  } else if (!who) {
    log_->error("websocket", "the allow-list can't be read", {}, {{"error", who.error().to_string()}});
    out.refusal = net::text_response(503, "");
    out.refusal.headers.set("Retry-After", "5");
  } else if (!*who) {
    log_->warning("websocket", "client certificate is not on the allow-list", {}, {{"thumbprint", facts.thumbprint}});
    out.refusal.status = 403;
  } else {
    auto c = std::make_shared<connection>();
    c->certificate = facts;
    c->who = **who;
    out.open = [this, c](net::websocket socket) {
      const auto id = next_id_.fetch_add(1);
      c->socket = socket;
      tell({happening::kind::opened, id, {}, c});
      net::websocket_handlers h;
      h.on_text = [this, id](std::string text) { tell({happening::kind::text, id, std::move(text), nullptr}); };
      h.on_end = [this, id](const net::websocket_end& e) {
        tell({happening::kind::ended, id, std::to_string(e.code) + (e.reason.empty() ? "" : " " + e.reason), nullptr});
      };
      h.on_note = [this, name = c->who.name()](const std::string& text) { log_->warning("websocket", text, {.identity = name}); };
      return h;
    };
  }
  return out;
}

void subscriptions::tell(happening h) {
  {
    const std::lock_guard lock{mutex_};
    if (stopping_) return;
    // What a client says beyond this is not heard; the few binds of an engine never come near it.
    if (h.what == happening::kind::text && ++texts_waiting_[h.id] > texts_at_most) {
      --texts_waiting_[h.id];
      return;
    }
    happenings_.push_back(std::move(h));
  }
  wake_.notify_one();
}

void subscriptions::loop() {
  bool again = false;
  for (;;) {
    std::deque<happening> now;
    {
      std::unique_lock lock{mutex_};
      const auto something = [&] { return stopping_ || feed_grew_ || !happenings_.empty(); };
      wait_on(drive_, lock, wake_, again ? std::optional(retry_pause_us) : std::nullopt, something);
      if (stopping_) return;
      now.swap(happenings_);
      texts_waiting_.clear();
      feed_grew_ = false;
    }
    for (auto& h : now) handle(h);
    again = follow();
    open_ = connections_.size();
    bound_ = static_cast<std::size_t>(std::ranges::count_if(connections_, [](const auto& c) { return !c.second->bindings.empty(); }));
  }
}

void subscriptions::handle(happening& h) {
  if (h.what == happening::kind::opened) {
    log_->info("websocket", "opened", {.identity = h.opened->who.name()});
    connections_.emplace(h.id, h.opened);
    if (!h.opened->who.may_any(fhir::operation::websocket)) drop(h.id, policy, "Forbidden");
    return;
  }
  const auto at = connections_.find(h.id);
  if (at == connections_.end()) return;  // closed by us already
  if (h.what == happening::kind::ended) {
    log_->info("websocket", "ended: " + h.text, {.identity = at->second->who.name()});
    connections_.erase(at);
  } else if (h.text.starts_with(bind_prefix)) {
    const auto keep = at->second;
    bind(h.id, *keep, std::string_view(h.text).substr(bind_prefix.size()));
  }
  // Anything else is ignored (dsf-fhir-server 5.1).
}

void subscriptions::bind(std::uint64_t id, connection& c, std::string_view subscription) {
  const auto not_found = "Subscription with " + std::string(subscription.substr(0, 40)) + " not found";
  const auto uuid = base::uuid::parse(subscription);
  const auto facts = caches_->facts();
  const auto view = store_->view();
  if (!uuid) return drop(id, can_not_accept, not_found);
  const auto stored = view ? view->current("Subscription", *uuid) : storage::result<std::optional<fhir::stored_resource>>{std::nullopt};
  if (!stored || !facts) {
    // The store is being opened again: the client comes back by itself after a connection that breaks.
    log_->warning("websocket", "a Subscription can't be read just now", {.identity = c.who.name()});
    c.socket.abort();
    return;
  }
  if (!*stored || (*stored)->deleted) return drop(id, can_not_accept, not_found);
  const auto resource = json::parse(*(*stored)->bytes);
  if (!resource || (*resource)["status"].str() != "active" || (*resource)["channel"]["type"].str() != "websocket")
    return drop(id, can_not_accept, not_found);
  const auto& criteria = (*resource)["criteria"].str();
  binding b;
  b.subscription = *uuid;
  b.text = criteria;
  b.type = criteria.substr(0, criteria.find('?'));
  b.payload = (*resource)["channel"]["payload"].str();
  b.after = view->sequence();
  const auto parameters = fhir::parse_query_string(std::string_view(criteria).substr(std::min(b.type.size() + 1, criteria.size())));
  if (parameters) b.criteria = fhir::parse_search(b.type, *parameters, config_.base_url, config_.zone_offset_minutes);
  if (!parameters || !b.criteria.errors.empty()) {
    log_->warning(
        "websocket", "the criteria of a Subscription can't be understood", {.identity = c.who.name()},
        {{"subscription", std::string(subscription)}, {"error", parameters ? fhir::error_text(b.criteria.errors) : "not a query string"}});
    return drop(id, can_not_accept, not_found);
  }
  const fhir::rule_scope scope{*view, c.who, *(*facts)->allow_list, *(*facts)->processes, *(*facts)->conformance, config_};
  if (const auto denied = fhir::deny_websocket(scope, b.type)) {
    log_->warning("websocket", "access denied", {.identity = c.who.name()}, {{"reason", *denied}});
    return drop(id, policy, "Forbidden");
  }
  if (c.bindings.size() >= bindings_at_most) return drop(id, policy, "Too many subscriptions are bound on this connection");
  std::erase_if(c.bindings, [&](const binding& before) { return before.subscription == b.subscription; });
  if (!bound()) position_ = b.after;
  c.bindings.push_back(std::move(b));
  log_->info("websocket", "bound", {.identity = c.who.name()}, {{"subscription", uuid->to_string()}, {"criteria", criteria}});
  c.socket.send("bound " + std::string(subscription));
}

// Who had bound it comes back and finds it as it is now.
void subscriptions::unbind(base::uuid subscription, std::uint64_t sequence) {
  for (auto& [id, c] : connections_)
    for (const auto& b : c->bindings)
      if (b.subscription == subscription && (b.after < sequence || DSF_MUTANT("actors.new_subscription_cuts"))) c->socket.abort();
}

bool subscriptions::bound() const {
  for (const auto& [id, c] : connections_)
    if (!c->bindings.empty()) return true;
  return false;
}

bool subscriptions::follow() {
  while (bound()) {
    const auto view = store_->view();
    if (!view) return false;  // the store is closed
    const auto entries = view->read_feed(position_, feed_step);
    if (!entries) {
      if (!entries.error().is(storage::errc::feed_trimmed)) return true;  // the store is being opened again
      log_->error("websocket",
                  "matching fell so far behind that the feed was cut; all connections are cut, they search for what they missed");
      for (auto& [id, c] : connections_) c->socket.abort();
      connections_.clear();
      return false;
    }
    if (entries->empty()) return false;
    for (const auto& e : *entries) {
      for (const auto& change : e.resources) {
        if (change.type == "Subscription") unbind(change.id, e.sequence);
        using enum storage::resource_change::kind;
        if (change.what == created || change.what == updated) deliver(*view, change, e.sequence);
      }
      position_ = e.sequence;
    }
    // New connections and binds must not wait for a long feed.
    const std::lock_guard lock{mutex_};
    if (stopping_ || !happenings_.empty()) {
      feed_grew_ = true;
      return false;
    }
  }
  return false;
}

void subscriptions::deliver(const storage::store_view& view, const storage::resource_change& change, std::uint64_t sequence) {
  std::optional<fhir::stored_resource> stored;
  json resource;
  base::result<std::shared_ptr<const endpoint_facts>> facts = nullptr;
  // Hundreds of connections may have one certificate and one criterion: each is judged once for a version.
  std::map<std::string, bool, std::less<>> hits;
  std::map<std::string, std::optional<fhir::identity>, std::less<>> hearers;
  std::vector<std::pair<std::uint64_t, std::shared_ptr<connection>>> all;  // one that is closed on the way leaves the list
  for (const auto& [id, c] : connections_)
    if (std::ranges::any_of(c->bindings, [&](const binding& b) { return b.type == change.type && sequence > b.after; }))
      all.emplace_back(id, c);
  for (auto& [id, c] : all) {
    for (const auto& b : c->bindings) {
      if (b.type != change.type || sequence <= b.after) continue;
      if (!stored) {
        facts = caches_->facts();
        auto read = view.version(change.type, change.id, change.version);
        auto parsed = read && *read && (*read)->bytes ? json::parse(*(*read)->bytes) : base::result<json>{json{}};
        if (!read || !*read || !(*read)->bytes || !parsed || !facts) {
          // To leave it out would be to lose it.
          log_->error("websocket", "a version can't be read for its subscribers; they are cut and search for it", {},
                      {{"resource", change.type + "/" + change.id.to_string()}});
          c->socket.abort();
          break;
        }
        stored = std::move(**read);
        resource = std::move(*parsed);
      }
      auto judged = hits.find(b.text);
      if (judged == hits.end()) {
        const fhir::search_scope scope{view,   *(*facts)->allow_list, config_.base_url, config_.zone_offset_minutes, config_.max_candidates,
                                       nullptr};
        const auto hit = fhir::matches(b.criteria, *stored, resource, scope);
        if (!hit) {
          log_->error("websocket", "a Subscription can't be matched", {}, {{"error", hit.error().to_string()}});
          c->socket.abort();
          break;
        }
        judged = hits.emplace(b.text, *hit).first;
      }
      if (!judged->second && !DSF_MUTANT("actors.subscriber_told_of_all")) continue;
      if (clock_->now() >= c->who.expires && !DSF_MUTANT("actors.expired_subscriber_hears")) {
        drop(id, policy, "Credentials expired");
        break;
      }
      auto hearer = hearers.find(c->certificate.thumbprint);
      if (hearer == hearers.end()) hearer = hearers.emplace(c->certificate.thumbprint, may_hear(*c, view, **facts, *stored)).first;
      if (!hearer->second) continue;
      c->who = *hearer->second;
      if (b.payload.empty()) {
        c->socket.send("ping " + b.subscription.to_string());
      } else if (b.payload.find("xml") != std::string::npos) {
        if (auto xml = fhir::write_xml(resource))
          c->socket.send(std::move(*xml));
        else
          log_->error("websocket", "a resource has no XML form", {}, {{"error", xml.error().to_string()}});
      } else {
        c->socket.send(*stored->bytes);
      }
    }
  }
}

std::optional<fhir::identity> subscriptions::may_hear(const connection& c, const storage::store_view& view, const endpoint_facts& facts,
                                                      const fhir::stored_resource& stored) {
  // The allow-list may have changed since the connection was made.
  const auto now = caches_->identify(c.certificate);
  if (!now || !*now) return std::nullopt;
  const auto& who = **now;
  const fhir::rule_scope scope{view, who, *facts.allow_list, *facts.processes, *facts.conformance, config_};
  auto denied = fhir::deny_websocket(scope, stored.type);
  if (!denied) denied = fhir::deny_read(scope, stored);
  if (denied) {
    log_->info("websocket", "not delivered", {.identity = who.name()}, {{"reason", *denied}});
    return std::nullopt;
  }
  return who;
}

void subscriptions::drop(std::uint64_t id, std::uint16_t code, std::string reason) {
  const auto at = connections_.find(id);
  if (at == connections_.end()) return;
  log_->warning("websocket", "closed: " + reason, {.identity = at->second->who.name()});
  at->second->socket.close(code, std::move(reason));
  connections_.erase(at);
}

}  // namespace dsf::actors

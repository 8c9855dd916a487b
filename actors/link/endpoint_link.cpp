#include "actors/link/endpoint_link.hpp"

#include <algorithm>

#include "actors/link/allow_list_copy.hpp"
#include "base/mutant.hpp"

namespace dsf::actors {
namespace {

using base::json;
using base::result;

constexpr std::int64_t first_pause_us = 200'000, longest_pause_us = 15'000'000;
constexpr std::int64_t bind_timeout_us = 10'000'000;
constexpr std::size_t page_entries = 100;
constexpr int passes_at_most = 1'000;
constexpr std::size_t texts_at_most = 10'000;            // that wait to be taken over
constexpr std::size_t text_bytes_at_most = 64 << 20;
constexpr std::int64_t first_trim_us = 5'000'000;
constexpr std::int64_t trim_pause_us = 20'000;           // between two steps of a round
constexpr std::int64_t room_every_us = 30'000'000;       // looks for work that was left because of a full disk
constexpr std::string_view subscription_query =
    "Subscription?criteria:exact=Task%3Fstatus%3Drequested&status=active&type=websocket&payload=application/fhir%2Bjson";

}  // namespace

// What one connection brings; shared with its callbacks, which may outlive the link.
struct endpoint_link::inbound {
  std::mutex mutex;
  std::condition_variable wake;
  std::deque<std::string> texts;
  std::size_t bytes = 0;
  bool bound = false;
  bool closed = false;  // by this side
  bool ended = false;
  bool stopping = false;
  std::string why;
  net::websocket socket;

  // Who reads too slowly gets the rest by the search after the next connection.
  void text(std::string t, const std::string& awaited) {
    const std::lock_guard lock{mutex};
    if (!bound) {
      if (t == awaited) bound = true;
    } else if (texts.size() >= texts_at_most || bytes + t.size() > text_bytes_at_most) {
      socket.abort();
    } else {
      bytes += t.size();
      texts.push_back(std::move(t));
    }
    wake.notify_all();
  }
  void over(std::string reason) {
    const std::lock_guard lock{mutex};
    if (!std::exchange(ended, true)) why = std::move(reason);
    wake.notify_all();
  }
};

endpoint_link::endpoint_link(link_options options, link_parts parts)
    : options_(std::move(options)),
      parts_(std::move(parts)),
      arrivals_(*parts_.store, parts_.make_put, *parts_.log, parts_.drive),
      trimming_(*parts_.store, parts_.drive) {
  status_.why_not = "the FHIR endpoint has not been reached yet";
  status_.since = parts_.clock->now();
  deliveries_ = std::make_unique<deliveries>(*parts_.store, *parts_.transport, options_.base_url, *parts_.clock, *parts_.entropy,
                                             *parts_.log, parts_.drive);
}

endpoint_link::~endpoint_link() { stop(); }

void endpoint_link::start() {
  thread_ = run_on(parts_.drive, [this] { loop(); });
}

void endpoint_link::stop() {
  {
    const std::lock_guard lock{mutex_};
    if (std::exchange(stopping_, true)) return;
    if (inbound_) {
      const std::lock_guard inner{inbound_->mutex};
      inbound_->stopping = true;
      inbound_->wake.notify_all();
    }
    wake_.notify_all();
  }
  deliveries_->stop();
  thread_.reset();
}

void endpoint_link::on_commit(std::span<const storage::feed_entry> entries) {
  for (const auto& e : entries)
    if (e.touches(storage::table::meta) && std::ranges::any_of(e.resources, [](const auto& r) { return r.type == "Task"; }))
      return deliveries_->changed();
}

link_status endpoint_link::status() const {
  const std::lock_guard lock{mutex_};
  return status_;
}

void endpoint_link::set_status(bool connected, std::string why_not) {
  const std::lock_guard lock{mutex_};
  status_.connected = connected;
  if (!connected) status_.bound = false;
  status_.why_not = std::move(why_not);
  status_.since = parts_.clock->now();
}

void endpoint_link::loop() {
  std::string before;
  do {
    const auto why = serve();
    {
      const std::lock_guard lock{mutex_};
      if (stopping_) return;
    }
    // Hours of the same are one line.
    const auto text = why.to_string();
    if (text != before)
      parts_.log->warning("link", "no connection to the FHIR endpoint; it is tried again and again", {}, {{"error", text}});
    before = text;
    set_status(false, "the FHIR endpoint can't be reached: " + text);
  } while (pause());
}

bool endpoint_link::pause() {
  pause_us_ = pause_us_ == 0 ? first_pause_us : std::min(pause_us_ * 2, longest_pause_us);
  const auto wait = pause_us_ / 2 + static_cast<std::int64_t>(parts_.entropy->below(static_cast<std::uint64_t>(pause_us_ / 2 + 1)));
  std::unique_lock lock{mutex_};
  wait_on(parts_.drive, lock, wake_, wait, [&] { return stopping_; });
  return !stopping_;
}

base::error endpoint_link::serve() {
  const auto fails = [](base::result<> r) { return std::move(r).error(); };
  auto id = subscription();
  if (!id) return std::move(id).error();
  auto in = std::make_shared<inbound>();
  {
    const std::lock_guard lock{mutex_};
    if (stopping_) return {net::errc::stopped, "the program stops"};
    inbound_ = in;
  }
  // Whatever ends this call ends the connection.
  struct closer {
    std::shared_ptr<inbound> in;
    ~closer() {
      const std::lock_guard lock{in->mutex};
      in->closed = true;
      in->socket.abort();
    }
  } closes{in};
  if (DSF_MUTANT("link-searches-before-bind"))
    if (auto r = copy(); !r || !(r = catch_up())) return fails(std::move(r));
  if (auto r = open_and_bind(*id, in); !r) return fails(std::move(r));
  {
    const std::lock_guard lock{mutex_};
    status_.bound = true;
    status_.last_event = parts_.clock->now();
  }
  // From here on nothing new can be missed; what is older is searched for.
  if (auto r = copy(); !r) return fails(std::move(r));
  if (auto r = parts_.reached(); !r) return fails(std::move(r));
  if (!DSF_MUTANT("link-searches-before-bind"))
    if (auto r = catch_up(); !r) return fails(std::move(r));
  pause_us_ = 0;
  set_status(true, {});
  parts_.log->info("link", "connected to the FHIR endpoint", {}, {{"subscription", *id}});
  deliveries_->try_now();

  auto next_copy = parts_.clock->steady_us() + options_.allow_list_every_us;
  auto next_trim = parts_.clock->steady_us() + std::min(options_.trim_every_us, first_trim_us);
  auto next_search = parts_.clock->steady_us() + (left_some_ ? room_every_us : options_.catch_up_every_us);
  for (;;) {
    std::deque<std::string> texts;
    {
      std::unique_lock lock{in->mutex};
      const auto wait = std::max<std::int64_t>(1, std::min({next_copy, next_search, next_trim}) - parts_.clock->steady_us());
      wait_on(parts_.drive, lock, in->wake, wait, [&] { return in->ended || in->stopping || !in->texts.empty(); });
      if (in->stopping) return {net::errc::stopped, "the program stops"};
      texts.swap(in->texts);
      in->bytes = 0;
      if (in->ended && texts.empty()) return {net::errc::connection_lost, "the WebSocket ended: " + in->why};
    }
    if (!texts.empty()) {
      const std::lock_guard lock{mutex_};
      status_.last_event = parts_.clock->now();
    }
    if (auto r = take(std::move(texts)); !r) return fails(std::move(r));
    const auto now = parts_.clock->steady_us();
    if (now >= next_trim) {
      const auto more = trim();
      if (!more) return more.error();
      next_trim = parts_.clock->steady_us() + (*more ? trim_pause_us : options_.trim_every_us);
    }
    if (now >= next_copy) {
      if (auto r = copy(); !r) return fails(std::move(r));
      next_copy = parts_.clock->steady_us() + options_.allow_list_every_us;
    }
    if (now >= next_search) {
      // What the endpoint refused of the plugins is tried again, too.
      if (auto r = parts_.reached(); !r) return fails(std::move(r));
      if (auto r = catch_up(); !r) return fails(std::move(r));
      next_search = parts_.clock->steady_us() + (left_some_ ? room_every_us : options_.catch_up_every_us);
    }
  }
}

// dsf-bpe 1.5, step 1
result<std::string> endpoint_link::subscription() {
  const auto found = TRY(parts_.endpoint->search(subscription_query));
  std::vector<std::string> ids;
  for (const auto& e : found["entry"])
    if (e["search"]["mode"].str() == "match") ids.push_back(e["resource"]["id"].str());
  if (ids.size() != 1)
    return base::fail(base::errc::invalid_argument,
                      "the FHIR endpoint must have exactly one active Subscription for the engine (Task?status=requested, websocket, "
                      "application/fhir+json); it has " +
                          std::to_string(ids.size()));
  return ids.front();
}

result<> endpoint_link::open_and_bind(const std::string& subscription, const std::shared_ptr<inbound>& in) {
  net::websocket_handlers h;
  h.on_text = [in, awaited = "bound " + subscription](std::string t) { in->text(std::move(t), awaited); };
  h.on_end = [in](const net::websocket_end& e) { in->over(std::to_string(e.code) + (e.reason.empty() ? "" : " " + e.reason)); };
  h.on_note = [log = parts_.log](const std::string& text) { log->warning("link", text); };
  parts_.open(std::move(h), [in, subscription](net::result<net::websocket> w) {
    if (!w) return in->over(w.error().to_string());
    const std::lock_guard lock{in->mutex};
    if (in->closed) return w->abort();
    in->socket = *w;
    in->socket.send("bind " + subscription);
  });
  std::unique_lock lock{in->mutex};
  const bool told = wait_on(parts_.drive, lock, in->wake, bind_timeout_us, [&] { return in->bound || in->ended || in->stopping; });
  if (in->stopping) return base::fail(net::errc::stopped, "the program stops");
  if (in->ended) return base::fail(net::errc::connection_lost, "the WebSocket could not be bound: " + in->why);
  if (!told) return base::fail(net::errc::timeout, "the endpoint did not answer the bind of the Subscription");
  return {};
}

// dsf-bpe 1.6, with a cursor of our own, an overlap and an offset in the time.
result<> endpoint_link::catch_up() {
  {
    const std::lock_guard lock{mutex_};
    ++status_.catch_ups;
  }
  for (int pass = 0; pass < passes_at_most; ++pass) {
    auto since = TRY(arrivals_.cursor());
    if (since) since->us -= options_.overlap_us;
    if (left_some_) since.reset();
    left_some_ = false;
    std::size_t taken = 0;
    for (int page = 1;;) {
      std::string query = "Task?status=requested";
      if (since) query += "&_lastUpdated=ge" + base::to_iso(*since);
      query += "&_count=" + std::to_string(page_entries) + "&_page=" + std::to_string(page) + "&_sort=_lastUpdated";
      const auto bundle = TRY(parts_.endpoint->search(query));
      std::vector<json> tasks;
      for (const auto& e : bundle["entry"])
        if (e["search"]["mode"].str() == "match") tasks.push_back(e["resource"]);
      const auto outcome = TRY(arrivals_.take(tasks));
      taken += outcome.taken;
      left_some_ = left_some_ || outcome.left > 0;
      if (tasks.size() < page_entries) break;
      // Tasks leave the result while it is read, so the next page is asked for by time where that makes a difference.
      const auto last = TRY(base::parse_iso(tasks.back()["meta"]["lastUpdated"].str()));
      if (!since || last.us > since->us) {
        since = last;
        page = 1;
      } else {
        ++page;
      }
      const std::lock_guard lock{mutex_};
      if (stopping_) return base::fail(net::errc::stopped, "the program stops");
    }
    if (taken > 0) parts_.log->info("link", "Tasks were found by search", {}, {{"tasks", static_cast<std::int64_t>(taken)}});
    if (taken == 0 || left_some_) return {};
  }
  return {};  // new ones come faster than they can be read; the connection brings them, too
}

result<> endpoint_link::copy() {
  const auto changed = TRY(copy_allow_list(*parts_.endpoint, *parts_.store));
  if (changed > 0) parts_.log->info("link", "the allow-list was copied", {}, {{"changes", static_cast<std::int64_t>(changed)}});
  return {};
}

result<> endpoint_link::take(std::deque<std::string> texts) {
  std::vector<json> resources;
  for (const auto& t : texts) {
    auto resource = json::parse(t);
    // It is still requested at the endpoint: the search finds it if it is one.
    if (!resource) {
      parts_.log->warning("link", "a message of the WebSocket is not JSON", {}, {{"error", resource.error().to_string()}});
      continue;
    }
    // Its position may be gone: what is told so late is only true if the endpoint says so still.
    if ((*resource)["resourceType"].str() == "Task" && TRY(arrivals_.may_be_forgotten(*resource)) &&
        !DSF_MUTANT("actors.late_event_trusted")) {
      const auto found = TRY(parts_.endpoint->search("Task?_id=" + (*resource)["id"].str() + "&status=requested"));
      for (const auto& e : found["entry"])
        if (e["search"]["mode"].str() == "match") resources.push_back(e["resource"]);
      continue;
    }
    resources.push_back(std::move(*resource));
  }
  if (resources.empty()) return {};
  const auto outcome = TRY(arrivals_.take(resources));
  left_some_ = left_some_ || outcome.left > 0;
  return {};
}

result<bool> endpoint_link::trim() {
  const auto newest = TRY(arrivals_.cursor());
  if (!newest) return false;
  const auto done = TRY(trimming_.step(*newest));
  const std::lock_guard lock{mutex_};
  status_.trimmed += done.trimmed;
  return !done.round_over;
}

}  // namespace dsf::actors

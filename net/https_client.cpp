#include "net/https_client.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <future>

#include "net/client_connection_impl.hpp"
#include "net/serialize.hpp"

namespace dsf::net {

void client_call::finish(result<client_response> r) {
  if (std::exchange(finished, true)) return;
  timer.cancel();
  auto callback = std::move(done);
  callback(std::move(r));
}

void client_lane::submit(call_ptr call) {
  if (stopped) return call->finish(fail(errc::stopped, "the client is shutting down", call->request.url));
  watch(call);
  // An upload can't be sent again, so that it does not go to a connection that may be closed already.
  const bool fresh = call->bodies.source != nullptr;
  start(std::move(call), fresh);
}

void client_lane::watch(const call_ptr& call) {
  call->timer.expires_after(std::chrono::milliseconds(call->timeout_ms));
  call->timer.async_wait([lane = shared_from_this(), call](io_error ec) {
    // It may have been set anew after this was queued.
    if (!ec && call->timer.expiry() <= timer_type::clock_type::now()) lane->timed_out(call);
  });
}

void client_lane::start(call_ptr call, bool fresh) {
  if (stopped) return call->finish(fail(errc::stopped, "the client is shutting down", call->request.url));
  const auto key = pool_key(call->to);
  if (fresh) make_room(key);
  auto& pool = pools[key];
  if (!fresh && !pool.idle.empty()) {
    auto c = std::move(pool.idle.back());
    pool.idle.pop_back();
    counters->reused.fetch_add(1, std::memory_order_relaxed);
    return c->carry(std::move(call));
  }
  if (pool.open < options.connections_per_host) {
    ++pool.open;
    counters->opened.fetch_add(1, std::memory_order_relaxed);
    auto c = std::make_shared<client_connection>(shared_from_this(), call->to);
    c->slot = all.size();
    all.push_back(c);
    return c->open(std::move(call));
  }
  if (pool.waiting.size() >= std::size_t(options.waiting_per_host))
    return call->finish(fail(errc::overloaded,
                             std::to_string(options.waiting_per_host) + " requests already wait for a connection; try again later",
                             call->to.scheme + "://" + call->to.authority()));
  pool.waiting.push_back(std::move(call));
}

// A new connection takes the place of the idle one that was not used for longest.
void client_lane::make_room(const std::string& key) {
  auto& pool = pools[key];
  if (pool.open < options.connections_per_host || pool.idle.empty()) return;
  const auto oldest = pool.idle.front();
  oldest->close();
}

void client_lane::timed_out(call_ptr call) {
  if (call->finished) return;
  if (const auto c = call->connection) return c->call_timed_out();
  std::erase(pools[pool_key(call->to)].waiting, call);
  call->finish(fail(errc::connect_timeout, "no connection became free in time", call->to.scheme + "://" + call->to.authority()));
}

void client_lane::next_waiting(const std::string& key) {
  auto& pool = pools[key];
  if (pool.waiting.empty() || (pool.idle.empty() && pool.open >= options.connections_per_host)) return;
  auto call = std::move(pool.waiting.front());
  pool.waiting.pop_front();
  start(std::move(call), false);
}

void client_lane::connection_idle(std::shared_ptr<client_connection> c) {
  const auto key = c->key();
  pools[key].idle.push_back(std::move(c));
  next_waiting(key);
}

void client_lane::connection_gone(client_connection& c) {
  const auto keep = c.shared_from_this();
  all.back()->slot = c.slot;
  std::swap(all[c.slot], all.back());
  all.pop_back();
  auto& pool = pools[c.key()];
  --pool.open;
  std::erase(pool.idle, keep);
  if (pool.open == 0 && pool.waiting.empty()) {
    pools.erase(c.key());
  } else if (!stopped) {
    // Not from within: the connection that ends may be in the middle of telling its own call.
    asio::post(context, [lane = shared_from_this(), key = c.key()] {
      if (lane->pools.contains(key)) lane->next_waiting(key);
    });
  }
}

void client_lane::use(const tls_identity& identity) {
  if (stopped || !options.identity) return;
  options.identity = identity;
  std::vector<std::shared_ptr<client_connection>> idle;
  for (auto& [key, pool] : pools) idle.insert(idle.end(), pool.idle.begin(), pool.idle.end());
  for (auto& c : idle) c->close();
}

void client_lane::stop() {
  stopped = true;
  std::vector<call_ptr> waiting;
  for (auto& [key, pool] : pools) {
    waiting.insert(waiting.end(), pool.waiting.begin(), pool.waiting.end());
    pool.waiting.clear();
  }
  for (const auto& call : waiting) call->finish(fail(errc::stopped, "the client is shutting down", call->request.url));
  while (!all.empty()) all.back()->abort(errc::stopped, errc::connection_lost, "the client is shutting down");
}

struct https_client::impl {
  client_options options;
  std::shared_ptr<io_threads> threads;
  bool own_threads = false;
  bool has_identity = false;
  std::vector<std::shared_ptr<client_lane>> lanes;
  std::shared_ptr<client_counters> counters = std::make_shared<client_counters>();
};

https_client::https_client(client_options options) : impl_(std::make_shared<impl>()) {
  impl_->options = std::move(options);
  impl_->has_identity = impl_->options.identity.has_value();
  impl_->own_threads = !impl_->options.shared_threads;
  impl_->threads = impl_->own_threads ? io_threads::start(std::max(1, impl_->options.threads), "client") : impl_->options.shared_threads;
  for (auto& loop : impl_->threads->inside().loops->all)
    impl_->lanes.push_back(std::make_shared<client_lane>(loop->context, impl_->options, impl_->counters));
}

https_client::~https_client() {
  const bool inside = impl_->threads->on_thread();
  for (auto& lane : impl_->lanes) {
    auto ended = std::make_shared<std::promise<void>>();
    auto wait = ended->get_future();
    asio::post(lane->context, [lane, ended] {
      lane->stop();
      ended->set_value();
    });
    // The loop may be one whose owner stopped it before us: then nothing more runs there, and nothing calls back.
    while (!inside && !impl_->threads->inside().loops->stopped &&
           wait.wait_for(std::chrono::milliseconds(50)) != std::future_status::ready) {}
  }
  if (impl_->own_threads) impl_->threads->stop();
}

void https_client::send(client_request request, std::int64_t timeout_ms, client_callback done) {
  send_streams(std::move(request), {}, timeout_ms, std::move(done));
}

void https_client::send_streams(client_request request, body_streams bodies, std::int64_t timeout_ms, client_callback done) {
  const auto refuse = [&](base::error e) {
    // Even a wrong URL is told on the transport's thread: a caller need not expect the callback inside its own call.
    asio::post(impl_->lanes[0]->context, [done = std::move(done), e = std::move(e)] { done(failure(e)); });
  };
  auto to = parse_url(request.url);
  if (!to) return refuse(std::move(to).error());
  if (to->tls() && !impl_->has_identity)
    return refuse(base::error(errc::invalid_argument, "an https:// URL needs a TLS identity (at least trusted CAs)", request.url));
  if (!is_sendable(request.headers) || request.method.empty() ||
      request.method.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ") != std::string::npos)
    return refuse(base::error(errc::invalid_argument, "the method or a header field has characters that can't be sent", request.url));
  // One host is served by one loop, so that its pool needs no lock.
  const auto& lane = impl_->lanes[std::hash<std::string>{}(pool_key(*to)) % impl_->lanes.size()];
  auto call = std::make_shared<client_call>(std::move(request), std::move(*to), std::move(done), lane->context);
  call->bodies = std::move(bodies);
  call->timeout_ms = std::max<std::int64_t>(timeout_ms, 1);
  // Now, as the time until the lane comes to it counts.
  call->timer.expires_after(std::chrono::milliseconds(call->timeout_ms));
  asio::post(lane->context, [lane, call = std::move(call)]() mutable { lane->submit(std::move(call)); });
}

result<client_response> https_client::send_and_wait(client_request request, std::int64_t timeout_ms) {
  if (impl_->threads->on_thread())
    return fail(errc::invalid_argument, "send_and_wait was called on an io thread, where it would wait for itself", request.url);
  auto promise = std::make_shared<std::promise<result<client_response>>>();
  auto answer = promise->get_future();
  send(std::move(request), timeout_ms, [promise](result<client_response> r) { promise->set_value(std::move(r)); });
  return answer.get();
}

void https_client::use(tls_identity identity) {
  for (auto& lane : impl_->lanes) asio::post(lane->context, [lane, identity] { lane->use(identity); });
}

client_statistics https_client::statistics() const noexcept {
  return {impl_->counters->opened, impl_->counters->reused, impl_->counters->retried};
}

}  // namespace dsf::net

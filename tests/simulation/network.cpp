#include "tests/simulation/network.hpp"

#include <algorithm>

#include "net/query.hpp"
#include "tests/simulation/names.hpp"

namespace dsf::simulation {

void network::fly(kind what, std::shared_ptr<call> of, std::int64_t after_us, net::client_response response) {
  flights_.push_back({clock_->now().us + after_us, what, std::move(of), std::move(response)});
}

void network::settle(const std::shared_ptr<call>& c, net::result<net::client_response> r) {
  if (auto done = std::exchange(c->done, nullptr)) done(std::move(r));
}

void network::send(unsigned from, net::client_request request, std::int64_t timeout_ms, net::client_callback done) {
  auto c = std::make_shared<call>();
  c->number = ++calls_;
  c->from = from;
  c->done = std::move(done);
  const auto url = net::parse_url(request.url);
  c->to = sites_at_most;
  for (unsigned i = 0; url && i < sites_at_most; ++i)
    if (url->host == host_of(i)) c->to = i;
  if (c->to == sites_at_most) return settle(c, net::fail(net::errc::name_not_resolved, "there is no such site", request.url));
  c->to_itself = c->to == from;
  c->target = url->target;
  c->request = std::move(request);
  fly(kind::timeout, c, timeout_ms * base::us_per_ms);
  if (!c->to_itself && chance(faults.drop_percent)) {
    // Nothing is heard of it, or the connection breaks.
    if (chance(50)) fly(kind::lost, c, delay());
    return;
  }
  fly(kind::request, c, delay());
  if (!c->to_itself && chance(faults.duplicate_percent)) fly(kind::request, c, delay());
}

std::shared_ptr<const net::peer> network::peer_of(unsigned place) const {
  const auto at = acts_as_.find(place);
  const auto site = at == acts_as_.end() ? place : at->second;
  auto peer = std::make_shared<net::peer>();
  peer->has_certificate = true;
  peer->thumbprint = thumbprint_of(site);
  peer->common_name = host_of(site);
  peer->not_after = {begin_us + 365LL * 86'400 * base::us_per_s};
  return peer;
}

std::size_t network::due() const {
  const auto now = clock_->now().us;
  return static_cast<std::size_t>(std::ranges::count_if(flights_, [&](const flight& f) { return f.due_us <= now; }));
}

std::optional<std::int64_t> network::next_us() const {
  if (flights_.empty()) return std::nullopt;
  return std::ranges::min(flights_, {}, &flight::due_us).due_us;
}

network::happened network::run(std::size_t n) {
  const auto now = clock_->now().us;
  auto at = flights_.begin();
  for (;; ++at)
    if (at->due_us <= now && n-- == 0) break;
  auto f = std::move(*at);
  flights_.erase(at);
  const auto& c = f.of;
  switch (f.what) {
    case kind::request: {
      if (!c->to_itself && cut(*c)) {
        if (chance(50)) fly(kind::lost, c, delay());
        return {"net cut", c->number, c->to, 0};
      }
      net::request r;
      r.method = c->request.method;
      r.target = c->target;
      r.headers = c->request.headers;
      r.body = std::string(c->request.body.view());
      r.peer = peer_of(c->from);
      ++c->at_receiver;
      const bool taken =
          deliver_(c->to, std::move(r), net::responder::to([this, weak = std::weak_ptr<call>(c), life = life_[c->to]](net::response&& a) {
                     if (const auto of = weak.lock()) answered(of, life, std::move(a));
                   }));
      if (taken) return {"net request", c->number, c->to, 0};
      settle(c, net::fail(net::errc::connection_refused, "connection refused", c->request.url));
      return {"net refused", c->number, c->to, 0};
    }
    case kind::answer: {
      if (!c->to_itself && cut(*c)) {
        fly(kind::lost, c, delay());
        return {"net cut", c->number, c->from, 0};
      }
      const int status = f.response.status;
      settle(c, std::move(f.response));
      return {"net answer", c->number, c->from, status};
    }
    case kind::timeout: {
      const bool waits = static_cast<bool>(c->done);
      settle(c, net::fail(net::errc::timeout, "no answer in time", c->request.url));
      return {waits ? "net timeout" : "net nothing", c->number, c->from, 0};
    }
    case kind::lost:
      settle(c, net::fail(net::errc::connection_lost, "connection lost", c->request.url));
      return {"net lost", c->number, c->from, 0};
  }
  return {};
}

void network::answered(const std::shared_ptr<call>& c, unsigned life, net::response&& r) {
  if (life != life_[c->to]) return;
  --c->at_receiver;
  if (!c->done) return;
  if (!c->to_itself && chance(faults.drop_percent)) return fly(kind::lost, c, delay());
  net::client_response out;
  out.status = r.status;
  out.headers = std::move(r.headers);
  out.body = std::string(r.body.view());
  fly(kind::answer, c, delay(), std::move(out));
}

void network::forget(unsigned site) {
  ++life_[site];
  std::set<call*> broken;
  std::erase_if(flights_, [&](flight& f) {
    if (f.of->from == site) {
      f.of->done = nullptr;
      return true;
    }
    // What is on its way to the site arrives at a closed door, or after its restart; who waits for it learns of the broken connection.
    if (f.of->to == site && f.what == kind::timeout && f.of->at_receiver > 0 && f.of->done) broken.insert(f.of.get());
    return false;
  });
  std::vector<std::shared_ptr<call>> lost;
  for (const auto& f : flights_)
    if (f.what == kind::timeout && broken.contains(f.of.get())) lost.push_back(f.of);
  for (auto& c : lost) {
    c->at_receiver = 0;
    fly(kind::lost, c, delay());
  }
}

}  // namespace dsf::simulation

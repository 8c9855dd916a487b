#include "tests/simulation/sockets.hpp"

#include <algorithm>
#include <utility>

namespace dsf::simulation {
namespace {

constexpr std::int64_t idle_timeout_us = 90 * base::us_per_s;  // net::websocket_limits
constexpr std::uint16_t abnormal = 1006;

}  // namespace

// An end's way to send.
struct sockets::target final : net::websocket::target {
  void send_text(std::string text) override {
    if (auto c = of.lock()) all->fly(kind::text, c, 1 - side, all->delay(), std::move(text));
  }
  void end(std::uint16_t code, std::string reason) override {
    if (auto c = of.lock()) {
      all->fly(kind::ended, c, 1 - side, all->delay(), reason, code);
      all->fly(kind::ended, c, side, all->delay(), reason, code);
    }
  }
  void cut() override {
    if (auto c = of.lock()) {
      all->fly(kind::ended, c, 1 - side, all->delay(), "the connection was lost", abnormal);
      all->fly(kind::ended, c, side, 0, "cut off by us", abnormal);
    }
  }
  sockets* all = nullptr;
  std::weak_ptr<connection> of;
  unsigned side = 0;
};

// Side 0 has called, side 1 was called.
struct sockets::connection {
  std::uint64_t number = 0;
  net::request request;
  std::function<void(net::result<net::websocket>)> done;
  struct {
    unsigned place = 0;
    bool open = true;
    std::int64_t last_us = 0;  // when what flies there last arrives
    net::websocket_handlers handlers;
    std::shared_ptr<target> sends;
  } side[2];
};

void sockets::fly(kind what, const std::shared_ptr<connection>& of, unsigned side, std::int64_t after_us, std::string text,
                  std::uint16_t code) {
  auto& last = of->side[side].last_us;
  last = std::max(last, clock_->now().us + after_us);
  flights_.push_back({last, ++flown_, what, of, side, std::move(text), code});
}

void sockets::open(unsigned from, unsigned to, net::request request, net::websocket_handlers handlers,
                   std::function<void(net::result<net::websocket>)> done) {
  auto c = std::make_shared<connection>();
  c->number = ++connections_;
  c->request = std::move(request);
  c->done = std::move(done);
  c->side[0].handlers = std::move(handlers);
  for (unsigned s = 0; s < 2; ++s) {
    c->side[s].place = s == 0 ? from : to;
    c->side[s].sends = std::make_shared<target>();
    c->side[s].sends->all = this;
    c->side[s].sends->of = c;
    c->side[s].sends->side = s;
  }
  std::erase_if(all_, [](const auto& ended) { return !ended->side[0].open && !ended->side[1].open; });
  all_.push_back(c);
  fly(kind::knock, c, 1, delay());
}

bool sockets::due() const {
  return std::ranges::any_of(flights_, [&](const flight& f) { return f.due_us <= clock_->now().us; });
}

std::optional<std::int64_t> sockets::next_us() const {
  if (flights_.empty()) return std::nullopt;
  return std::ranges::min(flights_, {}, &flight::due_us).due_us;
}

sockets::happened sockets::run() {
  const auto first = std::ranges::min_element(flights_, {}, [](const flight& f) { return std::pair(f.due_us, f.number); });
  auto f = std::move(*first);
  flights_.erase(first);
  const auto c = f.of;
  auto &here = c->side[f.side], &there = c->side[1 - f.side];
  const auto seen = [&](const char* what) { return happened{what, c->number, here.place}; };
  // A frame that does not come through, or a connection that breaks with it.
  if (f.what != kind::ended && f.what != kind::refused &&
      (blocked_(here.place, there.place) || (break_per_1000 > 0 && dice_->below(1'000) < break_per_1000))) {
    break_off(c);
    return seen("ws broken");
  }
  switch (f.what) {
    case kind::knock: {
      auto verdict = door_(here.place, c->request);
      if (!verdict || !verdict->open) {
        here.open = false;
        fly(kind::refused, c, 0, delay(), verdict ? "HTTP " + std::to_string(verdict->refusal.status) : "connection refused");
        return seen("ws refused");
      }
      here.handlers = verdict->open(net::websocket(here.sends));
      fly(kind::opened, c, 0, delay());
      return seen("ws knock");
    }
    case kind::refused:
      here.open = false;
      if (auto done = std::exchange(c->done, nullptr)) done(net::fail(net::errc::connection_refused, f.text));
      return seen("ws no");
    case kind::opened:
      if (auto done = std::exchange(c->done, nullptr)) done(net::websocket(here.sends));
      return seen("ws open");
    case kind::text:
      if (here.open && here.handlers.on_text) here.handlers.on_text(std::move(f.text));
      return seen("ws text");
    case kind::ended: end_at(c, f.side, f.code, f.text); return seen("ws end");
  }
  return {};
}

void sockets::end_at(const std::shared_ptr<connection>& c, unsigned side, std::uint16_t code, const std::string& reason) {
  auto& here = c->side[side];
  if (!std::exchange(here.open, false)) return;
  here.sends->of.reset();
  auto handlers = std::exchange(here.handlers, {});
  if (auto done = side == 0 ? std::exchange(c->done, nullptr) : nullptr)
    done(net::fail(net::errc::connection_lost, reason));
  else if (handlers.on_end)
    handlers.on_end({code, reason});
}

// What is on its way is lost. An end may hear nothing of it until it misses the answers to its pings.
void sockets::break_off(const std::shared_ptr<connection>& c) {
  ++breaks_;
  std::erase_if(flights_, [&](const flight& f) { return f.of == c; });
  for (unsigned s = 0; s < 2; ++s) {
    // Nothing that is sent from now on arrives.
    c->side[s].sends->of.reset();
    if (c->side[s].open) fly(kind::ended, c, s, dice_->below(3) == 0 ? idle_timeout_us : delay(), "the connection was lost", abnormal);
  }
}

void sockets::forget(unsigned place) {
  for (const auto& c : all_) {
    for (unsigned s = 0; s < 2; ++s) {
      if (c->side[s].place != place || !c->side[s].open) continue;
      c->side[s].open = false;
      c->side[s].handlers = {};
      if (s == 0) c->done = nullptr;
      break_off(c);
    }
  }
}

}  // namespace dsf::simulation

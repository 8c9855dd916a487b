#include "tests/simulation/world.hpp"

#include <algorithm>

#include "tests/simulation/names.hpp"
#include "tests/simulation/workload.hpp"

namespace dsf::simulation {
namespace {

constexpr std::uint64_t steps_at_most = 2'000'000;
constexpr std::int64_t settle_us = 900 * base::us_per_s;  // how long after the faults everything must be done
constexpr unsigned crashes_at_most = 8;

}  // namespace

world::world(const run_options& options, first_stores& first)
    : options_(options),
      first_(&first),
      dice_(options.seed * 0x9e3779b97f4a7c15ULL + 1),
      trace_(options.trace_steps, options.trace_actors),
      network_(clock_, dice_,
               [this](unsigned to, net::request&& r, net::responder a) {
                 if (to >= places_.size() || !places_[to].site) return false;
                 places_[to].site->endpoint->handle(std::move(r), std::move(a));
                 return true;
               }),
      sockets_(
          clock_, dice_,
          [this](unsigned to, const net::request& r) -> std::optional<net::websocket_verdict> {
            if (!places_[to].site || !places_[to].site->subscribers) return std::nullopt;
            return places_[to].site->subscribers->judge(r, "/ws");
          },
          [this](unsigned a, unsigned b) { return network_.parts(a, b); }) {
  auto& p = plan_;
  const auto pick = [&](std::initializer_list<unsigned> of) { return of.begin()[dice_.below(of.size())]; };
  p.sites = pick({2, 2, 2, 3, 3, 3, 4, 5});
  p.group_commits = pick({1, 2, 10, 1'000});
  for (auto* w : {&p.weight_actor, &p.weight_commit, &p.weight_handler, &p.weight_work, &p.weight_network}) *w = pick({1, 4, 4, 16});
  p.hurry_per_10000 = pick({0, 10, 100, 1'000});
  p.crashes_per_100000 = pick({0, 100, 300, 800});
  p.disk_errors_per_100000 = pick({0, 0, 100, 400});
  p.partitions_per_100000 = pick({0, 0, 100, 400});
  p.touches_per_10000 = pick({0, 0, 100, 300});
  p.faults_until_us = static_cast<std::int64_t>(5 + dice_.below(55)) * base::us_per_s;
  p.faults.drop_percent = pick({0, 0, 5, 20});
  p.faults.duplicate_percent = pick({0, 5, 20});
  p.faults.slowest_us = pick({1'000, 50'000, 500'000, 3'000'000});
  p.split = std::min(p.sites, pick({0, 0, 1, 1, 2}));
  p.weight_link = pick({1, 4, 4, 16});
  p.hours = p.split > 0 && pick({0, 0, 0, 1}) == 1;
  if (p.hours) p.faults_until_us = static_cast<std::int64_t>(1 + dice_.below(4)) * 3'600 * base::us_per_s;
  network_.faults = p.faults;
  sockets_.slowest_us = p.faults.slowest_us;
  sockets_.break_per_1000 = pick({0, 0, 20, 200});
  result_.sites = p.sites;
  result_.split = p.split;
  result_.hours = p.hours;

  places_.resize(p.sites + p.split);
  for (unsigned n = 0; n < places_.size(); ++n) {
    auto& at = places_[n];
    at.site_number = n < p.sites ? n : n - p.sites;
    at.is = n >= p.sites ? part::engine : n < p.split ? part::endpoint : part::whole;
    at.entropy = std::make_unique<base::seeded_entropy>(options.seed * 64 + n);
    if (at.is == part::engine) {
      // It knows nothing yet.
      at.rows = storage::memory_kv::create();
      network_.acts_as(n, at.site_number);
      ledger_.halves(at.site_number, n);
    } else {
      at.rows = first.of.at(p.sites).at(n).rows->copy();
    }
  }
  for (unsigned n = 0; n < places_.size(); ++n) {
    // The halves start in any order, and one may come late.
    if (places_[n].is != part::whole && dice_.below(3) == 0)
      places_[n].up_again_us = clock_.now().us + outage_us(10 * base::us_per_s);
    else
      start(n);
    if (n >= p.sites) continue;
    const auto items = 1 + dice_.below(4);
    for (std::uint64_t i = 0; i < items; ++i) {
      items_.push_back(make_item(n, dice_));
      if (p.hours) items_.back().due_us = static_cast<std::int64_t>(dice_.below(static_cast<std::uint64_t>(p.faults_until_us)));
    }
  }
  result_.started = static_cast<unsigned>(items_.size());
}

world::~world() {
  for (unsigned n = 0; n < places_.size(); ++n) {
    if (!places_[n].site) continue;
    network_.forget(n);
    sockets_.forget(n);
    places_[n].transport->up = false;
    places_[n].site.reset();
    places_[n].bodies.reset();
  }
}

// How long a place is away.
std::int64_t world::outage_us(std::int64_t otherwise_us) {
  if (plan_.hours && dice_.below(2) == 0) return static_cast<std::int64_t>(dice_.below(4 * 3'600 * base::us_per_s));
  return static_cast<std::int64_t>(dice_.below(static_cast<std::uint64_t>(otherwise_us)));
}

void world::open_socket(unsigned from, net::websocket_handlers handlers, std::function<void(net::result<net::websocket>)> done) {
  net::request r;
  r.peer = network_.peer_of(from);
  sockets_.open(from, places_[from].site_number, std::move(r), std::move(handlers), std::move(done));
}

void world::start(unsigned n) {
  auto& at = places_[n];
  at.transport = std::make_unique<site_transport>(network_, n);
  site_settings s;
  s.number = at.site_number;
  s.rows = at.rows;
  s.is = at.is;
  if (at.is != part::whole) {
    at.bodies = std::make_unique<fibers>(clock_);
    s.drive = at.bodies.get();
    s.open_socket = [this, n](net::websocket_handlers h, std::function<void(net::result<net::websocket>)> done) {
      open_socket(n, std::move(h), std::move(done));
    };
  }
  const auto& first = first_->of.at(plan_.sites).at(at.site_number);
  s.processes = first.processes.get();
  s.handlers = &first_->handlers;
  s.clock = &clock_;
  s.entropy = at.entropy.get();
  s.transport = at.transport.get();
  s.group_commits = plan_.group_commits;
  s.correlation_buffer_us = options_.correlation_buffer_us;
  s.log_sink = options_.log_sink;
  at.site = std::make_unique<site_parts>(std::move(s));
  ++at.life;
  if (at.life > 1) ledger_.after_restart(n, *at.site, at.answered);
  at.answered = at.site->store->view()->sequence();
  at.site->store->on_commit([this, n](std::span<const storage::feed_entry> entries) {
    auto& here = places_[n];
    here.answered = entries.back().sequence;
    if (here.site) ledger_.after_commits(n, *here.site, entries);
  });
  record("start", n, at.answered, at.life);
}

// A crash between two steps, or in the middle of a commit, whose batch the disk may have or not; nobody was told of it.
void world::crash(unsigned n) {
  auto& at = places_[n];
  ++result_.crashes;
  const bool in_commit = dice_.below(2) == 0;
  const bool kept = in_commit && dice_.below(2) == 0;
  record("crash", n, in_commit ? 1 : 0, kept ? 1 : 0);
  network_.forget(n);
  sockets_.forget(n);
  at.transport->up = false;
  at.rows->fail_writes(0, !kept);
  if (in_commit) at.site->store->run_one_group();
  at.rows->fail_writes(0, true);
  at.site.reset();
  at.bodies.reset();
  at.engine_down = false;
  at.rows->heal();
  if (kept)
    (void)at.rows->write({}, true);  // read back from the log at the next start
  else
    at.rows->lose_unsynced();
  at.up_again_us = clock_.now().us + outage_us(20 * base::us_per_s);
  // Who had asked the site sees a broken connection and asks again.
  for (auto& item : items_)
    if (item.site == n) item.posted = false;
}

// What the caretaker's thread does.
void world::look_after(unsigned n) {
  auto& at = places_[n];
  if (!at.engine_down) {
    if (at.site->store->status().writable) return;
    record("engine down", n);
    if (at.site->engine) at.site->engine->stop();
    at.engine_down = true;
    at.up_again_us = clock_.now().us + static_cast<std::int64_t>(dice_.below(10 * base::us_per_s));
  } else if (clock_.now().us >= at.up_again_us) {
    at.rows->heal();
    if (const auto back = at.site->bring_back(); !back)
      return ledger_.broken(n, "the store does not come back: " + back.error().to_string());
    at.engine_down = false;
    ledger_.after_restart(n, *at.site, at.answered);
    at.answered = at.site->store->view()->sequence();
    record("engine up", n, at.answered);
  }
}

void world::faults() {
  for (unsigned n = 0; n < places_.size(); ++n) {
    if (places_[n].site)
      look_after(n);
    else if (clock_.now().us >= places_[n].up_again_us)
      start(n);
  }
  if (network_.is_parted() && clock_.now().us >= parted_until_us_) {
    network_.heal();
    record("heal", 0);
  }
  if (!faulty_) return;
  if (now_us() >= plan_.faults_until_us) return end_of_faults();
  if (result_.crashes < crashes_at_most && one_in(plan_.crashes_per_100000)) {
    const auto n = static_cast<unsigned>(dice_.below(places_.size()));
    if (places_[n].site) crash(n);
  }
  if (one_in(plan_.disk_errors_per_100000)) {
    const auto n = static_cast<unsigned>(dice_.below(places_.size()));
    if (places_[n].site && !places_[n].engine_down) {
      ++result_.disk_errors;
      const bool before = dice_.below(2) == 0;
      record("disk error", n, before ? 1 : 0);
      places_[n].rows->fail_writes(0, before);
    }
  }
  if (!network_.is_parted() && one_in(plan_.partitions_per_100000)) {
    ++result_.partitions;
    const auto a = static_cast<unsigned>(dice_.below(places_.size()));
    for (unsigned b = 0; b < places_.size(); ++b)
      if (b != a && (b == (a + 1) % places_.size() || dice_.below(2) == 0)) network_.part(a, b);
    parted_until_us_ = clock_.now().us + outage_us(60 * base::us_per_s);
    record("part", a);
  }
  if (one_in(plan_.touches_per_10000 * 10)) touch_task(static_cast<unsigned>(dice_.below(places_.size())));
}

void world::end_of_faults() {
  faulty_ = false;
  network_.faults.drop_percent = network_.faults.duplicate_percent = 0;
  sockets_.break_per_1000 = 0;
  network_.heal();
  parted_until_us_ = 0;
  for (auto& at : places_) {
    at.up_again_us = 0;
    // A disk that would have failed at the next write does not.
    if (at.site && !at.engine_down && at.site->store->status().writable) at.rows->fail_writes(SIZE_MAX);
  }
  record("calm", 0);
}

// Somebody else, as an operator's program would: the same content as another version.
void world::touch_task(unsigned n) {
  if (!places_[n].site || places_[n].is == part::engine) return;
  const auto open = ledger_.in_progress(n);
  if (open.empty()) return;
  auto& site = *places_[n].site;
  const auto id = open[dice_.below(open.size())];
  const auto stored = site.store->view()->current("Task", id);
  if (!stored || !*stored) return;
  const auto task = base::json::parse(*(*stored)->bytes);
  if (!task || (*task)["status"].str() != "in-progress") return;
  auto put = site.write_task(*task, id);
  if (!put) return;
  storage::commit c;
  c.preconditions.push_back(storage::version_is{"Task", id, (*stored)->version});
  c.operations.push_back(std::move(*put));
  record("touch", n, (*stored)->version);
  site.store->submit(std::move(c), [](const storage::result<storage::receipt>&) {});
}

// Those who start processes: they post until they are answered, each through their own site.
void world::client() {
  for (std::size_t i = 0; i < items_.size(); ++i) {
    auto& item = items_[i];
    if (item.accepted || item.posted || now_us() < item.due_us || !places_[item.site].site) continue;
    item.posted = true;
    record("client post", item.site, i);
    network_.send(item.site, request_of(item), 30'000, [this, i](net::result<net::client_response> answer) {
      auto& of = items_[i];
      of.posted = false;
      of.due_us = now_us() + base::us_per_s;
      const int status = answer ? answer->status : 0;
      record("client answer", of.site, i, static_cast<std::uint64_t>(status));
      if (status == 200 || status == 201)
        of.accepted = true;
      else if (status >= 400 && status < 500)
        ledger_.broken(of.site, "a start was refused with " + std::to_string(status) + ": " + answer->body);
    });
  }
}

void world::run_commits(unsigned n) {
  auto& store = *places_[n].site->store;
  const auto before = store.status();
  store.run_one_group();
  const auto after = store.status();
  record("commit", n, after.sequence, after.bytes_written - before.bytes_written);
}

// Chooses among all that could happen now. False: nothing could.
bool world::draw_step() {
  struct choice {
    unsigned weight;
    unsigned site;
    char what;
    std::size_t count;
  };
  std::vector<choice> choices;
  unsigned sum = 0;
  const auto add = [&](unsigned weight, unsigned site, char what, std::size_t count) {
    if (count == 0) return;
    choices.push_back({weight, site, what, count});
    sum += weight;
  };
  for (unsigned n = 0; n < places_.size(); ++n) {
    if (!places_[n].site) continue;
    auto& s = *places_[n].site;
    if (s.engine) {
      const auto hand = s.engine->hand();
      add(plan_.weight_actor, n, 'a', hand.actors());
      add(plan_.weight_handler, n, 'h', hand.handlers());
    }
    if (places_[n].bodies) add(plan_.weight_link, n, 'l', places_[n].bodies->ready());
    add(plan_.weight_work, n, 'w', s.work->waiting());
    add(plan_.weight_commit, n, 'c', s.store->status().queued_commits);
  }
  add(plan_.weight_network, 0, 'n', network_.due());
  add(plan_.weight_network, 0, 's', sockets_.due() ? 1 : 0);
  if (choices.empty()) return false;
  auto drawn = dice_.below(sum);
  const auto* chosen = &choices.front();
  while (drawn >= chosen->weight) {
    drawn -= chosen->weight;
    ++chosen;
  }
  const auto one = static_cast<std::size_t>(dice_.below(chosen->count));
  const auto n = chosen->site;
  switch (chosen->what) {
    case 'a': {
      auto hand = places_[n].site->engine->hand();
      record("actor", n, hand.actor_id(one), chosen->count);
      hand.run_actor(one);
      break;
    }
    case 'h':
      record("handler", n, one, chosen->count);
      places_[n].site->engine->hand().run_handler(one);
      break;
    case 'w':
      record("work", n, one, chosen->count);
      places_[n].site->work->run_one(one);
      break;
    case 'c': run_commits(n); break;
    case 'l':
      record("link", n, one, chosen->count);
      places_[n].bodies->run(one);
      break;
    case 's': {
      const auto happened = sockets_.run();
      record(happened.what, happened.place, happened.connection);
      break;
    }
    default: {
      const auto happened = network_.run(one);
      record(happened.what, happened.site, happened.call, static_cast<std::uint64_t>(happened.status));
    }
  }
  return true;
}

// To the next thing that waits for its time; `little`: only a moment, while there is something to do.
void world::pass_time(bool little) {
  auto to = clock_.now().us + 10 * base::us_per_s;
  const auto until = [&](std::int64_t at) { to = std::min(to, std::max(at, clock_.now().us)); };
  if (little) until(clock_.now().us + 1 + static_cast<std::int64_t>(dice_.below(200'000)));
  for (const auto& at : places_) {
    if (!at.site) {
      until(at.up_again_us);
      continue;
    }
    if (at.engine_down) until(at.up_again_us);
    if (at.bodies)
      if (const auto next = at.bodies->next_us()) until(*next);
    if (!at.site->engine) continue;
    if (const auto wake = at.site->engine->hand().next_wake_us()) until(clock_.now().us + *wake);
  }
  if (const auto next = network_.next_us()) until(*next);
  if (const auto next = sockets_.next_us()) until(*next);
  for (const auto& item : items_)
    if (!item.accepted && !item.posted && places_[item.site].site) until(begin_us + item.due_us);
  if (faulty_) until(begin_us + plan_.faults_until_us);
  const auto by = to - clock_.now().us;
  if (by <= 0 && little) return;
  clock_.advance_us(by);
  for (auto& at : places_)
    if (at.site && at.site->engine) at.site->engine->hand().advance_us(by);
}

run_result world::run() {
  std::uint64_t idle = 0;
  while (ledger_.fault().empty()) {
    faults();
    client();
    if (trace_.steps() > steps_at_most) {
      ledger_.broken(0, "more steps than a run should need");
      break;
    }
    if (draw_step()) {
      idle = 0;
      if (plan_.hurry_per_10000 > 0 && one_in(plan_.hurry_per_10000 * 10)) pass_time(true);
      continue;
    }
    if (++idle > 100'000) {
      ledger_.broken(0, "time does not pass");
      break;
    }
    // Nothing to do: done, or nothing before some time has passed.
    if (!faulty_ && std::ranges::all_of(places_, [](const place& at) { return at.site != nullptr && !at.engine_down; })) {
      std::string missing;
      for (unsigned n = 0; n < places_.size() && missing.empty(); ++n)
        if (auto what = ledger_.missing(n, *places_[n].site, items_, plan_.sites); !what.empty()) missing = std::to_string(n) + ": " + what;
      if (missing.empty()) break;
      if (now_us() > plan_.faults_until_us + settle_us) {
        ledger_.broken(0, "it is calm for long, and yet at site " + missing);
        break;
      }
    }
    pass_time(false);
  }
  result_.fault = ledger_.fault();
  result_.hash = trace_.hash();
  result_.steps = trace_.steps();
  result_.virtual_us = now_us();
  result_.calls = network_.calls();
  result_.socket_breaks = sockets_.breaks();
  result_.last_steps = trace_.last_steps();
  return result_;
}

}  // namespace dsf::simulation

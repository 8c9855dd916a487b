// One actor a remote site: delivers the outbox entries for it, in parallel but never twice (docs/design.md, decision 20).
#include <algorithm>
#include <deque>
#include <unordered_map>

#include "actors/engine_impl.hpp"
#include "actors/retry_after.hpp"
#include "actors/task_document.hpp"
#include "base/json.hpp"
#include "base/mutant.hpp"
#include "bpmn/errc.hpp"

namespace dsf::actors {
namespace {

constexpr std::size_t in_flight_limit = 16;
constexpr std::size_t queue_limit = 1'000;           // entries in memory; the rest is read from the store when these are done
constexpr std::int64_t first_pause_us = 200'000;
constexpr std::int64_t longest_pause_us = 15'000'000;
constexpr std::int64_t request_timeout_ms = 30'000;

// The OperationOutcome's text, shortened; for logs and errors.
std::string diagnostics_of(const std::string& body) {
  const auto json = base::json::parse(body);
  if (!json) return {};
  for (const auto& issue : (*json)["issue"]) {
    if (!issue["diagnostics"].str().empty()) return issue["diagnostics"].str().substr(0, 300);
    if (!issue["details"]["text"].str().empty()) return issue["details"]["text"].str().substr(0, 300);
  }
  return {};
}

struct remote_site_state {
  caf::event_based_actor* self = nullptr;
  shared_engine shared;
  std::shared_ptr<actor_record> record;
  std::string url;
  std::map<std::uint64_t, std::shared_ptr<outbox_entry>> entries;  // queued and in flight, by number
  std::deque<std::uint64_t> ready;
  std::size_t in_flight = 0;
  bool more_in_store = false;
  std::int64_t pause_us = 0;                                      // 0: the site answers
  bool paused = false;
  partner_line line;

  base::timestamp now() const { return shared->context.clock->now(); }

  void add(std::shared_ptr<outbox_entry> e) {
    const auto number = outbox_number(e->instance, e->message);
    if (entries.size() >= queue_limit) {
      more_in_store = true;
      return;
    }
    line.organization = e->organization;
    if (entries.emplace(number, std::move(e)).second) ready.push_back(number);
  }

  static base::result<> open(const storage::store_view& view, outbox_entry& e) {
    if (e.sealed_task.empty()) return {};
    const auto key = TRY(view.data_key_at(storage::keys::instance_data_key(e.instance)));
    if (!key) return base::fail(storage::errc::erased, "the data of the instance that sends it were erased on purpose");
    e.task = TRY(storage::open_sealed(*key, e.sealed_task, e.outbox_id));
    e.sealed_task.clear();
    return {};
  }

  void load() {
    more_in_store = false;
    const auto view = shared->context.store->view();
    if (!view) return;
    const auto rows = view->rows(storage::table::outbox, storage::keys::outbox_prefix(url), queue_limit + 1);
    if (!rows)
      return shared->context.log->error("outbox", "the outbox can't be read", {.partner = url}, {{"error", rows.error().to_string()}});
    for (const auto& row : *rows) {
      auto e = decode_outbox(row.value);
      if (!e) {
        shared->context.log->error("outbox", "an outbox entry can't be read", {.partner = url}, {{"error", e.error().to_string()}});
        continue;
      }
      if (auto opened = open(*view, *e); !opened) {
        shared->context.log->error("outbox", "an outbox entry can't be sent", {.partner = url, .business_key = e->business_key},
                                   {{"error", opened.error().to_string()}});
        // Its instance finds that out when it is loaded, and ends.
        if (opened.error().is(storage::errc::erased)) tell(shared->timers, timer_request{now(), e->instance});
        continue;
      }
      add(std::make_shared<outbox_entry>(std::move(*e)));
    }
  }

  void pump() {
    while (!paused && in_flight < in_flight_limit && !ready.empty()) {
      const auto number = ready.front();
      ready.pop_front();
      const auto at = entries.find(number);
      if (at != entries.end()) post(number, *at->second);
    }
    if (entries.empty() && more_in_store) {
      load();
      if (!entries.empty()) return pump();
    }
    line.queued = entries.size();
    shared->partners.update(line);
  }

  void post(std::uint64_t number, const outbox_entry& e) {
    ++in_flight;
    net::client_request r;
    r.method = "POST";
    r.url = e.endpoint_url + "/Task";
    r.headers = {{"Content-Type", "application/fhir+json"},
                 {"Accept", "application/fhir+json"},
                 {"Prefer", "return=minimal"},
                 // A receiver that has it already answers 200 and creates nothing.
                 {"If-None-Exist", "identifier=" + std::string(outbox_identifier_system) + "|" + e.outbox_id}};
    if (DSF_MUTANT("outbox-without-if-none-exist")) r.headers.remove("If-None-Exist");
    r.body = e.task;
    shared->transport->send(
        std::move(r), request_timeout_ms, [actor = caf::actor_cast<caf::actor>(self), number](net::result<net::client_response> response) {
          caf::anon_send(actor, outbox_answer{number, std::make_shared<net::result<net::client_response>>(std::move(response))});
        });
  }

  void answered(const outbox_answer& a) {
    --in_flight;
    const auto at = entries.find(a.number);
    if (at == entries.end()) return pump();
    const auto& e = *at->second;
    const auto& response = *a.response;
    const auto status = response ? response->status : 0;
    if (status >= 200 && status < 300) {
      pause_us = 0;
      ++line.sent;
      line.last_success = now();
      line.next_attempt = {};
      publish(site_event_kind::task_sent, e, {});
      if (DSF_MUTANT("acknowledged-send-forgotten")) drop_row(*shared, storage::keys::outbox(e.endpoint_url, a.number));
      report(e, bpmn::message_delivered{e.message});
      return done(at);
    }
    line.last_failure = now();
    line.last_error = status != 0 ? "HTTP " + std::to_string(status) : response.error().to_string();
    if (status != 0)
      if (auto text = diagnostics_of(response->body); !text.empty()) line.last_error += ": " + text;
    // The receiver looks at what the Task refers to, here; that it could not just now is no refusal (dsf-fhir-server 4.2).
    const bool unresolved = status == 403 && line.last_error.find("could not be resolved on server") != std::string::npos;
    const bool definite =
        !DSF_MUTANT("actors.refusal_retried") && status >= 400 && status < 500 && status != 408 && status != 429 && !unresolved;
    if (definite || (now() >= e.deadline && !DSF_MUTANT("actors.send_deadline_ignored"))) {
      ++line.refused;
      publish(site_event_kind::task_refused, e, line.last_error);
      shared->context.log->warning("outbox", "a message was not delivered",
                                   {.partner = e.organization, .process = e.process, .business_key = e.business_key},
                                   {{"message", e.message_name}, {"error", line.last_error}});
      report(e, bpmn::message_refused{e.message, line.last_error, definite ? status : 0});
      return done(at);
    }
    ++line.retries;
    ready.push_front(a.number);
    back_off(e.deadline, response ? asked_to_wait_us(status, response->headers, now()) : 0);
    pump();
  }

  // `asked_us`: for how long the site asked to be left alone.
  void back_off(base::timestamp deadline, std::int64_t asked_us) {
    if (paused) return;
    paused = true;
    pause_us = pause_us == 0 ? first_pause_us : std::min(pause_us * 2, longest_pause_us);
    // Between half and all of the pause, so that many sites don't come back in step; never past the deadline of what waits.
    auto wait = pause_us / 2 + static_cast<std::int64_t>(shared->context.entropy->below(static_cast<std::uint64_t>(pause_us / 2 + 1)));
    if (asked_us > 0) wait = asked_us + wait / 2;
    wait = std::clamp<std::int64_t>(wait, 1'000, std::max<std::int64_t>(1'000, deadline.us - now().us));
    line.next_attempt = {now().us + wait};
    self->delayed_send(self, std::chrono::microseconds(wait), clock_tick{});
  }

  void done(std::map<std::uint64_t, std::shared_ptr<outbox_entry>>::iterator at) {
    entries.erase(at);
    pump();
  }

  void publish(site_event_kind kind, const outbox_entry& e, std::string text) const {
    shared->context.events->publish({kind,
                                     now(),
                                     e.process,
                                     shared->context.store->external_id(e.instance),
                                     e.business_key,
                                     {},
                                     e.organization,
                                     text.empty() ? e.message_name : e.message_name + ": " + text});
  }

  template <class What>
  void report(const outbox_entry& e, What what) {
    auto in = std::make_shared<incoming>();
    in->what = {now(), "outbox", std::move(what)};
    auto row = storage::keys::outbox(e.endpoint_url, outbox_number(e.instance, e.message));
    if (!DSF_MUTANT("acknowledged-send-forgotten") && !DSF_MUTANT("actors.acknowledged_send_not_forgotten"))
      in->consumes.emplace_back(storage::table::outbox, row);
    // The instance no longer waits (its activity was interrupted after the send): the row goes alone. Anything else: it is delivered again after a
    // restart, and recognised by its identifier.
    in->done = [shared = shared, row](base::result<> r) {
      if (r || !r.error().is(bpmn::errc::not_waiting)) return;
      drop_row(*shared, row);
    };
    tell(shared->process_engine, deliver{e.instance, std::move(in)});
  }

  static void drop_row(const engine_shared& shared, std::string row) {
    storage::commit c;
    c.operations.push_back(storage::delete_row{storage::table::outbox, std::move(row)});
    shared.context.store->submit(std::move(c), [](const storage::result<storage::receipt>&) {});
  }
};

}  // namespace

caf::behavior remote_site_actor(caf::event_based_actor* self, shared_engine shared, std::string endpoint_url,
                                std::shared_ptr<actor_record> record) {
  auto state = std::make_shared<remote_site_state>();
  state->self = self;
  state->shared = std::move(shared);
  state->record = std::move(record);
  state->url = std::move(endpoint_url);
  state->line.endpoint_url = state->url;
  return {
      [=](const outbox_add& a) {
        handled(state->record);
        if (a.entry)
          state->add(a.entry);
        else
          state->load();
        state->pump();
      },
      [=](const outbox_answer& a) { state->answered(a); },
      [=](const clock_tick&) {
        state->paused = false;
        state->pump();
      },
  };
}

// The supervisor of the remote sites: makes them on demand, and again from the store when one fails.
caf::behavior remote_sites_actor(caf::event_based_actor* self, shared_engine shared, std::shared_ptr<actor_record> record) {
  struct site {
    caf::actor actor;
    std::shared_ptr<actor_record> record;
  };
  auto sites = std::make_shared<std::unordered_map<std::string, site>>();
  const auto open = [=](const std::string& url) -> site& {
    auto& s = (*sites)[url];
    if (!s.actor) {
      if (!s.record) s.record = shared->actors.add("remote-site/" + url, record->name);
      s.actor = self->spawn(remote_site_actor, shared, url, s.record);
      self->monitor(s.actor);
    }
    return s;
  };
  self->set_down_handler([=](const caf::down_msg& d) {
    for (auto& [url, s] : *sites) {
      if (!s.actor || s.actor.address() != d.source) continue;
      ++s.record->restarts;
      shared->context.log->error("outbox", "the actor of a remote site ended unexpectedly; it starts again from the store",
                                 {.partner = url});
      s.actor = nullptr;
      auto& fresh = open(url);
      tell(fresh.actor, fresh.record, outbox_add{nullptr});
      return;
    }
  });
  self->attach_functor([=] {
    for (auto& [url, s] : *sites)
      if (s.actor) caf::anon_send_exit(s.actor, caf::exit_reason::user_shutdown);
    sites->clear();
  });
  return {
      [=](const outbox_route& r) {
        handled(record);
        if (r.entry) {
          auto& s = open(r.entry->endpoint_url);
          tell(s.actor, s.record, outbox_add{r.entry});
          return;
        }
        if (DSF_MUTANT("actors.outbox_not_read_at_start")) return;
        // After a restart: one actor for each URL that has entries.
        const auto view = shared->context.store->view();
        std::string from;
        for (;;) {
          const auto rows = view ? view->rows(storage::table::outbox, {}, 256, from)
                                 : storage::result<std::vector<storage::row>>{std::vector<storage::row>{}};
          if (!rows) return shared->context.log->error("outbox", "the outbox can't be read", {}, {{"error", rows.error().to_string()}});
          for (const auto& row : *rows) {
            from = row.key + '\0';
            if (const auto e = decode_outbox(row.value); e && !sites->contains(e->endpoint_url)) {
              auto& s = open(e->endpoint_url);
              tell(s.actor, s.record, outbox_add{nullptr});
            }
          }
          if (rows->size() < 256) return;
        }
      },
  };
}

}  // namespace dsf::actors

#include "site/running/restored.hpp"

#include <algorithm>
#include <future>
#include <map>
#include <set>

#include "actors/inbox.hpp"
#include "actors/instance_host.hpp"
#include "actors/task_document.hpp"
#include "net/query.hpp"
#include "site/running/errc.hpp"
#include "site/running/parts.hpp"
#include "storage/backup/backup.hpp"
#include "storage/keys.hpp"

namespace dsf::site {
namespace {

using base::json;
using base::result;

constexpr std::size_t rows_at_once = 500;
constexpr std::size_t asked_at_once = 16;
constexpr std::size_t lines_a_kind = 1'000;
constexpr std::int64_t partner_timeout_ms = 5'000;

struct collector {
  const actors::engine_context& context;
  std::shared_ptr<const storage::store_view> view;
  std::size_t limit;
  restored_overview out;
  std::vector<std::pair<std::size_t, actors::outbox_entry>> to_ask;  // line of out.lines

  // Calls `what` for each row until the limit; counts all.
  template <class What>
  result<> each(storage::table table, std::string_view prefix, std::uint64_t& counted, What what) {
    std::string from;
    for (;;) {
      const auto rows = TRY(view->rows(table, prefix, rows_at_once, from));
      for (const auto& row : rows) {
        from = row.key + '\0';
        const bool listed = counted < limit;
        if (TRY(what(row, listed))) ++counted;
      }
      if (rows.size() < rows_at_once) return {};
    }
  }

  result<> messages() {
    return each(storage::table::outbox, {}, out.messages, [&](const storage::row& row, bool listed) -> result<bool> {
      if (!listed) return true;
      auto e = TRY(actors::decode_outbox(row.value));
      restored_line line{
          "message", context.store->external_id(e.instance), e.process, e.business_key, e.message_name, e.organization, e.created, {}};
      to_ask.emplace_back(out.lines.size(), std::move(e));
      out.lines.push_back(std::move(line));
      return true;
    });
  }

  result<> received() {
    return each(storage::table::inbox, {}, out.tasks, [&](const storage::row& row, bool listed) -> result<bool> {
      const auto e = TRY(actors::decode_inbox(row.value));
      if (!listed) return true;
      restored_line line;
      line.kind = e.kind == actors::inbox_kind::task ? "task" : "signal";
      line.what = e.kind == actors::inbox_kind::task ? "Task/" + e.subject : e.subject;
      if (const auto id = base::uuid::parse(e.subject); e.kind == actors::inbox_kind::task && id)
        if (const auto stored = TRY(view->current("Task", *id)); stored && !stored->deleted) {
          const auto task = TRY(json::parse(*stored->bytes));
          line.process = task["instantiatesCanonical"].str();
          line.partner = task["requester"]["identifier"]["value"].str();
          line.since = stored->last_updated;
        }
      out.lines.push_back(std::move(line));
      return true;
    });
  }

  // Handlers that run again and timers that fire, of instances which have something due.
  result<> due() {
    const auto now = context.clock->now();
    std::set<std::uint64_t> seen;
    std::string from;
    const auto prefix = storage::keys::timer(0, {0}, 0).substr(0, 2);
    for (;;) {
      const auto rows = TRY(view->rows(storage::table::timer, prefix, rows_at_once, from));
      for (const auto& row : rows) {
        from = row.key + '\0';
        storage::keys::timer_key key;
        if (!storage::keys::parse_timer(row.key, key)) continue;
        if (key.due > now) return {};
        if (seen.insert(key.instance).second) TRY(of_instance(key.instance, now));
      }
      if (rows.size() < rows_at_once) return {};
    }
  }

  result<> of_instance(std::uint64_t id, base::timestamp now) {
    actors::instance_host host(context, id);
    const auto loaded = host.load();
    const auto name = context.store->external_id(id);
    if (!loaded) {
      // It would not go on either; who looks at the list learns why.
      if (out.handlers++ < limit)
        out.lines.push_back({"handler", name, {}, {}, "can't be read: " + loaded.error().to_string(), {}, {}, {}});
      return {};
    }
    const auto& definition = host.definition();
    for (const auto& j : host.state().jobs) {
      if (j.status != bpmn::job_status::ready || j.due > now) continue;
      const bool timer = j.kind == bpmn::job_kind::timer;
      auto& counted = timer ? out.timers : out.handlers;
      if (counted++ >= limit) continue;
      out.lines.push_back({timer ? "timer" : "handler",
                           name,
                           host.process_name(),
                           host.state().business_key,
                           j.node < definition.nodes.size() ? definition.nodes[j.node].id : std::string{},
                           {},
                           timer ? j.due : j.since,
                           {}});
    }
    return {};
  }
};

std::string there(const net::result<net::client_response>& answer) {
  if (!answer) return "unknown: " + answer.error().to_string();
  if (answer->status != 200) return "unknown: HTTP " + std::to_string(answer->status);
  const auto found = json::parse(answer->body);
  if (!found) return "unknown: the answer is no searchset";
  return (*found)["total"].int_or(0) > 0 ? "yes" : "no";
}

// A partner that does not answer is not asked for its other messages.
void ask_partners(collector& c, net::transport& partners, std::int64_t timeout_ms) {
  std::map<std::string, std::string> silent;
  for (std::size_t begin = 0; begin < c.to_ask.size(); begin += asked_at_once) {
    std::vector<std::pair<std::size_t, std::future<net::result<net::client_response>>>> waiting;
    const auto end = std::min(begin + asked_at_once, c.to_ask.size());
    for (auto i = begin; i < end; ++i) {
      const auto& [line, e] = c.to_ask[i];
      if (const auto at = silent.find(e.endpoint_url); at != silent.end()) {
        c.out.lines[line].there = at->second;
        continue;
      }
      net::client_request r;
      r.method = "GET";
      r.url = e.endpoint_url +
              "/Task?_count=0&identifier=" + net::percent_encode(std::string(actors::outbox_identifier_system) + "|" + e.outbox_id);
      r.headers = {{"Accept", "application/fhir+json"}};
      auto promise = std::make_shared<std::promise<net::result<net::client_response>>>();
      waiting.emplace_back(i, promise->get_future());
      partners.send(std::move(r), timeout_ms,
                    [promise](net::result<net::client_response> answer) { promise->set_value(std::move(answer)); });
    }
    for (auto& [i, answer] : waiting) {
      const auto& [line, e] = c.to_ask[i];
      const auto got = answer.get();
      c.out.lines[line].there = there(got);
      if (!got) silent.emplace(e.endpoint_url, c.out.lines[line].there);
    }
  }
}

}  // namespace

result<std::string> held_since_backup(const storage::store_view& view) {
  return TRY(view.row_value(storage::table::meta, std::string(storage::restored_row))).value_or("");
}

result<> release_held(storage::store& store) {
  storage::commit c;
  c.operations.push_back(storage::delete_row{storage::table::meta, std::string(storage::restored_row)});
  TRY(store.submit_wait(std::move(c)));
  return {};
}

result<restored_overview> what_would_go_on(const actors::engine_context& context, net::transport& partners, std::size_t limit,
                                           std::int64_t timeout_ms) {
  collector c{context, context.store->view(), limit, {}, {}};
  if (!c.view) return base::fail(storage::errc::closed, "the store is closed");
  c.out.backup_taken = TRY(held_since_backup(*c.view));
  TRY(c.messages());
  TRY(c.received());
  TRY(c.due());
  ask_partners(c, partners, timeout_ms);
  return std::move(c.out);
}

result<> running_site::parts::look_whether_restored() {
  const auto taken = TRY(held_since_backup(*store->view()));
  if (taken.empty()) return {};
  if (!config.role_bpe) {
    // Nothing goes on by itself here: subscribers catch up, the engine elsewhere has a store of its own.
    log->warning("site", "the store was made of a backup; this program has no engine, so nothing is held back", {}, {{"taken", taken}});
    return release_held(*store);
  }
  held = true;
  log->warning("site",
               "the store was made of a backup: nothing goes on until `dsfctl store release`; `dsfctl store restored` shows what would", {},
               {{"taken", taken}});
  return {};
}

void running_site::parts::go_on() {
  if (config.role_bpe) engine->start();
  if (half) half->start([this](const json& task, base::uuid id) { return task_put(task, id); }, [this] { return deploy_elsewhere(); });
}

result<> running_site::parts::not_held() const {
  if (!held) return {};
  return base::fail(
      running_errc::held,
      "the store was made of a backup and nothing has been let go on yet: look at `dsfctl store restored`, then `dsfctl store release`");
}

result<restored_overview> running_site::restored() {
  auto& p = *parts_;
  if (!p.held) return restored_overview{};
  return what_would_go_on(p.context, p.others(), lines_a_kind, partner_timeout_ms);
}

result<> running_site::release_restored() {
  auto& p = *parts_;
  const std::lock_guard lock{p.held_mutex};
  if (!p.held) return base::fail(running_errc::bad_request, "nothing is held: this store was not made of a backup, or was released before");
  TRY(release_held(*p.store));
  p.held = false;
  p.log->info("site", "released: the site goes on from its backup");
  p.go_on();
  return {};
}

}  // namespace dsf::site

#include "site/running/metrics.hpp"

#include <sys/resource.h>

#include <filesystem>

#include "actors/engine_figures.hpp"
#include "base/memory.hpp"
#include "net/trust.hpp"
#include "site/running/parts.hpp"
#include "site/version.hpp"
#include "storage/store_figures.hpp"

namespace dsf::site {
namespace {

// What no organisation of the allow-list has is one: the number of label values has an end.
constexpr std::string_view not_listed = "other";

double seconds(std::int64_t us) { return static_cast<double>(us) / base::us_per_s; }

// The organisation of an endpoint's address, as the allow-list knows it.
std::string partner_of(const fhir::directory& list, const std::string& url) {
  const auto* endpoint = list.endpoint_at(url);
  const auto* organization = endpoint && endpoint->organization ? list.organization(*endpoint->organization) : nullptr;
  return organization && !organization->identifiers.empty() ? organization->identifiers.front() : std::string(not_listed);
}

void add_program(metrics_page& page, base::timestamp started) {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto time = [](const timeval& t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6; };
  page.add(metric::cpu, time(used.ru_utime) + time(used.ru_stime));
  page.add(metric::resident_memory, static_cast<double>(base::resident_bytes()));
  page.add(metric::start_time, seconds(started.us));
  std::error_code ec;
  const auto open = std::distance(std::filesystem::directory_iterator("/proc/self/fd", ec), std::filesystem::directory_iterator());
  if (!ec) page.add(metric::open_files, static_cast<double>(open));
}

void add_store(metrics_page& page, const storage::store& store) {
  const auto s = store.status();
  const auto f = store.figures();
  page.add(metric::commits, static_cast<double>(s.commits));
  page.add(metric::commit_conflicts, static_cast<double>(s.conflicts));
  page.add(metric::commit_queue, static_cast<double>(s.queued_commits));
  page.add(metric::commit_duration, f.commit_us, 1e6);
  page.add(metric::commit_sync_duration, f.sync_us, 1e6);
  page.add(metric::commit_batch, f.group_commits, 1);
  page.add(metric::store_sequence, static_cast<double>(s.sequence));
  page.add(metric::store_written, static_cast<double>(s.bytes_written));
  for (std::size_t i = 0; i < storage::family_count; ++i)
    page.add(metric::store_size, static_cast<double>(f.family_bytes[i]), {storage::name_of(static_cast<storage::family>(i))});
  page.add(metric::store_free, static_cast<double>(s.disk_free_bytes));
  page.add(metric::store_low_space, s.low_space);
  page.add(metric::store_read_only, !s.writable);
}

void add_engine(metrics_page& page, const actors::engine_figures& f) {
  page.add(metric::live_instances, static_cast<double>(f.live_instances));
  page.add(metric::handlers, static_cast<double>(f.handlers_running), {"running"});
  page.add(metric::handlers, static_cast<double>(f.handlers_waiting), {"queued"});
  page.add(metric::handler_threads, static_cast<double>(f.handler_threads));
  page.add(metric::handler_deadlines_missed, static_cast<double>(f.deadlines_missed));
  for (const auto& [kind, counts] : f.actors) {
    page.add(metric::actors, static_cast<double>(counts.actors), {kind});
    page.add(metric::mailbox, static_cast<double>(counts.mailbox), {kind});
    page.add(metric::actor_restarts, static_cast<double>(counts.restarts), {kind});
  }
}

void add_retention(metrics_page& page, const actors::retention_status& s, base::timestamp started, base::timestamp now) {
  for (std::size_t i = 0; i < actors::removal_count; ++i)
    page.add(metric::retention_removed, static_cast<double>(s.total.count[i]), {to_string(static_cast<actors::removal>(i))});
  page.add(metric::retention_sweeps, static_cast<double>(s.sweeps));
  page.add(metric::retention_failed, static_cast<double>(s.failed));
  page.add(metric::retention_seconds_ago, seconds(now.us - (s.last.us == 0 ? started.us : s.last.us)));
}

void add_events(metrics_page& page, const actors::site_events& events) {
  using enum actors::site_event_kind;
  for (const auto kind :
       {task_received, task_sent, task_refused, instance_started, instance_ended, handler_started, handler_finished, timer_fired, incident})
    page.add(metric::events, static_cast<double>(events.count(kind)), {to_string(kind)});
}

void add_queues(metrics_page& page, const queue_counts& q, const fhir::directory& list, base::timestamp now) {
  if (q.counted.us == 0) return;
  page.add(metric::counted_seconds_ago, seconds(now.us - q.counted.us));
  for (const auto& [process, counts] : q.processes) {
    page.add(metric::process_instances, static_cast<double>(counts.running), {process, "running"});
    page.add(metric::process_instances, static_cast<double>(counts.incident), {process, "incident"});
  }
  page.add(metric::incidents, static_cast<double>(q.incidents));
  page.add(metric::timers, static_cast<double>(q.timers));
  page.add(metric::inbox, static_cast<double>(q.inbox));
  // A partner with nothing to deliver has a value, too: an alert must be able to end.
  std::map<std::string, queue_counts::outbox> by_partner;
  for (const auto& o : list.organizations())
    if (!o.identifiers.empty() && !o.endpoints.empty()) by_partner.try_emplace(o.identifiers.front());
  for (const auto& [url, box] : q.outboxes) {
    auto& sum = by_partner[partner_of(list, url)];
    if (sum.entries == 0 || box.oldest < sum.oldest) sum.oldest = box.oldest;
    sum.entries += box.entries;
  }
  for (const auto& [partner, box] : by_partner) {
    page.add(metric::outbox, static_cast<double>(box.entries), {partner});
    page.add(metric::outbox_oldest, box.entries == 0 ? 0 : seconds(std::max<std::int64_t>(0, now.us - box.oldest.us)), {partner});
  }
}

void add_partners(metrics_page& page, const std::vector<actors::partner_line>& lines, const fhir::directory& list) {
  std::map<std::string, actors::partner_line> by_partner;
  for (const auto& l : lines) {
    auto& sum = by_partner[partner_of(list, l.endpoint_url)];
    sum.sent += l.sent;
    sum.refused += l.refused;
    sum.retries += l.retries;
  }
  for (const auto& [partner, sum] : by_partner) {
    page.add(metric::outbox_sent, static_cast<double>(sum.sent), {partner});
    page.add(metric::outbox_refused, static_cast<double>(sum.refused), {partner});
    page.add(metric::outbox_retries, static_cast<double>(sum.retries), {partner});
  }
}

}  // namespace

void running_site::parts::note_certificates(const site_config& in_use) {
  std::vector<certificate_end> list;
  const auto note = [&](const char* which, const std::string& file, const net::result<base::timestamp>& ends) {
    // What could not be read is why the site does not start; here it only has no number.
    if (ends) list.push_back({which, file, *ends});
  };
  if (config.role_fhir) {
    note("server", in_use.server_tls.certificate, net::identity_ends(server_files_of(in_use.server_tls)));
    note("server_trust", in_use.server_tls.trust, net::trust_ends(in_use.server_tls.trust));
  }
  note("client", in_use.client_tls.certificate, net::identity_ends(client_files_of(in_use.client_tls)));
  note("client_trust", in_use.client_tls.trust, net::trust_ends(in_use.client_tls.trust));
  metrics->certificates.note(std::move(list));
  warn_of_certificates();
}

void running_site::parts::warn_of_certificates() {
  const auto now = base::system_clock_source().now();
  for (const auto& c : metrics->certificates.due(now)) {
    const auto text = warning_of(c, now);
    const auto level = stage_of(c.ends, now) >= expiry_stage::days ? base::log_level::error : base::log_level::warning;
    log->log(level, "certificates", text, {}, {{"which", c.which}, {"file", c.file}, {"ends", base::to_iso(c.ends, 0)}});
  }
}

std::string running_site::parts::metrics_text() {
  metrics_page page;
  const auto now = base::system_clock_source().now();
  std::string roles;
  for (const auto& [has, name] : {std::pair{config.role_fhir, "fhir"}, {config.role_bpe, "bpe"}, {config.role_repository, "repository"}})
    if (has) roles += (roles.empty() ? "" : ",") + std::string(name);
  page.add(metric::build_info, 1, {release, roles});
  page.add(metric::ready, ready());
  add_program(page, started);
  add_store(page, *store);
  if (retention) add_retention(page, retention->status(), started, now);
  if (const auto e = engine.operator->()) add_engine(page, e->figures());
  add_events(page, events);
  page.add(metric::work, static_cast<double>(work->running()), {"running"});
  page.add(metric::work, static_cast<double>(work->waiting()), {"queued"});
  const auto view = store->view();
  const auto queues = metrics->queues.look(view.get(), base::system_clock_source());
  if (const auto facts = caches->facts()) {
    add_queues(page, queues, *(*facts)->allow_list, now);
    if (const auto e = engine.operator->()) add_partners(page, e->partners(), *(*facts)->allow_list);
  }
  for (const auto& c : metrics->certificates.list()) page.add(metric::certificate_days, seconds(c.ends.us - now.us) / 86'400, {c.which});
  if (half) {
    const auto link = half->status();
    page.add(metric::link_connected, link.connected);
    page.add(metric::link_bound, link.bound);
    if (link.last_event.us > 0) page.add(metric::link_last_event, seconds(std::max<std::int64_t>(0, now.us - link.last_event.us)));
    page.add(metric::link_catch_ups, static_cast<double>(link.catch_ups));
    page.add(metric::link_trimmed, static_cast<double>(link.trimmed));
  }
  if (subscribers) {
    const auto clients = subscribers->count();
    page.add(metric::websocket_clients, static_cast<double>(clients.open), {"open"});
    page.add(metric::websocket_clients, static_cast<double>(clients.bound), {"bound"});
  }
  metrics->http.add_to(page);
  if (fhir_server) {
    const auto s = fhir_server->statistics();
    page.add(metric::http_connections, s.connections);
    page.add(metric::http_over_limit, static_cast<double>(s.over_limit));
    page.add(metric::tls_refused, static_cast<double>(s.refused_handshakes));
  }
  if (rates) page.add(metric::rate_limited, static_cast<double>(rates->refused()));
  const auto told = audit->statistics();
  page.add(metric::audit_events, static_cast<double>(told.written), {"written"});
  page.add(metric::audit_events, static_cast<double>(told.lost), {"lost"});
  page.add(metric::audit_events, static_cast<double>(told.summed), {"summed"});
  page.add(metric::audit_queue, static_cast<double>(told.waiting));
  return page.text();
}

}  // namespace dsf::site

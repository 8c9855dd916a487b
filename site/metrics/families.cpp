#include "site/metrics/families.hpp"

namespace dsf::site {
namespace {

using enum metric_kind;

constexpr metric_family table[] = {
    {metric::build_info, "dsfd_build_info", gauge, "version roles", "Always 1; the labels say what runs."},
    {metric::ready, "dsfd_ready", gauge, "", "1 when the store takes commits and the engine receives, as /status says it."},
    {metric::process_instances, "dsfd_process_instances", gauge, "process state",
     "Process instances that have not ended, by key|version; state: running or incident."},
    {metric::incidents, "dsfd_incidents", gauge, "", "Open incidents; each waits for an operator."},
    {metric::live_instances, "dsfd_live_instances", gauge, "", "Process instances in memory; the others sleep in the store."},
    {metric::events, "dsfd_events_total", counter, "event",
     "What happened: Tasks received, sent and refused, instances, handlers, timers, incidents."},
    {metric::handlers, "dsfd_handlers", gauge, "state", "Handler jobs: running on a thread, queued for one."},
    {metric::handler_threads, "dsfd_handler_threads", gauge, "", "Threads for handlers (engine.handler_threads)."},
    {metric::handler_deadlines_missed, "dsfd_handler_deadlines_missed_total", counter, "",
     "Attempts of handlers that did not report within engine.handler_deadline."},
    {metric::timers, "dsfd_timers", gauge, "", "Timers and retries that wait for their time."},
    {metric::inbox, "dsfd_inbox", gauge, "", "Tasks and signals received and not yet taken over by an instance."},
    {metric::work, "dsfd_work", gauge, "state", "Requests on the endpoint's work threads: running, queued."},
    {metric::outbox, "dsfd_outbox", gauge, "partner", "Messages that wait to be delivered."},
    {metric::outbox_oldest, "dsfd_outbox_oldest_seconds", gauge, "partner", "Age of the oldest message that waits to be delivered."},
    {metric::outbox_sent, "dsfd_outbox_sent_total", counter, "partner", "Messages delivered."},
    {metric::outbox_refused, "dsfd_outbox_refused_total", counter, "partner", "Messages given up: refused by the receiver, or late."},
    {metric::outbox_retries, "dsfd_outbox_retries_total", counter, "partner", "Attempts in vain after which a message is sent again."},
    {metric::commits, "dsfd_commits_total", counter, "", "Commits written and synced."},
    {metric::commit_conflicts, "dsfd_commit_conflicts_total", counter, "", "Commits refused by a precondition; most are prepared again."},
    {metric::commit_duration, "dsfd_commit_seconds", histogram, "", "From handing in a commit to its answer, with waiting and sync."},
    {metric::commit_sync_duration, "dsfd_commit_sync_seconds", histogram, "", "Writing and syncing one group of commits."},
    {metric::commit_batch, "dsfd_commit_batch", histogram, "", "Commits written with one sync."},
    {metric::commit_queue, "dsfd_commit_queue", gauge, "", "Commits that wait for the commit thread."},
    {metric::store_sequence, "dsfd_store_sequence", gauge, "", "Number of the last commit of the store."},
    {metric::store_written, "dsfd_store_written_bytes_total", counter, "", "Bytes of rows given to RocksDB."},
    {metric::store_size, "dsfd_store_bytes", gauge, "family", "Files of a column family; what only the log holds is not counted."},
    {metric::store_free, "dsfd_store_free_bytes", gauge, "", "Free space on the store's disk."},
    {metric::store_low_space, "dsfd_store_low_space", gauge, "",
     "1 below store.low_water_mark: new Tasks are refused, running work is finished."},
    {metric::store_read_only, "dsfd_store_read_only", gauge, "", "1 when the store takes no commits; /status says why."},
    {metric::retention_removed, "dsfd_retention_removed_total", counter, "what", "Removed because of its age (retention.*)."},
    {metric::retention_sweeps, "dsfd_retention_sweeps_total", counter, "", "Searches for what has reached its age that came to their end."},
    {metric::retention_failed, "dsfd_retention_failed_total", counter, "", "Those that did not; the log says why, the next one goes on."},
    {metric::retention_seconds_ago, "dsfd_retention_seconds", gauge, "", "Since the last one that came to its end, or since the start."},
    {metric::http_requests, "dsfd_http_requests_total", counter, "route method status", "Requests answered by the FHIR endpoint."},
    {metric::http_duration, "dsfd_http_request_seconds", histogram, "route", "From a request's last byte to its answer."},
    {metric::http_connections, "dsfd_http_connections", gauge, "", "Open connections to the FHIR endpoint."},
    {metric::http_over_limit, "dsfd_http_over_limit_total", counter, "",
     "Connections refused by limits.connections or limits.connections_per_partner."},
    {metric::tls_refused, "dsfd_tls_refused_total", counter, "", "TLS handshakes that failed; the log says why."},
    {metric::rate_limited, "dsfd_rate_limited_total", counter, "", "Requests answered 429 because of limits.rate."},
    {metric::audit_events, "dsfd_audit_events_total", counter, "state",
     "Events of the audit log: written; lost, because its queue was full; summed, refusals that were told together."},
    {metric::audit_queue, "dsfd_audit_queue", gauge, "", "Events that wait to be written to the audit log."},
    {metric::certificate_days, "dsfd_certificate_days", gauge, "certificate",
     "Days until the site's own certificate ends, or the first of the CAs that it trusts."},
    {metric::link_connected, "dsfd_link_connected", gauge, "",
     "1 when this engine's connection to the FHIR endpoint in another program is bound and everything missed was taken over."},
    {metric::link_bound, "dsfd_link_bound", gauge, "", "1 when the engine's Subscription is bound on that connection."},
    {metric::link_last_event, "dsfd_link_last_event_seconds", gauge, "", "Since that connection brought something last, or was bound."},
    {metric::link_catch_ups, "dsfd_link_catch_ups_total", counter, "", "Searches for Tasks that no event had told of."},
    {metric::link_trimmed, "dsfd_link_trimmed_total", counter, "", "Copies of Tasks removed from the engine's store after their end."},
    {metric::websocket_clients, "dsfd_websocket_clients", gauge, "state", "WebSockets of the FHIR endpoint: open; of them bound."},
    {metric::actors, "dsfd_actors", gauge, "kind", "Actors that live."},
    {metric::mailbox, "dsfd_mailbox", gauge, "kind", "Messages in the mailboxes of all actors of a kind."},
    {metric::actor_restarts, "dsfd_actor_restarts_total", counter, "kind", "Actors that failed and were made again."},
    {metric::counted_seconds_ago, "dsfd_counted_seconds", gauge, "",
     "Age of the numbers that are counted in the store's tables: instances, incidents, timers, inbox, outbox."},
    {metric::resident_memory, "process_resident_memory_bytes", gauge, "", "Resident memory."},
    {metric::cpu, "process_cpu_seconds_total", counter, "", "User and system time."},
    {metric::open_files, "process_open_fds", gauge, "", "Open file descriptors."},
    {metric::start_time, "process_start_time_seconds", gauge, "", "When the site started, since 1970."},
};
static_assert(std::size(table) == metric_count);
static_assert([] {
  for (std::size_t i = 0; i < metric_count; ++i)
    if (table[i].id != static_cast<metric>(i)) return false;
  return true;
}());

}  // namespace

std::string_view to_string(metric_kind kind) {
  switch (kind) {
    case counter: return "counter";
    case gauge: return "gauge";
    case histogram: return "histogram";
  }
  return "unknown";
}

std::span<const metric_family, metric_count> metric_families() { return table; }

}  // namespace dsf::site

// The metrics of a site: one table, from which the page /metrics is made and with which docs/metrics.md, the dashboard and the alerts are compared.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace dsf::site {

enum class metric : std::uint8_t {
  build_info,
  ready,
  process_instances,
  incidents,
  live_instances,
  events,
  handlers,
  handler_threads,
  handler_deadlines_missed,
  timers,
  inbox,
  work,
  outbox,
  outbox_oldest,
  outbox_sent,
  outbox_refused,
  outbox_retries,
  commits,
  commit_conflicts,
  commit_duration,
  commit_sync_duration,
  commit_batch,
  commit_queue,
  store_sequence,
  store_written,
  store_size,
  store_free,
  store_low_space,
  store_read_only,
  retention_removed,
  retention_sweeps,
  retention_failed,
  retention_seconds_ago,
  http_requests,
  http_duration,
  http_connections,
  http_over_limit,
  tls_refused,
  rate_limited,
  audit_events,
  audit_queue,
  certificate_days,
  link_connected,
  link_bound,
  link_last_event,
  link_catch_ups,
  link_trimmed,
  websocket_clients,
  actors,
  mailbox,
  actor_restarts,
  counted_seconds_ago,
  resident_memory,
  cpu,
  open_files,
  start_time,
};
inline constexpr std::size_t metric_count = static_cast<std::size_t>(metric::start_time) + 1;

enum class metric_kind : std::uint8_t { counter, gauge, histogram };
std::string_view to_string(metric_kind kind);

struct metric_family {
  metric id;
  std::string_view name;
  metric_kind kind;
  std::string_view labels;  // names, with blanks between them
  std::string_view help;
};
// In the order of `metric`.
std::span<const metric_family, metric_count> metric_families();

}  // namespace dsf::site

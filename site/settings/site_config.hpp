// What a site runs with: plain values, checked. Made by load_settings() from file, environment and command line.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "base/secret.hpp"
#include "fhir/semantics/identity.hpp"

namespace dsf::site {

// Durations are microseconds, sizes bytes, paths absolute or relative to the working directory. Empty texts are "not set".
struct listen_config {
  std::string address;
  std::uint16_t port = 0;  // 0: any free one
};

enum class revocation_policy : std::uint8_t { off, if_present, required };

struct tls_config {
  std::string certificate;  // PEM, or PKCS#12 with the key (*.p12, *.pfx)
  std::string key;
  base::secret key_password;
  std::string trust;  // file, or folder of *.crt and *.pem
  std::string chain;  // further intermediate authorities
  std::string revocation_lists;  // file, or folder of *.crl and *.pem
  revocation_policy revocation = revocation_policy::off;
};

enum class ui_theme : std::uint8_t { none, dev, test, prod };

struct ui_config {
  ui_theme theme = ui_theme::none;
  std::string environment;  // shown instead of the theme's usual name
};

struct proxy_config {
  std::string url;
  std::string username;
  base::secret password;
  std::vector<std::string> no_proxy;
  std::map<std::string, std::string> targets;
};

// dsf-fhir-server 2.3
struct oidc_config {
  std::string issuer;
  bool code_flow = false;
  bool bearer_token = false;
  bool back_channel_logout = false;
  std::string audience;  // of bearer tokens; empty: any
  std::string back_channel_path;
  std::string callback_path;
  std::string client_id;
  base::secret client_secret;
  std::string discovery_path;
  std::int64_t cache_us = 0;
  std::int64_t session_us = 0;
  std::int64_t connect_us = 0;
  std::int64_t read_us = 0;
  tls_config tls;

  [[nodiscard]] bool on() const noexcept { return code_flow || bearer_token; }
};

enum class evaluation_strategy : std::uint8_t { cql, ccdl, structured_query };

struct feasibility_network {
  bool obfuscate = true;  // never false in a config that was accepted
  std::int64_t rate_limit_count = 0;
  std::int64_t rate_limit_interval_us = 0;
  std::vector<std::string> stores;  // names of feasibility_config::stores; empty: all
};

struct feasibility_store {
  bool native = false;   // the site's own repository
  std::string base_url;  // an external FHIR server, when not native
  evaluation_strategy strategy = evaluation_strategy::ccdl;
  std::int64_t request_timeout_us = 0;
  tls_config tls;
  std::string username;
  base::secret password;
  base::secret bearer_token;
};

struct feasibility_config {
  std::int64_t request_task_timeout_us = 0;
  std::string mapping;  // search ontology mapping, JSON
  std::string tree;     // ontology tree, JSON
  std::map<std::string, feasibility_network> networks;  // by parent organisation identifier, or "all"
  std::map<std::string, feasibility_store> stores;      // by name
};

// A plugin whose handlers run in workers (docs/workers.md).
struct worker_plugin_config {
  std::vector<std::string> processes;     // keys
  std::optional<std::vector<std::string>> services;  // not set: what the bundles' permissions say
  std::optional<std::vector<std::string>> settings;  // names of process_environment; not set: what the bundles' permissions say
  std::vector<std::string> stores;        // names of feasibility_config::stores
  std::vector<std::string> connections;   // names in fhir_connections.file
  std::vector<std::string> certificates;  // common names
  bool cohort_count = false;
};

struct workers_config {
  std::string socket;  // "off": none
  std::vector<std::string> users;
  listen_config listen;
  bool tcp = false;
  tls_config tls;
  std::int64_t lease_us = 0;
  std::int64_t wait_us = 0;
  std::int64_t max_sessions = 0;
  std::int64_t max_queue = 0;
  std::int64_t max_message_bytes = 0;
  std::int64_t call_threads = 0;
  std::map<std::string, worker_plugin_config> plugins;  // by name
};

enum class mail_security : std::uint8_t { starttls, tls, none };

// Where mails of processes go (dsf-bpe 6.2, DEV_DSF_BPE_MAIL_*).
struct mail_config {
  std::string host;  // empty: mails are not sent, their subjects are logged
  std::uint16_t port = 0;
  mail_security security = mail_security::starttls;
  std::string username;
  base::secret password;
  tls_config tls;  // authorities of the server, and a certificate for it
  std::string from;
  std::vector<std::string> to, cc, reply_to;
  std::int64_t timeout_us = 0;
};

// Named connections to FHIR servers, in DSF's YAML form (dsf-bpe 5.1).
struct fhir_connections_config {
  std::string file;     // one of these, or none
  base::secret yaml;
  std::int64_t connect_timeout_us = 0, read_timeout_us = 0;  // of those that name none; as the rest
  std::string trust;
  bool test_on_startup = false;
};

// Requests of one partner, or of all local callers of one name; 0 a second: no limit (docs/decisions/rate-limits.md).
struct rate_config {
  std::int64_t per_second = 0;
  std::int64_t burst = 0;
  std::int64_t local_per_second = 0;
  std::int64_t local_burst = 0;
};

// The security audit log (docs/decisions/audit-log.md).
struct audit_config {
  std::string file;  // empty: none
  std::vector<std::string> events;
  std::int64_t file_bytes = 0;  // then another one is begun; 0: never
  std::optional<base::iso_duration> keep;
  std::int64_t refusals_per_minute = 0;
  std::int64_t queue = 0;
  bool sync = true;
};

struct limits_config {
  rate_config rate;
  std::int64_t connections = 0;
  std::int64_t connections_per_partner = 0;
  std::int64_t head_bytes = 0;
  std::int64_t body_bytes = 0;
  std::int64_t binary_bytes = 0;
  std::int64_t binary_resource_bytes = 0;
  std::int64_t bundle_entries = 0;
  std::int64_t segment_steps = 0;
  std::int64_t multi_instance = 0;
  std::int64_t live_instances = 0;
  std::int64_t search_candidates = 0;
};

// After which age what is removed (docs/decisions/retention.md); nothing: never.
struct retention_config {
  std::optional<base::iso_duration> instances;
  std::optional<base::iso_duration> instance_log;
  std::optional<base::iso_duration> tasks;
  std::optional<base::iso_duration> binaries;
  std::optional<base::iso_duration> questionnaire_responses;
  std::int64_t interval_us = 0;
};

struct site_config {
  std::string name;
  std::vector<std::pair<std::string, std::string>> notes;  // variables of DSF that have no meaning here, and why
  bool role_fhir = false;
  bool role_bpe = false;
  bool role_repository = false;
  bool allow_repository_beside_fhir = false;

  std::string organization_identifier;
  std::string endpoint_identifier;

  std::string base_url;  // of the FHIR endpoint; no slash at the end
  listen_config fhir_listen;
  std::int64_t page_count = 0;
  std::uint64_t gzip_from = 0;  // bytes; 0: no answer is compressed
  std::vector<std::string> proxies;  // addresses, networks, thumbprints of certificates
  std::string proxy_header;
  listen_config proxy_listen;  // port 0: none
  std::vector<std::string> client_countries, client_issuers;
  ui_config ui;
  std::string allow_list;  // bundle file (JSON or XML) loaded at start
  std::vector<fhir::practitioner_rule> practitioner_rules;

  listen_config status_listen;
  std::string admin_socket;

  std::string store_path;
  std::string store_master_key_file;
  std::int64_t store_block_cache_bytes = 0;
  std::int64_t store_write_buffers_bytes = 0;
  std::int64_t store_low_water_bytes = 0;
  std::int64_t store_retry_us = 0;

  std::string repository_path;

  std::vector<std::string> plugin_folders;
  std::vector<std::string> excluded_processes;  // key|version
  std::vector<std::string> retired_processes;
  std::map<std::string, std::string> process_environment;  // placeholders of models and resources (dsf-bpe 3.5)

  tls_config server_tls;
  tls_config client_tls;

  proxy_config proxy;  // for outgoing calls
  oidc_config oidc;

  std::string bpe_endpoint;    // the FHIR endpoint when it is another program; no slash at the end
  tls_config bpe_endpoint_tls; // complete when bpe_endpoint is set
  std::int64_t bpe_allow_list_us = 0;

  std::int64_t send_deadline_us = 0;
  std::int64_t passivate_after_us = 0;
  std::int64_t handler_deadline_us = 0;
  std::int64_t correlation_buffer_us = 0;
  std::int64_t handler_threads = 0;
  std::int64_t stop_timeout_us = 0;

  retention_config retention;
  limits_config limits;
  feasibility_config feasibility;
  workers_config workers;
  mail_config mail;
  fhir_connections_config fhir_connections;

  std::string log_file;  // "-": standard error
  std::int64_t log_file_bytes = 0;  // then another one is begun; 0: never
  std::int64_t log_files_kept = 0;  // beside the one that is written
  base::log_level log_level = base::log_level::info;
  audit_config audit;
};

}  // namespace dsf::site

#include "site/settings/setting.hpp"

namespace dsf::site {
namespace {

using enum setting_kind;
using config = site_config;
using key = const std::string&;
using value = const setting_value&;

std::uint16_t port_of(value v) { return static_cast<std::uint16_t>(v.number); }
bool contains(const std::vector<std::string>& items, std::string_view item) {
  for (const auto& i : items)
    if (i == item) return true;
  return false;
}
feasibility_network& network(config& c, key k) { return c.feasibility.networks[k]; }
feasibility_store& store(config& c, key k) { return c.feasibility.stores[k]; }
worker_plugin_config& worker_plugin(config& c, key k) { return c.workers.plugins[k]; }

// clang-format off
constexpr setting rows[] = {
  {"name", text, "", "", "Name of the site in logs and tables.",
   [](config& c, key, value v) { c.name = v.text; }},
  {"roles", choice_list, "fhir, bpe", "fhir|bpe|repository", "What this program does: FHIR endpoint, process engine, repository of clinical data.",
   [](config& c, key, value v) {
     c.role_fhir = contains(v.items, "fhir");
     c.role_bpe = contains(v.items, "bpe");
     c.role_repository = contains(v.items, "repository");
   }},
  {"allow_repository_beside_fhir", boolean, "false", "", "Lets the roles repository and fhir share one program. For development and small sites; the endpoint faces other sites, clinical data should not stand beside it.",
   [](config& c, key, value v) { c.allow_repository_beside_fhir = v.flag; }},

  {"organization.identifier", text, "", "", "The organisation's identifier in the allow-list, e.g. hospital-a.example.",
   [](config& c, key, value v) { c.organization_identifier = v.text; }},
  {"endpoint.identifier", text, "", "", "The endpoint's identifier in the allow-list; default: the organisation's only endpoint.",
   [](config& c, key, value v) { c.endpoint_identifier = v.text; }},

  {"fhir.base_url", https_url, "", "", "Address under which other sites reach the FHIR endpoint, e.g. https://dsf.hospital-a.example/fhir.",
   [](config& c, key, value v) { c.base_url = v.text; }},
  {"fhir.address", text, "127.0.0.1", "", "Address the FHIR endpoint listens on; 0.0.0.0 or :: opens it to other machines.",
   [](config& c, key, value v) { c.fhir_listen.address = v.text; }},
  {"fhir.port", port, "8443", "0..65535", "Port the FHIR endpoint listens on; 0: any free one.",
   [](config& c, key, value v) { c.fhir_listen.port = port_of(v); }},
  {"fhir.page_count", integer, "20", "1..1000", "Entries on a page of search results when the client names no number.",
   [](config& c, key, value v) { c.page_count = v.number; }},
  {"fhir.allow_list", existing_path, "", "", "Bundle (JSON or XML) with Organization, Endpoint and OrganizationAffiliation resources, loaded at start.",
   [](config& c, key, value v) { c.allow_list = v.text; }},
  {"fhir.role_config", roles, "", "", "Rules that give people roles: list of name: {thumbprint, email, token-role, token-group, dsf-role, practitioner-role}.",
   [](config& c, key, value v) { c.practitioner_rules = v.rules; }},

  {"tls.server.certificate", existing_path, "", "", "PEM with the endpoint's certificate and its intermediate authorities.",
   [](config& c, key, value v) { c.server_tls.certificate = v.text; }},
  {"tls.server.key", existing_path, "", "", "PEM with the key of the endpoint's certificate.",
   [](config& c, key, value v) { c.server_tls.key = v.text; }},
  {"tls.server.key_password", secret, "", "", "Password of that key.",
   [](config& c, key, value v) { c.server_tls.key_password = v.hidden; }},
  {"tls.server.trust", existing_path, "", "", "Authorities of client certificates: PEM file, or folder of *.crt and *.pem.",
   [](config& c, key, value v) { c.server_tls.trust = v.text; }},
  {"tls.client.certificate", existing_path, "", "", "PEM with the certificate this site shows to other sites; its thumbprint stands in the allow-list.",
   [](config& c, key, value v) { c.client_tls.certificate = v.text; }},
  {"tls.client.key", existing_path, "", "", "PEM with the key of the client certificate.",
   [](config& c, key, value v) { c.client_tls.key = v.text; }},
  {"tls.client.key_password", secret, "", "", "Password of that key.",
   [](config& c, key, value v) { c.client_tls.key_password = v.hidden; }},
  {"tls.client.trust", existing_path, "", "", "Authorities of other sites' servers: PEM file, or folder of *.crt and *.pem.",
   [](config& c, key, value v) { c.client_tls.trust = v.text; }},

  {"bpe.endpoint", https_url, "", "", "Address of the site's FHIR endpoint for a process engine that runs apart from it (roles without fhir), e.g. https://dsf-dmz.hospital-a.example:8443/fhir. The engine calls it; it never calls the engine.",
   [](config& c, key, value v) { c.bpe_endpoint = v.text; }},
  {"bpe.certificate", existing_path, "", "", "PEM with the certificate shown to bpe.endpoint; its thumbprint is the local organisation's in the allow-list. Default: tls.client.certificate.",
   [](config& c, key, value v) { c.bpe_endpoint_tls.certificate = v.text; }},
  {"bpe.key", existing_path, "", "", "PEM with the key of that certificate; default: tls.client.key.",
   [](config& c, key, value v) { c.bpe_endpoint_tls.key = v.text; }},
  {"bpe.key_password", secret, "", "", "Password of that key.",
   [](config& c, key, value v) { c.bpe_endpoint_tls.key_password = v.hidden; }},
  {"bpe.trust", existing_path, "", "", "Authorities of bpe.endpoint's server certificate; default: tls.client.trust.",
   [](config& c, key, value v) { c.bpe_endpoint_tls.trust = v.text; }},
  {"bpe.allow_list_refresh", duration, "10s", "1s..1d", "How often the allow-list is copied from bpe.endpoint.",
   [](config& c, key, value v) { c.bpe_allow_list_us = v.number; }},

  {"status.address", text, "127.0.0.1", "", "Address of the status port (/status and /metrics).",
   [](config& c, key, value v) { c.status_listen.address = v.text; }},
  {"status.port", port, "10000", "0..65535", "The status port; 0: none.",
   [](config& c, key, value v) { c.status_listen.port = port_of(v); }},
  {"admin.socket", path, "", "", "Unix socket of the admin API; default: admin.sock in store.path.",
   [](config& c, key, value v) { c.admin_socket = v.text; }},

  {"store.path", path, "", "", "Folder of the site's store; made if it is not there.",
   [](config& c, key, value v) { c.store_path = v.text; }},
  {"store.master_key_file", path, "", "", "File with the master key, under which the keys of all patients' data are stored; only its owner may read it. Made when it is missing and nothing needs it yet; default: master.key in store.path. Keep a copy apart from backups.",
   [](config& c, key, value v) { c.store_master_key_file = v.text; }},
  {"store.block_cache", size, "32MiB", "1MiB..1TiB", "Memory for blocks read from the store.",
   [](config& c, key, value v) { c.store_block_cache_bytes = v.number; }},
  {"store.low_water_mark", size, "512MiB", "0..1TiB", "Below this much free disk new process instances are refused; running ones are finished.",
   [](config& c, key, value v) { c.store_low_water_bytes = v.number; }},
  {"store.retry_seconds", integer, "5", "1..3600", "After a full disk or an I/O error: how often it is tried whether the store takes writes again, in seconds.",
   [](config& c, key, value v) { c.store_retry_us = v.number * 1'000'000; }},
  {"repository.path", path, "", "", "Folder of the clinical repository; default: repository in store.path.",
   [](config& c, key, value v) { c.repository_path = v.text; }},

  {"plugins.folders", path_list, "", "", "Folders of process plugins to deploy; those that come with the program are processes/ping/bundle and processes/feasibility/bundle.",
   [](config& c, key, value v) { c.plugin_folders = v.items; }},
  {"processes.excluded", text_list, "", "", "Processes (key|version) that are not deployed.",
   [](config& c, key, value v) { c.excluded_processes = v.items; }},
  {"processes.retired", text_list, "", "", "Processes (key|version) that finish what runs but start nothing.",
   [](config& c, key, value v) { c.retired_processes = v.items; }},
  {"process_environment.*", text, "", "", "Value of a placeholder in process models and resources, by its DSF name, e.g. DEV_DSF_BPE_PROCESS_TIMEOUT. A name ending in _PASSWORD_FILE or _SECRET_FILE also sets the name without _FILE to that file's first line.",
   [](config& c, key k, value v) { c.process_environment[k] = v.text; }},

  {"workers.plugins.*.processes", text_list, "", "", "Keys of the processes whose handlers run in workers, those that come with the program too, e.g. dsfdev_ping.",
   [](config& c, key k, value v) { worker_plugin(c, k).processes = v.items; }},
  {"workers.plugins.*.settings", text_list, "", "", "Names of process_environment to which the permissions of the plugin's bundles are limited; default: as the bundles say.",
   [](config& c, key k, value v) { worker_plugin(c, k).settings = v.items; }},
  {"workers.plugins.*.services", choice_list, "", "configuration|crypto|directory|fhir-local|fhir-remote|fhir-stores|cohort-count|state|read-access", "Host services to which the permissions of the plugin's bundles are limited; default: as the bundles say.",
   [](config& c, key k, value v) { worker_plugin(c, k).services = v.items; }},
  {"workers.plugins.*.stores", text_list, "", "", "Stores (feasibility.stores) that workers of this plugin may use, if its bundles ask for them.",
   [](config& c, key k, value v) { worker_plugin(c, k).stores = v.items; }},
  {"workers.plugins.*.certificates", text_list, "", "", "Common names of the certificates with which a worker of this plugin may come over TCP.",
   [](config& c, key k, value v) { worker_plugin(c, k).certificates = v.items; }},
  {"workers.plugins.*.cohort_count", boolean, "false", "", "Workers of this plugin may count in the site's own repository, if its bundles ask for it; counts are exact.",
   [](config& c, key k, value v) { worker_plugin(c, k).cohort_count = v.flag; }},
  {"workers.socket", path, "", "", "Unix socket for workers of this machine, or off; default: workers.sock in store.path when workers.plugins is set.",
   [](config& c, key, value v) { c.workers.socket = v.text; }},
  {"workers.users", text_list, "", "", "Users (names or numbers) that may connect to that socket beside dsfd's own and root; the kernel tells who connects.",
   [](config& c, key, value v) { c.workers.users = v.items; }},
  {"workers.address", text, "", "", "Address for workers of other machines, with mutual TLS; empty: none.",
   [](config& c, key, value v) { c.workers.listen.address = v.text; c.workers.tcp = !v.text.empty(); }},
  {"workers.port", port, "8445", "0..65535", "Port at that address; 0: any free one.",
   [](config& c, key, value v) { c.workers.listen.port = port_of(v); }},
  {"workers.tls.certificate", existing_path, "", "", "PEM with the certificate shown to workers, and its intermediate authorities.",
   [](config& c, key, value v) { c.workers.tls.certificate = v.text; }},
  {"workers.tls.key", existing_path, "", "", "PEM with its key, without a password.",
   [](config& c, key, value v) { c.workers.tls.key = v.text; }},
  {"workers.tls.trust", existing_path, "", "", "PEM file with the authorities of workers' certificates.",
   [](config& c, key, value v) { c.workers.tls.trust = v.text; }},
  {"workers.lease", duration, "30s", "100ms..1h", "An activation whose worker is silent for longer is lost and given to another one, or tried again.",
   [](config& c, key, value v) { c.workers.lease_us = v.number; }},
  {"workers.wait", duration, "10s", "0s..1d", "How long an activation waits for a worker when none has its handler; then the attempt is lost.",
   [](config& c, key, value v) { c.workers.wait_us = v.number; }},
  {"workers.max_sessions", integer, "64", "1..10000", "Sessions of workers at the same time.",
   [](config& c, key, value v) { c.workers.max_sessions = v.number; }},
  {"workers.max_queue", integer, "10000", "1..1000000", "Activations that wait for a worker; one more is a lost attempt.",
   [](config& c, key, value v) { c.workers.max_queue = v.number; }},
  {"workers.max_message", size, "16MiB", "64KiB..1GiB", "One message between the program and a worker.",
   [](config& c, key, value v) { c.workers.max_message_bytes = v.number; }},
  {"workers.call_threads", integer, "4", "1..256", "Threads for what workers ask of the site (FHIR, directory, state).",
   [](config& c, key, value v) { c.workers.call_threads = v.number; }},

  {"engine.send_deadline", duration, "PT5M", "1s..30d", "How long a message to another site is tried when its process says nothing.",
   [](config& c, key, value v) { c.send_deadline_us = v.number; }},
  {"engine.passivate_after", duration, "1m", "100ms..1d", "An instance that waits longer than this leaves memory.",
   [](config& c, key, value v) { c.passivate_after_us = v.number; }},
  {"engine.handler_threads", integer, "8", "1..256", "Threads for handlers that block.",
   [](config& c, key, value v) { c.handler_threads = v.number; }},
  {"engine.handler_deadline", duration, "10m", "1s..30d", "An attempt of a handler that takes longer counts as lost and is made again, at last as an incident.",
   [](config& c, key, value v) { c.handler_deadline_us = v.number; }},
  {"engine.correlation_buffer", duration, "10s", "0s..1d", "How long a Task that no instance waits for yet is kept before it fails.",
   [](config& c, key, value v) { c.correlation_buffer_us = v.number; }},
  {"engine.stop_timeout", duration, "20s", "0s..1h", "At SIGTERM: how long running requests and handlers may take before they are left to the next start.",
   [](config& c, key, value v) { c.stop_timeout_us = v.number; }},

  {"limits.connections", integer, "1000", "1..1000000", "Open connections to the FHIR endpoint.",
   [](config& c, key, value v) { c.limits.connections = v.number; }},
  {"limits.connections_per_partner", integer, "64", "1..1000000", "Open connections with one client certificate.",
   [](config& c, key, value v) { c.limits.connections_per_partner = v.number; }},
  {"limits.head", size, "32KiB", "1KiB..1MiB", "Head of a request.",
   [](config& c, key, value v) { c.limits.head_bytes = v.number; }},
  {"limits.body", size, "16MiB", "1KiB..1GiB", "Body of a request; Binary is streamed and not bound by it.",
   [](config& c, key, value v) { c.limits.body_bytes = v.number; }},
  {"limits.bundle_entries", integer, "5000", "1..1000000", "Entries of a Bundle that comes in.",
   [](config& c, key, value v) { c.limits.bundle_entries = v.number; }},
  {"limits.segment_steps", integer, "100000", "100..100000000", "Steps an instance takes between two wait states.",
   [](config& c, key, value v) { c.limits.segment_steps = v.number; }},
  {"limits.multi_instance", integer, "1000000", "1..100000000", "Instances of one multi-instance activity.",
   [](config& c, key, value v) { c.limits.multi_instance = v.number; }},
  {"limits.live_instances", integer, "4000", "1..1000000", "Waiting instances kept in memory; above it they leave it at once.",
   [](config& c, key, value v) { c.limits.live_instances = v.number; }},
  {"limits.search_candidates", integer, "100000", "100..100000000", "Resources a search looks at before it is refused as too wide.",
   [](config& c, key, value v) { c.limits.search_candidates = v.number; }},

  {"log.file", path, "-", "", "File for log lines (JSON), appended to; - is standard error.",
   [](config& c, key, value v) { c.log_file = v.text; }},
  {"log.level", choice, "info", "debug|info|warning|error|off", "Least level that is logged.",
   [](config& c, key, value v) { c.log_level = static_cast<base::log_level>(v.number); }},

  {"feasibility.general.request_task_timeout", duration, "PT5M", "1s..30d", "A feasibility request older than this is not sent on.",
   [](config& c, key, value v) { c.feasibility.request_task_timeout_us = v.number; }},
  {"feasibility.mapping", existing_path, "", "", "Search mapping from terms to FHIR (JSON), for the site's own repository; default: the demo's small one.",
   [](config& c, key, value v) { c.feasibility.mapping = v.text; }},
  {"feasibility.tree", existing_path, "", "", "Ontology tree (JSON), for the site's own repository; default: the demo's small one.",
   [](config& c, key, value v) { c.feasibility.tree = v.text; }},
  {"feasibility.networks.*.obfuscate", boolean, "true", "", "Counts leave the site with noise and rounded to tens; false is refused.",
   [](config& c, key k, value v) { network(c, k).obfuscate = v.flag; }},
  {"feasibility.networks.*.rate_limit.count", integer, "999", "1..1000000", "Requests a network (parent organisation identifier, or all) may make within the interval.",
   [](config& c, key k, value v) { network(c, k).rate_limit_count = v.number; }},
  {"feasibility.networks.*.rate_limit.interval", duration, "PT1H", "1s..365d", "The interval.",
   [](config& c, key k, value v) { network(c, k).rate_limit_interval_us = v.number; }},
  {"feasibility.networks.*.stores", text_list, "", "", "Stores asked for this network; default: all.",
   [](config& c, key k, value v) { network(c, k).stores = v.items; }},
  {"feasibility.stores.*.native", boolean, "false", "", "This store is the site's own repository.",
   [](config& c, key k, value v) { store(c, k).native = v.flag; }},
  {"feasibility.stores.*.base_url", http_url, "", "", "FHIR server of this store; http:// only on this machine.",
   [](config& c, key k, value v) { store(c, k).base_url = v.text; }},
  {"feasibility.stores.*.evaluation_strategy", choice, "ccdl", "cql|ccdl|structured-query", "How the store is asked; a store takes part in exactly one way.",
   [](config& c, key k, value v) { store(c, k).strategy = static_cast<evaluation_strategy>(v.number); }},
  {"feasibility.stores.*.request_timeout", duration, "5m", "1s..1d", "How long one request to the store may take.",
   [](config& c, key k, value v) { store(c, k).request_timeout_us = v.number; }},
  {"feasibility.stores.*.trust", existing_path, "", "", "Authorities of the store's server; default: tls.client.trust.",
   [](config& c, key k, value v) { store(c, k).tls.trust = v.text; }},
  {"feasibility.stores.*.certificate", existing_path, "", "", "Client certificate shown to the store.",
   [](config& c, key k, value v) { store(c, k).tls.certificate = v.text; }},
  {"feasibility.stores.*.key", existing_path, "", "", "Key of that certificate.",
   [](config& c, key k, value v) { store(c, k).tls.key = v.text; }},
  {"feasibility.stores.*.key_password", secret, "", "", "Password of that key.",
   [](config& c, key k, value v) { store(c, k).tls.key_password = v.hidden; }},
  {"feasibility.stores.*.username", text, "", "", "Basic authentication: user.",
   [](config& c, key k, value v) { store(c, k).username = v.text; }},
  {"feasibility.stores.*.password", secret, "", "", "Basic authentication: password.",
   [](config& c, key k, value v) { store(c, k).password = v.hidden; }},
  {"feasibility.stores.*.bearer_token", secret, "", "", "Bearer token, instead of basic authentication.",
   [](config& c, key k, value v) { store(c, k).bearer_token = v.hidden; }},
};
// clang-format on

}  // namespace

std::span<const setting> settings_table() { return rows; }

}  // namespace dsf::site

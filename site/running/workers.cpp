// Handlers in programs outside this one: what the settings say of them becomes a worker host, and operators see its sessions.
#include "site/running/parts.hpp"

namespace dsf::site {

void running_site::parts::open_workers() {
  const auto& w = config.workers;
  plugins::worker_options o;
  if (w.socket != "off") o.socket = w.socket;
  o.users = w.users;
  o.tcp = w.tcp;
  o.address = w.listen.address;
  o.port = w.listen.port;
  o.certificate = w.tls.certificate;
  o.key = w.tls.key;
  o.trust = w.tls.trust;
  o.lease_us = w.lease_us;
  o.wait_us = w.wait_us;
  o.sessions = static_cast<std::size_t>(w.max_sessions);
  o.queue = static_cast<std::size_t>(w.max_queue);
  o.message_bytes = static_cast<std::size_t>(w.max_message_bytes);
  o.call_threads = static_cast<unsigned>(w.call_threads);
  for (const auto& [name, p] : w.plugins)
    o.plugins[name] = {p.processes, p.services, p.settings, p.stores, p.connections, p.certificates, p.cohort_count};
  o.settings = config.process_environment;
  o.grants = [this](std::string_view key, std::string_view version) -> std::vector<std::shared_ptr<const plugins::worker_grant>> {
    if (!plugin_set) return {};
    return plugin_set->grants(key, version);
  };
  o.organization = config.organization_identifier;
  o.base_url = config.base_url;
  workers = std::make_unique<plugins::worker_host>(
      std::move(o), [this](const plugins::activation& a) { return host->services_for(a); }, base::system_clock_source(),
      base::system_entropy(), *log);
  workers->add_handlers(handlers);
}

base::result<worker_list> running_site::workers() {
  worker_list out;
  if (!parts_->workers) return out;
  for (auto& w : parts_->workers->sessions())
    out.workers.push_back({std::move(w.session), std::move(w.worker), std::move(w.plugin), std::move(w.address), std::move(w.handlers),
                           w.credits, w.running, w.done, w.lost, w.draining, w.connected, w.last_heard});
  out.waiting = parts_->workers->waiting();
  return out;
}

}  // namespace dsf::site

// What handlers that run in this program may use: the site's own endpoint without a network, other sites over mutual TLS, the allow-list, the repository.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "actors/endpoint_caches.hpp"
#include "actors/fhir_endpoint.hpp"
#include "base/clock.hpp"
#include "base/entropy.hpp"
#include "base/log.hpp"
#include "net/transport.hpp"
#include "plugins/handler.hpp"
#include "plugins/mail.hpp"
#include "plugins/remote_client.hpp"
#include "storage/store.hpp"

namespace dsf::plugins {

// A clinical FHIR server beside the site, reached with its own identity and credentials.
struct store_connection {
  remote_options remote;
  net::transport* transport = nullptr;  // outlives the host
};

struct host_options {
  std::string base_url;  // of the own endpoint
  std::string remote_endpoint;  // where it is when it is another program, as this one reaches it; empty: in this program
  std::map<std::string, std::string> settings;  // process settings (dsf-bpe 3.5)
  std::map<std::string, base::json> process_configuration;  // by process key
  std::map<std::string, store_connection, std::less<>> stores;  // by name in feasibility.stores
  std::map<std::string, store_connection, std::less<>> connections;  // by name in fhir_connections.file
  mail_sender send_mail;  // empty: no mail.host, so a mail's subject is logged instead
  std::int64_t request_timeout_ms = 60'000;
  std::function<base::result<std::uint64_t>(const base::json&)> cohort_count;  // empty: the site has no repository
};

// Shared by all activations; outlives them.
class host {
public:
  host(host_options options, storage::store& store, actors::endpoint_caches& caches, actors::fhir_endpoint& endpoint,
       net::transport& transport, base::clock& time, base::entropy& entropy, const base::logger& log);
  ~host();
  std::unique_ptr<services> services_for(const activation& a);
  // The own endpoint as the local organisation sees it; for deployment and operators. Blocks.
  std::unique_ptr<fhir_client> local_client();
  // The engine stops: handlers that wait for the own endpoint, in another program, come back. False: another engine begins.
  void give_up(bool now);

  struct parts;

private:
  std::shared_ptr<parts> parts_;
};

}  // namespace dsf::plugins

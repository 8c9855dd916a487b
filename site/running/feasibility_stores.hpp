// What the feasibility processes get of a site's settings: their document, the search ontology, and a connection to each external store.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "base/json.hpp"
#include "net/forward_proxy.hpp"
#include "net/https_client.hpp"
#include "plugins/remote_client.hpp"
#include "site/settings/site_config.hpp"

namespace dsf::site {

net::tls_files server_files_of(const tls_config& c);
net::tls_files client_files_of(const tls_config& c);

// Null when no proxy is set.
base::result<std::shared_ptr<const net::forward_proxy>> proxy_of(const site_config& config);

// The configured files, or the demo's when none are set.
struct ontology_texts {
  std::string mapping;
  std::string tree;
};
base::result<ontology_texts> read_ontology(const feasibility_config& f);

// As the handlers read it (processes/feasibility/README.md). A store that is asked by searches adds the ontology, which is checked here.
base::result<base::json> feasibility_document(const feasibility_config& f, bool repository);

struct connected_store {
  plugins::remote_options remote;
  std::unique_ptr<net::https_client> client;
};
// One client for each store with an address, by name: its own certificate and authorities (the site's for calls when it has none),
// credentials and time-out. An http:// address must be of this machine.
base::result<std::map<std::string, connected_store>> connect_stores(const site_config& config);

}  // namespace dsf::site

// Bundles: at the start and by operators, on an endpoint in this program or elsewhere.
#include <algorithm>

#include "plugins/errc.hpp"
#include "site/running/errc.hpp"
#include "site/running/parts.hpp"

namespace dsf::site {
namespace {

using base::result;

// A refusal stays one; anything else may be better the next time.
bool is_refusal(const base::error& e) {
  for (const auto* at = &e; at; at = at->cause())
    if (at->is(plugins::errc::http_status))
      return at->text().starts_with("HTTP 4") && !at->text().starts_with("HTTP 408") && !at->text().starts_with("HTTP 429") &&
             // Without a word: the endpoint does not know us yet (dsf-fhir-server 2.1).
             at->text() != "HTTP 403";
  return e.kind() != base::error_kind::unavailable && e.kind() != base::error_kind::timeout;
}

}  // namespace

result<plugins::bundle> running_site::parts::bundle_in(const std::string& folder) const {
  plugins::bundle_context bc;
  bc.organization = config.organization_identifier;
  bc.environment = config.process_environment;
  bc.handlers = &handlers;
  return plugins::read_bundle(folder, bc);
}

plugins::deployment_settings running_site::parts::process_states() const {
  plugins::deployment_settings ds;
  ds.retired.insert(config.retired_processes.begin(), config.retired_processes.end());
  ds.excluded.insert(config.excluded_processes.begin(), config.excluded_processes.end());
  return ds;
}

result<plugins::deployment> running_site::parts::deploy(const std::string& folder) {
  const std::lock_guard lock{deploy_mutex};
  auto bundle = TRY(bundle_in(folder));
  if (!half) return plugins::deploy(bundle, process_states(), *store, definitions, *host->local_client(), *log);
  TRY(plugins::deploy_definitions(bundle, process_states(), *store, definitions));
  // The endpoint may not be there yet: instances go on, and its resources follow when it is.
  if (half->status().connected) return plugins::deploy_resources(bundle, process_states(), *host->local_client(), *log);
  plugins::deployment out;
  for (const auto& p : bundle.processes) out.processes.push_back(p.definition->key + "|" + p.definition->version_tag);
  undeployed.push_back(std::move(bundle));
  return out;
}

result<> running_site::parts::deploy_elsewhere() {
  const std::lock_guard lock{deploy_mutex};
  while (!undeployed.empty()) {
    const auto& bundle = undeployed.front();
    if (auto done = plugins::deploy_resources(bundle, process_states(), *host->local_client(), *log); !done) {
      if (!is_refusal(done.error())) return base::failure(done.error());
      log->error("plugins", "a bundle's resources were not deployed", {}, {{"bundle", bundle.name}, {"error", done.error().to_string()}});
    }
    undeployed.erase(undeployed.begin());
  }
  return {};
}

}  // namespace dsf::site

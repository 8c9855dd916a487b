// Certificates, trust and roles again, without a restart.
#include "site/running/feasibility_stores.hpp"
#include "site/running/parts.hpp"

namespace dsf::site {
namespace {

template <class Parts>
void told_not_reloaded(Parts& p, const std::vector<base::error>& problems) {
  for (const auto& e : problems)
    p.log->error("site", "nothing was read again: the certificates, trust and roles from before stay in use", {},
                 {{"error", e.to_string()}});
  p.audit->configuration_read(problems.empty() ? "refused" : problems.front().text());
}

}  // namespace

base::result<> running_site::reload(const site_config& config) {
  auto& p = *parts_;
  p.audit->reopen();
  struct loaded {
    std::optional<net::tls_identity> server, client, endpoint, provider;
  };
  // All are loaded before any is used.
  const auto load = [&]() -> base::result<loaded> {
    loaded l;
    if (p.fhir_server) l.server = TRY(net::tls_identity::load(server_files_of(config.server_tls)));
    l.client = TRY(net::tls_identity::load(client_files_of(config.client_tls)));
    if (p.half) l.endpoint = TRY(net::tls_identity::load(client_files_of(config.bpe_endpoint_tls)));
    if (p.provider_client) l.provider = TRY(net::tls_identity::load(client_files_of(config.oidc.tls)));
    return l;
  };
  auto l = load();
  if (!l) {
    told_not_reloaded(p, {l.error()});
    return base::failure(l.error());
  }
  if (l->server) {
    p.door->use(*l->server);
    p.fhir_server->use(std::move(*l->server));
  }
  p.client->use(std::move(*l->client));
  if (l->provider) p.provider_client->use(std::move(*l->provider));
  if (l->endpoint) p.half->use(*l->endpoint);
  p.caches->use(config.practitioner_rules);
  p.note_certificates(config);
  p.audit->configuration_read({});
  p.log->info("site", "certificates, trust and roles were read again; other settings wait for a restart");
  return {};
}

void running_site::not_reloaded(const std::vector<base::error>& problems) {
  parts_->audit->reopen();
  told_not_reloaded(*parts_, problems);
}

}  // namespace dsf::site

#include "site/running/feasibility_stores.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>

#include "base/bytes.hpp"
#include "net/loopback.hpp"
#include "net/query.hpp"
#include "privacy/demo_data.hpp"
#include "privacy/mapping.hpp"
#include "site/running/errc.hpp"

namespace dsf::site {
namespace {

using base::fail;
using base::json;
using base::result;

result<std::string> read_text(const std::string& file) {
  std::ifstream in{file, std::ios::binary};
  std::ostringstream text;
  text << in.rdbuf();
  if (!in) return fail(running_errc::cannot_start, "the file is missing or can't be read", file);
  return std::move(text).str();
}

std::string_view name_of(evaluation_strategy s) {
  switch (s) {
    case evaluation_strategy::cql: return "cql";
    case evaluation_strategy::structured_query: return "structured-query";
    case evaluation_strategy::ccdl: break;
  }
  return "ccdl";
}

base::secret authorization_of(const feasibility_store& s) {
  if (!s.bearer_token.empty()) return base::secret("Bearer " + s.bearer_token.reveal());
  if (!s.username.empty()) return base::secret("Basic " + base::to_base64(s.username + ":" + s.password.reveal()));
  return {};
}

result<connected_store> connect(const feasibility_store& s, const tls_config& own, const std::string& place,
                                std::shared_ptr<const net::forward_proxy> proxy) {
  const auto url = TRY(net::parse_url(s.base_url));
  net::client_options options;
  if (!net::is_loopback(url.host)) options.proxy = std::move(proxy);
  if (url.tls()) {
    auto t = s.tls;
    if (t.trust.empty()) {
      t.trust = own.trust;
      t.revocation = own.revocation;
      t.revocation_lists = own.revocation_lists;
    }
    const auto files = client_files_of(t);
    if (files.trust.empty()) return fail(running_errc::cannot_start, "name the authorities of the store's server", place + ".trust");
    options.identity = TRY(net::tls_identity::load(files));
  } else if (!net::is_loopback(url.host)) {
    return fail(running_errc::cannot_start,
                "'" + s.base_url + "' is not encrypted; use https://, or http:// for a server on this machine (127.0.0.1, localhost)",
                place + ".base_url");
  }
  connected_store out;
  out.remote.base_url = s.base_url;
  out.remote.request_timeout_ms = std::max<std::int64_t>(1, s.request_timeout_us / 1'000);
  out.remote.authorization = authorization_of(s);
  out.client = std::make_unique<net::https_client>(std::move(options));
  return out;
}

}  // namespace

namespace {
net::tls_files files_of(const tls_config& c, net::identity_use use) {
  net::tls_files f;
  f.certificate = c.certificate;
  f.key = c.key;
  f.key_password = c.key_password;
  f.trust = c.trust;
  f.chain = c.chain;
  f.revocation_lists = c.revocation_lists;
  switch (c.revocation) {
    case revocation_policy::off: f.revoked = net::revocation::off; break;
    case revocation_policy::if_present: f.revoked = net::revocation::if_present; break;
    case revocation_policy::required: f.revoked = net::revocation::required; break;
  }
  f.use = use;
  return f;
}
}  // namespace

net::tls_files server_files_of(const tls_config& c) { return files_of(c, net::identity_use::server); }
net::tls_files client_files_of(const tls_config& c) { return files_of(c, net::identity_use::client); }

result<std::shared_ptr<const net::forward_proxy>> proxy_of(const site_config& config) {
  const auto& p = config.proxy;
  if (p.url.empty() && p.targets.empty()) return nullptr;
  return std::make_shared<const net::forward_proxy>(TRY(net::forward_proxy::make({p.url, p.username, p.password, p.no_proxy, p.targets})));
}

result<ontology_texts> read_ontology(const feasibility_config& f) {
  ontology_texts out;
  out.mapping = f.mapping.empty() ? std::string(privacy::demo_mapping()) : TRY(read_text(f.mapping));
  out.tree = f.tree.empty() ? std::string(privacy::demo_tree()) : TRY(read_text(f.tree));
  return out;
}

result<json> feasibility_document(const feasibility_config& f, bool repository) {
  json stores;
  stores = json::object{};
  for (const auto& [name, s] : f.stores) {
    json store;
    store.set("native", s.native);
    store.set("baseUrl", s.base_url);
    store.set("evaluationStrategy", name_of(s.strategy));
    store.set("requestTimeoutUs", s.request_timeout_us);
    stores.set(name, std::move(store));
  }
  if (f.stores.empty() && repository) {
    json store;
    store.set("native", true);
    store.set("evaluationStrategy", "ccdl");
    stores.set("repository", std::move(store));
  }
  json networks;
  networks = json::object{};
  for (const auto& [name, n] : f.networks) {
    json network;
    json limit;
    limit.set("count", n.rate_limit_count);
    limit.set("intervalUs", n.rate_limit_interval_us);
    network.set("rateLimit", std::move(limit));
    json names{json::array{}};
    for (const auto& s : n.stores) names.push_back(s);
    network.set("stores", std::move(names));
    networks.set(name, std::move(network));
  }
  json out;
  out.set("requestTaskTimeoutUs", f.request_task_timeout_us);
  out.set("networks", std::move(networks));
  out.set("stores", std::move(stores));
  const auto searched = [](const auto& s) { return !s.second.native && s.second.strategy == evaluation_strategy::ccdl; };
  if (std::ranges::any_of(f.stores, searched)) {
    auto texts = TRY(read_ontology(f));
    TRY(privacy::mapping::parse(texts.mapping));
    TRY(privacy::ontology_tree::parse(texts.tree));
    out.set("mapping", std::move(texts.mapping));
    out.set("tree", std::move(texts.tree));
  }
  return out;
}

result<std::map<std::string, connected_store>> connect_stores(const site_config& config) {
  std::map<std::string, connected_store> out;
  const auto proxy = TRY(proxy_of(config));
  for (const auto& [name, s] : config.feasibility.stores)
    if (!s.native && s.strategy != evaluation_strategy::structured_query)
      out.emplace(name, TRY(connect(s, config.client_tls, "feasibility.stores." + name, proxy)));
  return out;
}

}  // namespace dsf::site

// The FHIR endpoint's ports: mutual TLS for everybody, and one without TLS for listed proxies.
#include "actors/peer_facts.hpp"
#include "net/query.hpp"
#include "site/pages/pages.hpp"
#include "site/running/feasibility_stores.hpp"
#include "site/running/parts.hpp"

namespace dsf::site {
namespace {

using base::result;

result<std::unique_ptr<net::https_client>> make_provider_client(const site_config& config) {
  net::client_options o;
  o.identity = TRY(net::tls_identity::load(client_files_of(config.oidc.tls)));
  o.connect_timeout_ms = config.oidc.connect_us / base::us_per_ms;
  o.proxy = TRY(proxy_of(config));
  return std::make_unique<net::https_client>(std::move(o));
}

std::unique_ptr<open_id> make_people(const site_config& config, net::transport& provider, const base::logger& log, audit_trail& trail) {
  const auto& c = config.oidc;
  const auto timeout_ms = std::max<std::int64_t>(1, c.read_us / base::us_per_ms);
  open_id_options o;
  o.base_url = config.base_url;
  o.bearer_token = c.bearer_token;
  o.code_flow = c.code_flow;
  o.back_channel_logout = c.back_channel_logout;
  o.audience = c.audience;
  o.client_id = c.client_id;
  o.client_secret = c.client_secret;
  o.callback_path = c.callback_path;
  o.back_channel_path = c.back_channel_path;
  o.session_idle_us = c.session_us;
  o.timeout_ms = timeout_ms;
  o.on_session = [&trail](const session_note& n) { trail.session(n); };
  issuer_options i{c.issuer, c.discovery_path, c.cache_us, timeout_ms};
  return std::make_unique<open_id>(std::move(o), std::make_unique<token_issuer>(std::move(i), provider), provider, log);
}

result<std::unique_ptr<front_door>> make_door(const site_config& config, const net::tls_identity& identity, net::transport* provider,
                                              const base::logger& log, audit_trail& trail) {
  proxy_list proxies;
  for (const auto& p : config.proxies) TRY(proxies.add(p));
  auto certificates = std::make_unique<certificate_of_request>(
      std::move(proxies), config.proxy_header, certificate_names{config.client_countries, config.client_issuers}, identity, log);
  return std::make_unique<front_door>(std::move(certificates), provider ? make_people(config, *provider, log, trail) : nullptr);
}

// Whose certificate on the connection says all about who asks: then what is told of a request can wait until it was answered.
class direct_callers {
public:
  explicit direct_callers(const site_config& config) {
    for (const auto& p : config.proxies) (void)proxies_.add(p);  // checked in make_door
  }
  [[nodiscard]] bool has(const net::peer& p) const { return p.has_certificate && !proxies_.has(p); }

private:
  proxy_list proxies_;
};

// A proxy that is listed by its address comes without a certificate, and so do its callers.
bool some_come_without(const site_config& config) {
  proxy_list proxies;
  for (const auto& p : config.proxies) (void)proxies.add(p);  // checked in make_door
  return proxies.some_without_certificate();
}

pages_options pages_of(const site_config& config) {
  pages_options o;
  o.base_url = config.base_url;
  o.site = config.name.empty() ? config.organization_identifier : config.name;
  o.kind = static_cast<web::environment>(config.ui.theme);
  o.environment_name = config.ui.environment;
  return o;
}

}  // namespace

void running_site::parts::serve_known(net::request&& r, net::responder answer) {
  if (people->takes(r)) return people->handle(std::move(r), std::move(answer));
  if (r.method == "GET" || r.method == "HEAD") return endpoint->handle(std::move(r), std::move(answer));
  // The connection knows only its own certificate; a proxy's caller is known here.
  auto to = std::make_shared<net::responder>(std::move(answer));
  auto logged = net::responder::to([this, to, who = r.peer, method = r.method, target = std::string(r.path()),
                                    began_us = base::system_clock_source().steady_us()](net::response&& reply) {
    const auto identity = caches->identify(actors::facts_of(*who));
    log->info(
        "access", "request answered", {.identity = identity && *identity ? (*identity)->name() : std::string{}},
        {{"method", method}, {"target", target}, {"status", reply.status}, {"us", base::system_clock_source().steady_us() - began_us}});
    (*to)(std::move(reply));
  });
  endpoint->handle(std::move(r), std::move(logged));
}

base::result<> running_site::parts::serve_fhir() {
  const auto identity = TRY(net::tls_identity::load(server_files_of(config.server_tls)));
  if (config.oidc.on()) provider_client = TRY(make_provider_client(config));
  door = TRY(make_door(config, identity, provider_client.get(), *log, *audit));
  people = std::make_unique<pages>(
      pages_of(config), [this](net::request&& r, net::responder a) { serve_known(std::move(r), std::move(a)); },
      [this](const net::peer& who) -> std::optional<fhir::identity> {
        auto known = caches->identify(actors::facts_of(who));
        return known ? *std::move(known) : std::nullopt;
      },
      [this](std::function<void()> job) { work->run(std::move(job)); }, base::system_clock_source(), base::system_entropy());
  const auto direct = std::make_shared<const direct_callers>(config);
  const auto options_of = [this, direct, base = TRY(net::parse_url(config.base_url)).target](const listen_config& listen, bool plain) {
    net::server_options o;
    o.address = listen.address;
    o.port = listen.port;
    o.limits.connections = static_cast<int>(config.limits.connections);
    o.limits.connections_per_certificate = static_cast<int>(config.limits.connections_per_partner);
    o.limits.head_bytes = static_cast<std::size_t>(config.limits.head_bytes);
    o.limits.body_bytes = static_cast<std::uint64_t>(config.limits.body_bytes);
    o.gzip_from = config.gzip_from;
    o.on_refused = [this](std::string_view address, std::string_view reason) {
      log->warning("tls", "handshake refused", {}, {{"address", std::string(address)}, {"reason", std::string(reason)}});
      audit->handshake_refused(address, reason);
    };
    o.on_websocket = [this, direct, base, plain](const net::request& r) {
      net::websocket_verdict verdict;
      const auto entered = door->enter(r, plain, verdict.refusal);
      if (entered) {
        const auto path = entered->path();
        verdict = subscribers->judge(*entered, path.starts_with(base) ? path.substr(base.size()) : std::string_view());
      }
      if (!verdict.open && !direct->has(*r.peer))
        audit->answered(entered ? *entered->peer : *r.peer, r.method, r.target, verdict.refusal.status);
      return verdict;
    };
    o.on_exchange = [this, direct](const net::exchange& e) {
      metrics->http.answered(e.method, e.target, e.status, e.handler_us);
      if (audit->wants(e.status) && direct->has(e.who)) audit->answered(e.who, e.method, e.target, e.status);
    };
    o.on_body = [this, direct, binaries = base + "/Binary", plain](const net::request& head) {
      if (!head.path().starts_with(binaries)) return net::body_verdict{};
      // Who is not known yet, or may not come, is answered when the request is whole, within limits.body.
      net::response ignored;
      const auto entered = door->enter(head, plain, ignored);
      if (!entered) return net::body_verdict{};
      auto verdict = endpoint->judge_body(*entered);
      if (verdict.refusal && !direct->has(*head.peer)) audit->answered(*entered->peer, head.method, head.target, verdict.refusal->status);
      return verdict;
    };
    return o;
  };
  const auto handle = [this, direct](bool plain) {
    return [this, direct, plain](net::request&& r, net::responder a) {
      if (people->takes_as_file(r)) return people->handle(std::move(r), std::move(a));
      if (audit->on() && !direct->has(*r.peer)) {
        // Who asks turns out on the way.
        auto who = std::make_shared<std::shared_ptr<const net::peer>>(r.peer);
        auto told = std::make_shared<net::responder>(std::move(a));
        a = net::responder::to([this, who, told, method = r.method, target = r.target](net::response&& reply) {
          audit->answered(**who, method, target, reply.status);
          (*told)(std::move(reply));
        });
        auto to = people->explained(r, std::move(a));
        return door->enter(std::move(r), std::move(to), plain, [this, who](net::request&& known, net::responder to) {
          *who = known.peer;
          serve_known(std::move(known), std::move(to));
        });
      }
      auto to = people->explained(r, std::move(a));
      door->enter(std::move(r), std::move(to), plain,
                  [this](net::request&& known, net::responder to) { serve_known(std::move(known), std::move(to)); });
    };
  };
  auto o = options_of(config.fhir_listen, false);
  o.identity = identity;
  if (some_come_without(config) || config.oidc.on()) o.certificates = net::client_certificate::optional;
  fhir_server.emplace(TRY(net::https_server::start(std::move(o), handle(false))));
  if (config.proxy_listen.port != 0)
    proxy_server.emplace(TRY(net::https_server::start(options_of(config.proxy_listen, true), handle(true))));
  return {};
}

}  // namespace dsf::site

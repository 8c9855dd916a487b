// Rules that need more than one setting, and the defaults that follow from other settings.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>

#include "base/mail_address.hpp"
#include "base/mutant.hpp"
#include "net/forward_proxy.hpp"
#include "net/networks.hpp"
#include "site/settings/layers.hpp"

namespace dsf::site {
namespace {

constexpr std::size_t max_socket_path = 107;  // sockaddr_un::sun_path without its final zero

class checker {
public:
  checker(site_config& config, const std::vector<assignment>& assignments) : c_(config), assignments_(assignments) {}

  std::vector<error> run() {
    identity();
    roles();
    tls();
    proxies();
    forward();
    tokens();
    split();
    paths();
    processes();
    feasibility();
    workers();
    mail();
    if (!c_.fhir_connections.file.empty() && !c_.fhir_connections.yaml.empty())
      refuse("fhir_connections.yaml", "fhir_connections.file and fhir_connections.yaml are both set; leave one out");
    return std::move(problems_);
  }

private:
  const assignment* find(std::string_view name) const {
    const auto found = std::find_if(assignments_.begin(), assignments_.end(), [&](const assignment& a) { return a.name == name; });
    return found == assignments_.end() ? nullptr : &*found;
  }
  bool is_set(std::string_view name) const {
    const auto* a = find(name);
    return a && !a->texts.empty() && !(a->texts.size() == 1 && a->texts[0].empty());
  }
  std::string place_of(std::string_view name) const {
    const auto* a = find(name);
    return a ? a->place : std::string();
  }
  void refuse(std::string_view name, std::string text) { problems_.emplace_back(settings_errc::refused, std::move(text), place_of(name)); }
  void require(std::string_view name, std::string_view why) {
    if (!is_set(name)) problems_.emplace_back(settings_errc::missing, fmt::format("{} is not set; {}", name, why));
  }

  void identity() {
    require("organization.identifier", "it is the organisation's identifier in the allow-list, e.g. hospital-a.example");
    require("store.path", "it is the folder in which the site keeps everything");
    if (c_.name.empty()) c_.name = c_.organization_identifier;
  }

  void roles() {
    if (!c_.role_fhir && !c_.role_bpe && !c_.role_repository) refuse("roles", "roles is empty; name at least one of fhir, bpe, repository");
    if (c_.role_repository && c_.role_fhir && !c_.allow_repository_beside_fhir)
      refuse("roles",
             "roles has fhir and repository: clinical data must not stand beside an endpoint that faces other sites; run the repository as "
             "a program of its own, or set "
             "allow_repository_beside_fhir: true on a development machine");
    if (c_.role_fhir || c_.role_bpe) require("fhir.base_url", "it is the address under which other sites reach the FHIR endpoint");
  }

  // dsf-bpe 1.5: the engine reaches its endpoint by a connection of its own.
  void split() {
    if (c_.role_bpe && !c_.role_fhir)
      require("bpe.endpoint", "roles has bpe without fhir, so the FHIR endpoint is another program: set its address, or add the role fhir");
    if (c_.bpe_endpoint.empty()) return;
    if (c_.role_fhir) {
      refuse("bpe.endpoint", "bpe.endpoint is set, and roles has fhir: the endpoint is this program; leave out one of the two");
    } else if (!c_.role_bpe) {
      refuse("bpe.endpoint", "bpe.endpoint is set, but roles has no bpe: only a process engine calls it");
    }
    if (c_.bpe_endpoint.ends_with('/')) c_.bpe_endpoint.pop_back();
    auto& t = c_.bpe_endpoint_tls;
    if (t.certificate.empty() != t.key.empty() && !holds_its_key(t.certificate))
      refuse(t.certificate.empty() ? "bpe.key" : "bpe.certificate", "bpe.certificate and bpe.key go together; set both or none");
    if (t.certificate.empty()) {
      t.certificate = c_.client_tls.certificate;
      t.key = c_.client_tls.key;
      t.key_password = c_.client_tls.key_password;
      t.chain = c_.client_tls.chain;
    }
    if (t.trust.empty()) {
      t.trust = c_.client_tls.trust;
      t.revocation = c_.client_tls.revocation;
      t.revocation_lists = c_.client_tls.revocation_lists;
    }
    if (!c_.allow_list.empty() && !c_.role_fhir)
      refuse("fhir.allow_list",
             "fhir.allow_list is set, but roles has no fhir: the allow-list belongs to the FHIR endpoint, from which it is copied");
  }

  void tls() {
    if (c_.role_fhir) side("tls.server", c_.server_tls, "the FHIR endpoint speaks only mutual TLS");
    if (c_.role_bpe) side("tls.client", c_.client_tls, "the process engine calls other sites with mutual TLS");
    for (const auto& [name, t] : {std::pair{"tls.server", &c_.server_tls}, {"tls.client", &c_.client_tls}}) {
      const auto prefix = std::string(name);
      if (holds_its_key(t->certificate) && !t->key.empty())
        refuse(prefix + ".key",
               fmt::format("{0}.key is set, and {0}.certificate is PKCS#12, which holds its key; leave {0}.key out", name));
      if (t->revocation == revocation_policy::off && !t->revocation_lists.empty())
        refuse(prefix + ".revocation_lists",
               fmt::format("{0}.revocation_lists is set, but {0}.revocation is off, so they would decide nothing; set it to if-present or "
                           "required",
                           name));
      if (t->revocation != revocation_policy::off && t->revocation_lists.empty())
        refuse(prefix + ".revocation",
               fmt::format("{0}.revocation is set, but {0}.revocation_lists is not; name a file or a folder", name));
    }
  }

  // dsf-fhir-server 2.3
  void tokens() {
    auto& o = c_.oidc;
    if (o.back_channel_logout && !o.code_flow)
      refuse("oidc.back_channel_logout",
             "oidc.back_channel_logout is on, but oidc.authorization_code_flow is not: there are no sessions to end");
    if (o.on() && !c_.role_fhir)
      refuse(o.code_flow ? "oidc.authorization_code_flow" : "oidc.bearer_token",
             "oidc is on, but roles has no fhir: people come to the FHIR endpoint");
    if (o.on()) {
      require("oidc.issuer", "oidc is on, and believes the tokens of this OpenID provider");
      require("oidc.client_id", "oidc is on; it is the name of this site at the OpenID provider");
      require("oidc.trust", "oidc is on; it holds the authorities of the OpenID provider's server");
    } else if (!o.issuer.empty()) {
      refuse("oidc.issuer",
             "oidc.issuer is set, but neither oidc.authorization_code_flow nor oidc.bearer_token is on: no token would be believed");
    }
    if (o.tls.certificate.empty() != o.tls.key.empty() && !holds_its_key(o.tls.certificate))
      refuse(o.tls.certificate.empty() ? "oidc.key" : "oidc.certificate", "oidc.certificate and oidc.key go together; set both or none");
    if (o.audience.empty()) o.audience = o.client_id;
    if (o.audience == "any") o.audience.clear();
    for (const auto& [name, path] : {std::pair{"oidc.back_channel_logout_path", &o.back_channel_path},
                                     {"oidc.callback_path", &o.callback_path},
                                     {"oidc.discovery_path", &o.discovery_path}})
      if (!path->starts_with('/') || path->find_first_of("?# ") != path->npos)
        problems_.emplace_back(settings_errc::wrong, fmt::format("{} is '{}'; it must be a path that begins with a slash", name, *path),
                               place_of(name));
  }

  void forward() {
    const auto& p = c_.proxy;
    if (p.url.empty() && !p.username.empty()) refuse("proxy.username", "proxy.username is set, but proxy.url is not; set both or none");
    if (p.username.empty() && !p.password.empty())
      refuse("proxy.password", "proxy.password is set, but proxy.username is not; set both or none");
    if (p.url.empty() && !p.no_proxy.empty()) refuse("proxy.no_proxy", "proxy.no_proxy is set, but proxy.url is not: there is no proxy");
    // One at a time, so that each mistake is told at its place.
    const auto check = [&](const std::string& name, net::proxy_settings one) {
      if (const auto made = net::forward_proxy::make(one); !made)
        problems_.emplace_back(settings_errc::wrong, fmt::format("{}: {}", name, made.error().text()), place_of(name));
    };
    check("proxy.url", {.url = p.url});
    for (const auto& host : p.no_proxy) check("proxy.no_proxy", {.no_proxy = {host}});
    for (const auto& [host, way] : p.targets) check("proxy.targets." + host, {.targets = {{host, way}}});
  }

  // dsf-fhir-server 2.6
  void proxies() {
    net::network_list networks;
    for (const auto& p : c_.proxies) {
      const bool thumbprint = p.size() == 128 && p.find_first_not_of("0123456789abcdef") == p.npos;
      if (thumbprint) continue;
      if (const auto added = networks.add(p); !added)
        problems_.emplace_back(settings_errc::wrong,
                               fmt::format("fhir.proxies: {}, or the SHA-512 thumbprint of the proxy's client certificate (128 lower-case "
                                           "hexadecimal digits)",
                                           added.error().text()),
                               place_of("fhir.proxies"));
    }
    if (c_.proxy_listen.port != 0 && c_.proxies.empty())
      refuse("fhir.proxy_port", "fhir.proxy_port is set, but fhir.proxies lists nobody who may come there; list the proxy's address");
    const auto& h = c_.proxy_header;
    if (h.empty() || h.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != h.npos)
      refuse("fhir.proxy_header", fmt::format("fhir.proxy_header is '{}', which is no name of a header; the usual one is X-ClientCert", h));
  }

  static bool holds_its_key(std::string_view certificate) { return certificate.ends_with(".p12") || certificate.ends_with(".pfx"); }

  void side(const std::string& prefix, const tls_config& t, std::string_view why) {
    require(prefix + ".certificate", why);
    if (!holds_its_key(t.certificate)) require(prefix + ".key", why);
    require(prefix + ".trust", why);
  }

  void paths() {
    if (c_.store_path.empty()) return;
    const std::filesystem::path store(c_.store_path);
    if (c_.admin_socket.empty()) c_.admin_socket = (store / "admin.sock").string();
    if (c_.repository_path.empty()) c_.repository_path = (store / "repository").string();
    if (c_.admin_socket.size() > max_socket_path)
      refuse("admin.socket",
             fmt::format("admin.socket is '{}'; the path of a Unix socket has at most {} bytes, this one has {}; set a shorter one",
                         c_.admin_socket, max_socket_path, c_.admin_socket.size()));
  }

  void processes() {
    for (const auto* name : {"processes.excluded", "processes.retired"}) {
      const auto& items = name == std::string_view("processes.excluded") ? c_.excluded_processes : c_.retired_processes;
      for (const auto& item : items) {
        const auto bar = item.find('|');
        if (bar == std::string::npos || bar == 0 || bar + 1 == item.size())
          problems_.emplace_back(settings_errc::wrong, fmt::format("{} has '{}'; it must be key|version, e.g. dsfdev_ping|1.0", name, item),
                                 place_of(name));
      }
    }
    // dsf-bpe 6.1: a variable that ends in _PASSWORD_FILE or _SECRET_FILE names a file whose first line is the value.
    auto environment = c_.process_environment;
    for (const auto& [name, path] : environment) {
      if (!name.ends_with("_PASSWORD_FILE") && !name.ends_with("_SECRET_FILE")) continue;
      std::ifstream in(path, std::ios::binary);
      std::string line;
      if (!std::getline(in, line)) {
        problems_.emplace_back(settings_errc::unreadable,
                               fmt::format("process_environment.{} is '{}'; this file can't be read or is empty", name, path),
                               place_of("process_environment." + name));
        continue;
      }
      if (line.ends_with('\r')) line.pop_back();
      c_.process_environment[name.substr(0, name.size() - 5)] = line;
    }
  }

  void feasibility() {
    for (const auto& [key, network] : c_.feasibility.networks) {
      const auto prefix = "feasibility.networks." + key;
      if (!network.obfuscate && !DSF_MUTANT("site.obfuscate_false_accepted"))
        refuse(prefix + ".obfuscate",
               fmt::format("{}.obfuscate is false; this program never lets an exact count leave the site. Set it to true or leave it out",
                           prefix));
      for (const auto& store : network.stores)
        if (!c_.feasibility.stores.contains(store))
          problems_.emplace_back(settings_errc::wrong,
                                 fmt::format("{}.stores has '{}'; there is no feasibility.stores.{}", prefix, store, store),
                                 place_of(prefix + ".stores"));
    }
    if (c_.feasibility.mapping.empty() != c_.feasibility.tree.empty())
      refuse(c_.feasibility.mapping.empty() ? "feasibility.tree" : "feasibility.mapping",
             "feasibility.mapping and feasibility.tree go together; set both or none");
    for (const auto& [key, store] : c_.feasibility.stores) {
      const auto prefix = "feasibility.stores." + key;
      if (store.native == !store.base_url.empty())
        refuse(prefix + (store.native ? ".base_url" : ".native"),
               fmt::format("{} must have exactly one of native: true (the site's own repository) and base_url (another server)", prefix));
      if (store.native && store.strategy != evaluation_strategy::ccdl)
        refuse(prefix + ".evaluation_strategy",
               fmt::format("{}.evaluation_strategy must be ccdl; the site's own repository evaluates CCDL queries", prefix));
      if (store.tls.certificate.empty() != store.tls.key.empty() && !holds_its_key(store.tls.certificate))
        refuse(prefix + (store.tls.certificate.empty() ? ".key" : ".certificate"),
               fmt::format("{}: certificate and key go together; set both or none", prefix));
      if (!store.bearer_token.empty() && !store.username.empty())
        refuse(prefix + ".bearer_token", fmt::format("{}: bearer_token and username are both set; leave one out", prefix));
    }
  }

  void mail() {
    const auto& m = c_.mail;
    if (m.host.empty()) return;
    require("mail.from", "mails need a sender (mail.host is set)");
    require("mail.to", "mails need a recipient (mail.host is set)");
    const auto check = [&](const char* name, const std::vector<std::string>& list) {
      for (const auto& address : list)
        if (!base::is_mail_address(address))
          refuse(name, fmt::format("{} has '{}'; it must be an address as name@host.example", name, address));
    };
    if (!m.from.empty()) check("mail.from", {m.from});
    check("mail.to", m.to);
    check("mail.cc", m.cc);
    check("mail.reply_to", m.reply_to);
    if (m.tls.certificate.empty() != m.tls.key.empty())
      refuse(m.tls.certificate.empty() ? "mail.key" : "mail.certificate", "mail: certificate and key go together; set both or none");
    if (m.username.empty() != m.password.empty())
      refuse(m.username.empty() ? "mail.password" : "mail.username", "mail: username and password go together; set both or none");
  }

  void workers() {
    auto& w = c_.workers;
    if (w.plugins.empty() && w.socket.empty()) w.socket = "off";
    if (w.socket.empty() && !c_.store_path.empty()) w.socket = (std::filesystem::path(c_.store_path) / "workers.sock").string();
    // A relative path is made absolute or relative to the file's folder before it comes here.
    if (w.socket.ends_with("/off")) w.socket = "off";
    if (w.socket != "off" && w.socket.size() > max_socket_path)
      refuse("workers.socket", fmt::format("workers.socket is '{}'; the path of a Unix socket has at most {} bytes, this one has {}; set a "
                                           "shorter one",
                                           w.socket, max_socket_path, w.socket.size()));
    if (w.tcp)
      for (auto name : {"workers.tls.certificate", "workers.tls.key", "workers.tls.trust"})
        require(name, "workers of other machines come with mutual TLS only (workers.address)");
    std::map<std::string, std::string> owner;
    for (const auto& [name, plugin] : w.plugins) {
      const auto prefix = "workers.plugins." + name;
      if (plugin.processes.empty())
        problems_.emplace_back(settings_errc::missing,
                               fmt::format("{0}.processes is not set; {0} needs the keys of its processes", prefix));
      for (const auto& process : plugin.processes) {
        const auto [at, fresh] = owner.emplace(process, name);
        if (!fresh)
          problems_.emplace_back(
              settings_errc::wrong,
              fmt::format("{}.processes has '{}', and so has workers.plugins.{}.processes; a process belongs to one plugin", prefix,
                          process, at->second),
              place_of(prefix + ".processes"));
      }
      for (const auto& store : plugin.stores)
        if (!c_.feasibility.stores.contains(store))
          problems_.emplace_back(settings_errc::wrong,
                                 fmt::format("{}.stores has '{}'; there is no feasibility.stores.{}", prefix, store, store),
                                 place_of(prefix + ".stores"));
    }
  }

  site_config& c_;
  const std::vector<assignment>& assignments_;
  std::vector<error> problems_;
};

}  // namespace

std::vector<error> check_together(site_config& config, const std::vector<assignment>& assignments) {
  return checker(config, assignments).run();
}

}  // namespace dsf::site

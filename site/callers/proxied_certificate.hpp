// The caller's certificate: the one of the connection, or the one a listed reverse proxy tells of in a header (dsf-fhir-server 2.2, 2.6).
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/log.hpp"
#include "net/networks.hpp"
#include "net/tls.hpp"

namespace dsf::site {

// Addresses, networks and client certificates (SHA-512 thumbprints) of the proxies whose header is believed.
class proxy_list {
public:
  base::result<> add(const std::string& entry);
  [[nodiscard]] bool by_address(const net::peer& p) const { return networks_.contains(p.address); }
  [[nodiscard]] bool by_certificate(const net::peer& p) const { return p.has_certificate && thumbprints_.contains(p.thumbprint); }
  [[nodiscard]] bool has(const net::peer& p) const { return by_address(p) || by_certificate(p); }
  [[nodiscard]] bool empty() const noexcept { return networks_.empty() && thumbprints_.empty(); }
  // A proxy that is known by its address need not show a certificate of its own.
  [[nodiscard]] bool some_without_certificate() const noexcept { return !networks_.empty(); }

private:
  net::network_list networks_;
  std::unordered_set<std::string> thumbprints_;
};

// Whose subject and issuer are let in (2.6, SSL_EXPECTED_CLIENT_...); empty: any.
struct certificate_names {
  std::vector<std::string> countries;  // subject C
  std::vector<std::string> issuers;    // issuer CN
};

// What a request comes with. Thread-safe.
class certificate_of_request {
public:
  struct found {
    int refused = 0;                        // an HTTP status; 0: go on
    std::shared_ptr<const net::peer> peer;  // has_certificate is false when none was shown
  };
  certificate_of_request(proxy_list proxies, std::string header, certificate_names names, net::tls_identity trust, const base::logger& log,
                         const base::clock& time = base::system_clock_source());

  // Takes the header out of the request. `plain`: it came on the port without TLS, where only proxies may come.
  found look(net::request& r, bool plain);
  void use(net::tls_identity trust);

private:
  found of_proxy(const net::request& r, const std::vector<std::string_view>& values);
  std::optional<net::peer> verified(const std::string& pem, const net::peer& proxy);
  [[nodiscard]] bool names_fit(const net::peer& p) const;

  proxy_list proxies_;
  std::string header_;
  certificate_names names_;
  const base::logger* log_;
  const base::clock* clock_;
  std::mutex mutex_;
  net::tls_identity trust_;                                 // under the mutex, and so is:
  std::unordered_map<std::string, net::peer> verified_;     // by PEM; at most 1,000, then forgotten
};

}  // namespace dsf::site

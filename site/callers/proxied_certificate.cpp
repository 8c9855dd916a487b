#include "site/callers/proxied_certificate.hpp"

#include <algorithm>

#include "base/mutant.hpp"
#include "net/certificate_header.hpp"

namespace dsf::site {
namespace {

constexpr std::string_view component = "callers";
constexpr std::size_t verified_at_most = 1'000;
constexpr int bad_request = 400, forbidden = 403;
constexpr std::size_t thumbprint_digits = 128;

bool is_thumbprint(std::string_view text) {
  return text.size() == thumbprint_digits && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::shared_ptr<const net::peer> nobody_at(const net::peer& p) {
  auto out = std::make_shared<net::peer>();
  out->address = p.address;
  return out;
}

}  // namespace

base::result<> proxy_list::add(const std::string& entry) {
  if (is_thumbprint(entry)) {
    thumbprints_.insert(entry);
    return {};
  }
  auto added = networks_.add(entry);
  if (added) return {};
  return net::fail(
      net::errc::invalid_argument,
      added.error().text() + "; or the SHA-512 thumbprint of the proxy's client certificate, 128 lower-case hexadecimal digits");
}

certificate_of_request::certificate_of_request(proxy_list proxies, std::string header, certificate_names names, net::tls_identity trust,
                                               const base::logger& log, const base::clock& time)
    : proxies_(std::move(proxies)),
      header_(std::move(header)),
      names_(std::move(names)),
      log_(&log),
      clock_(&time),
      trust_(std::move(trust)) {}

void certificate_of_request::use(net::tls_identity trust) {
  const std::lock_guard lock{mutex_};
  trust_ = std::move(trust);
  verified_.clear();
}

certificate_of_request::found certificate_of_request::look(net::request& r, bool plain) {
  const auto values = r.headers.all(header_);
  const bool listed = proxies_.has(*r.peer) || DSF_MUTANT("callers.header_from_anyone");
  found out{0, r.peer};
  if (!listed) {
    if (plain) {
      log_->warning(component, "refused: the port without TLS is for listed proxies (fhir.proxies)", {}, {{"address", r.peer->address}});
      return {forbidden, nullptr};
    }
    // A header from anybody else says nothing. Who sends it without being a proxy is misconfigured, or tries something.
    if (!values.empty())
      log_->warning(component, "ignored: a certificate header that does not come from a listed proxy (fhir.proxies)", {},
                    {{"address", r.peer->address}, {"header", header_}, {"thumbprint", r.peer->thumbprint}});
  } else if (!values.empty()) {
    out = of_proxy(r, values);
  } else if (plain || proxies_.by_certificate(*r.peer)) {
    // The proxy's own certificate is not its caller's.
    out.peer = nobody_at(*r.peer);
  }
  if (out.refused != 0) return out;
  if (!values.empty()) r.headers.remove(header_);
  if (out.peer->has_certificate && !names_fit(*out.peer)) {
    log_->warning(component, "refused: subject country or issuer is none of tls.server.client_countries, tls.server.client_issuers", {},
                  {{"address", out.peer->address}, {"subject", out.peer->subject}, {"issuer", out.peer->issuer}});
    return {forbidden, nullptr};
  }
  return out;
}

certificate_of_request::found certificate_of_request::of_proxy(const net::request& r, const std::vector<std::string_view>& values) {
  // A proxy that adds its header to the caller's own one would let callers choose who they are.
  if (values.size() > 1) {
    log_->error(component,
                "refused: more than one certificate header; the proxy must replace its caller's (RequestHeader set, proxy_set_header)", {},
                {{"address", r.peer->address}, {"header", header_}});
    return {bad_request, nullptr};
  }
  const auto pem = net::pem_of_header(values.front());
  if (!pem) {
    if (!values.front().empty())
      log_->warning(component, "a proxy's certificate header is in no known form, so it counts as no certificate", {},
                    {{"address", r.peer->address}, {"header", header_}});
    return {0, nobody_at(*r.peer)};
  }
  auto who = verified(*pem, *r.peer);
  if (!who) return {forbidden, nullptr};
  who->address = r.peer->address;
  return {0, std::make_shared<const net::peer>(*std::move(who))};
}

std::optional<net::peer> certificate_of_request::verified(const std::string& pem, const net::peer& proxy) {
  const std::lock_guard lock{mutex_};
  if (const auto known = verified_.find(pem); known != verified_.end() && known->second.not_after > clock_->now()) return known->second;
  auto checked = net::verify_client(trust_, pem);
  if (!checked) {
    log_->warning(component, "refused: the certificate in a proxy's header", {},
                  {{"address", proxy.address}, {"reason", checked.error().text()}});
    return {};
  }
  if (verified_.size() >= verified_at_most) verified_.clear();
  return verified_[pem] = *std::move(checked);
}

bool certificate_of_request::names_fit(const net::peer& p) const {
  const auto fits = [](const std::vector<std::string>& allowed, const std::string& value) {
    return allowed.empty() || std::ranges::find(allowed, value) != allowed.end();
  };
  return fits(names_.countries, p.country) && fits(names_.issuers, p.issuer);
}

}  // namespace dsf::site

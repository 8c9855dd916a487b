#include "net/forward_proxy.hpp"

#include <algorithm>
#include <charconv>

#include "base/bytes.hpp"
#include "net/http.hpp"

namespace dsf::net {

namespace {

std::string host_and_port(const url& to) {
  return (to.host.find(':') == std::string::npos ? to.host : '[' + to.host + ']') + ':' + std::to_string(to.port);
}

result<forward_proxy::route> route_of(const std::string& text) {
  auto parsed = parse_url(text);
  if (!parsed || parsed->scheme != "http" || parsed->target != "/")
    return fail(
        errc::bad_url,
        "'" + text + "' is no address of a proxy; write http://HOST:PORT (what goes through it is encrypted with TLS to the server)");
  return forward_proxy::route{parsed->host, parsed->port, "http://" + host_and_port(*parsed), {}};
}

bool covers(std::string_view rule_host, std::string_view host) {
  if (host == rule_host) return true;
  // One level below.
  if (host.size() <= rule_host.size() + 1 || !host.ends_with(rule_host)) return false;
  const auto label = host.substr(0, host.size() - rule_host.size());
  return label.find('.') == label.size() - 1;
}

}  // namespace

result<forward_proxy::rule> forward_proxy::rule_of(const std::string& target) {
  rule out;
  const auto colon = target.rfind(':');
  // More than one colon is an IPv6 address without a port.
  const bool has_port = colon != std::string::npos && (target.find(':') == colon || target.starts_with('['));
  out.host = target.substr(0, has_port ? colon : std::string::npos);
  if (out.host.starts_with('[') && out.host.ends_with(']')) out.host = out.host.substr(1, out.host.size() - 2);
  std::ranges::transform(out.host, out.host.begin(), [](unsigned char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : char(c); });
  if (has_port) {
    const auto* first = target.data() + colon + 1;
    const auto* last = target.data() + target.size();
    const auto [end, ec] = std::from_chars(first, last, out.port);
    if (ec != std::errc() || end != last || out.port == 0) return fail(errc::invalid_argument, "'" + target + "' is no HOST or HOST:PORT");
  }
  if (out.host.empty() || out.host.find_first_of("/*@ ") != std::string::npos)
    return fail(errc::invalid_argument, "'" + target + "' is no HOST or HOST:PORT; sub-domains of one level are meant without a star");
  return out;
}

result<forward_proxy> forward_proxy::make(const proxy_settings& s) {
  forward_proxy out;
  if (!s.url.empty()) {
    out.main_ = TRY(route_of(s.url));
    if (!s.username.empty()) out.main_->authorization = base::secret("Basic " + base::to_base64(s.username + ':' + s.password.reveal()));
  }
  for (const auto& host : s.no_proxy) out.no_proxy_.push_back(TRY(rule_of(host)));
  for (const auto& [host, way] : s.targets) {
    auto r = TRY(rule_of(host));
    if (way != "direct") r.via = TRY(route_of(way));
    out.targets_.push_back(std::move(r));
  }
  return out;
}

const forward_proxy::route* forward_proxy::route_to(std::string_view host, std::uint16_t port) const {
  for (const auto& r : targets_)
    if (r.host == host && (r.port == 0 || r.port == port)) return r.via ? &*r.via : nullptr;
  for (const auto& r : no_proxy_)
    if (covers(r.host, host) && (r.port == 0 || r.port == port)) return nullptr;
  return main_ ? &*main_ : nullptr;
}

std::string connect_request(const url& to, const forward_proxy::route& via) {
  const auto target = host_and_port(to);
  std::string out = "CONNECT " + target + " HTTP/1.1\r\nHost: " + target + "\r\n";
  if (!via.authorization.empty()) out += "Proxy-Authorization: " + via.authorization.reveal() + "\r\n";
  return out + "\r\n";
}

result<bool> connect_answer(std::string_view bytes, const url& to, const forward_proxy::route& via) {
  const auto target = host_and_port(to);
  const auto end = bytes.find("\r\n\r\n");
  if (end == std::string_view::npos && bytes.size() < connect_answer_at_most) {
    const auto first = bytes.substr(0, 5);
    if (first != std::string_view("HTTP/").substr(0, first.size()))
      return fail(errc::proxy_failed, "what listens at " + via.name + " does not speak HTTP; it is no proxy for " + target);
    return false;
  }
  int status = 0;
  const auto line = bytes.substr(0, bytes.find("\r\n"));
  if (line.starts_with("HTTP/1.") && line.size() >= 12 && line[8] == ' ') std::from_chars(line.data() + 9, line.data() + 12, status);
  if (end == std::string_view::npos || status < 100)
    return fail(errc::proxy_failed, "the proxy " + via.name + " gives an answer that is no HTTP, asked for " + target);
  const auto said = std::to_string(status) + ' ' + std::string(reason_phrase(status));
  if (status >= 200 && status < 300) {
    if (bytes.size() != end + 4)
      return fail(errc::proxy_failed, "the proxy " + via.name + " sends bytes that nobody asked for, before " + target + " was spoken to");
    return true;
  }
  if (status == 407)
    return fail(errc::proxy_refused,
                "the proxy " + via.name + " lets nobody through to " + target +
                    (via.authorization.empty() ? " without credentials (407): set proxy.username and proxy.password_file"
                                               : " with our credentials (407): check proxy.username and proxy.password_file"));
  if (status == 502 || status == 503 || status == 504)
    return fail(errc::proxy_failed, "the proxy " + via.name + " can't reach " + target + ": it answers " + said);
  return fail(errc::proxy_refused, "the proxy " + via.name + " refuses a connection to " + target + ": it answers " + said +
                                       "; its administrator has to allow CONNECT to this host and port");
}

}  // namespace dsf::net

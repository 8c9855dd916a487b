// The proxy through which other sites are reached: for which of them, and what is said to it (RFC 9110 9.3.6, CONNECT).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.hpp"
#include "net/error.hpp"
#include "net/query.hpp"

namespace dsf::net {

struct proxy_settings {
  std::string url;  // http://host:port; empty: none, but for `targets`
  std::string username;
  base::secret password;
  // host or host:port that are called without it; also their sub-domains of one level (dsf-fhir-server 8, DEV_DSF_PROXY_NOPROXY).
  std::vector<std::string> no_proxy;
  // host or host:port to "direct" or to another proxy's URL, which gets no credentials; stronger than no_proxy.
  std::map<std::string, std::string> targets;
};

class forward_proxy {
public:
  struct route {
    std::string host;
    std::uint16_t port = 0;
    std::string name;            // "http://proxy.hospital-a.example:3128"
    base::secret authorization;  // value of Proxy-Authorization; empty: none
  };
  static result<forward_proxy> make(const proxy_settings& s);
  // Null: straight to the server. Stays as long as this object.
  [[nodiscard]] const route* route_to(std::string_view host, std::uint16_t port) const;

private:
  struct rule {
    std::string host;
    std::uint16_t port = 0;  // 0: any
    std::optional<route> via;
  };
  static result<rule> rule_of(const std::string& target);

  std::optional<route> main_;
  std::vector<rule> targets_;
  std::vector<rule> no_proxy_;
};

// What is sent to the proxy for a tunnel to the server.
std::string connect_request(const url& to, const forward_proxy::route& via);

constexpr std::size_t connect_answer_at_most = 16 * 1024;
// The proxy's answer so far: false when there is more to come, true when the tunnel is open, or why there is none.
result<bool> connect_answer(std::string_view bytes, const url& to, const forward_proxy::route& via);

}  // namespace dsf::net

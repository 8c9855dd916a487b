// HTTP(S) client with a pool of kept-alive connections to each host. One client has one TLS identity.
#pragma once

#include <memory>
#include <optional>

#include "net/streaming.hpp"
#include "net/tls.hpp"
#include "net/transport.hpp"

namespace dsf::net {

class io_threads;
class forward_proxy;

struct client_options {
  // Needed for https:// URLs. Servers are verified against its trust, and their certificate must name the URL's host.
  std::optional<tls_identity> identity;
  int threads = 1;
  std::shared_ptr<io_threads> shared_threads;
  int connections_per_host = 16;
  int waiting_per_host = 1'000;  // requests that wait for a connection; beyond that `overloaded`
  std::int64_t idle_timeout_ms = 30'000;
  std::int64_t connect_timeout_ms = 10'000;  // name, TCP and TLS; never longer than the request's own time-out
  std::size_t answer_head_bytes = 32 * 1024;
  std::uint64_t answer_bytes = 64 * 1024 * 1024;
  std::shared_ptr<const forward_proxy> proxy;  // null: straight to the server
};

struct client_statistics {
  std::uint64_t opened = 0;  // connections
  std::uint64_t reused = 0;
  std::uint64_t retried = 0;  // sent again because a pooled connection had been closed
};

class https_client final : public transport, public streaming_transport {
public:
  explicit https_client(client_options options);
  ~https_client() override;  // what is still under way ends with `stopped` or `connection_lost`
  https_client(const https_client&) = delete;
  https_client& operator=(const https_client&) = delete;

  void send(client_request request, std::int64_t timeout_ms, client_callback done) override;
  void send_streams(client_request request, body_streams bodies, std::int64_t timeout_ms, client_callback done) override;
  // Blocks; for command line tools and tests, never on an io thread.
  result<client_response> send_and_wait(client_request request, std::int64_t timeout_ms);
  // For connections that are made from now on; idle ones are not used any more.
  void use(tls_identity identity);
  [[nodiscard]] client_statistics statistics() const noexcept;

private:
  struct impl;
  std::shared_ptr<impl> impl_;
};

}  // namespace dsf::net

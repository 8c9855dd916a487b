// HTTPS (or, without an identity, HTTP) server. Requests go to one asynchronous handler; answers may come from any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "net/error.hpp"
#include "net/http.hpp"
#include "net/tls.hpp"
#include "net/websocket.hpp"

namespace dsf::net {

class io_threads;

enum class client_certificate : std::uint8_t {
  required,  // none, or one of an unknown CA: TLS alert, never an HTTP answer (dsf-fhir-server 2.2)
  optional,  // none is fine; one of an unknown CA is still refused
  none,      // not asked for
};

struct server_limits {
  int connections = 1'000;
  int connections_per_certificate = 64;
  std::size_t head_bytes = 32 * 1024;
  std::uint64_t body_bytes = 16 * 1024 * 1024;
  std::int64_t handshake_timeout_ms = 10'000;
  std::int64_t idle_timeout_ms = 60'000;    // between requests
  std::int64_t head_timeout_ms = 10'000;    // from a request's first byte to its head's last
  std::int64_t body_timeout_ms = 120'000;   // from there to the body's last
  std::int64_t write_timeout_ms = 60'000;   // a stretch of at most 256 KiB of the answer
  std::int64_t retry_after_s = 5;           // said with 503
};

// One answered request, for logs, metrics and a test's recorder. The texts live only during the call.
struct exchange {
  const peer& who;
  std::string_view method;
  std::string_view target;
  int status = 0;
  std::uint64_t request_body_bytes = 0;
  std::uint64_t response_body_bytes = 0;
  std::int64_t read_us = 0;     // from the first byte of the request to the last
  std::int64_t handler_us = 0;  // from there to the answer
  std::int64_t inline_us = 0;   // what of it was spent on the io thread itself
  std::int64_t write_us = 0;
  bool delivered = false;       // false: the connection broke before all was written
  std::string_view fault;       // what the handler threw, or why its answer could not be sent; such a request got 500
};

// What becomes of a request's body, decided when its head is there.
struct body_verdict {
  std::shared_ptr<response> refusal;  // answered at once, the body is not read
  std::shared_ptr<body_sink> sink;    // takes it; else it is collected, up to server_limits::body_bytes
  std::uint64_t limit = 0;            // for the sink
};

struct server_options {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;  // 0: any free one, see port()
  std::optional<tls_identity> identity;
  client_certificate certificates = client_certificate::required;
  int threads = 0;  // 0 = max(1, cores - 1)
  std::shared_ptr<io_threads> shared_threads;
  server_limits limits;
  // Answers of this size and above are compressed for who asks for it (net/gzip.hpp); 0: none is.
  std::uint64_t gzip_from = 0;
  // Judges requests for a WebSocket, on an io thread; without it they go to the handler like all others. When the server stops, its WebSockets are
  // cut without a close frame: that is what makes DSF's engine come back (dsf-fhir-server 5.1).
  std::function<websocket_verdict(const request&)> on_websocket;
  // On an io thread, for requests that have a body. The request has no body yet; must not block.
  std::function<body_verdict(const request& head)> on_body;
  // Makes the body of answers the server gives by itself (400, 408, 413, 431, 500, 503); text_response by default.
  std::function<response(int status, std::string text)> error_answer;
  // On an io thread, after the answer was written. Must not block.
  std::function<void(const exchange&)> on_exchange;
  // A TLS handshake that failed, with OpenSSL's reason ("certificate has expired").
  std::function<void(std::string_view address, std::string_view reason)> on_refused;
};

struct server_statistics {
  std::uint64_t accepted = 0;
  std::uint64_t refused_handshakes = 0;
  std::uint64_t over_limit = 0;
  std::uint64_t requests = 0;
  int connections = 0;
};

class https_server {
public:
  // Listens when it returns.
  static result<https_server> start(server_options options, handler handle);
  https_server(https_server&&) noexcept;
  https_server& operator=(https_server&&) noexcept;
  ~https_server();

  [[nodiscard]] std::uint16_t port() const noexcept;
  [[nodiscard]] server_statistics statistics() const noexcept;
  // For connections that come from now on; those that are open keep what they began with. Only for a server with TLS.
  void use(tls_identity identity);
  // Accepts no more, lets running requests finish until the deadline, then closes what is left. Not to be called on an io thread.
  void stop(std::int64_t deadline_ms = 5'000);

private:
  struct impl;
  https_server(std::shared_ptr<impl> i, std::shared_ptr<io_threads> threads);
  std::shared_ptr<impl> impl_;
  std::shared_ptr<io_threads> threads_;
};

}  // namespace dsf::net

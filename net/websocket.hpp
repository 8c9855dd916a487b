// WebSocket connections (RFC 6455) as callbacks and plain values; the same for both ends.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "net/error.hpp"
#include "net/http.hpp"
#include "net/tls.hpp"

namespace dsf::net {

class io_threads;
class forward_proxy;

struct websocket_limits {
  std::size_t message_bytes = 16 * 1024 * 1024;  // of one that comes in
  std::size_t queued_messages = 1'000;           // that wait to be sent; more: the connection is cut, its other end does not read
  std::size_t queued_bytes = 32 * 1024 * 1024;
  std::int64_t ping_every_ms = 28'000;           // dsf-fhir-server 5.1
  std::int64_t idle_timeout_ms = 90'000;         // without a byte from the other end, which answers pings at least
  std::int64_t write_timeout_ms = 60'000;        // for one message
};

struct websocket_end {
  std::uint16_t code = 1006;  // as received; 1005: a close frame without one; 1006: the connection broke, or we cut it
  std::string reason;
};

// On the connection's io thread, which they must not block. After on_end none is called.
struct websocket_handlers {
  std::function<void(std::string)> on_text;  // other messages are ignored (dsf-fhir-server 5.1)
  std::function<void(websocket_end)> on_end;
  std::function<void(std::string)> on_note;  // for logs: a pong that answers no ping of ours
};

// The sending end. May be copied and used on any thread, also when the connection is gone.
class websocket {
public:
  struct target {
    virtual ~target() = default;
    virtual void send_text(std::string text) = 0;
    virtual void end(std::uint16_t code, std::string reason) = 0;
    virtual void cut() = 0;
  };
  websocket() = default;
  explicit websocket(std::weak_ptr<target> to) : target_(std::move(to)) {}
  void send(std::string text) const;
  // Says good-bye with a close frame. The end is told once the other side answers, or soon without an answer.
  void close(std::uint16_t code, std::string reason) const;
  // Without a word; the other side sees an abnormal end.
  void abort() const;

private:
  std::weak_ptr<target> target_;
};

// What a server makes of a request for a WebSocket.
struct websocket_verdict {
  response refusal;  // sent when `open` is empty
  // The connection is there: who listens to it? On its io thread.
  std::function<websocket_handlers(websocket)> open;
  websocket_limits limits;
};

struct websocket_request {
  std::string url;     // http:// or https://, as for any other request
  header_list headers; // beyond those of the protocol
  std::optional<tls_identity> identity;
  std::int64_t connect_timeout_ms = 10'000;  // name, TCP, TLS and the server's answer
  websocket_limits limits;
  std::shared_ptr<const forward_proxy> proxy = {};  // null: straight to the server
};

// `done` is called once, on an io thread: with the connection, whose handlers are set already, or with why there is none.
void open_websocket(io_threads& threads, websocket_request request, websocket_handlers handlers,
                    std::function<void(result<websocket>)> done);

// True for a GET that asks for a change to this protocol (RFC 6455 4.2.1).
[[nodiscard]] bool wants_websocket(const request& r) noexcept;

}  // namespace dsf::net

// One WebSocket, server's or client's, from the handshake on, over the connection's stream. Hides Beast's WebSocket; on one io loop.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "net/stream_impl.hpp"
#include "net/websocket.hpp"

namespace dsf::net {

class websocket_session : public websocket::target {
public:
  // From the loop; any thread: websocket::abort().
  virtual void break_off(std::string reason) = 0;
};

// Answers the request and opens. `already` was read behind it; `open` is called when the answer is written, `gone` once at the end, after on_end.
std::shared_ptr<websocket_session> accept_websocket(std::unique_ptr<stream> s, const request& asked, std::string already,
                                                    websocket_limits limits, std::function<websocket_handlers(websocket)> open,
                                                    std::function<void()> gone);

// What a server answered that is no WebSocket, or why nothing came.
struct websocket_refusal {
  io_error error;
  int status = 0;  // of an HTTP answer; 0: there was none
};
// Asks for one behind the TLS handshake. `done` is called once: with null, or with why there is none; after null come the handlers.
std::shared_ptr<websocket_session> request_websocket(std::unique_ptr<stream> s, std::string host, std::string target,
                                                     const header_list& headers, websocket_limits limits, websocket_handlers handlers,
                                                     std::function<void(const websocket_refusal*)> done);

}  // namespace dsf::net

// The seam to other programs over HTTP (docs/design.md, decision 19): https_client is the real one, simulations have their own.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "net/error.hpp"
#include "net/http.hpp"

namespace dsf::net {

struct client_request {
  std::string method = "GET";
  std::string url;
  header_list headers;  // Host, Content-Length and Connection are ours
  body_bytes body;
  std::uint64_t answer_bytes_at_most = 0;  // 0 = the client's own limit
};

struct client_response {
  int status = 0;
  header_list headers;
  std::string body;
  bool reused_connection = false;
};

using client_callback = std::function<void(result<client_response>)>;

class transport {
public:
  virtual ~transport() = default;
  // Calls back exactly once, on a thread of the transport; the callback must not block. may_have_been_processed(error) tells
  // whether the other side can have acted on a request that got no answer.
  virtual void send(client_request request, std::int64_t timeout_ms, client_callback done) = 0;
};

}  // namespace dsf::net

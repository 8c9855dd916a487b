// Bodies of calls to other programs that pass by piece by piece, so that a call needs the same memory whatever its size. The same sources and sinks
// as a server's (http.hpp), the other way round.
#pragma once

#include <cstdint>
#include <memory>

#include "net/transport.hpp"

namespace dsf::net {

struct body_streams {
  // Gives the request's body, in place of client_request::body. An error, or another length than was said, ends the call.
  std::shared_ptr<body_source> source;
  // Takes the body of an answer with a status 2xx; that of another one is in client_response::body. A refusal, whatever it says, means that the rest is
  // not wanted: the call ends with the answer's head, and the connection with the call.
  std::shared_ptr<body_sink> sink;
};

class streaming_transport {
public:
  virtual ~streaming_transport() = default;
  // As transport::send(), but `timeout_ms` begins anew with each piece, and a call with a source is never sent a second time. Source and sink are asked
  // on a thread of the transport: they must not block.
  virtual void send_streams(client_request request, body_streams bodies, std::int64_t timeout_ms, client_callback done) = 0;
};

}  // namespace dsf::net

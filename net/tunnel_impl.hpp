// The first words of a connection that goes through a proxy.
#pragma once

#include <functional>
#include <memory>

#include "net/forward_proxy.hpp"
#include "net/stream_impl.hpp"

namespace dsf::net {

// Asks for a tunnel; `done` is called once on the socket's loop, with nothing when the socket leads to the server. The socket has to stay
// where it is until then; closing it ends the attempt.
void open_tunnel(socket_type& socket, const forward_proxy::route& via, const url& to, std::function<void(result<void>)> done);

}  // namespace dsf::net

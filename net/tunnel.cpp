#include "net/tunnel_impl.hpp"

#include <array>
#include <boost/asio/write.hpp>

namespace dsf::net {

namespace {

struct tunnel : std::enable_shared_from_this<tunnel> {
  tunnel(socket_type& s, const forward_proxy::route& v, const url& u, std::function<void(result<void>)> d)
      : socket(s), via(v), to(u), done(std::move(d)) {}

  void ask() {
    request = connect_request(to, via);
    asio::async_write(socket, asio::buffer(request), [self = shared_from_this()](io_error ec, std::size_t) {
      if (ec) return self->lost(ec);
      self->read();
    });
  }
  void read() {
    socket.async_read_some(asio::buffer(buffer), [self = shared_from_this()](io_error ec, std::size_t n) {
      if (ec) return self->lost(ec);
      self->answer.append(self->buffer.data(), n);
      const auto open = connect_answer(self->answer, self->to, self->via);
      if (!open) return self->done(failure(open.error()));
      if (!*open) return self->read();
      self->done({});
    });
  }
  void lost(const io_error& ec) {
    done(fail(errc::proxy_failed,
              "the proxy " + via.name + " ended the connection when it was asked for " + to.authority() + ": " + describe(ec)));
  }

  socket_type& socket;
  forward_proxy::route via;
  url to;
  std::function<void(result<void>)> done;
  std::string request, answer;
  std::array<char, 4096> buffer;
};

}  // namespace

void open_tunnel(socket_type& socket, const forward_proxy::route& via, const url& to, std::function<void(result<void>)> done) {
  std::make_shared<tunnel>(socket, via, to, std::move(done))->ask();
}

}  // namespace dsf::net

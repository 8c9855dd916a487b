#include "tests/support/tcp_proxy.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdexcept>

namespace dsf::tests {
namespace {

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_port = htons(port);
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return a;
}

}  // namespace

tcp_proxy::tcp_proxy(std::uint16_t to_port) : to_port_(to_port), listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  auto a = loopback(0);
  socklen_t size = sizeof a;
  if (::bind(listener_, reinterpret_cast<sockaddr*>(&a), sizeof a) != 0 || ::listen(listener_, 64) != 0 ||
      ::getsockname(listener_, reinterpret_cast<sockaddr*>(&a), &size) != 0)
    throw std::runtime_error("the proxy can't listen");
  port_ = ntohs(a.sin_port);
  acceptor_ = std::thread([this] { accept_loop(); });
}

tcp_proxy::~tcp_proxy() {
  stopping_ = true;
  acceptor_.join();
  cut();
  for (auto& t : threads_) t.join();
  for (const int fd : open_) ::close(fd);
  ::close(listener_);
}

// The descriptors stay open until the end, so that none is used again for another connection while a thread still has it.
void tcp_proxy::cut() {
  const std::lock_guard lock{mutex_};
  for (const int fd : open_) ::shutdown(fd, SHUT_RDWR);
}

void tcp_proxy::accept_loop() {
  while (!stopping_) {
    pollfd p{listener_, POLLIN, 0};
    if (::poll(&p, 1, 50) <= 0) continue;
    const int in = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (in < 0) continue;
    const int out = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const auto a = loopback(to_port_);
    if (closed_ || ::connect(out, reinterpret_cast<const sockaddr*>(&a), sizeof a) != 0) {
      ::close(in);
      ::close(out);
      continue;
    }
    ++accepted_;
    const std::lock_guard lock{mutex_};
    open_.insert(open_.end(), {in, out});
    threads_.emplace_back([=, this] { pass(in, out, false); });
    threads_.emplace_back([=, this] { pass(out, in, true); });
  }
}

void tcp_proxy::pass(int from, int to, bool from_server) {
  char buffer[16 * 1024];
  for (;;) {
    while (from_server && stalled_ && !stopping_) ::usleep(10'000);
    const auto n = ::recv(from, buffer, sizeof buffer, 0);
    if (n <= 0) break;
    for (ssize_t sent = 0; sent < n;) {
      const auto more = ::send(to, buffer + sent, static_cast<std::size_t>(n - sent), MSG_NOSIGNAL);
      if (more <= 0) break;
      sent += more;
    }
  }
  ::shutdown(from, SHUT_RDWR);
  ::shutdown(to, SHUT_RDWR);
}

}  // namespace dsf::tests

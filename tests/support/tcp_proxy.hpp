// Passes bytes on between two ports, until a test cuts what goes through it.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

namespace dsf::tests {

class tcp_proxy {
public:
  // Listens on 127.0.0.1; port() says where.
  explicit tcp_proxy(std::uint16_t to_port);
  ~tcp_proxy();
  tcp_proxy(const tcp_proxy&) = delete;
  tcp_proxy& operator=(const tcp_proxy&) = delete;

  [[nodiscard]] std::uint16_t port() const { return port_; }
  // Ends every connection of the moment.
  void cut();
  // While closed, what connects is ended at once.
  void close(bool closed) { closed_ = closed; }
  // While stalled, nothing comes back from the server; nobody reads it there.
  void stall(bool stalled) { stalled_ = stalled; }
  [[nodiscard]] int connections() const { return accepted_; }

private:
  void accept_loop();
  void pass(int from, int to, bool from_server);

  std::uint16_t to_port_, port_ = 0;
  int listener_ = -1;
  std::atomic<bool> stopping_ = false, closed_ = false, stalled_ = false;
  std::atomic<int> accepted_ = 0;
  std::mutex mutex_;
  std::vector<int> open_;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

}  // namespace dsf::tests

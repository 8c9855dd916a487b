// A WebSocket client of a site, and what it heard.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "net/io_threads.hpp"
#include "net/websocket.hpp"

namespace dsf::tests {

// Lines in the order they came: "text ...", "end CODE REASON".
class socket_ear {
public:
  // With this certificate and key; the error says why the server refused.
  static net::result<std::shared_ptr<socket_ear>> open(const std::shared_ptr<net::io_threads>& threads, const std::string& url,
                                                       net::tls_identity identity, net::websocket_limits limits = {});
  void send(const std::string& text) { socket_.send(text); }
  void close() { socket_.close(1000, ""); }
  // Binds and waits for the answer.
  bool bind(const std::string& subscription);
  // A line that begins so, from now or before.
  bool wait_for(const std::string& what);
  // As many lines; fewer after ten seconds.
  std::vector<std::string> heard(std::size_t lines);
  // The texts but the answers to binds, once there are as many.
  std::vector<std::string> events(std::size_t n);

private:
  void note(std::string line);
  std::vector<std::string> events_now() const;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> lines_;
  net::websocket socket_;
};

}  // namespace dsf::tests

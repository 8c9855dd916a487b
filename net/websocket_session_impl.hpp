// One WebSocket after its handshake, server's or client's, as a state machine on its io loop.
#pragma once

#include <deque>
#include <memory>
#include <string>

#include "net/stream_impl.hpp"
#include "net/websocket.hpp"
#include "net/websocket_frames.hpp"

namespace dsf::net {

// Answer to a Sec-WebSocket-Key (RFC 6455 4.2.2), and a fresh key.
std::string websocket_accept(std::string_view key);
std::string websocket_key();

class websocket_session final : public stream_events, public websocket::target, public std::enable_shared_from_this<websocket_session> {
public:
  // `gone` is called once, after on_end.
  websocket_session(std::unique_ptr<stream> s, bool as_server, websocket_limits limits, std::function<void()> gone);
  // `already` was read behind the handshake.
  void begin(websocket_handlers handlers, std::string_view already);
  // From the loop; any thread: websocket::abort().
  void break_off(std::string reason);

  void send_text(std::string text) override;
  void end(std::uint16_t code, std::string reason) override;
  void cut() override;

private:
  void on_handshake(io_error) override {}
  void on_read(io_error ec, std::size_t n) override;
  void on_written(io_error ec) override;
  void on_closed() override;

  void on_loop(std::function<void(websocket_session&)> what);
  void read_more();
  // False when the connection ended on the way.
  bool take(websocket_message m);
  void enqueue(frame_kind kind, std::string_view payload);
  void write_next();
  void say_close(std::uint16_t code, std::string reason);
  void finish(websocket_end e);
  void arm();
  void tick();

  std::unique_ptr<stream> stream_;
  bool as_server_;
  websocket_limits limits_;
  std::function<void()> gone_;
  websocket_handlers handlers_;
  frame_reader reader_;
  timer_type timer_;
  std::string in_;
  std::deque<std::string> out_;  // frames; the first is being written
  std::size_t out_bytes_ = 0;
  bool writing_ = false;
  bool close_sent_ = false;
  bool close_received_ = false;
  bool ended_ = false;
  websocket_end end_;
  std::string ping_;             // what the last ping carried and no pong has answered
  std::int64_t next_ping_us_ = 0, last_read_us_ = 0, write_since_us_ = 0, close_since_us_ = 0;
};

}  // namespace dsf::net

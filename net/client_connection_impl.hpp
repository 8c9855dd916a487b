// One connection of the client and the call it carries; all of it lives on one io loop.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "net/forward_proxy.hpp"
#include "net/https_client.hpp"
#include "net/message_parser.hpp"
#include "net/query.hpp"
#include "net/stream_impl.hpp"

namespace dsf::net {

class client_connection;
struct client_lane;

struct client_call {
  client_call(client_request r, url u, client_callback d, asio::io_context& c)
      : request(std::move(r)), to(std::move(u)), done(std::move(d)), timer(c.get_executor()) {}
  // The callback runs once.
  void finish(result<client_response> r);

  client_request request;
  url to;
  client_callback done;
  body_streams bodies;
  std::int64_t timeout_ms = 1;
  std::string piece;         // of the source, being written
  std::uint64_t sent = 0;    // of the source
  timer_type timer;
  std::shared_ptr<client_connection> connection;  // null while it waits
  bool retried = false;
  bool finished = false;
};
using call_ptr = std::shared_ptr<client_call>;

// The connections to one scheme, host and port.
struct host_pool {
  std::vector<std::shared_ptr<client_connection>> idle;  // the last used is used next
  std::deque<call_ptr> waiting;
  int open = 0;
};

struct client_counters {
  std::atomic<std::uint64_t> opened{0}, reused{0}, retried{0};
};

struct client_lane : std::enable_shared_from_this<client_lane> {
  client_lane(asio::io_context& c, const client_options& o, std::shared_ptr<client_counters> n)
      : context(c), options(o), counters(std::move(n)) {}
  void submit(call_ptr call);
  // The time-out begins anew.
  void watch(const call_ptr& call);
  void timed_out(call_ptr call);
  void start(call_ptr call, bool fresh);
  void connection_idle(std::shared_ptr<client_connection> c);
  void connection_gone(client_connection& c);
  void use(const tls_identity& identity);
  void stop();

  asio::io_context& context;
  client_options options;
  std::shared_ptr<client_counters> counters;
  std::unordered_map<std::string, host_pool> pools;
  std::vector<std::shared_ptr<client_connection>> all;
  bool stopped = false;

private:
  void next_waiting(const std::string& key);
  void make_room(const std::string& key);
};

class client_connection final : public stream_events, public std::enable_shared_from_this<client_connection> {
public:
  client_connection(std::shared_ptr<client_lane> lane, url to);
  void open(call_ptr call);
  void carry(call_ptr call);
  // Ends the call with what its progress means for the caller.
  void call_timed_out();
  void abort(errc before_sending, errc after_sending, const std::string& why);
  void close();

  [[nodiscard]] const std::string& key() const noexcept { return key_; }
  std::size_t slot = 0;

private:
  enum class phase : std::uint8_t { resolving, connecting, handshake, busy, idle, closed };

  void resolved(io_error ec, tcp::resolver::results_type found);
  template <class Endpoints>
  void connect(const Endpoints& endpoints);
  void connected(io_error ec);
  // The socket leads to the server.
  void reached();
  void on_handshake(io_error ec) override;
  void on_read(io_error ec, std::size_t n) override;
  void on_written(io_error ec) override;
  void on_closed() override {}
  void read_more();
  void write_body();
  void write(std::string_view bytes);
  void next_piece();
  void piece_given(const call_ptr& call, base::result<std::string> piece);
  // On with the answer once its piece was taken; `whole`: that was the last one.
  void give_piece(bool whole);
  void piece_taken(const call_ptr& call, bool more, bool whole);
  void finish_call();
  void lost(io_error ec);
  void fail_call(errc code, std::string why);
  void arm(std::int64_t ms);
  // " through the proxy http://...", or nothing.
  [[nodiscard]] std::string by_proxy() const { return via_ ? " through the proxy " + via_->name : std::string(); }
  [[nodiscard]] bool takes_pieces() const { return call_->bodies.sink && parser_->status() >= 200 && parser_->status() < 300; }
  [[nodiscard]] std::string where() const { return to_.scheme + "://" + to_.authority(); }

  std::shared_ptr<client_lane> lane_;
  url to_;
  std::string key_;
  std::shared_ptr<const forward_proxy> proxy_;
  const forward_proxy::route* via_ = nullptr;  // of proxy_
  timer_type timer_;
  asio::ip::basic_resolver<tcp, asio::io_context::executor_type> resolver_;
  std::optional<socket_type> socket_;
  std::unique_ptr<stream> stream_;
  phase phase_ = phase::resolving;
  call_ptr call_;
  std::optional<response_parser> parser_;
  std::string in_;
  std::size_t kept_ = 0;      // bytes at its front that the parser has seen, but not taken
  std::string out_;
  std::size_t body_sent_ = 0;
  bool fresh_ = true;         // the call is the first one on this connection
  bool write_started_ = false;
  bool write_done_ = true;
  bool received_ = false;     // any byte of the answer
};

std::string pool_key(const url& u);

}  // namespace dsf::net

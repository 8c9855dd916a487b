// One connection of the server, as a state machine on its io loop; no thread but its own touches it, except through answer().
#pragma once

#include <memory>
#include <string>

#include "net/gzip.hpp"
#include "net/https_server.hpp"
#include "net/message_parser.hpp"
#include "net/stream_impl.hpp"
#include "net/websocket_session_impl.hpp"

namespace dsf::net {

class connection;

// What connections need of their server. It outlives them.
struct connection_owner {
  virtual ~connection_owner() = default;
  // Counts the certificate; false if its partner has too many connections already.
  virtual bool admit(const std::string& thumbprint) = 0;
  virtual void refused(std::string_view address, std::string_view reason) = 0;
  virtual void handle(request&& r, responder to) = 0;
  virtual void gone(connection& c) = 0;

  server_options options;
  std::int64_t (*now_us)() = nullptr;
  std::atomic<std::uint64_t> requests{0};
  std::atomic<bool> stopping{false};
};

class connection final : public stream_events, public responder::target, public std::enable_shared_from_this<connection> {
public:
  // `over_limit`: the server is full; the first request is answered with 503, then the connection ends.
  connection(std::shared_ptr<connection_owner> owner, std::unique_ptr<stream> s, std::string address, bool over_limit);

  void begin();
  // Acts on a deadline that has passed. Called a few times a second.
  void tick(std::int64_t now_us);
  // Ends at once if no request is under way, else after its answer.
  void finish_soon();
  void abort() noexcept;

  [[nodiscard]] const std::string& thumbprint() const noexcept { return peer_->thumbprint; }
  [[nodiscard]] bool admitted() const noexcept { return admitted_; }
  [[nodiscard]] bool over_limit() const noexcept { return over_limit_; }
  // Place in the loop's list of connections.
  std::size_t slot = 0;
  std::size_t loop = 0;

  void answer(std::uint64_t exchange, response&& r) override;
  void dropped(std::uint64_t exchange) override;

private:
  enum class phase : std::uint8_t { handshake, idle, head, body, handling, writing, upgraded, closing, closed };

  void on_handshake(io_error ec) override;
  void on_read(io_error ec, std::size_t n) override;
  void on_written(io_error ec) override;
  void on_closed() override;

  void read_more();
  void process();
  void head_taken();
  void give_piece(bool last);
  void piece_taken(bool last, const std::shared_ptr<response>& refusal);
  void dispatch();
  void upgrade(const request& r);
  void deliver(std::uint64_t exchange, response&& r);
  void refuse(int status, std::string text);
  void refuse(response r);
  void refuse_coding(coding_refusal why);
  [[nodiscard]] response error_answer(int status, std::string text) const;
  void ask_source();
  void write_next();
  void response_written();
  void report(bool delivered);
  void close_gently();
  void set_deadline(std::int64_t ms) { deadline_us_ = owner_->now_us() + ms * 1000; }

  std::shared_ptr<connection_owner> owner_;
  std::unique_ptr<stream> stream_;
  std::shared_ptr<websocket_session> socket_;  // has the stream when phase_ is upgraded
  websocket_verdict verdict_;
  std::shared_ptr<peer> peer_;
  request_parser parser_;
  std::string in_;  // bytes [begin_, end_) wait for the parser
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::string out_;
  response answer_;
  std::uint64_t body_sent_ = 0;
  std::string piece_;  // of the answer's source, while it is written
  std::shared_ptr<body_sink> sink_;
  phase phase_ = phase::handshake;
  bool over_limit_ = false;
  bool over_partner_limit_ = false;
  bool admitted_ = false;
  bool keep_alive_ = false;
  bool to_head_ = false;
  bool takes_gzip_ = false;
  bool continue_sent_ = false;
  bool giving_ = false;     // the sink has a piece and was not done with it yet
  bool interim_ = false;    // what is being written is "100 Continue"
  bool timed_out_ = false;
  bool reading_ = false;
  bool answered_ = false;
  std::uint64_t exchange_ = 0;
  std::int64_t deadline_us_ = 0;
  // for on_exchange
  std::string method_, target_, fault_;
  std::uint64_t request_body_bytes_ = 0;
  std::int64_t first_byte_us_ = 0, read_done_us_ = 0, answered_us_ = 0, inline_us_ = 0;
};

}  // namespace dsf::net

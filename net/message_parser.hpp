// HTTP/1.1 messages out of bytes, as they come. Hides Beast's parser; owns no socket.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "net/http.hpp"

namespace dsf::net {

struct parse_limits {
  std::size_t head_bytes = 32 * 1024;
  std::uint64_t body_bytes = 16 * 1024 * 1024;
};

enum class parse_state : std::uint8_t { head, body, done, failed };

// One request after the other: put() until done, take(), reset().
class request_parser {
public:
  explicit request_parser(parse_limits limits);
  ~request_parser();
  // Returns how many bytes it took; the rest must be offered again with more behind it.
  std::size_t put(std::string_view bytes);
  [[nodiscard]] parse_state state() const noexcept;
  // After failed: the HTTP status to answer with, and why.
  [[nodiscard]] int failure_status() const noexcept;
  [[nodiscard]] const std::string& failure_text() const noexcept;
  [[nodiscard]] bool expects_continue() const noexcept;
  [[nodiscard]] bool keep_alive() const noexcept;
  [[nodiscard]] const request& message() const noexcept;
  [[nodiscard]] request& message() noexcept;
  // put() ends with the head of a request that has a body, before any of that is taken.
  void pause_after_head() noexcept;
  // Of the request whose head was just taken, instead of parse_limits::body_bytes. False, and failed, if its Content-Length is above that.
  bool limit_body(std::uint64_t bytes);
  // What came of the body since the last call.
  std::string take_piece();
  request take();
  void reset();

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

class response_parser {
public:
  // `to_head`: the answer to a HEAD request has no body whatever its Content-Length says.
  response_parser(parse_limits limits, bool to_head);
  ~response_parser();
  std::size_t put(std::string_view bytes);
  // The connection ended. True if that completes the message (a body without a length).
  bool finish();
  [[nodiscard]] parse_state state() const noexcept;
  [[nodiscard]] bool too_large() const noexcept;
  [[nodiscard]] const std::string& failure_text() const noexcept;
  [[nodiscard]] bool keep_alive() const noexcept;
  [[nodiscard]] int status() const noexcept;
  header_list take_headers();
  std::string take_body();
  // What came of the body since the last call, and how much that is.
  std::string take_piece();
  [[nodiscard]] std::size_t body_bytes() const noexcept;

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace dsf::net

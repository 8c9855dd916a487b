// WebSocket messages out of bytes, and into bytes (RFC 6455, section 5). Owns no socket.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace dsf::net {

enum class frame_kind : std::uint8_t { continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

// RFC 6455 7.4.1
namespace close_code {
inline constexpr std::uint16_t normal = 1000, going_away = 1001, protocol_error = 1002, can_not_accept = 1003, none = 1005, abnormal = 1006,
                               not_text = 1007, policy = 1008, too_big = 1009, internal = 1011;
}

struct websocket_message {
  frame_kind kind = frame_kind::text;  // never continuation
  std::string payload;
};

// One unfragmented frame. A client masks what it sends.
std::string make_frame(frame_kind kind, std::string_view payload, const std::array<std::uint8_t, 4>* mask = nullptr);
std::string close_payload(std::uint16_t code, std::string_view reason);

// put() bytes as they come, then next() until it has nothing.
class frame_reader {
public:
  // A server's reader insists on masked frames, a client's on unmasked ones (5.1).
  frame_reader(bool masked, std::size_t message_bytes) : masked_(masked), message_bytes_(message_bytes) {}
  void put(std::string_view bytes) { in_.append(bytes); }
  // A whole message or a control frame; nothing: more bytes are needed, or the other side broke the protocol.
  std::optional<websocket_message> next();
  // The close code that says what was wrong; 0: nothing.
  [[nodiscard]] std::uint16_t fault() const noexcept { return fault_; }
  [[nodiscard]] const std::string& fault_text() const noexcept { return fault_text_; }

private:
  std::nullopt_t wrong(std::uint16_t code, std::string text);
  bool masked_;
  std::size_t message_bytes_;
  std::string in_;
  std::size_t at_ = 0;
  std::string message_;  // of the fragments so far
  frame_kind message_kind_ = frame_kind::continuation;  // continuation: none has begun
  std::uint16_t fault_ = 0;
  std::string fault_text_;
};

struct close_reason {
  std::uint16_t code = close_code::none;
  std::string text;
};
// Nothing: a payload no close frame may have.
std::optional<close_reason> parse_close(std::string_view payload);

}  // namespace dsf::net

#include "net/websocket_frames.hpp"

#include <utility>

#include "net/utf8.hpp"

namespace dsf::net {

namespace {

constexpr std::uint8_t fin = 0x80, reserved = 0x70, masked_bit = 0x80;
constexpr std::size_t control_bytes = 125;

bool is_control(frame_kind k) noexcept { return (static_cast<std::uint8_t>(k) & 0x8) != 0; }
bool is_known(std::uint8_t code) noexcept { return code <= 2 || (code >= 8 && code <= 10); }

std::uint64_t number(std::string_view bytes) noexcept {
  std::uint64_t n = 0;
  for (const char c : bytes) n = n << 8 | static_cast<std::uint8_t>(c);
  return n;
}

void put_number(std::string& out, std::uint64_t n, int bytes) {
  for (int i = bytes - 1; i >= 0; --i) out.push_back(static_cast<char>(n >> (8 * i) & 0xff));
}

// RFC 6455 7.4: which codes may stand in a close frame.
bool may_be_sent(std::uint16_t code) noexcept {
  return (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006) || (code >= 3000 && code <= 4999);
}

}  // namespace

std::string make_frame(frame_kind kind, std::string_view payload, const std::array<std::uint8_t, 4>* mask) {
  std::string out;
  out.reserve(payload.size() + 14);
  out.push_back(static_cast<char>(fin | static_cast<std::uint8_t>(kind)));
  const auto bit = mask ? masked_bit : std::uint8_t{0};
  if (payload.size() <= control_bytes) {
    out.push_back(static_cast<char>(bit | payload.size()));
  } else if (payload.size() <= 0xffff) {
    out.push_back(static_cast<char>(bit | 126));
    put_number(out, payload.size(), 2);
  } else {
    out.push_back(static_cast<char>(bit | 127));
    put_number(out, payload.size(), 8);
  }
  if (!mask) return out.append(payload);
  for (const auto b : *mask) out.push_back(static_cast<char>(b));
  for (std::size_t i = 0; i < payload.size(); ++i) out.push_back(static_cast<char>(payload[i] ^ (*mask)[i % 4]));
  return out;
}

std::string close_payload(std::uint16_t code, std::string_view reason) {
  std::string out;
  put_number(out, code, 2);
  reason = reason.substr(0, control_bytes - 2);
  while (!is_utf8(reason)) reason.remove_suffix(1);
  return out.append(reason);
}

std::optional<close_reason> parse_close(std::string_view payload) {
  if (payload.empty()) return close_reason{};
  if (payload.size() < 2) return std::nullopt;
  close_reason out{static_cast<std::uint16_t>(number(payload.substr(0, 2))), std::string(payload.substr(2))};
  if (!may_be_sent(out.code) || !is_utf8(out.text)) return std::nullopt;
  return out;
}

std::nullopt_t frame_reader::wrong(std::uint16_t code, std::string text) {
  fault_ = code;
  fault_text_ = std::move(text);
  in_.clear();
  at_ = 0;
  return std::nullopt;
}

std::optional<websocket_message> frame_reader::next() {
  // Each turn takes one frame; only a fragment that does not end its message goes on to the next.
  while (fault_ == 0) {
    if (at_ == in_.size() || at_ > 64 * 1024) {
      in_.erase(0, at_);
      at_ = 0;
    }
    const auto rest = std::string_view(in_).substr(at_);
    if (rest.size() < 2) return std::nullopt;
    const auto first = static_cast<std::uint8_t>(rest[0]), second = static_cast<std::uint8_t>(rest[1]);
    const auto code = static_cast<std::uint8_t>(first & 0x0f);
    if ((first & reserved) != 0) return wrong(close_code::protocol_error, "a reserved bit is set, and no extension was agreed on");
    if (!is_known(code)) return wrong(close_code::protocol_error, "a frame of an unknown kind");
    const auto kind = static_cast<frame_kind>(code);
    const bool last = (first & fin) != 0;
    if (((second & masked_bit) != 0) != masked_)
      return wrong(close_code::protocol_error, masked_ ? "a client's frame is not masked" : "a server's frame is masked");
    std::uint64_t size = second & 0x7f;
    std::size_t head = 2;
    if (size >= 126) {
      const std::size_t bytes = size == 126 ? 2 : 8;
      if (rest.size() < head + bytes) return std::nullopt;
      size = number(rest.substr(head, bytes));
      head += bytes;
      // RFC 6455 5.2: the shortest form must be used.
      if (size <= (bytes == 2 ? control_bytes : 0xffff) || size >> 63 != 0)
        return wrong(close_code::protocol_error, "a frame's length is not in its shortest form");
    }
    if (is_control(kind)) {
      if (!last || size > control_bytes) return wrong(close_code::protocol_error, "a control frame is fragmented or too long");
    } else {
      if ((kind == frame_kind::continuation) == (message_kind_ == frame_kind::continuation))
        return wrong(close_code::protocol_error, "fragments of messages are mixed up");
      if (size > message_bytes_ - message_.size())
        return wrong(close_code::too_big, "a message is larger than the limit of " + std::to_string(message_bytes_) + " bytes");
    }
    std::array<std::uint8_t, 4> mask{};
    if (masked_) {
      if (rest.size() < head + 4) return std::nullopt;
      for (std::size_t i = 0; i < 4; ++i) mask[i] = static_cast<std::uint8_t>(rest[head + i]);
      head += 4;
    }
    if (rest.size() - head < size) return std::nullopt;
    std::string payload(rest.substr(head, size));
    if (masked_)
      for (std::size_t i = 0; i < payload.size(); ++i) payload[i] = static_cast<char>(payload[i] ^ mask[i % 4]);
    at_ += head + size;
    if (is_control(kind)) return websocket_message{kind, std::move(payload)};
    if (kind != frame_kind::continuation) message_kind_ = kind;
    message_ += payload;
    if (!last) continue;
    websocket_message out{message_kind_, std::exchange(message_, {})};
    message_kind_ = frame_kind::continuation;
    if (out.kind == frame_kind::text && !is_utf8(out.payload)) return wrong(close_code::not_text, "a text message is not UTF-8");
    return out;
  }
  return std::nullopt;
}

}  // namespace dsf::net

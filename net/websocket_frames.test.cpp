#include <catch2/catch.hpp>

#include "net/websocket_frames.hpp"

using namespace dsf::net;

namespace {

constexpr std::array<std::uint8_t, 4> mask{0x37, 0xfa, 0x21, 0x3d};

// As a server reads it.
std::vector<std::string> read_all(std::string_view bytes, std::size_t step, std::uint16_t* fault = nullptr) {
  frame_reader r(true, 100'000);
  std::vector<std::string> out;
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    r.put(bytes.substr(at, step));
    while (auto m = r.next()) out.push_back(std::to_string(int(m->kind)) + ':' + m->payload);
  }
  if (fault) *fault = r.fault();
  return out;
}

std::string raw(std::initializer_list<int> bytes) {
  std::string out;
  for (const int b : bytes) out.push_back(char(b));
  return out;
}

}  // namespace

TEST_CASE("the frames of RFC 6455 5.7 are read and written") {
  CHECK(make_frame(frame_kind::text, "Hello") == raw({0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f}));
  CHECK(make_frame(frame_kind::text, "Hello", &mask) == raw({0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58}));
  CHECK(make_frame(frame_kind::binary, std::string(256, 'x')).substr(0, 4) == raw({0x82, 0x7e, 0x01, 0x00}));
  CHECK(make_frame(frame_kind::binary, std::string(65'536, 'x')).substr(0, 10) == raw({0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0}));
}

TEST_CASE("messages come out whole, however their bytes were cut, with control frames between fragments") {
  std::string bytes = make_frame(frame_kind::text, "one", &mask) + make_frame(frame_kind::text, std::string(70'000, 'a'), &mask);
  auto first = make_frame(frame_kind::text, "fr", &mask), last = make_frame(frame_kind::continuation, "ag", &mask);
  first[0] = char(0x01);  // not the last fragment
  bytes += first + make_frame(frame_kind::ping, "p", &mask) + last + make_frame(frame_kind::close, close_payload(1000, "bye"), &mask);
  const std::vector<std::string> expected{"1:one", "1:" + std::string(70'000, 'a'), "9:p", "1:frag", "8:" + close_payload(1000, "bye")};
  for (const std::size_t step : {std::size_t{1}, std::size_t{7}, std::size_t{4096}, bytes.size()}) CHECK(read_all(bytes, step) == expected);
}

TEST_CASE("what breaks the protocol is named by its close code") {
  struct row {
    const char* what;
    std::string bytes;
    std::uint16_t code;
  };
  auto fragment = make_frame(frame_kind::text, "a", &mask);
  fragment[0] = char(0x01);
  const row rows[] = {
      {"not masked", make_frame(frame_kind::text, "a"), close_code::protocol_error},
      {"reserved bit", raw({0xc1, 0x80, 0, 0, 0, 0}), close_code::protocol_error},
      {"unknown kind", raw({0x83, 0x80, 0, 0, 0, 0}), close_code::protocol_error},
      {"fragmented ping", raw({0x09, 0x80, 0, 0, 0, 0}), close_code::protocol_error},
      {"long ping", make_frame(frame_kind::ping, std::string(126, 'a'), &mask), close_code::protocol_error},
      {"continuation of nothing", make_frame(frame_kind::continuation, "a", &mask), close_code::protocol_error},
      {"a message within a message", fragment + make_frame(frame_kind::text, "a", &mask), close_code::protocol_error},
      {"long form of a short length", raw({0x81, 0xfe, 0x00, 0x05}), close_code::protocol_error},
      {"too large", make_frame(frame_kind::text, std::string(100'001, 'a'), &mask), close_code::too_big},
      {"too large in fragments",
       [&] {
         auto f = make_frame(frame_kind::text, std::string(60'000, 'a'), &mask);
         f[0] = char(0x01);
         return f + make_frame(frame_kind::continuation, std::string(60'000, 'a'), &mask);
       }(),
       close_code::too_big},
      {"length above 2^63", raw({0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}), close_code::protocol_error},
      {"not UTF-8", make_frame(frame_kind::text, "\xc3\x28", &mask), close_code::not_text},
  };
  for (const auto& r : rows) {
    INFO(r.what);
    std::uint16_t fault = 0;
    CHECK(read_all(r.bytes + make_frame(frame_kind::text, "after", &mask), 1, &fault).empty());
    CHECK(fault == r.code);
  }
}

TEST_CASE("reasons of close frames") {
  CHECK(parse_close("")->code == close_code::none);
  CHECK(parse_close(close_payload(1003, "Subscription with x not found"))->text == "Subscription with x not found");
  CHECK_FALSE(parse_close("\x03"));
  CHECK_FALSE(parse_close(close_payload(1005, "")));
  CHECK_FALSE(parse_close(close_payload(999, "")));
  // A reason that must be cut is cut between characters.
  std::string long_reason;
  for (int i = 0; i < 100; ++i) long_reason += "\xc3\xa4";
  CHECK(parse_close(close_payload(1000, long_reason))->text.size() == 122);
}

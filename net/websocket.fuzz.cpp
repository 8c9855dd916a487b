// Frames of the other end out of any bytes, for both ends of a WebSocket: the end is told once, no message is larger than the limit, and
// what was told does not depend on how the bytes were cut. The first byte chooses the end and the pieces.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "net/fed_stream.test.hpp"
#include "net/websocket_session_impl.hpp"

namespace {

using namespace dsf::net;

constexpr websocket_limits limits{.message_bytes = 256, .queued_messages = 8, .queued_bytes = 4096};

struct told {
  std::vector<std::string> texts;
  websocket_end end;
  int ends = 0;
  bool ended_here = false;
};

// Answers a text with itself; "close" and "cut" end the connection from here, at a moment that depends on the pieces.
websocket_handlers into(told& out, websocket back) {
  return {.on_text =
              [&out, back = std::move(back)](std::string text) {
                if (out.ends || text.size() > limits.message_bytes) std::abort();
                out.ended_here |= text == "close" || text == "cut";
                if (text == "close") back.close(1000, "asked for");
                if (text == "cut") back.abort();
                back.send(text);
                out.texts.push_back(std::move(text));
              },
          .on_end =
              [&out](websocket_end e) {
                out.end = std::move(e);
                ++out.ends;
              },
          .on_note = [](std::string) {}};
}

told as_server(std::string_view bytes, std::size_t step) {
  told out;
  asio::io_context loop{1};
  const request asked{.method = "GET",
                      .target = "/fhir/ws",
                      .headers = {{"Host", "a.example"},
                                  {"Connection", "Upgrade"},
                                  {"Upgrade", "websocket"},
                                  {"Sec-WebSocket-Version", "13"},
                                  {"Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA=="}}};
  const auto session = accept_websocket(
      std::make_unique<fed_stream>(loop, std::string(bytes), step), asked, "", limits,
      [&](websocket back) { return into(out, std::move(back)); }, [] {});
  loop.run();
  return out;
}

// As the asking end, whose handshake is answered out of the same bytes.
void as_client(std::string_view bytes, std::size_t step) {
  told out;
  int done = 0;
  asio::io_context loop{1};
  const auto session = request_websocket(std::make_unique<fed_stream>(loop, std::string(bytes), step), "a.example", "/fhir/ws", {}, limits,
                                         into(out, {}), [&](const websocket_refusal*) { ++done; });
  loop.run();
  if (done != 1 || out.ends > 1) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::size_t step = data[0] % 32 + 1;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] >= 192) {
    as_client(bytes, step);
    return 0;
  }
  const auto whole = as_server(bytes, std::string_view::npos);
  const auto pieces = as_server(bytes, step);
  if (whole.ends != 1 || pieces.ends != 1) std::abort();
  if (whole.ended_here) return 0;
  if (whole.texts != pieces.texts || whole.end.code != pieces.end.code) std::abort();
  return 0;
}

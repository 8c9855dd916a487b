// Requests and answers out of any bytes. A message must come out the same however the bytes were cut into pieces.
#include <cstdint>
#include <cstdlib>
#include <utility>

#include "net/message_parser.hpp"
#include "net/serialize.hpp"

namespace {

using namespace dsf::net;

constexpr parse_limits limits{.head_bytes = 512, .body_bytes = 1024};

// Feeds the text in pieces of `step`, as a connection does: what is left is offered again with more behind it.
template <class Parser>
std::size_t feed(Parser& parser, std::string_view text, std::size_t step) {
  std::size_t taken = 0;
  for (std::size_t end = 0; end < text.size();) {
    end = std::min(text.size(), end + step);
    taken += parser.put(text.substr(taken, end - taken));
    if (taken > end) std::abort();
    if (parser.state() == parse_state::done || parser.state() == parse_state::failed) break;
  }
  return taken;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::size_t step = std::size_t(data[0]) % 16 + 1;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  request_parser whole(limits), pieces(limits);
  const auto all = feed(whole, text, text.size());
  const auto some = feed(pieces, text, step);
  if (whole.state() == parse_state::done) {
    if (pieces.state() != parse_state::done || all != some) std::abort();
    const auto a = whole.take(), b = pieces.take();
    if (a.method != b.method || a.target != b.target || a.headers != b.headers || a.body != b.body) std::abort();
    if (a.target.empty() || a.body.size() > limits.body_bytes) std::abort();
  }
  if (whole.state() == parse_state::failed && whole.failure_status() < 400) std::abort();
  // As a server that looks at the head before it takes the body.
  request_parser judged(limits);
  judged.pause_after_head();
  std::size_t taken = 0, body = 0;
  bool limited = false;
  while (judged.state() == parse_state::head || judged.state() == parse_state::body) {
    const auto n = judged.put(text.substr(taken));
    taken += n;
    if (judged.state() == parse_state::body && !std::exchange(limited, true)) {
      if (!judged.limit_body(data[0])) break;
      continue;
    }
    body += judged.take_piece().size();
    if (n == 0 || taken == text.size()) break;
  }
  if (judged.state() != parse_state::failed && limited && body > data[0]) std::abort();
  if (judged.state() == parse_state::done) judged.reset();
  response_parser answer(limits, data[0] >= 128);
  feed(answer, text, step);
  if (answer.state() != parse_state::failed) answer.finish();
  if (answer.take_body().size() > limits.body_bytes) std::abort();
  return 0;
}

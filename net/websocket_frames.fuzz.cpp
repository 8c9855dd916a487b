// Frames out of any bytes: never more than the limit in memory, and a cut in another place changes nothing.
#include <cstdint>
#include <cstdlib>

#include "net/websocket_frames.hpp"

namespace {

std::string all(std::string_view bytes, std::size_t step, bool masked) {
  dsf::net::frame_reader r(masked, 1'000);
  std::string out;
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    r.put(bytes.substr(at, step));
    while (auto m = r.next()) {
      if (m->payload.size() > 1'000) std::abort();
      if (m->kind == dsf::net::frame_kind::close) (void)dsf::net::parse_close(m->payload);
      out += std::to_string(int(m->kind)) + ':' + m->payload + ';';
    }
  }
  return out + std::to_string(r.fault());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const bool masked = (data[0] & 1) != 0;
  if (all(bytes, 1, masked) != all(bytes, bytes.size() + 1, masked)) std::abort();
  return 0;
}

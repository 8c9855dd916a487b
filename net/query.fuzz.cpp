// URLs, percent-encoding and query strings out of any bytes; what was parsed must survive being written and parsed again.
#include <cstdint>
#include <cstdlib>

#include "net/query.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace dsf::net;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto q = parse_query(text)) {
    const auto again = parse_query(encode_query(*q));
    // A parameter without name and value is written as "=", which reads back as the same.
    if (!again || *again != *q) std::abort();
  }
  if (const auto u = parse_url(text)) {
    const auto again = parse_url(u->scheme + "://" + u->authority() + u->target);
    if (!again || again->host != u->host || again->port != u->port || again->target != u->target) std::abort();
  }
  if (const auto d = percent_decode(text)) {
    if (percent_decode(percent_encode(*d)) != *d) std::abort();
  }
  return 0;
}

// Any bytes as a transaction or batch of a partner or of the site itself: an answer with a status, never a crash, and the same again.
// The first byte chooses who asks and the format, the rest is the body.
#define CATCH_CONFIG_RUNNER
#include <cstdint>
#include <cstdlib>

#include "fhir/semantics/site.test.hpp"

using namespace dsf::fhir;

namespace {

int status_of(test_site& site, const identity& who, const interaction_request& request) {
  site.entropy = dsf::base::seeded_entropy(7);
  const auto a = site.send(who, request, false);
  if (a.committed) std::abort();
  return a.status();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static test_site site;
  if (size < 1) return 0;
  const auto& who = (data[0] & 1) ? site.remote_b : site.local;
  interaction_request request{
      .method = http_method::post, .path = "", .body = std::string(reinterpret_cast<const char*>(data) + 1, size - 1)};
  if (data[0] & 2) request.content_type = "application/fhir+xml";
  const int status = status_of(site, who, request);
  if (status < 200 || status > 599) std::abort();
  if (status_of(site, who, request) != status) std::abort();
  return 0;
}

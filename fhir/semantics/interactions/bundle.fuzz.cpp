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

// A site with Groups that conditions and references of the seeds find: one, and several.
test_site& a_site() {
  static auto* site = [] {
    auto* s = new test_site;
    for (int i = 1; i <= 3; ++i)
      s->store_resource(parsed(fmt::format(R"({{"resourceType":"Group",{},"type":"person","actual":true,
        "identifier":[{{"system":"a","value":"{}"}}]}})",
                                           test_site::tag("ALL"), i == 1 ? "b" : "many")),
                        *dsf::base::uuid::parse(fmt::format("6f0a5c1e-0000-4000-8000-00000000000{}", i)));
    return s;
  }();
  return *site;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto& site = a_site();
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

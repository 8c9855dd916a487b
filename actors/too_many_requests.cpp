#include "actors/too_many_requests.hpp"

#include "actors/fhir_endpoint.hpp"
#include "fhir/semantics/refusal.hpp"

namespace dsf::actors {

net::response too_many_requests(std::optional<std::string> accept, int wait_s) {
  fhir::interaction_request asked;
  asked.accept = std::move(accept);
  auto told = fhir::refusal_reply(asked, 429, "throttled",
                                  "The caller sends more requests than this site takes from one partner (limits.rate.requests_per_second): "
                                  "send the request again in " +
                                      std::to_string(wait_s) + " s, and fewer of them");
  auto out = render(std::move(told));
  out.headers.set("Retry-After", std::to_string(wait_s));
  return out;
}

}  // namespace dsf::actors

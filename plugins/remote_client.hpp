// A FHIR endpoint over the network: another site's, or a clinical store of this one.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/secret.hpp"
#include "net/transport.hpp"
#include "plugins/handler.hpp"

namespace dsf::plugins {

struct remote_options {
  std::string base_url;  // no slash at the end
  std::int64_t request_timeout_ms = 60'000;
  base::secret authorization;  // the header's value; empty: none
};

// `transport` outlives the client. Calls block until the answer or the time-out.
std::unique_ptr<fhir_client> make_remote_client(net::transport& transport, remote_options options);

// The resource in an answer, or what the server said against it; `what` names the request.
base::result<base::json> resource_in_answer(int status, std::string_view body, const std::string& what);

}  // namespace dsf::plugins

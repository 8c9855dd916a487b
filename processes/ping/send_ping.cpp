#include "processes/errc.hpp"
#include "processes/messages.hpp"
#include "processes/ping/handlers.hpp"
#include "processes/ping/status.hpp"
#include "processes/task_values.hpp"

namespace dsf::processes::ping {

using base::json;
using base::result;

// The message names the endpoint that waits for the pong. A failed send is the model's business: it looks at statusCode.
plugins::outcome send_ping(const plugins::activation& a, plugins::services& s) {
  return attempt([&]() -> result<plugins::outcome> {
    if (is_send_error(a)) {
      const auto error = send_error_of(a);
      return plugins::completed{.variables = {set_local("statusCode", status_of(error)), set_local("errorMessage", error.text)}};
    }
    const auto local = s.local();
    if (local.endpoint_identifier.empty())
      return base::fail(errc::not_on_allow_list,
                        "the site's own Endpoint with address " + local.endpoint_url + " is not on its allow-list");
    auto message = TRY(message_to(a, TRY(target_of(a))));
    const json reference = json::object{{"type", "Endpoint"}, {"identifier", identifier(endpoint_sid, local.endpoint_identifier)}};
    message.additional_inputs.push_back(parameter(ping_codes, "endpoint-identifier", "valueReference", reference).dump());
    plugins::completed out;
    out.messages.push_back(std::move(message));
    return out;
  });
}

}  // namespace dsf::processes::ping

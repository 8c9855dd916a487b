#pragma once

#include "base/error.hpp"

namespace dsf::plugins::workers {

enum class errc : std::uint16_t {
  not_outstanding,  // a call for an activation that the session has not, or not any more
  not_allowed,      // not this one: an address that is not on the allow-list, another plugin's process
  bad_request,      // a call that makes no sense
  too_large,        // a message beyond workers.max_message
  overloaded,       // more calls at the same time than the welcome allows
  no_worker,        // no session could answer a question
  no_answer,        // the worker could not answer it
  cannot_listen,    // the socket, address or certificate of the settings can't be used
  permission_denied,  // neither manifest nor settings give this to the plugin's workers
};
const base::error_domain& domain_of(errc) noexcept;

}  // namespace dsf::plugins::workers

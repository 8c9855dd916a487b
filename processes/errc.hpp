#pragma once

#include "base/error.hpp"

namespace dsf::processes {

enum class errc : std::uint16_t {
  bad_task,           // a Task or message that lacks what the handler needs
  bad_resource,       // a FHIR resource that is not what it has to be
  not_configured,     // the site's configuration lacks something
  not_on_allow_list,  // an organisation or endpoint nobody vouches for
  interrupted,        // work that ended before it was done: cancelled, or out of time
  internal,           // a model that calls handlers in a wrong order
};
const base::error_domain& domain_of(errc) noexcept;

}  // namespace dsf::processes

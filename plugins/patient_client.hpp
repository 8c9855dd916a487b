// Calls of handlers to the site's own endpoint when that is another program: while it is away they wait, as a handler must not fail for that.
#pragma once

#include <atomic>
#include <memory>

#include "plugins/handler.hpp"

namespace dsf::plugins {

struct patience {
  std::shared_ptr<const std::atomic<bool>> cancelled;  // of the activation; null: no patience
  std::shared_ptr<const std::atomic<bool>> give_up;  // the program stops, or its engine does; may be null
};

// Tries again, with pauses up to five seconds, what did not reach the endpoint or was answered with 502, 503 or 504. A transaction that may have been
// carried out is not repeated. The last error comes back when nobody waits for the handler any more.
std::unique_ptr<fhir_client> make_patient_client(std::unique_ptr<fhir_client> client, patience with);

}  // namespace dsf::plugins

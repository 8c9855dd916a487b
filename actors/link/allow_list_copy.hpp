// The endpoint's allow-list, copied into the engine's own store: handlers find their partners also while the endpoint is away.
#pragma once

#include <functional>

#include "base/json.hpp"
#include "base/result.hpp"
#include "plugins/handler.hpp"
#include "storage/store.hpp"

namespace dsf::actors {

// Reads all Organization, Endpoint and OrganizationAffiliation resources there and brings the copies up to date in one commit. Blocks. Returns how many
// resources were written or removed.
base::result<std::size_t> copy_allow_list(plugins::fhir_client& endpoint, storage::store& store);

}  // namespace dsf::actors

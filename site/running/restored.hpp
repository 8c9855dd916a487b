// A store made of a backup is a past of this site that others don't share: what it would do next may have been done already. Until an operator has
// seen what that is and lets it go, the engine does not start (docs/decisions/restored-site.md).
#pragma once

#include <string>
#include <vector>

#include "actors/engine_context.hpp"
#include "net/transport.hpp"
#include "site/admin/admin_port.hpp"

namespace dsf::site {

// When the backup was taken of which this store was made, if nobody has released it yet; else empty.
base::result<std::string> held_since_backup(const storage::store_view& view);
// Durable.
base::result<> release_held(storage::store& store);

// Messages, received Tasks, handlers and timers that would go on at once, at most `limit` of each; and of each message whether its receiver has it
// already (asked of the partner by the outbox identifier; blocks, no longer than `timeout_ms` for a partner that does not answer).
base::result<restored_overview> what_would_go_on(const actors::engine_context& context, net::transport& partners, std::size_t limit,
                                                 std::int64_t timeout_ms);

}  // namespace dsf::site

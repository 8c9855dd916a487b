// The handlers of dsfdev_ping, dsfdev_pong and dsfdev_pingAutostart, 1.x form (dsf-bpe 9.2).
#pragma once

#include "plugins/handler.hpp"

namespace dsf::processes::ping {

// dev.dsf.bpe.service
plugins::outcome select_ping_targets(const plugins::activation& a, plugins::services& s);
plugins::outcome log_pong(const plugins::activation& a, plugins::services& s);
plugins::outcome log_no_response(const plugins::activation& a, plugins::services& s);
plugins::outcome log_send_error(const plugins::activation& a, plugins::services& s);
plugins::outcome save_results(const plugins::activation& a, plugins::services& s);
plugins::outcome log_ping(const plugins::activation& a, plugins::services& s);
plugins::outcome select_pong_target(const plugins::activation& a, plugins::services& s);
plugins::outcome set_target_and_configure_timer(const plugins::activation& a, plugins::services& s);
// dev.dsf.bpe.message
plugins::outcome send_ping(const plugins::activation& a, plugins::services& s);
plugins::outcome send_pong(const plugins::activation& a, plugins::services& s);
plugins::outcome send_start_ping(const plugins::activation& a, plugins::services& s);
// dev.dsf.bpe.listener
plugins::outcome set_correlation_key(const plugins::activation& a, plugins::services& s);

void add_handlers(plugins::handler_registry& registry);

}  // namespace dsf::processes::ping

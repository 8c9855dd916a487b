// The handlers of dsfdev_ping and dsfdev_pong, 2.x form (dsf-bpe 9.2): each side makes a Binary, and the other one downloads it and takes the time.
// They are registered for all versions, as their class names are others than those of the 1.x form.
#pragma once

#include "plugins/handler.hpp"

namespace dsf::processes::ping2 {

// Both sides.
plugins::outcome set_download_resource_size(const plugins::activation& a, plugins::services& s);
plugins::outcome generate_and_store_resource(const plugins::activation& a, plugins::services& s);
plugins::outcome download_resource(const plugins::activation& a, plugins::services& s);
plugins::outcome cleanup(const plugins::activation& a, plugins::services& s);
// ping
plugins::outcome send_ping(const plugins::activation& a, plugins::services& s);
plugins::outcome save_send_error(const plugins::activation& a, plugins::services& s);
plugins::outcome save_pong(const plugins::activation& a, plugins::services& s);
plugins::outcome send_cleanup_pong(const plugins::activation& a, plugins::services& s);
plugins::outcome check_ping_task_status(const plugins::activation& a, plugins::services& s);
plugins::outcome store_ping_results(const plugins::activation& a, plugins::services& s);
// pong
plugins::outcome set_endpoint_identifier(const plugins::activation& a, plugins::services& s);
plugins::outcome estimate_cleanup_timer(const plugins::activation& a, plugins::services& s);
plugins::outcome select_pong_target(const plugins::activation& a, plugins::services& s);
plugins::outcome send_pong(const plugins::activation& a, plugins::services& s);
plugins::outcome store_upload_speed(const plugins::activation& a, plugins::services& s);
plugins::outcome save_timeout_error(const plugins::activation& a, plugins::services& s);
plugins::outcome store_pong_results(const plugins::activation& a, plugins::services& s);

void add_handlers(plugins::handler_registry& registry);

}  // namespace dsf::processes::ping2

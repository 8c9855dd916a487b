// The handlers of dsfdev_updateAllowList and dsfdev_downloadAllowList (dsf-bpe 9.3).
#pragma once

#include "plugins/handler.hpp"

namespace dsf::processes::allow_list {

// dev.dsf.bpe.service
plugins::outcome update_allow_list(const plugins::activation& a, plugins::services& s);
plugins::outcome download_allow_list(const plugins::activation& a, plugins::services& s);
plugins::outcome check_allow_list(const plugins::activation& a, plugins::services& s);
plugins::outcome insert_allow_list(const plugins::activation& a, plugins::services& s);

void add_handlers(plugins::handler_registry& registry);

}  // namespace dsf::processes::allow_list

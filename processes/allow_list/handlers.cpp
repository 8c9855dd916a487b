#include "processes/allow_list/handlers.hpp"

#include "processes/allow_list/names.hpp"

namespace dsf::processes::allow_list {

void add_handlers(plugins::handler_registry& registry) {
  const auto add = [&](std::string_view process, const char* name, plugins::handler run) {
    registry.add(std::string(process), "", std::string("dev.dsf.bpe.service.") + name, plugins::handler_trait::blocking, std::move(run));
  };
  add(update_process, "UpdateAllowList", update_allow_list);
  add(download_process, "DownloadAllowList", download_allow_list);
  add(download_process, "CheckAllowList", check_allow_list);
  add(download_process, "InsertAllowList", insert_allow_list);
}

}  // namespace dsf::processes::allow_list

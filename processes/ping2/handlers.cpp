#include "processes/ping2/handlers.hpp"

#include "processes/ping/handlers.hpp"

namespace dsf::processes::ping2 {

void add_handlers(plugins::handler_registry& registry) {
  using plugins::handler_trait;
  const auto add = [&](const char* process, const char* name, handler_trait trait, plugins::handler run) {
    registry.add(process, "", std::string("dev.dsf.bpe.") + name, trait, std::move(run));
  };
  constexpr auto quick = handler_trait::quick, blocking = handler_trait::blocking;
  for (const auto* process : {"dsfdev_ping", "dsfdev_pong"}) {
    add(process, "service.SetDownloadResourceSize", quick, set_download_resource_size);
    add(process, "service.GenerateAndStoreResource", blocking, generate_and_store_resource);
    add(process, "service.DownloadResource", blocking, download_resource);
    add(process, "service.Cleanup", blocking, cleanup);
    add(process, "listener.SetCorrelationKeyListener", quick, ping::set_correlation_key);
  }
  add("dsfdev_ping", "service.ping.SelectPingTargets", blocking, ping::select_ping_targets);
  add("dsfdev_ping", "service.ping.SaveSendError", quick, save_send_error);
  add("dsfdev_ping", "service.ping.SavePong", quick, save_pong);
  add("dsfdev_ping", "service.ping.CheckPingTaskStatus", blocking, check_ping_task_status);
  add("dsfdev_ping", "service.ping.StoreResults", quick, store_ping_results);
  add("dsfdev_ping", "message.SendPingMessage", quick, send_ping);
  add("dsfdev_ping", "message.CleanupPongMessage", quick, send_cleanup_pong);
  add("dsfdev_pong", "service.pong.SetEndpointIdentifier", quick, set_endpoint_identifier);
  add("dsfdev_pong", "service.pong.EstimateCleanupTimerDuration", quick, estimate_cleanup_timer);
  add("dsfdev_pong", "service.pong.SelectPongTarget", quick, select_pong_target);
  add("dsfdev_pong", "service.pong.StoreUploadSpeed", quick, store_upload_speed);
  add("dsfdev_pong", "service.pong.SaveTimeoutError", quick, save_timeout_error);
  add("dsfdev_pong", "service.pong.StoreResults", quick, store_pong_results);
  add("dsfdev_pong", "message.SendPongMessage", quick, send_pong);
}

}  // namespace dsf::processes::ping2

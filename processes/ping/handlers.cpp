#include "processes/ping/handlers.hpp"

#include "processes/messages.hpp"

namespace dsf::processes::ping {

using plugins::handler_trait;

plugins::outcome set_correlation_key(const plugins::activation& a, plugins::services&) {
  return attempt([&]() -> base::result<plugins::outcome> {
    return plugins::completed{.variables = {set_local("correlationKey", TRY(target_of(a)).correlation_key)}};
  });
}

void add_handlers(plugins::handler_registry& registry) {
  const auto add = [&](const char* process, const char* name, handler_trait trait, plugins::handler run) {
    registry.add(process, "", std::string("dev.dsf.bpe.") + name, trait, std::move(run));
  };
  // A search on the endpoint may be asked for, so this one is not quick.
  add("dsfdev_ping", "service.SelectPingTargets", handler_trait::blocking, select_ping_targets);
  add("dsfdev_ping", "message.SendPing", handler_trait::quick, send_ping);
  add("dsfdev_ping", "listener.SetCorrelationKeyListener", handler_trait::quick, set_correlation_key);
  add("dsfdev_ping", "service.LogPong", handler_trait::quick, log_pong);
  add("dsfdev_ping", "service.LogNoResponse", handler_trait::quick, log_no_response);
  add("dsfdev_ping", "service.LogSendError", handler_trait::quick, log_send_error);
  add("dsfdev_ping", "service.SaveResults", handler_trait::quick, save_results);
  add("dsfdev_pong", "service.LogPing", handler_trait::quick, log_ping);
  add("dsfdev_pong", "service.SelectPongTarget", handler_trait::quick, select_pong_target);
  add("dsfdev_pong", "message.SendPong", handler_trait::quick, send_pong);
  add("dsfdev_pingAutostart", "service.SetTargetAndConfigureTimer", handler_trait::quick, set_target_and_configure_timer);
  add("dsfdev_pingAutostart", "message.SendStartPing", handler_trait::quick, send_start_ping);
}

}  // namespace dsf::processes::ping

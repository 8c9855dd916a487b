#include "processes/feasibility/handlers.hpp"

namespace dsf::processes::feasibility {

using plugins::handler_trait;

void add_handlers(plugins::handler_registry& registry) {
  const auto add = [&](const char* process, const char* name, handler_trait trait, plugins::handler run) {
    registry.add(process, "", std::string("de.medizininformatik_initiative.process.feasibility.") + name, trait, std::move(run));
  };
  add(request_process, "service.SelectRequestTargets", handler_trait::blocking, select_request_targets);
  add(request_process, "message.SendDicRequest", handler_trait::quick, send_dic_request);
  add(request_process, "listener.SetCorrelationKeyListener", handler_trait::quick, set_correlation_key);
  add(request_process, "service.DownloadMeasureReport", handler_trait::blocking, download_measure_report);
  add(request_process, "service.StoreLiveResult", handler_trait::blocking, store_live_result);
  add(request_process, "service.LogReceiveTimeout", handler_trait::quick, log_receive_timeout);
  add(execute_process, "service.SetupEvaluationSettings", handler_trait::quick, setup_evaluation_settings);
  add(execute_process, "service.EvaluateRequestRate", handler_trait::blocking, evaluate_request_rate);
  add(execute_process, "service.RateLimitExceededTaskRejecter", handler_trait::quick, reject_task);
  add(execute_process, "service.DownloadFeasibilityResources", handler_trait::blocking, download_feasibility_resources);
  add(execute_process, "service.StoreFeasibilityResources", handler_trait::blocking, store_feasibility_resources);
  add(execute_process, "service.EvaluateCQLMeasure", handler_trait::blocking, evaluate_cql_measure);
  add(execute_process, "service.EvaluateCCDLMeasure", handler_trait::blocking, evaluate_ccdl_measure);
  add(execute_process, "service.MergeMeasureResults", handler_trait::quick, merge_measure_results);
  add(execute_process, "service.ObfuscateEvaluationResult", handler_trait::blocking, obfuscate_evaluation_result);
  add(execute_process, "service.StoreMeasureReport", handler_trait::blocking, store_measure_report);
  add(execute_process, "service.SelectResponseTarget", handler_trait::quick, select_response_target);
  add(execute_process, "message.SendDicResponse", handler_trait::quick, send_dic_response);
}

}  // namespace dsf::processes::feasibility

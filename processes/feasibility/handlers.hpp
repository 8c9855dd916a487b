// The handlers of MII's feasibilityRequest and feasibilityExecute (dsf-bpe 9.1).
#pragma once

#include "plugins/handler.hpp"

namespace dsf::processes::feasibility {

inline constexpr const char* request_process = "medizininformatik-initiativede_feasibilityRequest";
inline constexpr const char* execute_process = "medizininformatik-initiativede_feasibilityExecute";

// The requester's side.
plugins::outcome select_request_targets(const plugins::activation& a, plugins::services& s);
plugins::outcome send_dic_request(const plugins::activation& a, plugins::services& s);
plugins::outcome set_correlation_key(const plugins::activation& a, plugins::services& s);
plugins::outcome download_measure_report(const plugins::activation& a, plugins::services& s);
plugins::outcome store_live_result(const plugins::activation& a, plugins::services& s);
plugins::outcome log_receive_timeout(const plugins::activation& a, plugins::services& s);
// The data side.
plugins::outcome setup_evaluation_settings(const plugins::activation& a, plugins::services& s);
plugins::outcome evaluate_request_rate(const plugins::activation& a, plugins::services& s);
plugins::outcome reject_task(const plugins::activation& a, plugins::services& s);
plugins::outcome download_feasibility_resources(const plugins::activation& a, plugins::services& s);
plugins::outcome store_feasibility_resources(const plugins::activation& a, plugins::services& s);
plugins::outcome evaluate_cql_measure(const plugins::activation& a, plugins::services& s);
plugins::outcome evaluate_ccdl_measure(const plugins::activation& a, plugins::services& s);
plugins::outcome merge_measure_results(const plugins::activation& a, plugins::services& s);
plugins::outcome obfuscate_evaluation_result(const plugins::activation& a, plugins::services& s);
plugins::outcome store_measure_report(const plugins::activation& a, plugins::services& s);
plugins::outcome select_response_target(const plugins::activation& a, plugins::services& s);
plugins::outcome send_dic_response(const plugins::activation& a, plugins::services& s);

void add_handlers(plugins::handler_registry& registry);

}  // namespace dsf::processes::feasibility

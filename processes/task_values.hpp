// Inputs and outputs of a FHIR Task (dsf-bpe 1.3, 1.12). Pure functions over JSON.
#pragma once

#include <string>
#include <string_view>

#include "base/json.hpp"
#include "base/result.hpp"
#include "bpmn/execution/command.hpp"
#include "plugins/handler.hpp"

namespace dsf::processes {

inline constexpr std::string_view organization_sid = "http://dsf.dev/sid/organization-identifier";
inline constexpr std::string_view endpoint_sid = "http://dsf.dev/sid/endpoint-identifier";
inline constexpr std::string_view bpmn_message = "http://dsf.dev/fhir/CodeSystem/bpmn-message";

base::json identifier(std::string_view system, std::string_view value);
base::json coding(std::string_view system, std::string_view code);
// {"coding":[{system, code}]}
base::json concept_of(std::string_view system, std::string_view code);

// An element of Task.input or Task.output: {"type": concept, "<value_name>": value}.
base::json parameter(std::string_view system, std::string_view code, std::string_view value_name, base::json value);

// The first input with this coding, or a null value.
const base::json& input(const base::json& task, std::string_view system, std::string_view code);
// The texts of valueString and valueReference.reference; an error names the missing input.
base::result<std::string> string_input(const base::json& task, std::string_view system, std::string_view code);
base::result<std::string> reference_input(const base::json& task, std::string_view system, std::string_view code);
base::result<std::string> requester_of(const base::json& task);

// The Task that started the instance, or the latest received; an error when the instance has none.
base::result<plugins::task_document> start_task(const plugins::activation& a);
base::result<plugins::task_document> latest_task(const plugins::activation& a);

bpmn::task_change with_output(const plugins::task_document& task, const base::json& output);

// "Task/<id>", for logs.
std::string reference_to(const plugins::task_document& task);

}  // namespace dsf::processes

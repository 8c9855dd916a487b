#include "processes/task_values.hpp"

#include <algorithm>

#include "processes/errc.hpp"

namespace dsf::processes {

using base::json;
using base::result;

json identifier(std::string_view system, std::string_view value) { return json::object{{"system", system}, {"value", value}}; }
json coding(std::string_view system, std::string_view code) { return json::object{{"system", system}, {"code", code}}; }
json concept_of(std::string_view system, std::string_view code) { return json::object{{"coding", json::array{coding(system, code)}}}; }

json parameter(std::string_view system, std::string_view code, std::string_view value_name, json value) {
  return json::object{{"type", concept_of(system, code)}, {std::string(value_name), std::move(value)}};
}

const json& input(const json& task, std::string_view system, std::string_view code) {
  static const json none;
  for (const auto& in : task["input"])
    for (const auto& c : in["type"]["coding"])
      if (c["system"].str() == system && c["code"].str() == code) return in;
  return none;
}

namespace {

result<std::string> present(const std::string& text, std::string_view code, std::string_view value_name) {
  if (text.empty())
    return base::fail(errc::bad_task, "the Task needs an input " + std::string(code) + " with a " + std::string(value_name), "Task.input");
  return text;
}

result<plugins::task_document> present(const std::optional<plugins::task_document>& task) {
  if (!task || !task->content) return base::fail(errc::bad_task, "the instance was not started by a Task", "Task");
  return *task;
}

}  // namespace

result<std::string> string_input(const json& task, std::string_view system, std::string_view code) {
  return present(input(task, system, code)["valueString"].str(), code, "valueString");
}

result<std::string> reference_input(const json& task, std::string_view system, std::string_view code) {
  return present(input(task, system, code)["valueReference"]["reference"].str(), code, "valueReference.reference");
}

result<std::string> requester_of(const json& task) {
  const auto& id = task["requester"]["identifier"];
  if (id["system"].str() != organization_sid || id["value"].str().empty())
    return base::fail(errc::bad_task, "the requester must be an organization by its identifier", "Task.requester.identifier");
  return id["value"].str();
}

result<plugins::task_document> start_task(const plugins::activation& a) { return present(a.start_task); }
result<plugins::task_document> latest_task(const plugins::activation& a) { return present(a.latest_task ? a.latest_task : a.start_task); }

bpmn::task_change with_output(const plugins::task_document& task, const json& output) {
  return {.task_id = task.id, .add_outputs = {output.dump()}};
}

std::string reference_to(const plugins::task_document& task) { return "Task/" + task.id; }

}  // namespace dsf::processes

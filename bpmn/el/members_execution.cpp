// The `execution` object of expressions: what of DelegateExecution models use (engine 2c).
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "bpmn/el/coerce.hpp"
#include "bpmn/el/members.hpp"
#include "bpmn/errc.hpp"

namespace dsf::bpmn::el {
namespace {

using base::fail;
using base::result;

constexpr std::array<std::string_view, 10> properties{
    "businessKey",        "processBusinessKey",       "processInstanceId",  "id", "parentId", "currentActivityId", "currentActivityName",
    "activityInstanceId", "parentActivityInstanceId", "processDefinitionId"};

result<std::string> variable_name(std::string_view method, const value& v) {
  if (const auto* s = v.as<std::string>(); s != nullptr && !s->empty()) return *s;
  return fail(errc::evaluation, fmt::format("execution.{}: the name of a variable is expected, not {}", method, type_name(v)));
}

base::failure no_member(std::string_view what, std::string_view name) {
  return fail(errc::evaluation, fmt::format("Could not find {} {} in execution", what, name));
}

value_ptr or_null(const value* v) { return v != nullptr ? share(*v) : share({}); }

}  // namespace

result<value_ptr> execution_property(const context& c, std::string_view name) {
  if (std::ranges::find(properties, name) == properties.end()) return no_member("property", name);
  // In DSF the business key of an execution is that of its process instance.
  return share(c.execution_property(name == "processBusinessKey" ? "businessKey" : name));
}

result<value_ptr> call_on_execution(context& c, std::string_view method, const arguments& args) {
  if (args.empty()) {
    const auto name = accessor_property(method, "get");
    if (std::ranges::find(properties, name) != properties.end()) return execution_property(c, name);
    return no_member("method", method);
  }
  const bool reads = method == "getVariable" || method == "hasVariable" || method == "getVariableLocal" || method == "hasVariableLocal";
  if (reads) {
    TRY(expect_arguments(method, args, 1));
    const auto name = TRY(variable_name(method, *args[0]));
    const auto* found = method.ends_with("Local") ? c.variable_local(name) : c.variable(name);
    return method.starts_with("has") ? share(value(found != nullptr)) : or_null(found);
  }
  if (method == "setVariable") {
    TRY(expect_arguments(method, args, 2));
    const auto name = TRY(variable_name(method, *args[0]));
    TRY(c.set_variable(name, *args[1]));
    return share({});
  }
  return no_member("method", method);
}

}  // namespace dsf::bpmn::el

#include "bpmn/reader_tables.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace dsf::bpmn {
namespace {

enum group : unsigned {
  plain = 0,
  flow_node = 1,  // asyncBefore, ...; listeners
  activity = 2,   // tasks and sub-processes: multi-instance, default flow
  task = 4,
  event = 8,
};

struct element_row {
  std::string_view name;
  unsigned groups;
  std::string_view attributes;            // without namespace; id and name always
  std::string_view extension_attributes;
  std::string_view children;              // in the BPMN namespace
  std::string_view extension_children;    // inside extensionElements
};

constexpr std::string_view definition_children =
    "messageEventDefinition timerEventDefinition signalEventDefinition errorEventDefinition conditionalEventDefinition "
    "terminateEventDefinition";
constexpr std::string_view flow_elements =
    "startEvent endEvent intermediateCatchEvent intermediateThrowEvent boundaryEvent serviceTask sendTask receiveTask userTask manualTask "
    "task "
    "exclusiveGateway parallelGateway eventBasedGateway subProcess sequenceFlow";

constexpr std::array<element_row, 31> rows{{
    {"definitions", plain, "targetNamespace expressionLanguage typeLanguage exporter exporterVersion", "",
     "process message error signal escalation collaboration import itemDefinition category dataStore interface endPoint partnerEntity "
     "partnerRole "
     "resource relationship extension correlationProperty globalConversation",
     ""},
    {"process", plain, "isExecutable processType isClosed definitionalCollaborationRef",
     "versionTag historyTimeToLive candidateStarterUsers candidateStarterGroups isStartableInTasklist jobPriority taskPriority",
     "supports correlationSubscription ioSpecification resourceRole potentialOwner", "executionListener"},
    {"message", plain, "itemRef", "", "", ""},
    {"signal", plain, "structureRef", "", "", ""},
    {"error", plain, "errorCode structureRef", "errorMessage", "", ""},
    {"sequenceFlow", plain, "sourceRef targetRef isImmediate", "", "conditionExpression", "executionListener"},
    {"conditionExpression", plain, "language evaluatesToTypeRef", "resource", "", ""},
    {"condition", plain, "language evaluatesToTypeRef", "resource", "", ""},
    {"startEvent", flow_node | event, "isInterrupting parallelMultiple", "formKey", "messageEventDefinition", ""},
    {"endEvent", flow_node | event, "", "", "messageEventDefinition signalEventDefinition errorEventDefinition terminateEventDefinition",
     ""},
    {"intermediateCatchEvent", flow_node | event, "parallelMultiple", "",
     "messageEventDefinition timerEventDefinition signalEventDefinition conditionalEventDefinition", ""},
    {"intermediateThrowEvent", flow_node | event, "", "", "messageEventDefinition signalEventDefinition", ""},
    {"boundaryEvent", flow_node | event, "attachedToRef cancelActivity parallelMultiple", "",
     "messageEventDefinition timerEventDefinition signalEventDefinition errorEventDefinition conditionalEventDefinition", ""},
    {"messageEventDefinition", plain, "messageRef", "class expression resultVariable resultVariableName", "operationRef", "field"},
    {"timerEventDefinition", plain, "", "", "timeDate timeDuration timeCycle", ""},
    {"timeDate", plain, "language evaluatesToTypeRef", "", "", ""},
    {"timeDuration", plain, "language evaluatesToTypeRef", "", "", ""},
    {"timeCycle", plain, "language evaluatesToTypeRef", "", "", ""},
    {"signalEventDefinition", plain, "signalRef", "", "", ""},
    {"errorEventDefinition", plain, "errorRef", "errorCodeVariable errorMessageVariable", "", ""},
    {"conditionalEventDefinition", plain, "", "variableName variableEvents", "condition", ""},
    {"terminateEventDefinition", plain, "", "", "", ""},
    {"serviceTask", flow_node | activity | task, "implementation operationRef",
     "class expression resultVariable resultVariableName taskPriority", "", "field"},
    {"sendTask", flow_node | activity | task, "implementation operationRef messageRef",
     "class expression resultVariable resultVariableName taskPriority", "", "field"},
    {"receiveTask", flow_node | activity | task, "implementation operationRef messageRef instantiate", "", "", ""},
    {"userTask", flow_node | activity | task, "implementation",
     "formKey assignee candidateUsers candidateGroups dueDate followUpDate priority", "rendering", "taskListener field"},
    {"manualTask", flow_node | activity | task, "", "", "", ""},
    {"task", flow_node | activity | task, "", "", "", ""},
    {"exclusiveGateway", flow_node, "gatewayDirection default", "", "", ""},
    {"parallelGateway", flow_node, "gatewayDirection", "", "", ""},
    {"eventBasedGateway", flow_node, "gatewayDirection instantiate eventGatewayType", "", "", ""},
}};
constexpr element_row sub_process_row{"subProcess", flow_node | activity, "triggeredByEvent", "", flow_elements, ""};
constexpr element_row loop_row{"multiInstanceLoopCharacteristics",
                               plain,
                               "isSequential behavior",
                               "asyncBefore asyncAfter exclusive collection elementVariable",
                               "loopCardinality loopDataInputRef inputDataItem completionCondition",
                               "failedJobRetryTimeCycle"};

constexpr std::string_view drawing_attributes = "modelerTemplate modelerTemplateVersion modelerTemplateIcon diagramRelationId";
constexpr std::string_view drawing_children =
    "documentation extensionElements auditing monitoring categoryValueRef incoming outgoing property textAnnotation association group "
    "laneSet "
    "dataObject dataObjectReference dataStoreReference ioSpecification dataInputAssociation dataOutputAssociation dataInput dataOutput "
    "inputSet "
    "outputSet";
constexpr std::string_view flow_node_attributes = "async asyncBefore asyncAfter exclusive jobPriority";

struct hint_row {
  std::string_view name;
  std::string_view hint;
};
constexpr std::array<hint_row, 42> hints{{
    {"callActivity", "call activities are not run here; put the called process into a sub-process"},
    {"scriptTask", "scripts are not run here; use a service task with camunda:class"},
    {"script", "scripts are not run here; use an expression or a class"},
    {"businessRuleTask", "decisions are not run here; use a service task with camunda:class"},
    {"complexGateway", "use exclusive and parallel gateways"},
    {"inclusiveGateway", "use exclusive and parallel gateways"},
    {"transaction", "use a sub-process with error boundary events"},
    {"adHocSubProcess", "use a sub-process with flows"},
    {"triggeredByEvent", "event sub-processes are not run here; use a boundary event"},
    {"compensateEventDefinition", "compensation is not run here; model the undoing as flows"},
    {"escalationEventDefinition", "use an error or a signal event"},
    {"linkEventDefinition", "draw the sequence flow instead"},
    {"cancelEventDefinition", "use an error event"},
    {"timerEventDefinition", "at this place timers are not run; use an intermediate catch event or a boundary event"},
    {"signalEventDefinition", "at this place signals are not run; use an intermediate event or a boundary event"},
    {"conditionalEventDefinition", "at this place conditions are not run; use an intermediate catch event"},
    {"eventDefinitionRef", "put the event definition into the event itself"},
    {"standardLoopCharacteristics", "use a multi-instance marker, or a gateway and a flow back"},
    {"isForCompensation", "compensation is not run here; model the undoing as flows"},
    {"type", "external tasks and built-in types are not run here; use camunda:class"},
    {"topic", "external tasks are not run here; use camunda:class"},
    {"delegateExpression", "use camunda:class"},
    {"connector", "use camunda:class"},
    {"resource", "scripts are not run here; use an expression"},
    {"in", "variable mappings of called processes and signals are not run here"},
    {"out", "variable mappings of called processes are not run here"},
    {"formData", "use camunda:formKey with the URL of a Questionnaire"},
    {"formProperty", "use camunda:formKey with the URL of a Questionnaire"},
    {"formRef", "use camunda:formKey with the URL of a Questionnaire"},
    {"formHandlerClass", "use camunda:formKey with the URL of a Questionnaire"},
    {"initiator", "there is no logged-in user who starts a process; remove it"},
    {"errorEventDefinition", "use an error boundary event or an error end event"},
    {"potentialStarter", "who may start a process stands in its ActivityDefinition"},
    {"variableMappingClass", "call activities are not run here"},
    {"decisionRef", "decisions are not run here; use camunda:class"},
    {"calledElement", "call activities are not run here"},
    {"class", "put it on the task, on the messageEventDefinition, or on a listener"},
    {"expression", "put it on the task, on the messageEventDefinition, or on a listener"},
    {"field", "put it next to the camunda:class it belongs to"},
    {"taskListener", "only user tasks have task listeners"},
    {"loopDataOutputRef", "collect results with an output parameter or in the handler"},
    {"outputDataItem", "collect results with an output parameter or in the handler"},
}};

bool has_word(std::string_view words, std::string_view word) {
  for (std::size_t at = words.find(word); at != std::string_view::npos; at = words.find(word, at + 1)) {
    const auto end = at + word.size();
    if ((at == 0 || words[at - 1] == ' ') && (end == words.size() || words[end] == ' ')) return true;
  }
  return false;
}

const element_row* row_of(std::string_view name) {
  if (name == sub_process_row.name) return &sub_process_row;
  if (name == loop_row.name) return &loop_row;
  const auto it = std::ranges::find(rows, name, &element_row::name);
  return it == rows.end() ? nullptr : &*it;
}

base::failure unsupported(const element& at, std::string_view what, std::string_view name) {
  const auto it = std::ranges::find(hints, name, &hint_row::name);
  return at.fail(errc::unsupported_element,
                 fmt::format("{} is not supported here: {}", what, it == hints.end() ? "remove it or use what the engine runs" : it->hint));
}

// Attributes that are fine with one value only.
base::result<> check_fixed(const element& e) {
  struct fixed_row {
    std::string_view name;
    std::string_view only;
    std::string_view hint;
  };
  constexpr std::array<fixed_row, 10> fixed{{
      {"isForCompensation", "false", "compensation is not run here; model the undoing as flows"},
      {"triggeredByEvent", "false", "event sub-processes are not run here; use a boundary event"},
      {"parallelMultiple", "false", "an event waits for one thing; use an event-based or a parallel gateway"},
      {"instantiate", "false", "a process begins with its start events"},
      {"eventGatewayType", "Exclusive", "parallel event-based gateways are not run here"},
      {"startQuantity", "1", "an activity takes one token"},
      {"completionQuantity", "1", "an activity gives one token"},
      {"behavior", "All", "use a completion condition"},
      {"language", "", "expressions are JUEL, scripts are not run here; remove the attribute"},
      {"isImmediate", "true", "remove the attribute"},
  }};
  for (const auto& row : fixed) {
    const auto given = e.attr(row.name);
    if (!given || trim(*given) == row.only || (row.only == "false" && trim(*given) == "0")) continue;
    return e.fail(errc::unsupported_element, fmt::format("{}=\"{}\" is not supported: {}", row.name, *given, row.hint));
  }
  return {};
}

bool attribute_known(const element_row& row, const attribute& a) {
  if (a.space == xml_space::none) {
    if (a.name == "id" || a.name == "name" || has_word(row.attributes, a.name)) return true;
    return (row.groups & activity) != 0 && has_word("default isForCompensation startQuantity completionQuantity", a.name);
  }
  if (a.space != xml_space::extension) return false;
  if (has_word(row.extension_attributes, a.name) || has_word(drawing_attributes, a.name)) return true;
  return (row.groups & flow_node) != 0 && has_word(flow_node_attributes, a.name);
}

bool child_known(const element_row& row, std::string_view name) {
  if (has_word(row.children, name) || has_word(drawing_children, name)) return true;
  if ((row.groups & activity) != 0 &&
      has_word("multiInstanceLoopCharacteristics resourceRole performer humanPerformer potentialOwner", name))
    return true;
  return row.name == "process" && has_word(flow_elements, name);
}

bool extension_known(const element_row& row, std::string_view name) {
  if (name == "properties" || has_word(row.extension_children, name)) return true;
  return (row.groups & flow_node) != 0 && has_word("executionListener inputOutput failedJobRetryTimeCycle", name);
}

}  // namespace

base::result<> check_element(const element& e) {
  const auto* row = row_of(e.name());
  if (row == nullptr) return unsupported(e, fmt::format("element {}", e.name()), e.name());
  for (const auto& a : e.attributes()) {
    if (a.space == xml_space::xmlns || a.space == xml_space::foreign || attribute_known(*row, a)) continue;
    return unsupported(e, fmt::format("attribute {}{} of {}", a.space == xml_space::extension ? "camunda:" : "", a.name, e.name()), a.name);
  }
  TRY(check_fixed(e));
  for (const auto& c : e.children()) {
    if (c.space() == xml_space::foreign) continue;
    if (c.space() == xml_space::extension)
      return c.fail(errc::unsupported_element, fmt::format("element camunda:{} has to stand inside extensionElements", c.name()));
    if (!child_known(*row, c.name())) return unsupported(c, fmt::format("element {} in {}", c.name(), e.name()), c.name());
    if (!c.is("extensionElements")) continue;
    for (const auto& x : c.children()) {
      if (x.space() == xml_space::foreign || (x.space() == xml_space::extension && extension_known(*row, x.name()))) continue;
      const auto prefix = x.space() == xml_space::extension ? "camunda:" : "";
      return unsupported(x, fmt::format("extension element {}{} of {}", prefix, x.name(), e.name()), x.name());
    }
  }
  return {};
}

}  // namespace dsf::bpmn

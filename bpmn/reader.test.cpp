// The reader on small models: what it makes of each element, and how it refuses what it does not run. Every row of the tables is one fault found.
#include <catch2/catch.hpp>

#include "bpmn/el/expression.hpp"
#include "bpmn/errc.hpp"
#include "bpmn/lint.hpp"
#include "bpmn/model.hpp"
#include "bpmn/placeholder.hpp"

namespace dsf::bpmn {
namespace {

// Line 1 is the root, line 2 the process, so the body begins in line 3.
std::string model(const std::string& body, const std::string& roots = "") {
  return R"(<d:definitions xmlns:d="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:c="http://camunda.org/schema/1.0/bpmn" xmlns:x="urn:tool" targetNamespace="t">
<d:process id="dsfdev_test" isExecutable="true" c:versionTag="1.0">
)" + body +
         "\n</d:process>\n" + roots + "</d:definitions>";
}
// A process start -> (body's node "a") -> end.
std::string with_node(const std::string& node, const std::string& roots = "") {
  return model("<d:startEvent id='s'/>\n" + node +
                   "\n<d:endEvent id='e'/><d:sequenceFlow id='f1' sourceRef='s' targetRef='a'/><d:sequenceFlow id='f2' sourceRef='a' "
                   "targetRef='e'/>",
               roots);
}
constexpr const char* roots =
    "<d:message id='M' name='hello'/><d:message id='N'/><d:error id='E' errorCode='code' c:errorMessage='text'/><d:error id='F'/><d:signal "
    "id='S' name='stop'/>"
    "<d:message id='V' name='m_${a}'/>";

std::shared_ptr<const definition> read_one(const std::string& xml) {
  const auto out = read_bpmn(xml, "t.bpmn");
  INFO((out ? std::string() : out.error().to_string()));
  REQUIRE(out);
  REQUIRE(out->size() == 1);
  return out->front();
}
const node& node_a(const std::shared_ptr<const definition>& d) {
  REQUIRE(d->find("a") != no_node);
  return d->nodes[d->find("a")];
}
base::error refused(const std::string& xml) {
  const auto out = read_bpmn(xml, "t.bpmn");
  REQUIRE_FALSE(out);
  return out.error();
}

struct refusal {
  std::string node;  // in line 4
  errc code;
  const char* text;
  const char* place = "a (line 4)";
};

}  // namespace

TEST_CASE("unsupported elements and attributes are errors with id, line and hint", "[reader]") {
  const auto u = errc::unsupported_element;
  const std::string timer = "<d:timerEventDefinition><d:timeDuration>PT1S</d:timeDuration></d:timerEventDefinition>";
  const std::vector<refusal> rows{
      {"<d:callActivity id='a' calledElement='x'/>", u,
       "element callActivity in process is not supported here: call activities are not run"},
      {"<d:scriptTask id='a'/>", u, "use a service task with camunda:class"},
      {"<d:businessRuleTask id='a'/>", u, "decisions are not run here"},
      {"<d:complexGateway id='a'/>", u, "complexGateway"},
      {"<d:inclusiveGateway id='a'/>", u, "inclusiveGateway"},
      {"<d:transaction id='a'/>", u, "transaction"},
      {"<d:adHocSubProcess id='a'/>", u, "adHocSubProcess"},
      {"<d:futureTask id='a'/>", u, "element futureTask in process"},
      {"<d:subProcess id='a' triggeredByEvent='true'/>", u, "event sub-processes are not run here"},
      {"<d:intermediateThrowEvent id='a'><d:compensateEventDefinition id='z'/></d:intermediateThrowEvent>", u, "compensation is not run",
       "z (line 4)"},
      {"<d:intermediateThrowEvent id='a'><d:escalationEventDefinition/></d:intermediateThrowEvent>", u, "escalationEventDefinition"},
      {"<d:intermediateThrowEvent id='a'><d:linkEventDefinition/></d:intermediateThrowEvent>", u, "linkEventDefinition"},
      {"<d:intermediateThrowEvent id='a'>" + timer + "</d:intermediateThrowEvent>", u, "timerEventDefinition in intermediateThrowEvent"},
      {"<d:intermediateCatchEvent id='a'><d:cancelEventDefinition/></d:intermediateCatchEvent>", u, "cancelEventDefinition"},
      {"<d:intermediateCatchEvent id='a'><d:eventDefinitionRef>z</d:eventDefinitionRef></d:intermediateCatchEvent>", u,
       "into the event itself"},
      {"<d:intermediateCatchEvent id='a'><d:signalEventDefinition signalRef='S'/>" + timer + "</d:intermediateCatchEvent>", u,
       "several event definitions"},
      {"<d:intermediateCatchEvent id='a' parallelMultiple='true'><d:signalEventDefinition signalRef='S'/></d:intermediateCatchEvent>", u,
       "parallelMultiple"},
      {"<d:startEvent id='a'>" + timer + "</d:startEvent>", u, "timerEventDefinition in startEvent"},
      {"<d:startEvent id='a'><d:signalEventDefinition signalRef='S'/></d:startEvent>", u, "signalEventDefinition in startEvent"},
      {"<d:startEvent id='a'><d:conditionalEventDefinition/></d:startEvent>", u, "conditionalEventDefinition in startEvent"},
      {"<d:startEvent id='a' c:initiator='i'/>", u, "attribute camunda:initiator of startEvent"},
      {"<d:task id='a'><d:standardLoopCharacteristics/></d:task>", u, "use a multi-instance marker"},
      {"<d:task id='a' isForCompensation='true'/>", u, "isForCompensation"},
      {"<d:task id='a' startQuantity='2'/>", u, "startQuantity"},
      {"<d:task id='a' c:class='X'/>", u, "attribute camunda:class of task"},
      {"<d:task id='a' madeUp='1'/>", u, "attribute madeUp of task"},
      {"<d:task id='a'><d:extensionElements><c:taskListener event='create' class='X'/></d:extensionElements></d:task>", u,
       "only user tasks have task listeners"},
      {"<d:task id='a'><c:executionListener event='start' class='X'/></d:task>", u, "inside extensionElements"},
      {"<d:serviceTask id='a' c:type='external' c:topic='t'/>", u, "external tasks and built-in types"},
      {"<d:serviceTask id='a' c:delegateExpression='${x}'/>", u,
       "attribute camunda:delegateExpression of serviceTask is not supported here: use camunda:class"},
      {"<d:serviceTask id='a'><d:extensionElements><c:connector/></d:extensionElements></d:serviceTask>", u,
       "extension element camunda:connector of serviceTask"},
      {"<d:serviceTask id='a'><d:extensionElements><c:executionListener event='start'><c:script "
       "scriptFormat='x'/></c:executionListener></d:extensionElements></d:serviceTask>",
       u, "scripts are not run here"},
      {"<d:serviceTask id='a'><d:extensionElements><c:executionListener event='start' "
       "delegateExpression='${x}'/></d:extensionElements></d:serviceTask>",
       u, "delegateExpression"},
      {"<d:serviceTask id='a'><d:extensionElements><c:inputOutput><c:inputParameter name='p'><c:script "
       "scriptFormat='x'/></c:inputParameter></c:inputOutput></d:extensionElements></d:serviceTask>",
       u, "element script in camunda:inputParameter"},
      {"<d:userTask id='a'><d:extensionElements><c:formData/></d:extensionElements></d:userTask>", u, "camunda:formKey"},
      {"<d:userTask id='a' c:formRef='x'/>", u, "camunda:formKey"},
      {"<d:userTask id='a'><d:extensionElements><c:taskListener event='timeout' class='X'/></d:extensionElements></d:userTask>",
       errc::bad_model, "none of create"},
      {"<d:receiveTask id='a' messageRef='M' instantiate='true'/>", u, "instantiate"},
      {"<d:eventBasedGateway id='a' eventGatewayType='Parallel'/>", u, "parallel event-based gateways"},
      {"<d:eventBasedGateway id='a' instantiate='true'/>", u, "instantiate"},
      {"<d:exclusiveGateway id='a'><d:extensionElements><c:inputOutput><c:inputParameter "
       "name='p'>1</c:inputParameter></c:inputOutput></d:extensionElements></d:exclusiveGateway>",
       u, "camunda:inputOutput is not possible on exclusiveGateway"},
      {"<d:task id='a'><d:multiInstanceLoopCharacteristics c:collection='l'/><d:extensionElements><c:inputOutput><c:outputParameter "
       "name='p'>1</c:outputParameter></c:inputOutput>"
       "</d:extensionElements></d:task>",
       u, "outputParameter is not possible on a multi-instance"},
      {"<d:task id='a'><d:multiInstanceLoopCharacteristics c:collection='l' behavior='None'/></d:task>", u, "behavior"},
      {"<d:task id='a'><d:multiInstanceLoopCharacteristics "
       "c:collection='l'><d:loopDataOutputRef>x</d:loopDataOutputRef></d:multiInstanceLoopCharacteristics></d:task>",
       u, "loopDataOutputRef"},
      {"<d:intermediateThrowEvent id='a'><d:signalEventDefinition signalRef='S' c:async='true'/></d:intermediateThrowEvent>", u,
       "camunda:async"},
      {"<d:intermediateThrowEvent id='a'><d:signalEventDefinition signalRef='S'><d:extensionElements><c:in "
       "variables='all'/></d:extensionElements></d:signalEventDefinition>"
       "</d:intermediateThrowEvent>",
       u, "camunda:in"},
      {"<d:intermediateThrowEvent id='a' c:class='X'/>", u, "on the messageEventDefinition"},
  };
  for (const auto& row : rows) {
    INFO(row.node);
    const auto e = refused(with_node(row.node, roots));
    INFO(e.to_string());
    CHECK(e.is(row.code));
    CHECK_THAT(e.text(), Catch::Contains(row.text));
    CHECK_THAT(e.place(), Catch::StartsWith("t.bpmn: ") && Catch::EndsWith("(line 4)"));
    CHECK_THAT(e.place(), Catch::Contains(row.place) || Catch::Contains("a (line 4)") || Catch::Contains("<d:"));
  }
}

TEST_CASE("models that break a rule are refused with id and line", "[reader]") {
  const auto b = errc::bad_model;
  const std::vector<refusal> rows{
      {"<d:task/>", b, "bpmn:task has no id"},
      {"<d:task id='s'/>", b, "id s is used twice, in lines 3 and 4"},
      {"<d:startEvent id='a'/>", b, "two none start events"},
      {"<d:task id='a' c:asyncBefore='maybe'/>", b, "neither true nor false"},
      {"<d:task id='a' default='f1'/>", b, "default=\"f1\" is no sequence flow that leaves"},
      {"<d:task id='a' default='nope'/>", b, "default=\"nope\""},
      {"<d:task id='a'/><d:boundaryEvent id='b'><d:errorEventDefinition/></d:boundaryEvent>", b, "needs attachedToRef"},
      {"<d:task id='a'/><d:boundaryEvent id='b' attachedToRef='zz'><d:errorEventDefinition/></d:boundaryEvent>", b,
       "refers to no activity"},
      {"<d:task id='a'/><d:boundaryEvent id='b' attachedToRef='e'><d:errorEventDefinition/></d:boundaryEvent>", b,
       "is no activity of the same scope"},
      {"<d:task id='a'/><d:boundaryEvent id='b' attachedToRef='a'/>", b, "no event definition"},
      {"<d:task id='a'/><d:boundaryEvent id='b' attachedToRef='a'><d:errorEventDefinition errorRef='zz'/></d:boundaryEvent>", b,
       "refers to no bpmn:error"},
      {"<d:task id='a'/><d:boundaryEvent id='b' attachedToRef='a'><d:errorEventDefinition/></d:boundaryEvent><d:sequenceFlow id='q' "
       "sourceRef='a' targetRef='b'/>",
       b, "boundary event has no incoming"},
      {"<d:intermediateCatchEvent id='a'/>", b, "say what it waits for"},
      {"<d:intermediateCatchEvent id='a'><d:messageEventDefinition/></d:intermediateCatchEvent>", b, "messageRef is missing"},
      {"<d:intermediateCatchEvent id='a'><d:messageEventDefinition messageRef='zz'/></d:intermediateCatchEvent>", b,
       "refers to no bpmn:message"},
      {"<d:intermediateCatchEvent id='a'><d:messageEventDefinition messageRef='N'/></d:intermediateCatchEvent>", b, "has no name"},
      {"<d:intermediateCatchEvent id='a'><d:messageEventDefinition messageRef='M' c:class='X'/></d:intermediateCatchEvent>", b,
       "throw and end events only"},
      {"<d:intermediateCatchEvent id='a'><d:signalEventDefinition/></d:intermediateCatchEvent>", b, "signalRef is missing"},
      {"<d:intermediateCatchEvent id='a'><d:timerEventDefinition/></d:intermediateCatchEvent>", b, "exactly one of timeDate"},
      {"<d:intermediateCatchEvent id='a'><d:timerEventDefinition><d:timeDuration> "
       "</d:timeDuration></d:timerEventDefinition></d:intermediateCatchEvent>",
       b, "timeDuration is empty"},
      {"<d:intermediateCatchEvent "
       "id='a'><d:timerEventDefinition><d:timeDuration>P5X</d:timeDuration></d:timerEventDefinition></d:intermediateCatchEvent>",
       b, "no ISO 8601 duration"},
      {"<d:intermediateCatchEvent id='a'><d:conditionalEventDefinition/></d:intermediateCatchEvent>", b, "needs a condition"},
      {"<d:intermediateCatchEvent id='a'><d:conditionalEventDefinition c:variableEvents='create, "
       "change'><d:condition>${x}</d:condition></d:conditionalEventDefinition>"
       "</d:intermediateCatchEvent>",
       b, "\"change\" is none of create"},
      {"<d:startEvent id='a'><d:messageEventDefinition messageRef='V'/></d:startEvent>", b, "must be a constant"},
      {"<d:receiveTask id='a'/>", b, "messageRef is missing"},
      {"<d:endEvent id='a'><d:errorEventDefinition/></d:endEvent>", b, "needs an errorRef"},
      {"<d:endEvent id='a'><d:errorEventDefinition errorRef='F'/></d:endEvent>", b, "needs an errorRef"},
      {"<d:exclusiveGateway id='g'/><d:task id='a'/>", b, "exclusive gateway has no outgoing"},
      {"<d:exclusiveGateway id='a' default='f3'/><d:sequenceFlow id='f3' sourceRef='a' "
       "targetRef='e'><d:conditionExpression>${x}</d:conditionExpression></d:sequenceFlow>",
       b, "the default flow"},
      {"<d:eventBasedGateway id='a'/>", b, "only intermediate catch events can stand, not e"},
      {"<d:subProcess id='a'/>", b, "exactly one none start event; it has none"},
      {"<d:subProcess id='a'><d:startEvent id='s1'/><d:startEvent id='s2'/></d:subProcess>", b, "this is the second"},
      {"<d:subProcess id='a'><d:startEvent id='s1'><d:messageEventDefinition messageRef='M'/></d:startEvent></d:subProcess>", b,
       "begins with a none start event"},
      {"<d:subProcess id='a'><d:startEvent id='s1'/><d:sequenceFlow id='q' sourceRef='s1' targetRef='e'/></d:subProcess>", b,
       "crosses the border of a sub-process"},
      {"<d:task id='a'/><d:sequenceFlow id='q' sourceRef='a' targetRef='zz'/>", b, "targetRef=\"zz\" refers to no flow node"},
      {"<d:task id='a'/><d:sequenceFlow id='q' targetRef='a'/>", b, "sourceRef=\"\""},
      {"<d:serviceTask id='a' c:class='X' c:expression='${x}'/>", b, "class and expression are given both"},
      {"<d:serviceTask id='a' c:class='X' c:resultVariable='r'/>", b, "resultVariable needs"},
      {"<d:serviceTask id='a' c:class='X'><d:extensionElements><c:field name='p'/></d:extensionElements></d:serviceTask>", b,
       "exactly one value"},
      {"<d:serviceTask id='a' c:class='X'><d:extensionElements><c:field stringValue='p'/></d:extensionElements></d:serviceTask>", b,
       "no name"},
      {"<d:serviceTask id='a'><d:extensionElements><c:executionListener class='X'/></d:extensionElements></d:serviceTask>", b,
       "none of start, end"},
      {"<d:serviceTask id='a'><d:extensionElements><c:executionListener event='start'/></d:extensionElements></d:serviceTask>", b,
       "neither class nor expression"},
      {"<d:task id='a'><d:multiInstanceLoopCharacteristics/></d:task>", b, "needs camunda:collection or a loopCardinality"},
      {"<d:task id='a'><d:multiInstanceLoopCharacteristics "
       "c:elementVariable='v'><d:loopCardinality>2</d:loopCardinality></d:multiInstanceLoopCharacteristics></d:task>",
       b, "elementVariable needs"},
      {"<d:serviceTask id='a' c:expression='${1 +}'/>", errc::bad_expression,
       "expression \"${1 +}\": an expression expected but '}' found at offset 5"},
      {"<d:intermediateCatchEvent "
       "id='a'><d:timerEventDefinition><d:timeDate>${</d:timeDate></d:timerEventDefinition></d:intermediateCatchEvent>",
       errc::bad_expression, "not closed"},
  };
  for (const auto& row : rows) {
    INFO(row.node);
    const auto e = refused(with_node(row.node, roots));
    INFO(e.to_string());
    CHECK(e.is(row.code));
    CHECK_THAT(e.text(), Catch::Contains(row.text));
    CHECK_THAT(e.place(), Catch::StartsWith("t.bpmn: ") && Catch::EndsWith("(line 4)"));
  }
}

TEST_CASE("whole files that are no models are refused", "[reader]") {
  const auto check = [](const std::string& xml, errc code, const char* text) {
    INFO(xml.substr(0, 200));
    const auto e = refused(xml);
    INFO(e.to_string());
    CHECK(e.is(code));
    CHECK_THAT(e.to_string(), Catch::Contains(text));
  };
  check("", errc::not_xml, "well-formed");
  check("<a><b></a>", errc::not_xml, "line 1");
  check("<a/><b/>", errc::not_xml, "one root element");
  check("<a/>", errc::bad_model, "bpmn:definitions");
  check("<definitions xmlns='urn:other'/>", errc::bad_model, "bpmn:definitions");
  check("<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>", errc::not_xml, "DTD");
  check("<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>", errc::not_xml, "DTD");
  check(model("<d:task id='a' name='&nbsp;'/>"), errc::not_xml, "predefined entities");
  check(model("<d:task id='a' name='R & D'/>"), errc::not_xml, "t.bpmn: line 3");
  check(model("<d:task id='a' id='b'/>"), errc::not_xml, "given twice");
  check(model("<d:task id='\xff'/>"), errc::not_xml, "UTF-8");
  check("<?xml version='1.0' encoding='ISO-8859-1'?>" + model(""), errc::not_xml, "ISO-8859-1");
  check(model(""), errc::bad_model, "no start event");
  check("<d:definitions xmlns:d='http://www.omg.org/spec/BPMN/20100524/MODEL'/>", errc::bad_model, "no bpmn:process");
  check("<d:definitions xmlns:d='http://www.omg.org/spec/BPMN/20100524/MODEL'><d:choreography/></d:definitions>", errc::unsupported_element,
        "choreography");
  std::string deep;
  for (int i = 0; i < 100000; ++i) deep += "<a>";
  for (int i = 0; i < 100000; ++i) deep += "</a>";
  check(deep, errc::not_xml, "nested deeper");
  std::string wide = "<a";
  for (int i = 0; i < 1000; ++i) wide += " a" + std::to_string(i) + "=''";
  check(wide + "/>", errc::not_xml, "attributes");
  CHECK(read_bpmn(model(""), "t.bpmn", {.max_bytes = 10}).error().is(errc::limit));
  CHECK(read_bpmn(with_node("<d:task id='a'/>"), "t.bpmn", {.max_nodes = 2}).error().is(errc::limit));
  std::string nested;
  std::string close;
  for (int i = 0; i < 60; ++i) {
    nested += "<d:subProcess id='p" + std::to_string(i) + "'><d:startEvent id='q" + std::to_string(i) + "'/>";
    close += "</d:subProcess>";
  }
  check(model(nested + close), errc::limit, "nested deeper than 32 levels");
}

TEST_CASE("XSD defaults and explicit values", "[reader]") {
  auto d = read_one(with_node(
      "<d:task id='a'/><d:boundaryEvent id='b' "
      "attachedToRef='a'><d:timerEventDefinition><d:timeDuration>PT1S</d:timeDuration></d:timerEventDefinition></d:boundaryEvent>"
      "<d:boundaryEvent id='c' attachedToRef='a' cancelActivity='false'><d:messageEventDefinition messageRef='M'/></d:boundaryEvent>"
      "<d:boundaryEvent id='g' attachedToRef='a' cancelActivity='false'><d:errorEventDefinition errorRef='E' c:errorCodeVariable='v' "
      "c:errorMessageVariable='w'/></d:boundaryEvent>",
      roots));
  const auto& a = node_a(d);
  CHECK_FALSE(a.async_before);
  CHECK_FALSE(a.async_after);
  CHECK(a.exclusive);
  REQUIRE(a.boundary.size() == 3);
  CHECK(d->nodes[a.boundary[0]].interrupting);
  CHECK(d->nodes[a.boundary[0]].attached_to == d->find("a"));
  CHECK_FALSE(d->nodes[a.boundary[1]].interrupting);
  const auto& error = d->nodes[a.boundary[2]];
  CHECK(error.interrupting);
  CHECK(error.event.name == "code");
  CHECK(error.event.error_message == "text");
  CHECK(error.event.error_code_variable == "v");
  CHECK(error.event.error_message_variable == "w");

  d = read_one(with_node(
      "<d:task id='a' c:asyncBefore='true' c:asyncAfter='1' "
      "c:exclusive='false'><d:extensionElements><c:failedJobRetryTimeCycle>R3/PT5S</c:failedJobRetryTimeCycle></d:extensionElements>"
      "<d:multiInstanceLoopCharacteristics isSequential='true' c:asyncBefore='true' c:exclusive='false' c:collection='${l.entries}' "
      "c:elementVariable='x'>"
      "<d:extensionElements><c:failedJobRetryTimeCycle>R0/PT5S</c:failedJobRetryTimeCycle></d:extensionElements>"
      "<d:completionCondition>${done}</d:completionCondition></d:multiInstanceLoopCharacteristics></d:task>"));
  const auto& m = node_a(d);
  CHECK((m.async_before && m.async_after && !m.exclusive));
  CHECK(m.retry_cycle.text == "R3/PT5S");
  REQUIRE(m.loop);
  CHECK((m.loop->sequential && m.loop->async_before && !m.loop->async_after && !m.loop->exclusive));
  CHECK(m.loop->retry_cycle.text == "R0/PT5S");
  CHECK(m.loop->collection.text == "${l.entries}");
  CHECK(m.loop->collection_variable.empty());
  CHECK(m.loop->element_variable == "x");
  CHECK(m.loop->completion_condition.text == "${done}");

  d =
      read_one(with_node("<d:task id='a'><d:multiInstanceLoopCharacteristics><d:loopDataInputRef>l</d:loopDataInputRef><d:inputDataItem "
                         "name='i'/></d:multiInstanceLoopCharacteristics></d:task>"));
  CHECK_FALSE(node_a(d).loop->sequential);
  CHECK(node_a(d).loop->collection_variable == "l");
  CHECK(node_a(d).loop->element_variable == "i");
}

TEST_CASE("delegates, fields, listeners and parameters", "[reader]") {
  const auto d = read_one(with_node(
      "<d:userTask id='a' name='A' c:formKey='http://x/Questionnaire/q|${v}'><d:extensionElements>"
      "<c:field name='plain'><c:string>${not an expression</c:string></c:field><c:field name='attr' stringValue='v'/><c:field "
      "name='el'><c:expression>${x}</c:expression></c:field>"
      "<c:executionListener event='end' expression='${y}'/><c:taskListener event='create' class='L'><c:field name='f' "
      "expression='${z}'/></c:taskListener>"
      "<c:inputOutput><c:inputParameter name='i1'>  ${a.b} </c:inputParameter><c:inputParameter name='i2'/>"
      "<c:inputParameter name='i3'><c:list><c:value>1</c:value><c:list><c:value>${x}</c:value></c:list></c:list></c:inputParameter>"
      "<c:inputParameter name='i4'><c:map><c:entry key='k'>v</c:entry><c:entry key='m'><c:map/></c:entry></c:map></c:inputParameter>"
      "<c:outputParameter name='o'>done</c:outputParameter></c:inputOutput><c:properties><c:property name='p' "
      "value='1'/></c:properties><x:anything odd='1'/></d:extensionElements></d:userTask>"));
  const auto& n = node_a(d);
  CHECK(n.name == "A");
  CHECK(n.line == 4);
  REQUIRE(n.fields.size() == 3);
  CHECK(n.fields[0].value.text == "${not an expression");
  CHECK(n.fields[0].value.parsed->is_constant());
  CHECK_FALSE(n.fields[0].is_expression);
  CHECK(n.fields[1].value.text == "v");
  CHECK(n.fields[2].is_expression);
  REQUIRE(n.listeners.size() == 1);
  CHECK(n.listeners[0].event == listener_event::end);
  CHECK(n.listeners[0].run.expression.text == "${y}");
  REQUIRE(n.task_listeners.size() == 1);
  CHECK(n.task_listeners[0].run.class_name == "L");
  CHECK(n.task_listeners[0].run.fields.at(0).is_expression);
  REQUIRE(n.inputs.size() == 4);
  CHECK(n.inputs[0].value.text.text == "${a.b}");
  CHECK_FALSE(n.inputs[1].value.text);
  REQUIRE(n.inputs[2].value.list.size() == 2);
  CHECK(n.inputs[2].value.list[1].list.at(0).text.text == "${x}");
  REQUIRE(n.inputs[3].value.map.size() == 2);
  CHECK(n.inputs[3].value.map[1].second.kind == parameter_value::kind::map);
  REQUIRE(n.outputs.size() == 1);
  CHECK(n.form_key.text == "http://x/Questionnaire/q|${v}");
}

TEST_CASE("events: names, message classes, conditions, timers", "[reader]") {
  const auto one = [](const std::string& node) { return node_a(read_one(with_node(node, roots))).event; };
  const auto message =
      one("<d:intermediateThrowEvent id='a'><d:messageEventDefinition id='md' messageRef='V' c:class='Send'><d:extensionElements><c:field "
          "name='profile' stringValue='p'/>"
          "</d:extensionElements></d:messageEventDefinition></d:intermediateThrowEvent>");
  CHECK(message.kind == event_kind::message);
  CHECK(message.id == "md");
  CHECK(message.run.class_name == "Send");
  CHECK(message.run.fields.at(0).value.text == "p");
  CHECK(message.name_expression.text == "m_${a}");
  CHECK_FALSE(one("<d:intermediateThrowEvent id='a'><d:messageEventDefinition/></d:intermediateThrowEvent>").run);
  CHECK(one("<d:intermediateThrowEvent id='a'/>").kind == event_kind::none);
  const auto signal = one("<d:intermediateCatchEvent id='a'><d:signalEventDefinition signalRef='S'/></d:intermediateCatchEvent>");
  CHECK(signal.name == "stop");
  CHECK_FALSE(signal.name_expression);
  const auto condition =
      one("<d:intermediateCatchEvent id='a'><d:conditionalEventDefinition c:variableName='v' c:variableEvents='create, "
          "update'><d:condition>${v}</d:condition>"
          "</d:conditionalEventDefinition></d:intermediateCatchEvent>");
  CHECK(condition.condition.text == "${v}");
  CHECK(condition.variable_events == std::vector<std::string>{"create", "update"});
  const auto timer =
      one("<d:intermediateCatchEvent "
          "id='a'><d:timerEventDefinition><d:timeCycle>R3/PT1S</d:timeCycle></d:timerEventDefinition></d:intermediateCatchEvent>");
  CHECK(timer.timer == timer_kind::cycle);
  CHECK(timer.timer_value.text == "R3/PT1S");
  CHECK(one("<d:receiveTask id='a' messageRef='M'/>").name == "hello");
  CHECK(one("<d:endEvent id='a'><d:terminateEventDefinition/></d:endEvent><d:task id='z'/>").kind == event_kind::terminate);
}

TEST_CASE("namespaces count, prefixes do not; drawings and foreign things are ignored", "[reader]") {
  const auto d = read_one(
      "<definitions xmlns='http://www.omg.org/spec/BPMN/20100524/MODEL' xmlns:camunda='urn:not-camunda' id='D' "
      "xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' xsi:schemaLocation='x'>"
      "<import namespace='n' location='l' importType='t'/><collaboration id='C'><participant id='P' processRef='p'/><messageFlow id='mf' "
      "sourceRef='x' targetRef='y'/></collaboration>"
      "<process id='p' isExecutable='true' xmlns:o='http://operaton.org/schema/1.0/bpmn' o:versionTag='7' camunda:unknown='1' "
      "o:modelerTemplate='t'>"
      "<documentation>text</documentation><laneSet id='ls'><lane id='l1'/></laneSet><startEvent id='s'/><dataObject "
      "id='do'/><dataStoreReference id='ds'/>"
      "<serviceTask id='a' o:class='X' camunda:class='Y' o:modelerTemplateVersion='1'><ioSpecification/></serviceTask>"
      "<sequenceFlow id='f' sourceRef='s' targetRef='a'><conditionExpression> </conditionExpression></sequenceFlow><textAnnotation "
      "id='t'/><association id='as' sourceRef='a' targetRef='t'/><group id='g'/>"
      "</process><di:BPMNDiagram xmlns:di='http://www.omg.org/spec/BPMN/20100524/DI' id='a'/></definitions>");
  CHECK(d->version_tag == "7");
  CHECK(node_a(d).run.class_name == "X");
  CHECK_FALSE(d->flows.at(0).condition);
  CHECK(d->sha256.size() == 64);
}

TEST_CASE("several processes come in document order; one that is not executable has a head only", "[reader]") {
  const auto out = read_bpmn(
      "<d:definitions xmlns:d='http://www.omg.org/spec/BPMN/20100524/MODEL'><d:process id='one' isExecutable='true'><d:startEvent "
      "id='s'/></d:process>"
      "<d:process id='two' name='Two'><d:scriptTask id='x'/></d:process></d:definitions>",
      "t.bpmn");
  REQUIRE(out);
  REQUIRE(out->size() == 2);
  CHECK((*out)[0]->key == "one");
  CHECK((*out)[0]->executable);
  CHECK((*out)[1]->name == "Two");
  CHECK_FALSE((*out)[1]->executable);
  CHECK((*out)[1]->nodes.empty());
}

TEST_CASE("sub-processes nest and outgoing flows keep document order", "[reader]") {
  const auto d = read_one(with_node(
      "<d:subProcess id='a'><d:startEvent id='s1'/><d:exclusiveGateway id='g' default='q3'/><d:endEvent id='e1'/><d:endEvent id='e2'/>"
      "<d:sequenceFlow id='q2' sourceRef='g' targetRef='e2'><d:conditionExpression>${x}</d:conditionExpression><d:extensionElements>"
      "<c:executionListener event='take' class='T'/></d:extensionElements></d:sequenceFlow>"
      "<d:sequenceFlow id='q1' sourceRef='s1' targetRef='g'/><d:sequenceFlow id='q3' sourceRef='g' targetRef='e1'/></d:subProcess>"));
  const auto& a = node_a(d);
  CHECK(a.children.size() == 4);
  CHECK(d->nodes[a.start].id == "s1");
  CHECK(d->children.size() == 3);
  CHECK(d->starts.size() == 1);
  const auto& g = d->nodes[d->find("g")];
  CHECK(g.parent == d->find("a"));
  REQUIRE(g.outgoing.size() == 2);
  CHECK(d->flows[g.outgoing[0]].id == "q2");
  CHECK(d->flows[g.outgoing[0]].listeners.at(0).event == listener_event::take);
  CHECK(d->flows[g.default_flow].id == "q3");
  CHECK(d->find("nothing") == no_node);
}

TEST_CASE("the hash is SHA-256 of the text", "[reader]") {
  const std::string xml = "<d:definitions xmlns:d='http://www.omg.org/spec/BPMN/20100524/MODEL'><d:process id='p'/></d:definitions>";
  CHECK(read_one(xml)->sha256 == read_one(xml)->sha256);
  CHECK(read_one(xml)->sha256 != read_one(xml + "\n")->sha256);
}

TEST_CASE("placeholders", "[placeholder]") {
  placeholder_values v{"2.0", "2026-01-15", std::nullopt, [](std::string_view name) -> std::optional<std::string> {
                         if (name == "a.b") return "value";
                         return std::nullopt;
                       }};
  const auto bpmn = [&](const char* text) { return replace_placeholders(text, "f.bpmn", placeholder_file::bpmn, v); };
  CHECK(*bpmn("v=#{version} d=#{date} o=#{organization} #{a.b} #{x:def:ault} ${juel} # { #{x:}") ==
        "v=2.0 d=2026-01-15 o=null value def:ault ${juel} # { ");
  CHECK(bpmn("\n\n#{x}").error().to_string() ==
        "f.bpmn: line 3: placeholder #{x} has no value; set it in the configuration or give a default as in #{name:default}");
  CHECK_THAT(bpmn("#{x").error().text(), Catch::Contains("not closed"));
  CHECK(*replace_placeholders("${a.b} ${x:y} #{version} $ {", "f.xml", placeholder_file::fhir, v) == "value y 2.0 $ {");
  v.organization = "dic";
  CHECK(*bpmn("#{organization}") == "dic");
}

TEST_CASE("lint finds what DSF would drop", "[lint]") {
  const auto rules = [](const std::vector<std::shared_ptr<const definition>>& file, const char* version) {
    std::vector<std::string> out;
    for (const auto& f : lint(file, version)) out.push_back(f.rule);
    return out;
  };
  using list = std::vector<std::string>;
  const std::string fields =
      "<d:extensionElements><c:field name='instantiatesCanonical' stringValue='a'/><c:field name='messageName' stringValue='b'/>"
      "<c:field name='profile'><c:expression>${p}</c:expression></c:field></d:extensionElements>";
  CHECK(rules({read_one(with_node("<d:sendTask id='a' c:class='X'>" + fields + "</d:sendTask>"))}, "1.0") == list{});
  CHECK(rules({read_one(with_node("<d:sendTask id='a' c:class='X'/>"))}, "2.0") ==
        list{"version_tag", "message_field", "message_field", "message_field"});
  CHECK(rules({read_one(with_node("<d:serviceTask id='a'/><d:userTask id='b'/>"))}, "1.0") ==
        list{"no_implementation", "form_key", "floating_element"});
  const auto other = read_one("<d:definitions xmlns:d='http://www.omg.org/spec/BPMN/20100524/MODEL'><d:process id='a.b'/></d:definitions>");
  CHECK(rules({other}, "") == list{"process_id_pattern", "not_executable"});
  CHECK(rules({other, other}, "").front() == "one_process");
}

}  // namespace dsf::bpmn

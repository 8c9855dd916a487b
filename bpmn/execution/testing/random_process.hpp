// Random block-structured processes, as BPMN 2.0 XML (style: Zeebe's random process generator). Loops never, ends always.
#pragma once

#include <string>

#include "base/entropy.hpp"

namespace dsf::bpmn::testing {

class random_process {
public:
  explicit random_process(std::uint64_t seed) : dice_(seed) {}

  std::string xml() {
    std::string body = scope(0);
    return R"(<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:camunda="http://camunda.org/schema/1.0/bpmn" id="d" targetNamespace="http://dsf.dev/bpmn">
<bpmn:process id="random_process" isExecutable="true" camunda:versionTag="1.0">
)" + body + "</bpmn:process>\n" +
           definitions_ + "</bpmn:definitions>\n";
  }

private:
  std::uint64_t below(std::uint64_t n) { return dice_.below(n); }
  bool chance(unsigned percent) { return below(100) < percent; }
  std::string id(const char* prefix) { return prefix + std::to_string(++count_); }

  // What arrives from and leaves to the nodes around is written as flows.
  std::string flow(const std::string& from, const std::string& to, const std::string& inside = "") {
    return "<bpmn:sequenceFlow id=\"" + id("f") + "\" sourceRef=\"" + from + "\" targetRef=\"" + to + "\">" + inside +
           "</bpmn:sequenceFlow>\n";
  }
  std::string condition(const std::string& text) {
    return "<bpmn:conditionExpression xsi:type=\"bpmn:tFormalExpression\">" + text + "</bpmn:conditionExpression>";
  }

  struct block {
    std::string first, last, xml;
  };

  std::string scope(int depth) {
    const std::string start = id("start");
    const std::string end = id("end");
    std::string out = "<bpmn:startEvent id=\"" + start + "\"/>\n";
    block b = sequence(depth);
    out += b.xml + flow(start, b.first) + flow(b.last, end);
    const bool terminate = chance(10);
    out += "<bpmn:endEvent id=\"" + end + "\"" + (chance(15) ? " camunda:asyncAfter=\"true\"" : "") + ">" +
           (terminate ? "<bpmn:terminateEventDefinition id=\"" + id("ed") + "\"/>" : "") + "</bpmn:endEvent>\n";
    return out;
  }

  block sequence(int depth) {
    block out = single(depth);
    for (std::uint64_t n = below(3); n > 0; --n) {
      block next = single(depth);
      out.xml += next.xml + flow(out.last, next.first);
      out.last = next.last;
    }
    return out;
  }

  std::string attributes() {
    std::string out;
    if (chance(15)) out += " camunda:asyncBefore=\"true\"";
    if (chance(15)) out += " camunda:asyncAfter=\"true\"";
    return out;
  }
  std::string extensions() {
    std::string inside;
    if (chance(15))
      inside +=
          "<camunda:inputOutput><camunda:inputParameter name=\"in\">${1 + 1}</camunda:inputParameter><camunda:outputParameter "
          "name=\"out\">${in}</camunda:outputParameter></camunda:inputOutput>";
    if (chance(15)) inside += "<camunda:executionListener class=\"a.Start\" event=\"start\"/>";
    if (chance(15)) inside += "<camunda:executionListener class=\"a.End\" event=\"end\"/>";
    if (chance(10)) inside += "<camunda:failedJobRetryTimeCycle>R2/PT10S</camunda:failedJobRetryTimeCycle>";
    return inside.empty() ? "" : "<bpmn:extensionElements>" + inside + "</bpmn:extensionElements>";
  }
  std::string message() {
    const std::string m = id("message");
    definitions_ += "<bpmn:message id=\"" + m + "\" name=\"" + m + "\"/>\n";
    return m;
  }
  std::string timer() {
    return "<bpmn:timerEventDefinition id=\"" + id("ed") +
           "\"><bpmn:timeDuration xsi:type=\"bpmn:tFormalExpression\">PT1M</bpmn:timeDuration></bpmn:timerEventDefinition>";
  }

  // Boundary events lead to a task that joins behind the activity.
  std::string boundary(const std::string& activity, std::string& last) {
    const auto kind = below(4);
    if (kind == 3) return "";
    const std::string event = id("boundary");
    const std::string merge = id("merge");
    const bool interrupting = kind == 0 || chance(60);
    std::string definition;
    if (kind == 0) {
      const std::string e = id("error");
      definitions_ += "<bpmn:error id=\"" + e + "\" name=\"e\" errorCode=\"E1\"/>\n";
      definition = "<bpmn:errorEventDefinition id=\"" + id("ed") + "\" " + (chance(50) ? "errorRef=\"" + e + "\" " : "") +
                   "camunda:errorCodeVariable=\"code\"/>";
    } else if (kind == 1) {
      definition = timer();
    } else {
      definition = "<bpmn:messageEventDefinition id=\"" + id("ed") + "\" messageRef=\"" + message() + "\"/>";
    }
    std::string out = "<bpmn:boundaryEvent id=\"" + event + "\" attachedToRef=\"" + activity + "\"" +
                      (interrupting ? "" : " cancelActivity=\"false\"") + ">" + definition + "</bpmn:boundaryEvent>\n";
    if (interrupting) {
      out += "<bpmn:exclusiveGateway id=\"" + merge + "\"/>\n" + flow(last, merge) + flow(event, merge);
      last = merge;
    } else {
      const std::string end = id("end");
      out += "<bpmn:endEvent id=\"" + end + "\"/>\n" + flow(event, end);
    }
    return out;
  }

  block task(const std::string& tag, const std::string& attribute, const std::string& inside = "") {
    const std::string me = id("task");
    block out{me, me,
              "<bpmn:" + tag + " id=\"" + me + "\"" + attribute + attributes() + ">" + extensions() + inside + "</bpmn:" + tag + ">\n"};
    out.xml += boundary(me, out.last);
    return out;
  }

  std::string loop() {
    if (chance(60)) return "";
    const bool sequential = chance(40);
    return "<bpmn:multiInstanceLoopCharacteristics" + std::string(sequential ? " isSequential=\"true\"" : "") +
           (chance(30) ? " camunda:asyncBefore=\"true\"" : "") + "><bpmn:loopCardinality xsi:type=\"bpmn:tFormalExpression\">" +
           std::to_string(below(4)) + "</bpmn:loopCardinality>" +
           (chance(20)
                ? "<bpmn:completionCondition xsi:type=\"bpmn:tFormalExpression\">${nrOfCompletedInstances == 1}</bpmn:completionCondition>"
                : "") +
           "</bpmn:multiInstanceLoopCharacteristics>";
  }

  block single(int depth) {
    const auto kind = depth >= 3 ? below(6) : below(10);
    switch (kind) {
      case 0: return task("serviceTask", " camunda:class=\"a.Service\"");
      case 1: return task("sendTask", " camunda:class=\"a.Send\"");
      case 2: return task("receiveTask", " messageRef=\"" + message() + "\"");
      case 3: return task("userTask", " camunda:formKey=\"form\"");
      case 4: {
        const std::string me = id("catch");
        const std::string inside =
            chance(50) ? timer() : "<bpmn:messageEventDefinition id=\"" + id("ed") + "\" messageRef=\"" + message() + "\"/>";
        return {me, me, "<bpmn:intermediateCatchEvent id=\"" + me + "\">" + inside + "</bpmn:intermediateCatchEvent>\n"};
      }
      case 5: return task("serviceTask", " camunda:expression=\"${1 == 1}\" camunda:resultVariable=\"yes\"");
      case 6: {  // exclusive
        block out{id("xor"), id("merge"), ""};
        std::string branches;
        const std::string fallback = id("f");
        block a = sequence(depth + 1);
        block b = sequence(depth + 1);
        branches += a.xml + b.xml + flow(out.first, a.first, condition(chance(50) ? "${true}" : "${false}")) + flow(a.last, out.last) +
                    flow(b.last, out.last);
        branches += "<bpmn:sequenceFlow id=\"" + fallback + "\" sourceRef=\"" + out.first + "\" targetRef=\"" + b.first + "\"/>\n";
        out.xml = "<bpmn:exclusiveGateway id=\"" + out.first + "\" default=\"" + fallback + "\"/>\n<bpmn:exclusiveGateway id=\"" +
                  out.last + "\"/>\n" + branches;
        return out;
      }
      case 7: {  // parallel
        block out{id("fork"), id("join"), ""};
        out.xml = "<bpmn:parallelGateway id=\"" + out.first + "\"/>\n<bpmn:parallelGateway id=\"" + out.last + "\"/>\n";
        for (std::uint64_t n = 2 + below(2); n > 0; --n) {
          block branch = sequence(depth + 1);
          out.xml += branch.xml + flow(out.first, branch.first) + flow(branch.last, out.last);
        }
        return out;
      }
      case 8: {  // event-based
        block out{id("events"), id("merge"), ""};
        out.xml = "<bpmn:eventBasedGateway id=\"" + out.first + "\"/>\n<bpmn:exclusiveGateway id=\"" + out.last + "\"/>\n";
        const std::string m = id("catch");
        const std::string t = id("catch");
        block after = sequence(depth + 1);
        out.xml += "<bpmn:intermediateCatchEvent id=\"" + m + "\"><bpmn:messageEventDefinition id=\"" + id("ed") + "\" messageRef=\"" +
                   message() + "\"/></bpmn:intermediateCatchEvent>\n";
        out.xml += "<bpmn:intermediateCatchEvent id=\"" + t + "\">" + timer() + "</bpmn:intermediateCatchEvent>\n";
        out.xml +=
            after.xml + flow(out.first, m) + flow(out.first, t) + flow(m, after.first) + flow(after.last, out.last) + flow(t, out.last);
        return out;
      }
      default: {  // sub-process
        const std::string me = id("sub");
        block out{me, me, ""};
        const std::string attribute = attributes();
        const std::string multi = loop();
        out.xml = "<bpmn:subProcess id=\"" + me + "\"" + attribute + ">\n" + scope(depth + 1) + multi + "</bpmn:subProcess>\n";
        out.xml += boundary(me, out.last);
        return out;
      }
    }
  }

  base::seeded_entropy dice_;
  int count_ = 0;
  std::string definitions_;
};

}  // namespace dsf::bpmn::testing

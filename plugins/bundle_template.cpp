#include "plugins/bundle_template.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "plugins/errc.hpp"

namespace dsf::plugins {
namespace {

using base::fail;
using base::result;

constexpr std::string_view manifest_text = R"(# How this file looks: docs/plugins.md of dsfd.
name: @NAME@
version: 1.0.0.0          # raise the second number when a resource changes: a deployed version is never overwritten
release_date: @DATE@

configuration:
  @DOMAIN@.@PROCESS@.greeting:
    type: text
    default: hello
    doc: What the process says.

# Classes that models name: builtin (a handler of dsfd) or worker (a program of yours).
# handlers:
#   org.example.*: worker
# permissions:
#   services: [directory, fhir-local]

processes:
  - model: bpe/@PROCESS@.bpmn
    resources:
      - fhir/ActivityDefinition/@PROCESS@.json
      - fhir/StructureDefinition/task-start-@PROCESS@.json
      - fhir/Task/start-@PROCESS@.json
)";

constexpr std::string_view model_text = R"(<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:camunda="http://camunda.org/schema/1.0/bpmn"
                  id="Definitions_@PROCESS@" targetNamespace="http://dsf.dev/bpe/Process">
  <bpmn:process id="@KEY@" name="@PROCESS@" isExecutable="true" camunda:versionTag="#{version}">
    <bpmn:startEvent id="Start" name="start">
      <bpmn:messageEventDefinition id="Start_message" messageRef="Message_start"/>
    </bpmn:startEvent>
    <bpmn:sequenceFlow id="Start_to_Greet" sourceRef="Start" targetRef="Greet"/>
    <!-- A class of your own: camunda:class="org.example.Greet", and the class in plugin.yaml under handlers. -->
    <bpmn:serviceTask id="Greet" name="greet" camunda:expression="${execution.setVariable('greeting', '#{@DOMAIN@.@PROCESS@.greeting}')}"/>
    <bpmn:sequenceFlow id="Greet_to_End" sourceRef="Greet" targetRef="End"/>
    <bpmn:endEvent id="End"/>
  </bpmn:process>
  <bpmn:message id="Message_start" name="start-@PROCESS@"/>
</bpmn:definitions>
)";

constexpr std::string_view activity_definition_text = R"({
  "resourceType": "ActivityDefinition",
  "meta": {"tag": [{"system": "http://dsf.dev/fhir/CodeSystem/read-access-tag", "code": "ALL"}]},
  "extension": [
    {
      "url": "http://dsf.dev/fhir/StructureDefinition/extension-process-authorization",
      "extension": [
        {"url": "message-name", "valueString": "start-@PROCESS@"},
        {"url": "task-profile", "valueCanonical": "http://@DOMAIN@/fhir/StructureDefinition/task-start-@PROCESS@|#{version}"},
        {"url": "requester", "valueCoding": {"system": "http://dsf.dev/fhir/CodeSystem/process-authorization", "code": "LOCAL_ALL"}},
        {"url": "recipient", "valueCoding": {"system": "http://dsf.dev/fhir/CodeSystem/process-authorization", "code": "LOCAL_ALL"}}
      ]
    }
  ],
  "url": "http://@DOMAIN@/bpe/Process/@PROCESS@",
  "version": "#{version}",
  "name": "@PROCESS@",
  "title": "@PROCESS@",
  "status": "unknown",
  "experimental": false,
  "date": "#{date}",
  "description": "Greets.",
  "kind": "Task"
}
)";

constexpr std::string_view profile_text = R"({
  "resourceType": "StructureDefinition",
  "meta": {"tag": [{"system": "http://dsf.dev/fhir/CodeSystem/read-access-tag", "code": "ALL"}]},
  "url": "http://@DOMAIN@/fhir/StructureDefinition/task-start-@PROCESS@",
  "version": "#{version}",
  "name": "TaskStart",
  "status": "unknown",
  "experimental": false,
  "date": "#{date}",
  "description": "Starts the process @KEY@.",
  "fhirVersion": "4.0.1",
  "kind": "resource",
  "abstract": false,
  "type": "Task",
  "baseDefinition": "http://dsf.dev/fhir/StructureDefinition/task",
  "derivation": "constraint",
  "differential": {
    "element": [
      {"id": "Task.instantiatesCanonical", "path": "Task.instantiatesCanonical", "fixedCanonical": "http://@DOMAIN@/bpe/Process/@PROCESS@|#{version}"},
      {"id": "Task.input", "path": "Task.input", "min": 1, "max": "2"},
      {"id": "Task.input:message-name", "path": "Task.input", "sliceName": "message-name"},
      {"id": "Task.input:message-name.value[x]", "path": "Task.input.value[x]", "fixedString": "start-@PROCESS@"},
      {"id": "Task.input:correlation-key", "path": "Task.input", "sliceName": "correlation-key", "max": "0"}
    ]
  }
}
)";

constexpr std::string_view task_text = R"({
  "resourceType": "Task",
  "meta": {"profile": ["http://@DOMAIN@/fhir/StructureDefinition/task-start-@PROCESS@|#{version}"]},
  "identifier": [
    {"system": "http://dsf.dev/sid/task-identifier", "value": "http://@DOMAIN@/bpe/Process/@PROCESS@/#{version}/task-start-@PROCESS@"}
  ],
  "instantiatesCanonical": "http://@DOMAIN@/bpe/Process/@PROCESS@|#{version}",
  "status": "draft",
  "intent": "order",
  "authoredOn": "#{date}",
  "requester": {
    "type": "Organization",
    "identifier": {"system": "http://dsf.dev/sid/organization-identifier", "value": "#{organization}"}
  },
  "restriction": {
    "recipient": [
      {"type": "Organization", "identifier": {"system": "http://dsf.dev/sid/organization-identifier", "value": "#{organization}"}}
    ]
  },
  "input": [
    {
      "type": {"coding": [{"system": "http://dsf.dev/fhir/CodeSystem/bpmn-message", "code": "message-name"}]},
      "valueString": "start-@PROCESS@"
    }
  ]
}
)";

bool is_name(std::string_view s, bool dots) {
  return !s.empty() && std::ranges::all_of(s, [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || (dots && c == '.');
  });
}

}  // namespace

result<std::map<std::string, std::string>> bundle_template(const template_options& o) {
  const auto underscore = o.process.find('_');
  if (underscore == std::string::npos || !is_name(o.process.substr(0, underscore), false) ||
      !is_name(o.process.substr(underscore + 1), false))
    return fail(errc::bad_bundle,
                fmt::format("the process key '{}' must be <domain without dots>_<process name>, as exampleorg_hello", o.process));
  const auto prefix = o.process.substr(0, underscore);
  const auto domain = o.domain.empty() ? prefix : o.domain;
  std::string without_dots = domain;
  std::erase(without_dots, '.');
  if (!is_name(domain, true) || without_dots != prefix)
    return fail(errc::bad_bundle, fmt::format("the domain '{}' without its dots must be '{}', as the process key begins", domain, prefix));
  if (!is_name(o.name, true))
    return fail(errc::bad_bundle, fmt::format("the name '{}' may have letters, digits, '-' and '.' only", o.name));
  const std::pair<std::string_view, std::string> words[] = {{"@NAME@", o.name},
                                                            {"@DATE@", o.release_date},
                                                            {"@DOMAIN@", domain},
                                                            {"@KEY@", o.process},
                                                            {"@PROCESS@", o.process.substr(underscore + 1)}};
  const auto filled = [&](std::string text) {
    for (const auto& [what, by] : words)
      for (std::size_t at = 0; (at = text.find(what, at)) != text.npos; at += by.size()) text.replace(at, what.size(), by);
    return text;
  };
  std::map<std::string, std::string> out;
  for (const auto& [file, text] : {std::pair{"plugin.yaml", manifest_text},
                                   {"bpe/@PROCESS@.bpmn", model_text},
                                   {"fhir/ActivityDefinition/@PROCESS@.json", activity_definition_text},
                                   {"fhir/StructureDefinition/task-start-@PROCESS@.json", profile_text},
                                   {"fhir/Task/start-@PROCESS@.json", task_text}})
    out.emplace(filled(file), filled(std::string(text)));
  return out;
}

}  // namespace dsf::plugins

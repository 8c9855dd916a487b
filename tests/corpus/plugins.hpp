// What belongs to which process of the plugins, and the version that the sites run them with.
#pragma once

#include "tests/corpus/corpus_sites.hpp"

namespace dsf::tests {

inline corpus_plugin ping_plugin() {
  return {.name = "dsf-process-ping-pong",
          .version = "1.0.1.0",
          .release_date = "2023-09-12",
          .processes = {{"ping.bpmn",
                         {"ActivityDefinition/dsf-ping.xml", "CodeSystem/dsf-ping.xml", "CodeSystem/dsf-ping-status.xml",
                          "StructureDefinition/dsf-extension-ping-status.xml", "StructureDefinition/dsf-task-start-ping.xml",
                          "StructureDefinition/dsf-task-pong.xml", "ValueSet/dsf-ping.xml", "ValueSet/dsf-ping-status.xml",
                          "Task/dsf-task-start-ping.xml"}},
                        {"pong.bpmn",
                         {"ActivityDefinition/dsf-pong.xml", "CodeSystem/dsf-ping.xml", "CodeSystem/dsf-ping-status.xml",
                          "StructureDefinition/dsf-extension-ping-status.xml", "StructureDefinition/dsf-task-ping.xml",
                          "ValueSet/dsf-ping.xml", "ValueSet/dsf-pong-status.xml"}},
                        {"ping-autostart.bpmn",
                         {"ActivityDefinition/dsf-ping-autostart.xml", "CodeSystem/dsf-ping.xml",
                          "StructureDefinition/dsf-task-start-ping-autostart.xml", "StructureDefinition/dsf-task-stop-ping-autostart.xml",
                          "ValueSet/dsf-ping.xml", "Task/dsf-task-start-ping-autostart.xml", "Task/dsf-task-stop-ping-autostart.xml"}}}};
}

inline corpus_plugin feasibility_plugin() {
  const std::vector<std::string> shared{"CodeSystem/feasibility.xml",
                                        "ValueSet/feasibility.xml",
                                        "StructureDefinition/feasibility-extension-dic.xml",
                                        "StructureDefinition/feasibility-library.xml",
                                        "StructureDefinition/feasibility-measure.xml",
                                        "StructureDefinition/feasibility-measure-report.xml"};
  const auto with = [&](std::vector<std::string> own) {
    own.insert(own.end(), shared.begin(), shared.end());
    return own;
  };
  return {.name = "mii-process-feasibility",
          .version = "1.0.0.0",
          .release_date = "2026-01-27",
          .processes = {{"feasibilityRequest.bpmn",
                         with({"ActivityDefinition/feasibilityRequest.xml", "StructureDefinition/feasibility-task-request.xml",
                               "StructureDefinition/feasibility-task-single-dic-result.xml"})},
                        {"feasibilityExecute.bpmn",
                         with({"ActivityDefinition/feasibilityExecute.xml", "StructureDefinition/feasibility-task-execute.xml"})}}};
}

}  // namespace dsf::tests

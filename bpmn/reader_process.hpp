// One bpmn:process into a definition. Private to the reader.
#pragma once

#include "bpmn/reader_parts.hpp"

namespace dsf::bpmn {

// Everything but sha256. A process that is not executable keeps its head only: nobody runs it, so nothing in it can be wrong.
base::result<definition> read_process(const element& process, const root_elements& roots, const read_options& options);

// The places of the nodes and flows for check_rules().
struct model_places {
  std::string process;
  std::vector<std::string> nodes;
  std::vector<std::string> flows;
};
// Rules over the finished definition that need more than one element (engine 1, structural).
base::result<> check_rules(const definition& d, const model_places& places);

}  // namespace dsf::bpmn

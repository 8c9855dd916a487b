// What the reader knows of each element: anything else in the BPMN or extension namespaces is an error (engine 1, 2a, 2b). Private to the reader.
#pragma once

#include "bpmn/reader_xml.hpp"

namespace dsf::bpmn {

// Refuses attributes, child elements and extension elements of `e` that this engine does not run. Those that only describe or draw are let
// pass; what other namespaces say is not our business.
base::result<> check_element(const element& e);

}  // namespace dsf::bpmn

// The pieces the reader builds a node from: expressions, extension elements, event definitions, multi-instance. Private to the reader.
#pragma once

#include <map>

#include "bpmn/reader_xml.hpp"

namespace dsf::bpmn {

// Messages, errors and signals: the root elements that others refer to.
struct root_element {
  std::string name;           // of an error: its code
  std::string error_message;
  int line = 0;
};
struct root_elements {
  std::map<std::string, root_element, std::less<>> messages;
  std::map<std::string, root_element, std::less<>> errors;
  std::map<std::string, root_element, std::less<>> signals;
};
base::result<root_elements> read_roots(const element& definitions);

// reader_extensions.cpp ------------------------------------------------------------------------------------------------------------------

// Text with ${...}; empty text is "not given".
base::result<expression_text> read_expression(const element& at, std::string_view text);
// xs:boolean; absent gives the default of the XSD.
base::result<bool> read_bool(const element& at, std::string_view name, std::optional<std::string_view> text, bool default_value);
// class | expression with fields. Tasks and event definitions have the attributes in the extension namespace, listeners without one.
base::result<delegate> read_delegate(const element& at, bool attributes_in_extension_namespace);
base::result<std::vector<field_injection>> read_fields(const element& parent);
// The elements inside extensionElements; empty without them.
std::vector<element> extension_elements(const element& e);
// executionListener
base::result<std::vector<listener>> read_listeners(const element& e, bool on_flow);
base::result<std::vector<listener>> read_task_listeners(const element& e);
// inputOutput, into `n`.
base::result<> read_parameters(const element& e, node& n);
base::result<expression_text> read_retry_cycle(const element& e);
base::result<std::optional<multi_instance>> read_multi_instance(const element& activity);

// reader_events.cpp ----------------------------------------------------------------------------------------------------------------------

// The event definition of an event node, or the message of a receive task.
base::result<event_definition> read_event(const element& e, node_kind kind, const root_elements& roots);
base::result<event_definition> read_receive_message(const element& receive_task, const root_elements& roots);

}  // namespace dsf::bpmn

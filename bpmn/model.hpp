// A BPMN process as data: what the reader makes of the XML and the execution runs. Immutable after reading; shared by all instances.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace dsf::bpmn::el {
class expression;
}

namespace dsf::bpmn {

// Positions in definition::nodes and definition::flows.
using node_index = std::uint32_t;
using flow_index = std::uint32_t;
constexpr node_index no_node = 0xffff'ffff;
constexpr flow_index no_flow = 0xffff'ffff;

enum class node_kind : std::uint8_t {
  start_event,
  end_event,
  intermediate_catch_event,
  intermediate_throw_event,
  boundary_event,
  service_task,
  send_task,
  receive_task,
  user_task,
  manual_task,
  task,
  exclusive_gateway,
  parallel_gateway,
  event_based_gateway,
  sub_process,
};
enum class event_kind : std::uint8_t { none, message, timer, signal, error, terminate, conditional };

// Text that may hold ${...}; parsed once at read time. A text without ${} is a constant.
struct expression_text {
  std::string text;
  std::shared_ptr<const el::expression> parsed;  // null: not given
  explicit operator bool() const { return parsed != nullptr; }
};

struct field_injection {  // camunda:field
  std::string name;
  bool is_expression = false;  // camunda:expression: JUEL; camunda:string: a constant
  expression_text value;
};

struct delegate {  // camunda:class | camunda:expression, with fields
  std::string class_name;
  expression_text expression;
  std::string result_variable;
  std::vector<field_injection> fields;
  explicit operator bool() const { return !class_name.empty() || expression; }
};

enum class listener_event : std::uint8_t { start, end, take, create, assignment, complete, update, delete_, timeout };

struct listener {  // camunda:executionListener, camunda:taskListener
  listener_event event = listener_event::start;
  delegate run;
};

struct parameter_entry;
struct parameter_value {  // the value kinds of camunda:inputParameter
  enum class kind : std::uint8_t { text, list, map } kind = kind::text;
  expression_text text;
  std::vector<parameter_value> list;
  std::vector<parameter_entry> map;
};
struct parameter_entry {  // camunda:entry; a pair of an incomplete type is not possible
  std::string first;      // key
  parameter_value second;
};
struct parameter {
  std::string name;
  parameter_value value;
};

enum class timer_kind : std::uint8_t { date, duration, cycle };

struct event_definition {
  event_kind kind = event_kind::none;
  std::string id;
  std::string name;             // message or signal name; the error code of an error event ("" on a catch: any code)
  std::string error_message;    // camunda:errorMessage of the bpmn:error
  expression_text name_expression;  // message/signal names with ${...}
  timer_kind timer = timer_kind::duration;
  expression_text timer_value;
  expression_text condition;                 // conditional event
  std::string variable_name;                 // conditional: camunda:variableName
  std::vector<std::string> variable_events;  // conditional: create, update, delete
  std::string error_code_variable;
  std::string error_message_variable;
  delegate run;                 // message throw and end events: the send delegate
};

struct multi_instance {
  bool sequential = false;
  expression_text cardinality;
  expression_text collection;      // an expression, or the name of a variable (then collection_variable)
  std::string collection_variable;
  std::string element_variable;
  expression_text completion_condition;
  bool async_before = false;  // of each inner instance (dsf-bpe 2.7)
  bool async_after = false;
  bool exclusive = true;
  expression_text retry_cycle;
};

struct sequence_flow {
  std::string id;
  node_index source = no_node;
  node_index target = no_node;
  expression_text condition;  // empty text counts as missing (dsf-bpe 2.6)
  std::vector<listener> listeners;  // event = take
};

struct node {
  std::string id;
  std::string name;
  int line = 0;
  node_kind kind = node_kind::task;
  node_index parent = no_node;         // the enclosing sub-process; no_node: the process
  std::vector<flow_index> incoming;
  std::vector<flow_index> outgoing;    // in document order
  flow_index default_flow = no_flow;
  event_definition event;              // events and receive tasks (message)
  bool interrupting = true;            // boundary: cancelActivity
  node_index attached_to = no_node;    // boundary
  std::vector<node_index> boundary;    // boundary events on this activity, in document order
  std::vector<node_index> children;    // sub-process: its nodes
  node_index start = no_node;          // sub-process: its none start event
  delegate run;                        // service task, send task
  std::vector<listener> listeners;     // execution listeners
  std::vector<listener> task_listeners;
  std::vector<parameter> inputs;
  std::vector<parameter> outputs;
  std::optional<multi_instance> loop;
  bool async_before = false;
  bool async_after = false;
  bool exclusive = true;
  expression_text retry_cycle;         // camunda:failedJobRetryTimeCycle
  expression_text form_key;            // user task
  std::vector<field_injection> fields; // user task: fields of its own extension elements
};

struct definition {
  std::string key;          // process id
  std::string name;
  std::string version_tag;  // camunda:versionTag
  std::string history_time_to_live;
  bool executable = false;
  std::vector<node> nodes;
  std::vector<sequence_flow> flows;
  std::vector<node_index> children;  // nodes of the process itself
  std::vector<node_index> starts;    // start events of the process itself
  std::vector<listener> listeners;   // execution listeners of the process
  std::string sha256;                // hex, of the XML text after placeholder replacement; names the definition for ever

  [[nodiscard]] node_index find(std::string_view id) const;  // no_node when absent
};

struct read_options {
  std::size_t max_bytes = 4u << 20;
  std::size_t max_nodes = 10'000;
  std::size_t max_depth = 32;  // nested sub-processes
};

// BPMN 2.0.2 XML with the camunda: (or operaton:) extensions; XSD defaults are applied (engine 1c.1). All processes of the file, in document order.
// Errors name the element id and the line. The text must have its #{...} placeholders replaced already.
base::result<std::vector<std::shared_ptr<const definition>>> read_bpmn(std::string_view xml, std::string_view file_name,
                                                                       const read_options& options = {});

}  // namespace dsf::bpmn

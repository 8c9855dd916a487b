// Event definitions (engine 1a) and the root elements they refer to.
#include <fmt/format.h>

#include <algorithm>

#include "base/clock.hpp"
#include "bpmn/el/expression.hpp"
#include "bpmn/reader_parts.hpp"
#include "bpmn/reader_tables.hpp"

namespace dsf::bpmn {
namespace {

base::result<const root_element*> resolve(const element& at, std::string_view attribute,
                                          const std::map<std::string, root_element, std::less<>>& roots, std::string_view what) {
  const auto reference = trim(at.attr(attribute).value_or(""));
  if (reference.empty()) return nullptr;
  // A QName: modelers may write a prefix before the id.
  const auto colon = reference.find(':');
  auto it = roots.find(reference);
  if (it == roots.end() && colon != std::string_view::npos) it = roots.find(reference.substr(colon + 1));
  if (it == roots.end())
    return at.fail(errc::bad_model, fmt::format("{}=\"{}\" refers to no bpmn:{} of this file", attribute, reference, what));
  return &it->second;
}

// Sets name or name_expression.
base::result<> set_name(const element& at, event_definition& out, const std::string& name) {
  out.name = name;
  auto parsed = TRY(read_expression(at, name));
  if (parsed && !parsed.parsed->is_constant()) out.name_expression = std::move(parsed);
  return {};
}

base::result<> read_message(const element& e, event_definition& out, const root_elements& roots, bool needs_name) {
  const auto* message = TRY(resolve(e, "messageRef", roots.messages, "message"));
  if (message == nullptr && needs_name) return e.fail(errc::bad_model, "messageRef is missing; say which message is waited for");
  if (message == nullptr) return {};
  if (message->name.empty() && needs_name)
    return e.fail(errc::bad_model, fmt::format("the message that messageRef refers to (line {}) has no name", message->line));
  return set_name(e, out, message->name);
}

base::result<> read_timer(const element& e, event_definition& out) {
  int values = 0;
  for (const auto& c : e.children()) {
    if (!c.is("timeDate") && !c.is("timeDuration") && !c.is("timeCycle")) continue;
    TRY(check_element(c));
    ++values;
    out.timer = c.is("timeDate") ? timer_kind::date : c.is("timeDuration") ? timer_kind::duration : timer_kind::cycle;
    out.timer_value = TRY(read_expression(c, c.text()));
    if (!out.timer_value) return c.fail(errc::bad_model, fmt::format("{} is empty", c.name()));
    // Durations that stand in the model are checked here, all others when the timer is set.
    if (out.timer == timer_kind::duration && out.timer_value.parsed->is_constant() && out.timer_value.text.starts_with('P') &&
        out.timer_value.text.find('/') == std::string::npos && !base::parse_duration(out.timer_value.text))
      return c.fail(errc::bad_model, fmt::format("\"{}\" is no ISO 8601 duration; write for example PT5M", out.timer_value.text));
  }
  if (values != 1) return e.fail(errc::bad_model, "a timer needs exactly one of timeDate, timeDuration and timeCycle");
  return {};
}

base::result<> read_error(const element& e, event_definition& out, const root_elements& roots, bool throws) {
  const auto* error = TRY(resolve(e, "errorRef", roots.errors, "error"));
  if (error != nullptr) {
    out.name = error->name;
    out.error_message = error->error_message;
  }
  if (throws && out.name.empty()) return e.fail(errc::bad_model, "an error end event needs an errorRef to a bpmn:error with an errorCode");
  out.error_code_variable = std::string(trim(e.extension("errorCodeVariable").value_or("")));
  out.error_message_variable = std::string(trim(e.extension("errorMessageVariable").value_or("")));
  return {};
}

base::result<> read_conditional(const element& e, event_definition& out) {
  const auto c = e.child("condition");
  if (c) {
    TRY(check_element(*c));
    out.condition = TRY(read_expression(*c, c->text()));
  }
  if (!out.condition) return e.fail(errc::bad_model, "a conditional event needs a condition");
  out.variable_name = std::string(trim(e.extension("variableName").value_or("")));
  auto events = e.extension("variableEvents").value_or("");
  while (!trim(events).empty()) {
    const auto comma = events.find(',');
    const auto word = trim(events.substr(0, comma));
    if (word != "create" && word != "update" && word != "delete")
      return e.fail(errc::bad_model, fmt::format("camunda:variableEvents: \"{}\" is none of create, update, delete", word));
    out.variable_events.emplace_back(word);
    events = comma == std::string_view::npos ? std::string_view() : events.substr(comma + 1);
  }
  return {};
}

base::result<> read_signal(const element& e, event_definition& out, const root_elements& roots) {
  const auto* signal = TRY(resolve(e, "signalRef", roots.signals, "signal"));
  if (signal == nullptr) return e.fail(errc::bad_model, "signalRef is missing; say which signal is meant");
  if (signal->name.empty())
    return e.fail(errc::bad_model, fmt::format("the signal that signalRef refers to (line {}) has no name", signal->line));
  return set_name(e, out, signal->name);
}

}  // namespace

base::result<root_elements> read_roots(const element& definitions) {
  root_elements out;
  for (const auto& c : definitions.children()) {
    auto* into = c.is("message") ? &out.messages : c.is("error") ? &out.errors : c.is("signal") ? &out.signals : nullptr;
    if (into == nullptr) continue;
    TRY(check_element(c));
    if (c.id().empty()) return c.fail(errc::bad_model, fmt::format("bpmn:{} has no id", c.name()));
    root_element r;
    r.name = std::string(trim(c.attr(c.is("error") ? "errorCode" : "name").value_or("")));
    r.error_message = std::string(c.extension("errorMessage").value_or(""));
    r.line = c.line();
    into->emplace(c.id(), std::move(r));
  }
  return out;
}

base::result<event_definition> read_event(const element& e, node_kind kind, const root_elements& roots) {
  std::optional<element> definition;
  for (const auto& c : e.children()) {
    if (c.space() != xml_space::bpmn || !c.name().ends_with("EventDefinition")) continue;
    if (definition)
      return c.fail(errc::unsupported_element, "an event with several event definitions is not supported; use one event for each");
    definition = c;
  }
  event_definition out;
  const bool catches = kind == node_kind::intermediate_catch_event || kind == node_kind::boundary_event;
  const bool throws = kind == node_kind::end_event || kind == node_kind::intermediate_throw_event;
  if (!definition) {
    if (catches) return e.fail(errc::bad_model, fmt::format("{} has no event definition; say what it waits for", e.name()));
    return out;
  }
  const auto& d = *definition;
  TRY(check_element(d));
  out.id = d.id();
  if (d.is("terminateEventDefinition")) {
    out.kind = event_kind::terminate;
  } else if (d.is("messageEventDefinition")) {
    out.kind = event_kind::message;
    // A start event without a message is let pass (unfinished models of tutorials): it has no name, so nothing ever starts it; lint tells.
    TRY(read_message(d, out, roots, catches));
    out.run = TRY(read_delegate(d, true));
    if (!throws && out.run)
      return d.fail(errc::bad_model, "camunda:class and camunda:expression belong to message throw and end events only");
    if (kind == node_kind::start_event && out.name_expression)
      return d.fail(errc::bad_model, "the message name of a start event must be a constant");
  } else if (d.is("timerEventDefinition")) {
    out.kind = event_kind::timer;
    TRY(read_timer(d, out));
  } else if (d.is("signalEventDefinition")) {
    out.kind = event_kind::signal;
    TRY(read_signal(d, out, roots));
  } else if (d.is("errorEventDefinition")) {
    out.kind = event_kind::error;
    TRY(read_error(d, out, roots, throws));
  } else {
    out.kind = event_kind::conditional;
    TRY(read_conditional(d, out));
  }
  return out;
}

base::result<event_definition> read_receive_message(const element& receive_task, const root_elements& roots) {
  event_definition out;
  out.kind = event_kind::message;
  TRY(read_message(receive_task, out, roots, true));
  return out;
}

}  // namespace dsf::bpmn

// camunda: extension elements (engine 2b) and multi-instance.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>

#include "bpmn/el/expression.hpp"
#include "bpmn/reader_parts.hpp"
#include "bpmn/reader_tables.hpp"

namespace dsf::bpmn {
namespace {

constexpr int max_parameter_depth = 10;

// Attributes of the elements inside extensionElements; all of them are in no namespace.
base::result<> only_attributes(const element& e, std::initializer_list<std::string_view> known) {
  for (const auto& a : e.attributes()) {
    if (a.space == xml_space::xmlns || a.space == xml_space::foreign) continue;
    if (a.space == xml_space::none && std::ranges::find(known, a.name) != known.end()) continue;
    const auto hint = a.name == "delegateExpression" || a.name == "resource" ? "; use class or expression" : "; remove it";
    return e.fail(errc::unsupported_element, fmt::format("attribute {} of camunda:{} is not supported{}", a.name, e.name(), hint));
  }
  return {};
}
base::result<> only_children(const element& e, std::initializer_list<std::string_view> known) {
  for (const auto& c : e.children()) {
    if (c.space() == xml_space::foreign) continue;
    if (c.space() == xml_space::extension && std::ranges::find(known, c.name()) != known.end()) continue;
    const auto hint = c.name() == "script" ? "; scripts are not run here, use a class or an expression" : "; remove it";
    return c.fail(errc::unsupported_element, fmt::format("element {} in camunda:{} is not supported{}", c.name(), e.name(), hint));
  }
  return {};
}

base::result<field_injection> read_field(const element& e) {
  TRY(only_attributes(e, {"name", "stringValue", "expression"}));
  TRY(only_children(e, {"string", "expression"}));
  field_injection out;
  out.name = std::string(trim(e.attr("name").value_or("")));
  if (out.name.empty()) return e.fail(errc::bad_model, "camunda:field has no name");
  const auto string_attribute = e.attr("stringValue");
  const auto expression_attribute = e.attr("expression");
  const auto string_child = e.extension_child("string");
  const auto expression_child = e.extension_child("expression");
  const int given = int(string_attribute.has_value()) + int(expression_attribute.has_value()) + int(string_child.has_value()) +
                    int(expression_child.has_value());
  if (given != 1)
    return e.fail(errc::bad_model, fmt::format("field {} needs exactly one value (camunda:string or camunda:expression)", out.name));
  out.is_expression = expression_attribute.has_value() || expression_child.has_value();
  if (out.is_expression) {
    out.value = TRY(read_expression(e, expression_child ? expression_child->text() : std::string(*expression_attribute)));
    if (!out.value) return e.fail(errc::bad_model, fmt::format("the expression of field {} is empty", out.name));
    return out;
  }
  const auto text = string_child ? string_child->text() : std::string(*string_attribute);
  out.value = {text, el::expression::literal(text)};
  return out;
}

base::result<parameter_value> read_value(const element& e, int depth);

base::result<parameter_value> read_list(const element& list, int depth) {
  TRY(only_attributes(list, {}));
  TRY(only_children(list, {"value", "list", "map"}));
  parameter_value out;
  out.kind = parameter_value::kind::list;
  for (const auto& c : list.children()) {
    if (c.space() != xml_space::extension) continue;
    if (c.name() == "value") {
      TRY(only_attributes(c, {"id", "name"}));
      TRY(only_children(c, {}));
      parameter_value v;
      v.text = TRY(read_expression(c, c.text()));
      out.list.push_back(std::move(v));
    } else {
      out.list.push_back(TRY(read_value(c, depth + 1)));
    }
  }
  return out;
}

base::result<parameter_value> read_map(const element& map, int depth) {
  TRY(only_attributes(map, {}));
  TRY(only_children(map, {"entry"}));
  parameter_value out;
  out.kind = parameter_value::kind::map;
  for (const auto& c : map.children()) {
    if (c.space() != xml_space::extension) continue;
    TRY(only_attributes(c, {"key"}));
    const auto key = TRY(read_expression(c, c.attr("key").value_or("")));
    if (!key) return c.fail(errc::bad_model, "camunda:entry has no key");
    if (!key.parsed->is_constant()) return c.fail(errc::unsupported_element, "the key of camunda:entry must be a constant");
    if (std::ranges::any_of(out.map, [&](const auto& entry) { return entry.first == key.text; }))
      return c.fail(errc::bad_model, fmt::format("key {} is given twice in camunda:map", key.text));
    out.map.emplace_back(key.text, TRY(read_value(c, depth + 1)));
  }
  return out;
}

// `e` is a list or a map, or holds one, or holds text. Empty text is the null value.
base::result<parameter_value> read_value(const element& e, int depth) {
  if (depth > max_parameter_depth) return e.fail(errc::limit, fmt::format("values are nested deeper than {} levels", max_parameter_depth));
  if (e.is_extension("list")) return read_list(e, depth);
  if (e.is_extension("map")) return read_map(e, depth);
  TRY(only_children(e, {"list", "map"}));
  std::optional<element> nested;
  for (const auto& c : e.children()) {
    if (c.space() != xml_space::extension) continue;
    if (nested) return c.fail(errc::bad_model, fmt::format("camunda:{} holds more than one value", e.name()));
    nested = c;
  }
  if (nested) return read_value(*nested, depth + 1);
  parameter_value out;
  out.text = TRY(read_expression(e, e.text()));
  return out;
}

base::result<std::vector<parameter>> read_parameter_list(const element& io, std::string_view tag) {
  std::vector<parameter> out;
  for (const auto& c : io.children()) {
    if (!c.is_extension(tag)) continue;
    TRY(only_attributes(c, {"name"}));
    parameter p;
    p.name = std::string(trim(c.attr("name").value_or("")));
    if (p.name.empty()) return c.fail(errc::bad_model, fmt::format("camunda:{} has no name", tag));
    p.value = TRY(read_value(c, 0));
    out.push_back(std::move(p));
  }
  return out;
}

base::result<listener> read_listener(const element& e, std::span<const std::pair<std::string_view, listener_event>> known,
                                     bool event_may_be_absent) {
  TRY(only_attributes(e, {"event", "class", "expression", "id"}));
  TRY(only_children(e, {"field"}));
  listener out;
  const auto event = trim(e.attr("event").value_or(""));
  const auto row = std::ranges::find(known, event, &std::pair<std::string_view, listener_event>::first);
  if (row == known.end() && !(event.empty() && event_may_be_absent)) {
    std::string names;
    for (const auto& [name, value] : known) names += (names.empty() ? "" : ", ") + std::string(name);
    return e.fail(errc::bad_model, fmt::format("camunda:{}: event \"{}\" is none of {}", e.name(), event, names));
  }
  out.event = event.empty() ? known[0].second : row->second;
  out.run = TRY(read_delegate(e, false));
  if (!out.run) return e.fail(errc::bad_model, fmt::format("camunda:{} has neither class nor expression", e.name()));
  return out;
}

}  // namespace

base::result<expression_text> read_expression(const element& at, std::string_view text) {
  text = trim(text);
  if (text.empty()) return expression_text{};
  auto parsed = el::expression::parse(text);
  if (!parsed) return at.fail(errc::bad_expression, parsed.error().text());
  return expression_text{std::string(text), std::move(*parsed)};
}

base::result<bool> read_bool(const element& at, std::string_view name, std::optional<std::string_view> text, bool default_value) {
  if (!text) return default_value;
  const auto word = trim(*text);
  if (word == "true" || word == "1") return true;
  if (word == "false" || word == "0") return false;
  return at.fail(errc::bad_model, fmt::format("{}=\"{}\" is neither true nor false", name, word));
}

std::vector<element> extension_elements(const element& e) {
  std::vector<element> out;
  for (const auto& container : e.children()) {
    if (!container.is("extensionElements")) continue;
    for (const auto& x : container.children()) {
      if (x.space() == xml_space::extension) out.push_back(x);
    }
  }
  return out;
}

base::result<std::vector<field_injection>> read_fields(const element& parent) {
  std::vector<field_injection> out;
  auto candidates = extension_elements(parent);
  for (const auto& c : parent.children()) candidates.push_back(c);
  for (const auto& c : candidates) {
    if (!c.is_extension("field")) continue;
    auto field = TRY(read_field(c));
    if (std::ranges::find(out, field.name, &field_injection::name) != out.end())
      return c.fail(errc::bad_model, fmt::format("field {} is given twice", field.name));
    out.push_back(std::move(field));
  }
  return out;
}

base::result<delegate> read_delegate(const element& at, bool attributes_in_extension_namespace) {
  const auto get = [&](std::string_view name) { return attributes_in_extension_namespace ? at.extension(name) : at.attr(name); };
  delegate out;
  out.class_name = std::string(trim(get("class").value_or("")));
  out.expression = TRY(read_expression(at, get("expression").value_or("")));
  if (!out.class_name.empty() && out.expression) return at.fail(errc::bad_model, "class and expression are given both; one is enough");
  const auto variable = get("resultVariable");
  out.result_variable = std::string(trim(variable ? *variable : get("resultVariableName").value_or("")));
  if (!out.result_variable.empty() && !out.expression) return at.fail(errc::bad_model, "camunda:resultVariable needs camunda:expression");
  out.fields = TRY(read_fields(at));
  return out;
}

base::result<std::vector<listener>> read_listeners(const element& e, bool on_flow) {
  static constexpr std::array<std::pair<std::string_view, listener_event>, 2> node_events{
      {{"start", listener_event::start}, {"end", listener_event::end}}};
  static constexpr std::array<std::pair<std::string_view, listener_event>, 1> flow_events{{{"take", listener_event::take}}};
  std::vector<listener> out;
  for (const auto& x : extension_elements(e)) {
    if (x.name() != "executionListener") continue;
    out.push_back(on_flow ? TRY(read_listener(x, flow_events, true)) : TRY(read_listener(x, node_events, false)));
  }
  return out;
}

base::result<std::vector<listener>> read_task_listeners(const element& e) {
  static constexpr std::array<std::pair<std::string_view, listener_event>, 5> events{{{"create", listener_event::create},
                                                                                      {"assignment", listener_event::assignment},
                                                                                      {"complete", listener_event::complete},
                                                                                      {"update", listener_event::update},
                                                                                      {"delete", listener_event::delete_}}};
  std::vector<listener> out;
  for (const auto& x : extension_elements(e)) {
    if (x.name() == "taskListener") out.push_back(TRY(read_listener(x, events, false)));
  }
  return out;
}

base::result<> read_parameters(const element& e, node& n) {
  bool seen = false;
  for (const auto& io : extension_elements(e)) {
    if (io.name() != "inputOutput") continue;
    if (seen) return io.fail(errc::bad_model, "camunda:inputOutput is given twice");
    seen = true;
    TRY(only_attributes(io, {}));
    TRY(only_children(io, {"inputParameter", "outputParameter"}));
    n.inputs = TRY(read_parameter_list(io, "inputParameter"));
    n.outputs = TRY(read_parameter_list(io, "outputParameter"));
    // engine 2b, inputOutput
    const bool is_gateway =
        n.kind == node_kind::exclusive_gateway || n.kind == node_kind::parallel_gateway || n.kind == node_kind::event_based_gateway;
    if (is_gateway || n.kind == node_kind::start_event || n.kind == node_kind::boundary_event)
      return io.fail(errc::unsupported_element, fmt::format("camunda:inputOutput is not possible on {}; put it on an activity", e.name()));
    if (!n.outputs.empty() && n.kind == node_kind::end_event)
      return io.fail(errc::unsupported_element, "camunda:outputParameter is not possible on an end event");
    if (!n.outputs.empty() && n.loop)
      return io.fail(errc::unsupported_element,
                     "camunda:outputParameter is not possible on a multi-instance activity; set the variable in the handler");
  }
  return {};
}

base::result<expression_text> read_retry_cycle(const element& e) {
  for (const auto& x : extension_elements(e)) {
    if (x.name() == "failedJobRetryTimeCycle") return read_expression(x, x.text());
  }
  return expression_text{};
}

base::result<std::optional<multi_instance>> read_multi_instance(const element& activity) {
  const auto found = activity.child("multiInstanceLoopCharacteristics");
  if (!found) return std::nullopt;
  const auto& e = *found;
  TRY(check_element(e));
  multi_instance out;
  out.sequential = TRY(read_bool(e, "isSequential", e.attr("isSequential"), false));
  out.async_before = TRY(read_bool(e, "asyncBefore", e.extension("asyncBefore"), false));
  out.async_after = TRY(read_bool(e, "asyncAfter", e.extension("asyncAfter"), false));
  out.exclusive = TRY(read_bool(e, "exclusive", e.extension("exclusive"), true));
  out.retry_cycle = TRY(read_retry_cycle(e));
  if (const auto c = e.child("loopCardinality")) out.cardinality = TRY(read_expression(*c, c->text()));
  if (const auto c = e.child("completionCondition")) out.completion_condition = TRY(read_expression(*c, c->text()));
  auto collection = std::string(trim(e.extension("collection").value_or("")));
  if (const auto c = e.child("loopDataInputRef"); c && collection.empty()) collection = c->trimmed_text();
  if (collection.find('{') == std::string::npos) {
    out.collection_variable = collection;
  } else {
    out.collection = TRY(read_expression(e, collection));
  }
  out.element_variable = std::string(trim(e.extension("elementVariable").value_or("")));
  if (const auto c = e.child("inputDataItem"); c && out.element_variable.empty())
    out.element_variable = std::string(trim(c->attr("name").value_or("")));
  if (!out.cardinality && collection.empty())
    return e.fail(errc::bad_model, "a multi-instance activity needs camunda:collection or a loopCardinality");
  if (out.cardinality && !collection.empty())
    return e.fail(errc::bad_model, "a multi-instance activity takes camunda:collection or a loopCardinality, not both");
  if (!out.element_variable.empty() && collection.empty())
    return e.fail(errc::bad_model, "camunda:elementVariable needs camunda:collection");
  return out;
}

}  // namespace dsf::bpmn

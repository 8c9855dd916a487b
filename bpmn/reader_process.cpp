#include "bpmn/reader_process.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <unordered_map>

#include "bpmn/el/expression.hpp"
#include "bpmn/reader_tables.hpp"

namespace dsf::bpmn {
namespace {

constexpr std::array<std::pair<std::string_view, node_kind>, 15> node_names{{
    {"startEvent", node_kind::start_event},
    {"endEvent", node_kind::end_event},
    {"intermediateCatchEvent", node_kind::intermediate_catch_event},
    {"intermediateThrowEvent", node_kind::intermediate_throw_event},
    {"boundaryEvent", node_kind::boundary_event},
    {"serviceTask", node_kind::service_task},
    {"sendTask", node_kind::send_task},
    {"receiveTask", node_kind::receive_task},
    {"userTask", node_kind::user_task},
    {"manualTask", node_kind::manual_task},
    {"task", node_kind::task},
    {"exclusiveGateway", node_kind::exclusive_gateway},
    {"parallelGateway", node_kind::parallel_gateway},
    {"eventBasedGateway", node_kind::event_based_gateway},
    {"subProcess", node_kind::sub_process},
}};

std::optional<node_kind> kind_of(const element& e) {
  if (e.space() != xml_space::bpmn) return std::nullopt;
  for (const auto& [name, kind] : node_names) {
    if (e.name() == name) return kind;
  }
  return std::nullopt;
}

bool is_event(node_kind k) { return k <= node_kind::boundary_event; }

class process_reader {
public:
  process_reader(const root_elements& roots, const read_options& options) : roots_(roots), options_(options) {}

  base::result<definition> run(const element& process) {
    TRY(check_element(process));
    d_.key = process.id();
    if (d_.key.empty()) return process.fail(errc::bad_model, "bpmn:process has no id");
    d_.name = std::string(process.attr("name").value_or(""));
    d_.version_tag = std::string(process.extension("versionTag").value_or(""));
    d_.history_time_to_live = std::string(process.extension("historyTimeToLive").value_or(""));
    d_.executable = true;
    d_.listeners = TRY(read_listeners(process, false));
    places_.process = process.place();
    TRY(read_scope(process, no_node, 0));
    TRY(connect());
    TRY(check_rules(d_, places_));
    return std::move(d_);
  }

private:
  struct pending_flow {
    element e;
    node_index scope;
  };
  struct pending_reference {
    element e;
    node_index node;
    std::string id;
  };

  // The recursion is bounded by options_.max_depth.
  base::result<> read_scope(const element& scope, node_index parent, std::size_t depth) {
    if (depth > options_.max_depth)
      return scope.fail(errc::limit, fmt::format("sub-processes are nested deeper than {} levels", options_.max_depth));
    for (const auto& c : scope.children()) {
      if (c.is("sequenceFlow")) {
        flows_.push_back({c, parent});
        continue;
      }
      const auto kind = kind_of(c);
      if (!kind) continue;
      TRY(check_element(c));
      if (d_.nodes.size() >= options_.max_nodes)
        return c.fail(errc::limit, fmt::format("the process has more than {} nodes", options_.max_nodes));
      const auto index = static_cast<node_index>(d_.nodes.size());
      d_.nodes.push_back(TRY(read_node(c, *kind, parent, index)));
      places_.nodes.push_back(c.place());
      by_id_.emplace(d_.nodes[index].id, index);
      (parent == no_node ? d_.children : d_.nodes[parent].children).push_back(index);
      if (*kind == node_kind::start_event) TRY(add_start(c, parent, index));
      if (*kind == node_kind::sub_process) {
        TRY(read_scope(c, index, depth + 1));
        if (d_.nodes[index].start == no_node)
          return c.fail(errc::bad_model, "a sub-process needs exactly one none start event; it has none");
      }
    }
    return {};
  }

  base::result<> add_start(const element& e, node_index parent, node_index index) {
    if (parent == no_node) {
      d_.starts.push_back(index);
      return {};
    }
    if (d_.nodes[index].event.kind != event_kind::none)
      return e.fail(errc::bad_model, "a sub-process begins with a none start event; remove the event definition");
    if (d_.nodes[parent].start != no_node)
      return e.fail(errc::bad_model, "a sub-process needs exactly one none start event; this is the second");
    d_.nodes[parent].start = index;
    return {};
  }

  base::result<node> read_node(const element& e, node_kind kind, node_index parent, node_index index) {
    node n;
    n.id = e.id();
    if (n.id.empty()) return e.fail(errc::bad_model, fmt::format("bpmn:{} has no id", e.name()));
    n.name = std::string(e.attr("name").value_or(""));
    n.line = e.line();
    n.kind = kind;
    n.parent = parent;
    const bool async = TRY(read_bool(e, "async", e.extension("async"), false));
    n.async_before = TRY(read_bool(e, "asyncBefore", e.extension("asyncBefore"), false)) || async;
    n.async_after = TRY(read_bool(e, "asyncAfter", e.extension("asyncAfter"), false));
    n.exclusive = TRY(read_bool(e, "exclusive", e.extension("exclusive"), true));
    n.retry_cycle = TRY(read_retry_cycle(e));
    n.listeners = TRY(read_listeners(e, false));
    n.loop = TRY(read_multi_instance(e));
    if (is_event(kind)) n.event = TRY(read_event(e, kind, roots_));
    if (kind == node_kind::receive_task) n.event = TRY(read_receive_message(e, roots_));
    if (kind == node_kind::service_task || kind == node_kind::send_task) n.run = TRY(read_delegate(e, true));
    if (kind == node_kind::user_task) {
      n.task_listeners = TRY(read_task_listeners(e));
      n.form_key = TRY(read_expression(e, e.extension("formKey").value_or("")));
      n.fields = TRY(read_fields(e));
    }
    if (kind == node_kind::boundary_event) TRY(read_boundary(e, n, index));
    if (const auto reference = trim(e.attr("default").value_or("")); !reference.empty())
      defaults_.push_back({e, index, std::string(reference)});
    TRY(read_parameters(e, n));
    return n;
  }

  base::result<> read_boundary(const element& e, node& n, node_index index) {
    n.interrupting = TRY(read_bool(e, "cancelActivity", e.attr("cancelActivity"), true));
    if (n.event.kind == event_kind::error) n.interrupting = true;  // an error always ends its activity (BPMN 2.0.2, 10.5.6)
    const auto reference = trim(e.attr("attachedToRef").value_or(""));
    if (reference.empty()) return e.fail(errc::bad_model, "a boundary event needs attachedToRef");
    attached_.push_back({e, index, std::string(reference)});
    return {};
  }

  base::result<node_index> end_of_flow(const pending_flow& f, std::string_view attribute) {
    const auto id = std::string(trim(f.e.attr(attribute).value_or("")));
    const auto it = by_id_.find(id);
    if (it == by_id_.end())
      return f.e.fail(errc::bad_model, fmt::format("{}=\"{}\" refers to no flow node of this process", attribute, id));
    if (d_.nodes[it->second].parent != f.scope)
      return f.e.fail(errc::bad_model,
                      fmt::format("the sequence flow crosses the border of a sub-process: {}=\"{}\" is in another scope", attribute, id));
    return it->second;
  }

  base::result<> read_flow(const pending_flow& f) {
    TRY(check_element(f.e));
    sequence_flow out;
    out.id = f.e.id();
    if (out.id.empty()) return f.e.fail(errc::bad_model, "bpmn:sequenceFlow has no id");
    out.source = TRY(end_of_flow(f, "sourceRef"));
    out.target = TRY(end_of_flow(f, "targetRef"));
    if (const auto c = f.e.child("conditionExpression")) {
      TRY(check_element(*c));
      out.condition = TRY(read_expression(*c, c->text()));
    }
    out.listeners = TRY(read_listeners(f.e, true));
    const auto index = static_cast<flow_index>(d_.flows.size());
    d_.nodes[out.source].outgoing.push_back(index);
    d_.nodes[out.target].incoming.push_back(index);
    flow_by_id_.emplace(out.id, index);
    places_.flows.push_back(f.e.place());
    d_.flows.push_back(std::move(out));
    return {};
  }

  base::result<> connect() {
    for (const auto& f : flows_) TRY(read_flow(f));
    for (const auto& [e, index, id] : attached_) {
      const auto it = by_id_.find(id);
      if (it == by_id_.end()) return e.fail(errc::bad_model, fmt::format("attachedToRef=\"{}\" refers to no activity of this process", id));
      auto& activity = d_.nodes[it->second];
      const bool fits =
          activity.kind == node_kind::sub_process || (activity.kind >= node_kind::service_task && activity.kind <= node_kind::task);
      if (!fits || activity.parent != d_.nodes[index].parent)
        return e.fail(errc::bad_model, fmt::format("attachedToRef=\"{}\" is no activity of the same scope", id));
      d_.nodes[index].attached_to = it->second;
      activity.boundary.push_back(index);
    }
    for (const auto& [e, index, id] : defaults_) {
      const auto it = flow_by_id_.find(id);
      if (it == flow_by_id_.end() || d_.flows[it->second].source != index)
        return e.fail(errc::bad_model, fmt::format("default=\"{}\" is no sequence flow that leaves this element", id));
      d_.nodes[index].default_flow = it->second;
    }
    return {};
  }

  const root_elements& roots_;
  const read_options& options_;
  definition d_;
  model_places places_;
  std::vector<pending_flow> flows_;
  std::vector<pending_reference> attached_;
  std::vector<pending_reference> defaults_;
  std::unordered_map<std::string, node_index> by_id_;
  std::unordered_map<std::string, flow_index> flow_by_id_;
};

}  // namespace

base::result<definition> read_process(const element& process, const root_elements& roots, const read_options& options) {
  // engine 1c.1: isExecutable has no default; absent means "do not deploy".
  if (TRY(read_bool(process, "isExecutable", process.attr("isExecutable"), false))) return process_reader(roots, options).run(process);
  definition head;
  head.key = process.id();
  head.name = std::string(process.attr("name").value_or(""));
  head.version_tag = std::string(process.extension("versionTag").value_or(""));
  return head;
}

}  // namespace dsf::bpmn

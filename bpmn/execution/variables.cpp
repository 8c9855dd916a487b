// Variables, and what expressions see of them (dsf-bpe 2.6, 2.9).
#include <algorithm>
#include <map>

#include "bpmn/execution/machine_impl.hpp"

namespace dsf::bpmn {

bool to_text(const value& v, std::string& out) {
  if (const auto* s = v.as<std::string>()) return out = *s, true;
  if (const auto* b = v.as<bool>()) return out = *b ? "true" : "false", true;
  if (const auto* i = v.as<std::int16_t>()) return out = std::to_string(*i), true;
  if (const auto* i = v.as<std::int32_t>()) return out = std::to_string(*i), true;
  if (const auto* i = v.as<std::int64_t>()) return out = std::to_string(*i), true;
  if (const auto* d = v.as<decimal>()) return out = d->text, true;
  return false;
}

// What an expression sees from one execution. Writes are kept until the expression has succeeded.
class scope_view final : public el::context {
public:
  scope_view(const machine& m, local_id from) : m_(m), from_(from) {}

  const value* variable(std::string_view name) const override {
    if (auto w = writes_.find(name); w != writes_.end()) return &w->second;
    return m_.lookup(from_, name);
  }
  const value* variable_local(std::string_view name) const override {
    const auto* e = m_.find(from_);
    const auto* v = e ? local_variable(*e, name) : nullptr;
    return v ? &v->get() : nullptr;
  }
  value execution_property(std::string_view name) const override {
    const auto* e = m_.find(from_);
    if (!e) return {};
    const auto id = [](local_id i) { return i ? value(std::to_string(i)) : value(); };
    if (name == "businessKey" || name == "processBusinessKey") return value(m_.state.business_key);
    if (name == "processInstanceId") return m_.state.process_instance_id.empty() ? value() : value(m_.state.process_instance_id);
    if (name == "id") return e->parent == 0 && !m_.state.process_instance_id.empty() ? value(m_.state.process_instance_id) : id(e->id);
    if (name == "parentId")
      return e->parent == root_execution && !m_.state.process_instance_id.empty() ? value(m_.state.process_instance_id) : id(e->parent);
    if (name == "currentActivityId") return e->node == no_node ? value() : value(m_.node_at(e->node).id);
    if (name == "currentActivityName") return e->node == no_node ? value() : value(m_.node_at(e->node).name);
    if (name == "currentTransitionId") return e->flow == no_flow ? value() : value(m_.model.flows[e->flow].id);
    if (name == "activityInstanceId") return id(e->activity_instance);
    if (name == "parentActivityInstanceId") return id(parent_activity_instance(m_.model, m_.state, from_));
    if (name == "processDefinitionId") return value(m_.model.key + "|" + m_.model.version_tag);
    return {};
  }
  base::timestamp now() const override { return m_.now; }
  std::span<const el::answer> answers() const override { return m_.answers_; }
  base::result<> set_variable(std::string_view name, value v) override {
    writes_.insert_or_assign(std::string(name), std::move(v));
    return {};
  }
  [[nodiscard]] const auto& writes() const { return writes_; }

private:
  const machine& m_;
  local_id from_;
  std::map<std::string, value, std::less<>> writes_;
};

const value* machine::lookup(local_id from, std::string_view name) const {
  for (const execution* e = find(from); e; e = find(e->parent))
    if (const auto* v = local_variable(*e, name)) return &v->get();
  return nullptr;
}

void machine::write(local_id id, std::vector<events::variable_write> writes) {
  const execution* e = find(id);
  if (!e || writes.empty()) return;
  bool rekey = false;
  for (const auto& w : writes) {
    const bool known = local_variable(*e, w.name) != nullptr;
    if (w.name == "correlationKey") rekey = true;
    if (has_conditions_ && (known || !w.removed)) changes_.push_back({id, w.name, w.removed ? "delete" : known ? "update" : "create"});
  }
  emit(events::variables_written{id, std::move(writes)});
  if (!rekey) return;
  // dsf-bpe 2.5: messages match the local variable correlationKey of the execution that owns the subscription, as it is now.
  for (const local_id wait : std::vector(at(id).waits)) {
    const auto* open = state.subscriptions.find(wait);
    if (!open || open->kind != subscription_kind::message) continue;
    subscription changed = *open;
    const auto* key = local_variable(at(id), "correlationKey");
    changed.correlation_key.clear();
    changed.has_correlation_key = key && to_text(key->get(), changed.correlation_key);
    if (changed == *open) continue;
    tell(close_subscription{open->id, false, open->name, open->correlation_key, open->has_correlation_key});
    tell(open_subscription{changed.id, false, changed.name, changed.correlation_key, changed.has_correlation_key});
    emit(events::subscription_opened{std::move(changed)});
  }
}

void machine::write(local_id id, std::string name, value v) {
  std::vector<events::variable_write> one;
  one.push_back({std::move(name), shared_value(std::move(v)), false});
  write(id, std::move(one));
}

// dsf-bpe 2.9: a non-local write goes to the nearest ancestor that has the variable, else to the process instance.
void machine::set(local_id from, const variable_change& change) {
  local_id owner = from;
  if (change.where == variable_change::scope::instance) {
    owner = root_execution;
  } else if (change.where == variable_change::scope::nearest) {
    owner = root_execution;
    for (const execution* e = find(from); e; e = find(e->parent))
      if (local_variable(*e, change.name)) {
        owner = e->id;
        break;
      }
  }
  if (change.remove && find(owner) && !local_variable(at(owner), change.name)) return;
  std::vector<events::variable_write> one;
  one.push_back({change.name, shared_value(change.remove ? value() : change.new_value), change.remove});
  write(owner, std::move(one));
}

base::result<value> machine::evaluate(const expression_text& text, local_id from) {
  if (!text) return value();
  if (text.parsed->is_constant()) return value(text.parsed->text());
  scope_view view(*this, from);
  auto out = text.parsed->evaluate(view);
  if (!out) {
    // An expression that runs over its limit is a fault of the process, not of the step.
    if (out.error().is(errc::limit)) return base::fail(errc::evaluation, out.error().text(), text.text);
    return base::failure(std::move(out).error().at(text.text));
  }
  if (!out->questions.empty()) {
    questions_.insert(questions_.end(), out->questions.begin(), out->questions.end());
    return base::fail(errc::evaluation, "waits for answers", text.text);
  }
  for (const auto& [name, v] : view.writes()) set(from, name, v);
  return std::move(out->result);
}

// engine 2c: "Conditions: result must be boolean; non-boolean or null = engine exception, not false."
base::result<bool> machine::holds(const expression_text& condition, local_id from, const std::string& place) {
  const value v = TRY(evaluate(condition, from));
  if (const auto* b = v.as<bool>()) return *b;
  return base::fail(
      errc::wrong_type,
      "condition expression returns non-Boolean: result has type " + std::string(type_name(v)) + " and not Boolean, in " + condition.text,
      place);
}

base::result<std::string> machine::evaluate_text(const expression_text& text, local_id from) {
  const value v = TRY(evaluate(text, from));
  std::string out;
  if (v.is_null() || to_text(v, out)) return out;
  return base::fail(errc::wrong_type, "'" + text.text + "' gives a " + std::string(type_name(v)) + ", a text is needed");
}

// camunda:inputParameter and outputParameter with text, lists and maps (engine 2b); nesting is bounded by the reader's depth limit.
base::result<value> machine::evaluate(const parameter_value& p, local_id from) {
  switch (p.kind) {
    case parameter_value::kind::text: return evaluate(p.text, from);
    case parameter_value::kind::list: {
      value_list out;
      for (const auto& item : p.list) out.push_back(TRY(evaluate(item, from)));
      return value(std::move(out));
    }
    case parameter_value::kind::map: {
      value_map out;
      for (const auto& [key, item] : p.map) out.emplace_back(key, TRY(evaluate(item, from)));
      return value(std::move(out));
    }
  }
  return value();
}

// engine 1c.14: conditional events below the changed variable, filtered by name and kind of change.
base::result<> machine::check_conditions() {
  std::vector<variable_event> changes;
  changes.swap(changes_);
  std::vector<local_id> open;
  for (const auto& s : state.subscriptions)
    if (s.kind == subscription_kind::conditional) open.push_back(s.id);
  for (const local_id id : open) {
    const auto* s = state.subscriptions.find(id);
    if (!s) continue;
    const auto& condition = node_at(s->node).event;
    const auto concerns = [&](const variable_event& c) {
      if (!condition.variable_name.empty() && condition.variable_name != c.name) return false;
      if (!condition.variable_events.empty() && std::ranges::find(condition.variable_events, c.kind) == condition.variable_events.end())
        return false;
      for (const execution* e = find(s->execution); e; e = find(e->parent))
        if (e->id == c.execution) return true;
      return false;
    };
    if (std::ranges::none_of(changes, concerns)) continue;
    const node_index catching = s->node;
    const local_id owner = s->execution;
    auto is_true = holds(condition.condition, owner, node_at(catching).id);
    if (asks()) return {};
    // Operaton's tryEvaluate: a variable that does not exist yet is no fault here.
    if (!is_true && is_true.error().is(errc::unknown_identifier)) continue;
    if (!is_true) {
      TRY(fault({owner, stage::execute, catching, 0}, is_true.error()));
      if (over()) return {};
      continue;
    }
    if (*is_true) TRY(fire(id));
  }
  return {};
}

}  // namespace dsf::bpmn

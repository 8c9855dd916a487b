// Multi-instance activities (engine 1c.11): the body is a scope, the instances are its children.
#include <algorithm>

#include "base/mutant.hpp"
#include "bpmn/execution/elements/element.hpp"

namespace dsf::bpmn {
namespace {

// What a collection can be; each element shares nothing with the collection, so that changing the variable later changes no instance
// (dsf-bpe 2.7, "Removing a target inside a multi-instance").
std::optional<std::vector<value>> elements_of(const value& v) {
  std::vector<value> out;
  const auto copy = [&](const auto& list) {
    out.reserve(list.size());
    for (const auto& item : list) out.emplace_back(item);
    return std::move(out);
  };
  if (const auto* l = v.as<value_list>()) return *l;
  if (const auto* l = v.as<string_list>()) return copy(*l);
  if (const auto* l = v.as<targets>()) return copy(l->entries);
  if (const auto* l = v.as<fhir_resource_list>()) return copy(l->entries);
  return std::nullopt;
}

std::optional<std::int64_t> number_of(const value& v) {
  if (const auto* i = v.as<std::int16_t>()) return *i;
  if (const auto* i = v.as<std::int32_t>()) return *i;
  if (const auto* i = v.as<std::int64_t>()) return *i;
  if (const auto* s = v.as<std::string>(); s && !s->empty() && s->size() < 10 && s->find_first_not_of("0123456789") == std::string::npos)
    return std::stoll(*s);
  return std::nullopt;
}

struct plan {
  std::uint32_t total = 0;
  std::vector<value> elements;  // empty: by cardinality
};

base::result<plan> evaluate_plan(machine& m, local_id from, const node& n) {
  const multi_instance& loop = *n.loop;
  plan p;
  if (loop.collection || !loop.collection_variable.empty()) {
    value v;
    if (loop.collection) {
      v = TRY(m.evaluate(loop.collection, from));
    } else if (const value* known = m.lookup(from, loop.collection_variable)) {
      v = *known;
    } else {
      return base::fail(errc::unknown_identifier,
                        "Variable '" + loop.collection_variable + "' is not found; it is the collection of the multi-instance activity",
                        n.id);
    }
    auto list = elements_of(v);
    if (!list)
      return base::fail(errc::wrong_type,
                        "the collection of the multi-instance activity is a " + std::string(type_name(v)) + ", not a list", n.id);
    p.elements = std::move(*list);
    if (p.elements.size() > m.limits.multi_instance)
      return base::fail(
          errc::evaluation,
          std::to_string(p.elements.size()) + " instances are more than the limit of " + std::to_string(m.limits.multi_instance), n.id);
    p.total = static_cast<std::uint32_t>(p.elements.size());
    return p;
  }
  const value v = TRY(m.evaluate(loop.cardinality, from));
  const auto count = number_of(v);
  if (!count || *count < 0)
    return base::fail(errc::wrong_type, "the loop cardinality '" + loop.cardinality.text + "' gives no number of instances", n.id);
  if (static_cast<std::uint64_t>(*count) > m.limits.multi_instance)
    return base::fail(errc::evaluation,
                      std::to_string(*count) + " instances are more than the limit of " + std::to_string(m.limits.multi_instance), n.id);
  p.total = static_cast<std::uint32_t>(*count);
  return p;
}

// One more instance: loopCounter and the element variable are local to it.
local_id create_inner(machine& m, local_id body, node_index n, std::uint32_t number, value* element) {
  const multi_instance& loop = *m.node_at(n).loop;
  variable_list variables;
  variables.push_back({"loopCounter", shared_value(value(static_cast<std::int32_t>(number)))});
  if (element && !loop.element_variable.empty()) variables.push_back({loop.element_variable, shared_value(std::move(*element))});
  const local_id inner = m.fresh_id();
  m.emit(events::execution_created{inner, body, false, !loop.sequential, false, no_node, n, 0, std::move(variables)});
  return inner;
}

void leave_body(machine& m, local_id body, node_index n) {
  const local_id outer = m.at(body).parent;
  while (!m.at(body).children.empty()) {
    // Last first: children leave the parent's list from its end.
    m.cancel_tree(m.at(body).children.back());
    if (m.over()) return;
  }
  m.emit(events::activity_ended{body, n, m.at(body).scope_instance, false});
  m.cancel_waits(body);
  m.emit(events::execution_removed{body});
  if (m.node_at(n).async_after)
    m.wait_for_continuation(outer, n, phase::after, m.node_at(n).exclusive);
  else
    m.go(outer, stage::outgoing, n);
}

}  // namespace

base::result<> machine::enter_loop(local_id outer, node_index n) {
  plan p = TRY(evaluate_plan(*this, outer, node_at(n)));
  const bool sequential = node_at(n).loop->sequential;
  const local_id body = fresh_id();
  move(outer, n, phase::idle);
  emit(events::execution_created{body, outer, true, false, true, n, n, fresh_id(), {}});
  loop_state counters;
  counters.total = p.total;
  counters.created = counters.active = sequential ? std::min<std::uint32_t>(1, p.total) : p.total;
  emit(events::loop_advanced{body, counters});
  // "empty collection => activity completes immediately" (dsf-bpe 2.7)
  if (p.total == 0) {
    leave_body(*this, body, n);
    return {};
  }
  TRY(open_boundary(body, n));
  if (over() || !find(body)) return {};
  // Many instances are no endless loop; an endless loop around a multi-instance activity still ends, at eleven times the limit.
  loop_steps_ = std::min(loop_steps_ + std::size_t{100} * counters.created, 10 * limits.segment_steps);
  std::vector<local_id> inner;
  for (std::uint32_t i = 0; i < counters.created; ++i)
    inner.push_back(create_inner(*this, body, n, i, p.elements.empty() ? nullptr : &p.elements[i]));
  for (std::size_t i = inner.size(); i-- > 0;) go(inner[i], stage::arrive, n);
  return {};
}

base::result<> machine::inner_done(local_id inner, node_index n) {
  const local_id body = at(inner).parent;
  const multi_instance& loop = *node_at(n).loop;
  loop_state counters = *at(body).loop;
  ++counters.completed;
  if (!loop.sequential) --counters.active;
  // The condition is evaluated in the ended instance and sees the new counters; its fault leaves them as they are.
  bool complete = counters.completed >= counters.total || DSF_MUTANT("bpmn.multi_instance_ends_after_first");
  if (!complete && loop.completion_condition) {
    const loop_state before = *at(body).loop;
    emit(events::loop_advanced{body, counters});
    auto holds_now = holds(loop.completion_condition, inner, node_at(n).id);
    if (!holds_now) {
      emit(events::loop_advanced{body, before});
      return base::failure(std::move(holds_now).error());
    }
    complete = *holds_now;
  }
  if (complete) {
    counters.active = 0;
    emit(events::loop_advanced{body, counters});
    leave_body(*this, body, n);
    return {};
  }
  if (!loop.sequential) {
    if (*at(body).loop != counters) emit(events::loop_advanced{body, counters});
    cancel_waits(inner);
    emit(events::execution_removed{inner});
    return {};
  }
  // Sequential: the collection is read again for each element (engine 1c.11), the number of instances stays.
  value element;
  bool has_element = false;
  if (loop.collection || !loop.collection_variable.empty()) {
    plan p = TRY(evaluate_plan(*this, body, node_at(n)));
    if (counters.created >= p.elements.size())
      return base::fail(errc::evaluation,
                        "the collection of the sequential multi-instance activity has become shorter than its number of instances",
                        node_at(n).id);
    element = std::move(p.elements[counters.created]);
    has_element = true;
  }
  const std::uint32_t number = counters.created++;
  emit(events::loop_advanced{body, counters});
  cancel_waits(inner);
  emit(events::execution_removed{inner});
  go(create_inner(*this, body, n, number, has_element ? &element : nullptr), stage::arrive, n);
  return {};
}

}  // namespace dsf::bpmn

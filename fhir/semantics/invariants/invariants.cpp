#include "fhir/semantics/invariants/invariants.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <unordered_map>

#include "base/mutant.hpp"
#include "fhir/model/constraints.hpp"
#include "fhir/model/model.hpp"
#include "fhir/path/expression.hpp"

namespace dsf::fhir {
namespace {

constexpr std::size_t max_steps = 2'000'000;  // of one rule on one element

struct unevaluated {
  std::string_view key, why;
};
constexpr std::array left_to_others{
    unevaluated{"ele-1", "the codec refuses an element without value and children"},
    unevaluated{"txt-1", "the codec checks narratives"},
    unevaluated{"txt-2", "the codec checks narratives"},
};

// Rules that can't be meant as R4 4.0.1 writes them, and how they are.
struct correction {
  std::string_view key, expression;
};
constexpr std::array corrections{
    // System.Boolean where the element is a FHIR boolean
    correction{"que-7", "operator = 'exists' implies (answer is boolean)"},
};

struct rule {
  const constraint_info* info;
  path::expression expression;
};
using rules = std::vector<rule>;

// Of one type: its own rules, and those of single elements, by the element's place in type_info::elements.
struct type_rules {
  rules own;
  std::map<std::size_t, rules> elements;
};

class rule_book {
public:
  static const rule_book& instance() {
    static const rule_book book;
    return book;
  }

  const type_rules* of(const type_info* type) const {
    const auto it = types_.find(type);
    return it == types_.end() ? nullptr : &it->second;
  }

private:
  // Once in the life of the program; the definitions are compiled in, so a rule that does not compile is found by the tests.
  rule_book() {
    for (const auto& type : all_types()) {
      type_rules out;
      out.own = compiled(constraints_at(type.name));
      for (std::size_t i = 0; i < type.elements.size(); ++i) {
        const auto& e = type.elements[i];
        if (e.type && e.type->kind == type_kind::backbone && e.type->name.starts_with(type.name)) continue;  // own rules of that type
        const auto path = e.choice.empty() ? fmt::format("{}.{}", type.name, e.name) : fmt::format("{}.{}[x]", type.name, e.choice);
        if (auto some = compiled(constraints_at(path)); !some.empty()) out.elements.emplace(i, std::move(some));
      }
      if (!out.own.empty() || !out.elements.empty()) types_.emplace(&type, std::move(out));
    }
  }

  rules compiled(std::span<const constraint_info> all) {
    rules out;
    for (const auto& info : all) {
      if (!info.error || !left_out(info.key).empty()) continue;
      const auto* fixed = std::ranges::find(corrections, info.key, &correction::key);
      const auto text = fixed == corrections.end() ? info.expression : fixed->expression;
      auto known = known_.find(text);  // not by key: inv-1 is another rule in each type
      if (known == known_.end()) {
        auto e = path::expression::compile(text);
        if (!e) continue;
        known = known_.emplace(text, std::move(*e)).first;
      }
      out.push_back({&info, known->second});
    }
    return out;
  }

  std::unordered_map<const type_info*, type_rules> types_;
  std::map<std::string_view, path::expression> known_;
};

// An element on the list of work, with the way to it.
struct node {
  path::element at;
  std::size_t parent = 0;
  std::string_view member;   // empty at the root
  std::size_t index = 0;
  bool list = false;
  const base::json* resource = nullptr;   // %resource
  const base::json* root = nullptr;       // %rootResource
};

class walk {
public:
  walk(const base::json& resource, std::size_t limit) : limit_(limit) {
    nodes_.push_back({path::element::of(resource), 0, {}, 0, false, &resource, &resource});
    with_.limits.steps = max_steps;
  }

  std::vector<issue> run() && {
    for (std::size_t i = 0; i < nodes_.size() && issues_.size() < limit_; ++i) {
      if (const auto* of_type = book_.of(nodes_[i].at.type)) evaluate(of_type->own, i);
      children(i);
    }
    return std::move(issues_);
  }

private:
  void evaluate(const rules& all, std::size_t at) {
    const auto& n = nodes_[at];
    with_.resource = path::element::of(*n.resource);
    with_.root_resource = path::element::of(*n.root);
    for (const auto& r : all) {
      const auto good = r.expression.test(n.at, with_);
      if (good && good->value_or(true)) continue;
      if (DSF_MUTANT("fhir.invariants_ignored") || issues_.size() >= limit_) return;
      if (good) {
        issues_.push_back({"error", "invariant", path_of(at), fmt::format("Constraint failed: {}: {}", r.info->key, r.info->human)});
      } else {
        const bool costly = good.error().is(path::errc::limit);
        issues_.push_back({"error", costly ? "too-costly" : "invariant", path_of(at),
                           fmt::format("Constraint {} ({}) could not be evaluated: {}", r.info->key, r.info->human, good.error().text())});
      }
    }
  }

  void children(std::size_t at) {
    const auto parent = nodes_[at];  // a copy: the list grows
    const auto* type = parent.at.type;
    const auto* object = parent.at.value ? parent.at.value->if_object() : nullptr;
    if (!type) return;
    const auto* elements = book_.of(type);
    const bool extras = object && std::ranges::any_of(*object, [](const auto& m) { return m.first.starts_with('_'); });
    if (object)
      for (const auto& [name, value] : *object) {
        const bool extra = name.starts_with('_');
        const auto member = std::string_view(name).substr(extra ? 1 : 0);
        if (extra && parent.at.value->find(member)) continue;  // comes with its value
        const auto* info = find_element(*type, member);
        if (!info) continue;
        const bool primitive = info->type && info->type->kind == type_kind::primitive;
        const auto* sibling = extra ? &value : primitive && extras ? sibling_of(*parent.at.value, member) : nullptr;
        const auto* own = element_rules(elements, *type, *info);
        if (primitive && !own && !sibling && !book_.of(info->type)) continue;
        add(at, parent, member, *info, extra ? nullptr : &value, sibling, own);
      }
    // Extensions of a primitive.
    if (const auto* more = parent.at.sibling ? parent.at.sibling->find("extension") : nullptr)
      if (const auto* info = find_element(*type, "extension")) add(at, parent, "extension", *info, more, nullptr, nullptr);
  }

  static const base::json* sibling_of(const base::json& object, std::string_view member) { return object.find("_" + std::string(member)); }

  static const rules* element_rules(const type_rules* all, const type_info& type, const element_info& info) {
    if (!all || all->elements.empty()) return nullptr;
    const auto it = all->elements.find(static_cast<std::size_t>(&info - type.elements.data()));
    return it == all->elements.end() ? nullptr : &it->second;
  }

  void add(std::size_t at, const node& parent, std::string_view member, const element_info& info, const base::json* value,
           const base::json* sibling, const rules* own) {
    const bool list = (value && value->is_array()) || (sibling && sibling->is_array());
    const auto count = list ? std::max(value ? value->size() : 0, sibling ? sibling->size() : 0) : 1;
    for (std::size_t i = 0; i < count; ++i) {
      const auto* v = list ? (value ? &(*value)[i] : nullptr) : value;
      const auto* s = list ? (sibling ? &(*sibling)[i] : nullptr) : sibling;
      if (v && v->is_null()) v = nullptr;
      if (s && s->is_null()) s = nullptr;
      if (!v && !s) continue;
      node n{{v, s, info.type}, at, member, i, list, parent.resource, parent.root};
      if (info.type && info.type->abstract && info.type->kind == type_kind::resource && v) {
        n.at = path::element::of(*v);
        n.resource = v;
        if (member != "contained") n.root = v;
      }
      nodes_.push_back(n);
      if (own) evaluate(*own, nodes_.size() - 1);
    }
  }

  std::string path_of(std::size_t at) const {
    if (at == 0) return std::string(nodes_[0].at.type ? nodes_[0].at.type->name : "Resource");
    const auto& n = nodes_[at];
    return n.list ? fmt::format("{}.{}[{}]", path_of(n.parent), n.member, n.index) : fmt::format("{}.{}", path_of(n.parent), n.member);
  }

  const rule_book& book_ = rule_book::instance();
  path::environment with_;
  std::vector<node> nodes_;
  std::vector<issue> issues_;
  std::size_t limit_;
};

}  // namespace

std::string_view left_out(std::string_view key) {
  const auto* it = std::ranges::find(left_to_others, key, &unevaluated::key);
  return it == left_to_others.end() ? std::string_view{} : it->why;
}

std::vector<issue> check_invariants(const base::json& resource, std::size_t limit) { return walk(resource, limit).run(); }

}  // namespace dsf::fhir

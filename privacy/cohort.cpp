#include "privacy/cohort.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/mutant.hpp"
#include "privacy/criterion_codes.hpp"
#include "privacy/record_filter_impl.hpp"

namespace dsf::privacy {
namespace {

using base::result;

// Term codes of one criterion whose mapping entries differ in nothing but the key are evaluated together.
struct code_group {
  const mapping_entry* entry;
  std::vector<const term_code*> codes;
};

bool same_code(const term_code& a, const term_code& b) { return a.code == b.code && a.system == b.system; }
bool same_code(const std::optional<term_code>& a, const std::optional<term_code>& b) {
  return a.has_value() == b.has_value() && (!a || same_code(*a, *b));
}
bool same_shape(const mapping_entry& a, const mapping_entry& b) {
  return a.resource_type == b.resource_type && a.term_code_parameter == b.term_code_parameter && a.value_parameter == b.value_parameter &&
         a.type == b.type && same_code(a.composite_code, b.composite_code) && a.time_parameter == b.time_parameter &&
         std::ranges::equal(a.fixed, b.fixed,
                            [](const fixed_criterion& x, const fixed_criterion& y) {
                              return x.type == y.type && x.parameter == y.parameter && same_code(x.composite_code, y.composite_code) &&
                                     std::ranges::equal(x.values, y.values,
                                                        [](const term_code& p, const term_code& q) { return same_code(p, q); });
                            }) &&
         std::ranges::equal(a.attributes, b.attributes, [](const attribute_mapping& x, const attribute_mapping& y) {
           return x.type == y.type && x.parameter == y.parameter && same_code(x.key, y.key) &&
                  same_code(x.composite_code, y.composite_code);
         });
}

class evaluator {
public:
  evaluator(const clinical_index& index, const mapping& map, const ontology_tree& tree, day today)
      : index_(index.data()), map_(map), tree_(tree), today_(today) {}

  // (AND over inclusion groups of OR) without (OR over exclusion groups of AND).
  result<Roaring> query(const ccdl_query& q) {
    Roaring selected;
    for (std::size_t i = 0; i < q.inclusion.size(); ++i) {
      Roaring any;
      for (const auto& c : q.inclusion[i]) any |= TRY(patients(c));
      if (i == 0) {
        selected = std::move(any);
      } else {
        if (DSF_MUTANT("privacy.and_is_or"))
          selected |= any;
        else
          selected &= any;
      }
    }
    for (const auto& group : q.exclusion) {
      Roaring all = TRY(patients(group.front()));
      for (std::size_t i = 1; i < group.size(); ++i) all &= TRY(patients(group[i]));
      if (!DSF_MUTANT("privacy.exclusion_ignored")) selected -= all;
    }
    return selected;
  }

private:
  // Patients with at least one resource that fulfils all parts of the criterion.
  result<Roaring> patients(const criterion& c) {
    Roaring out;
    std::vector<bool> seen;
    for (const auto& g : TRY(groups(c))) {
      const auto number = index_.table_number(g.entry->resource_type);
      const auto* table = number == UINT32_MAX ? nullptr : &index_.tables[number];
      if (!c.value && c.attributes.empty() && !c.time && g.entry->fixed.empty() && !g.entry->term_code_parameter.empty()) {
        TRY(require_token(c, g));
        if (!table) continue;
        for_codes(*table, g, [&](const postings& p) { out |= p.patients; });
        continue;
      }
      const auto records = TRY(matching(c, g, table));
      if (!table) continue;
      seen.assign(index_.patients.size(), false);
      for (const auto r : records)
        if (table->patient[r] != no_patient) seen[table->patient[r]] = true;
      std::vector<std::uint32_t> ordinals;
      for (std::uint32_t p = 0; p < seen.size(); ++p)
        if (seen[p]) ordinals.push_back(p);
      out |= Roaring(ordinals.size(), ordinals.data());
    }
    return out;
  }

  result<std::vector<code_group>> groups(const criterion& c) {
    std::vector<code_group> out;
    // Stays until the evaluator goes: groups point into it.
    const auto& expanded = expanded_.emplace_back(TRY(expanded_codes(tree_, c)));
    for (const auto& code : expanded) {
      const auto* entry = TRY(entry_for(map_, c, code));
      if (parameters_of(entry->resource_type).empty())
        return base::fail(
            errc::unsupported,
            fmt::format("resources of type {} are not indexed, so {} can't be evaluated here", entry->resource_type, to_string(code)),
            c.path);
      auto found = std::ranges::find_if(out, [&](const code_group& g) { return same_shape(*g.entry, *entry); });
      if (found == out.end()) found = out.insert(out.end(), {entry, {}});
      found->codes.push_back(&code);
    }
    return out;
  }

  static result<void> require_token(const criterion& c, const code_group& g) {
    const auto& e = *g.entry;
    const auto p = parameter_for(e.resource_type, e.term_code_parameter);
    if (!p) return base::failure(base::error(p.error()).at(c.path));
    if ((*p)->kind != parameter_kind::token && (*p)->kind != parameter_kind::code)
      return base::fail(
          errc::mapping,
          fmt::format("the term code parameter '{}' of {} holds no codes; correct the mapping", e.term_code_parameter, e.resource_type),
          c.path);
    return {};
  }

  template <class Visit>
  void for_codes(const type_table& table, const code_group& g, Visit visit) {
    const auto* column = table.find(g.entry->term_code_parameter);
    const bool code_only = column->parameter->kind == parameter_kind::code;
    for (const auto* code : g.codes) {
      const auto found =
          column->tokens.find(index_.codings.find(pair_text(code_only ? std::string_view{} : std::string_view(code->system), code->code)));
      if (found != column->tokens.end()) visit(found->second);
    }
  }

  // Records of the group's type that fulfil all parts. Everything is checked even when there is no table, so that a query that
  // can't be answered fails whatever the data are.
  result<Roaring> matching(const criterion& c, const code_group& g, const type_table* table) {
    const auto& e = *g.entry;
    const record_filter filter(index_, e.resource_type, table);
    Roaring records;
    if (e.term_code_parameter.empty()) {
      if (table) records.addRange(0, table->records());
    } else {
      TRY(require_token(c, g));
      if (table) for_codes(*table, g, [&](const postings& p) { records |= p.records; });
    }
    const auto failed = [](base::error&& e, const std::string& path) { return base::failure(std::move(e).at(path)); };
    for (const auto& f : e.fixed)
      if (auto ok = filter.concepts(f.type, f.parameter, f.composite_code, f.values, records); !ok)
        return failed(std::move(ok).error(), c.path);
    if (c.value) {
      if (e.value_parameter.empty())
        return base::fail(errc::not_mapped, fmt::format("the mapping of {} takes no value filter; remove it", to_string(e.key)),
                          c.path + ".valueFilter");
      if (auto ok = filter.value(e.type, e.value_parameter, e.composite_code, *c.value, today_, records); !ok)
        return failed(std::move(ok).error(), c.path + ".valueFilter");
    }
    for (const auto& a : c.attributes) {
      const auto* m = e.attribute(a.attribute);
      if (!m)
        return base::fail(errc::not_mapped, fmt::format("the mapping of {} has no attribute {}", to_string(e.key), to_string(a.attribute)),
                          a.path);
      if (auto ok = attribute(a, *m, filter, records); !ok) return failed(std::move(ok).error(), a.path);
    }
    if (c.time) {
      if (e.time_parameter.empty())
        return base::fail(errc::not_mapped, fmt::format("the mapping of {} takes no time restriction; remove it", to_string(e.key)),
                          c.path + ".timeRestriction");
      if (auto ok =
              filter.dates(e.time_parameter, {.at_least = c.time->after, .after = {}, .at_most = c.time->before, .before = {}}, records);
          !ok)
        return failed(std::move(ok).error(), c.path + ".timeRestriction");
    }
    return records;
  }

  result<void> attribute(const attribute_filter& a, const attribute_mapping& m, const record_filter& filter, Roaring& records) {
    if (const auto* reference = std::get_if<reference_filter>(&a.filter)) {
      if (m.type != value_type::reference)
        return base::fail(errc::not_mapped,
                          fmt::format("the attribute {} is mapped as {}, not as reference", to_string(m.key), to_string(m.type)));
      // Which records of which table the reference may lead to. A criterion in here has no reference filter: one level of recursion.
      std::vector<std::pair<std::uint32_t, Roaring>> targets;
      for (const auto& c : reference->criteria) {
        for (const auto& g : TRY(groups(c))) {
          const auto number = index_.table_number(g.entry->resource_type);
          auto found = TRY(matching(c, g, number == UINT32_MAX ? nullptr : &index_.tables[number]));
          if (number != UINT32_MAX) targets.emplace_back(number, std::move(found));
        }
      }
      return filter.references(m.parameter, targets, records);
    }
    const auto value = std::visit(
        [](const auto& f) -> value_filter {
          if constexpr (std::is_same_v<std::decay_t<decltype(f)>, reference_filter>) {
            return concept_filter{};
          } else {
            return f;
          }
        },
        a.filter);
    return filter.value(m.type, m.parameter, m.composite_code, value, today_, records);
  }

  const index_data& index_;
  const mapping& map_;
  const ontology_tree& tree_;
  day today_;
  std::deque<std::vector<term_code>> expanded_;
};

result<Roaring> evaluate(const clinical_index& index, const ccdl_query& query, const mapping& map, const ontology_tree& tree, day today) {
  if (!index.data().sealed) return base::fail(errc::argument, "the index must be sealed before it is asked");
  if (query.inclusion.empty()) return base::fail(errc::query, "a query needs at least one inclusion criterion", "inclusionCriteria");
  for (const auto* list : {&query.inclusion, &query.exclusion})
    for (const auto& group : *list)
      if (group.empty()) return base::fail(errc::query, "a group of criteria must not be empty");
  return evaluator(index, map, tree, today).query(query);
}

}  // namespace

result<cohort_result> count_cohort(const clinical_index& index, const ccdl_query& query, const mapping& map, const ontology_tree& tree,
                                   day today) {
  return cohort_result{TRY(evaluate(index, query, map, tree, today)).cardinality(), {}};
}

result<cohort_result> select_cohort(const clinical_index& index, const ccdl_query& query, const mapping& map, const ontology_tree& tree,
                                    day today) {
  const auto set = TRY(evaluate(index, query, map, tree, today));
  cohort_result out{set.cardinality(), {}};
  out.patients.resize(out.count);
  set.toUint32Array(out.patients.data());
  return out;
}

}  // namespace dsf::privacy

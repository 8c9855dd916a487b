#include "privacy/search_translation.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "privacy/cohort.hpp"
#include "privacy/criterion_codes.hpp"

namespace dsf::privacy {
namespace {

using base::result;

constexpr std::string_view page_size = "1000";
constexpr std::string_view ucum = "http://unitsofmeasure.org";

using parameters = std::vector<std::pair<std::string, std::string>>;  // AND
using alternatives = std::vector<parameters>;                         // OR

// R4, Search, "Escaping Search Parameters".
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == ',' || c == '$' || c == '|') out += '\\';
    out += c;
  }
  return out;
}

// As RFC 3986 wants it in a query, leaving what may stay.
void append_encoded(std::string& out, std::string_view text) {
  constexpr std::string_view as_is = "-._~:/$,";
  for (const char c : text) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (letter || as_is.find(c) != as_is.npos) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
}

// What is needed of a resource to know whose it is.
std::string_view elements_of(std::string_view type) {
  if (type == "Patient") return "id";
  for (const auto with_patient : {"AllergyIntolerance", "Consent", "FamilyMemberHistory", "Immunization"})
    if (type == with_patient) return "patient,id";
  return "subject,id";
}

fhir_search search_of(const std::string& type, const parameters& with) {
  fhir_search out{type, type + "?"};
  const auto add = [&](std::string_view name, std::string_view value) {
    append_encoded(out.query, name);
    out.query += '=';
    append_encoded(out.query, value);
  };
  for (const auto& [name, value] : with) {
    add(name, value);
    out.query += '&';
  }
  add("_elements", elements_of(type));
  out.query += '&';
  add("_count", page_size);
  return out;
}

std::string token(const term_code& t) { return escaped(t.system) + "|" + escaped(t.code); }

std::string quantity(std::string_view prefix, double value, std::string_view unit) {
  auto out = fmt::format("{}{}", prefix, value);
  if (!unit.empty()) out += fmt::format("|{}|{}", ucum, escaped(unit));
  return out;
}

void append_bounds(parameters& to, const std::string& name, const birth_bounds& b) {
  if (b.at_least) to.emplace_back(name, "ge" + to_string(*b.at_least));
  if (b.after) to.emplace_back(name, "gt" + to_string(*b.after));
  if (b.at_most) to.emplace_back(name, "le" + to_string(*b.at_most));
  if (b.before) to.emplace_back(name, "lt" + to_string(*b.before));
}

class translator {
public:
  translator(const mapping& map, const ontology_tree& tree, day today, const search_plan_limits& limits)
      : map_(map), tree_(tree), today_(today), limits_(limits) {}

  result<searched_criterion> one(const criterion& c) {
    searched_criterion out{{}, c.path};
    for (const auto& code : TRY(expanded_codes(tree_, c))) {
      const auto* e = TRY(entry_for(map_, c, code));
      for (const auto& with : TRY(parts(c, *e, code))) {
        if (++searches_ > limits_.searches) return too_many(c.path);
        out.any_of.push_back(search_of(e->resource_type, with));
      }
    }
    // Term codes may share descendants.
    std::ranges::sort(out.any_of, {}, &fhir_search::query);
    const auto same = std::ranges::unique(out.any_of);
    out.any_of.erase(same.begin(), same.end());
    return out;
  }
  std::size_t searches() const { return searches_; }

private:
  base::failure too_many(const std::string& path) const {
    return base::failure(
        base::error(errc::limit,
                    fmt::format("the query needs more than {} searches of the FHIR server; choose narrower term codes or fewer concepts",
                                limits_.searches),
                    path));
  }

  // All parts of the criterion, for one of its codes.
  result<alternatives> parts(const criterion& c, const mapping_entry& e, const term_code& code) {
    alternatives out{{}};
    if (!e.term_code_parameter.empty()) out[0].emplace_back(e.term_code_parameter, token(code));
    for (const auto& f : e.fixed) {
      std::string any;
      for (const auto& v : f.values) any += (any.empty() ? "" : ",") + concept_value(f.type, f.composite_code, v);
      out[0].emplace_back(f.parameter, std::move(any));
    }
    if (c.value) {
      const auto path = c.path + ".valueFilter";
      if (e.value_parameter.empty())
        return base::fail(errc::not_mapped, fmt::format("the mapping of {} takes no value filter; remove it", to_string(e.key)), path);
      out = TRY(product(out, TRY(at(path, value(e.type, e.value_parameter, e.composite_code, *c.value))), path));
    }
    for (const auto& a : c.attributes) {
      const auto* m = e.attribute(a.attribute);
      if (!m)
        return base::fail(errc::not_mapped, fmt::format("the mapping of {} has no attribute {}", to_string(e.key), to_string(a.attribute)),
                          a.path);
      out = TRY(product(out, TRY(attribute(a, *m)), a.path));
    }
    if (c.time) {
      if (e.time_parameter.empty())
        return base::fail(errc::not_mapped, fmt::format("the mapping of {} takes no time restriction; remove it", to_string(e.key)),
                          c.path + ".timeRestriction");
      const birth_bounds bounds{.at_least = c.time->after, .after = {}, .at_most = c.time->before, .before = {}};
      for (auto& with : out) append_bounds(with, e.time_parameter, bounds);
    }
    return out;
  }

  result<alternatives> attribute(const attribute_filter& a, const attribute_mapping& m) {
    if (const auto* r = std::get_if<reference_filter>(&a.filter)) return references(*r, a, m);
    const auto filter = std::visit(
        [](const auto& f) -> value_filter {
          if constexpr (std::is_same_v<std::decay_t<decltype(f)>, reference_filter>) {
            return concept_filter{};
          } else {
            return f;
          }
        },
        a.filter);
    return at(a.path, value(m.type, m.parameter, m.composite_code, filter));
  }

  // A criterion in here has no reference filter itself: one level of recursion.
  result<alternatives> references(const reference_filter& r, const attribute_filter& a, const attribute_mapping& m) {
    if (m.type != value_type::reference)
      return base::fail(errc::not_mapped,
                        fmt::format("the attribute {} is mapped as {}, not as reference", to_string(m.key), to_string(m.type)), a.path);
    alternatives out;
    for (const auto& c : r.criteria) {
      for (const auto& code : TRY(expanded_codes(tree_, c))) {
        const auto* e = TRY(entry_for(map_, c, code));
        for (auto& with : TRY(parts(c, *e, code))) {
          if (with.empty())
            return base::fail(errc::unsupported,
                              fmt::format("a reference to any {} can't be searched for; add a filter to the criterion", e->resource_type),
                              c.path);
          for (auto& [name, value] : with) name = m.parameter + ":" + e->resource_type + "." + name;
          out.push_back(std::move(with));
          if (out.size() > limits_.searches) return too_many(c.path);
        }
      }
    }
    return out;
  }

  static std::string concept_value(value_type mapped, const std::optional<term_code>& component, const term_code& v) {
    if (mapped == value_type::composite_concept) return token(*component) + "$" + token(v);
    return mapped == value_type::code ? escaped(v.code) : token(v);
  }

  result<alternatives> value(value_type mapped, const std::string& name, const std::optional<term_code>& component,
                             const value_filter& filter) const {
    if (const auto* c = std::get_if<concept_filter>(&filter)) {
      if (mapped != value_type::concept_ && mapped != value_type::code && mapped != value_type::composite_concept)
        return base::fail(errc::not_mapped, fmt::format("a value mapped as {} can't be compared with concepts", to_string(mapped)));
      alternatives out;
      for (const auto& v : c->concepts) out.push_back({{name, concept_value(mapped, component, v)}});
      return out;
    }
    const auto* q = std::get_if<quantity_comparator_filter>(&filter);
    const auto* r = std::get_if<quantity_range_filter>(&filter);
    if (mapped == value_type::age) {
      alternatives out{{}};
      append_bounds(out[0], name,
                    q ? TRY(age_bounds(q->compare, q->value, q->unit, today_)) : TRY(age_bounds(r->low, r->high, r->unit, today_)));
      return out;
    }
    if (mapped != value_type::quantity && mapped != value_type::composite_quantity)
      return base::fail(errc::not_mapped, fmt::format("a value mapped as {} can't be compared with a quantity", to_string(mapped)));
    const auto before = mapped == value_type::composite_quantity ? token(*component) + "$" : std::string();
    const auto compared = [&](std::string_view prefix, double v) {
      return std::pair{name, before + quantity(prefix, v, q ? q->unit : r->unit)};
    };
    if (r) return alternatives{{compared("ge", r->low), compared("le", r->high)}};
    switch (q->compare) {
      case comparator::eq: return alternatives{{compared("ge", q->value), compared("le", q->value)}};
      case comparator::ne: return alternatives{{compared("lt", q->value)}, {compared("gt", q->value)}};
      case comparator::lt: return alternatives{{compared("lt", q->value)}};
      case comparator::le: return alternatives{{compared("le", q->value)}};
      case comparator::gt: return alternatives{{compared("gt", q->value)}};
      case comparator::ge: break;
    }
    return alternatives{{compared("ge", q->value)}};
  }

  result<alternatives> product(const alternatives& a, const alternatives& b, const std::string& path) const {
    if (a.size() * b.size() > limits_.searches) return too_many(path);
    alternatives out;
    out.reserve(a.size() * b.size());
    for (const auto& x : a)
      for (const auto& y : b) {
        out.push_back(x);
        out.back().insert(out.back().end(), y.begin(), y.end());
      }
    return out;
  }

  static result<alternatives> at(const std::string& path, result<alternatives> r) {
    if (!r) return base::failure(std::move(r).error().at(path));
    return r;
  }

  const mapping& map_;
  const ontology_tree& tree_;
  day today_;
  const search_plan_limits& limits_;
  std::size_t searches_ = 0;
};

}  // namespace

result<search_plan> plan_searches(const ccdl_query& query, const mapping& map, const ontology_tree& tree, day today,
                                  const search_plan_limits& limits) {
  if (query.inclusion.empty()) return base::fail(errc::query, "a query needs at least one inclusion criterion", "inclusionCriteria");
  translator translate(map, tree, today, limits);
  search_plan out;
  for (const auto& [from, to] : {std::pair{&query.inclusion, &out.inclusion}, std::pair{&query.exclusion, &out.exclusion}})
    for (const auto& group : *from) {
      if (group.empty()) return base::fail(errc::query, "a group of criteria must not be empty");
      to->emplace_back();
      for (const auto& c : group) to->back().push_back(TRY(translate.one(c)));
    }
  out.searches = translate.searches();
  return out;
}

}  // namespace dsf::privacy

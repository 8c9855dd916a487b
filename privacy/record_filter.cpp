#include <fmt/format.h>

#include <algorithm>

#include "privacy/record_filter_impl.hpp"

namespace dsf::privacy {
namespace {

using base::result;

// The first row from `at` on whose record is not before `record`: leaps that double, then a search between the last two.
template <class Row>
const Row* advance_to(const Row* at, const Row* end, std::uint32_t record) {
  if (at == end || at->record >= record) return at;
  std::ptrdiff_t leap = 1;
  while (leap < end - at && at[leap].record < record) {
    at += leap;
    leap *= 2;
  }
  return std::lower_bound(at + 1, at + std::min(leap, end - at), record, [](const Row& row, std::uint32_t r) { return row.record < r; });
}

// Keeps those records that have a row passing the test. Rows stand in the order of their records, so both lists are walked once.
template <class Row, class Test>
void keep(Roaring& records, const std::vector<Row>& rows, Test test) {
  std::vector<std::uint32_t> candidates(records.cardinality());
  records.toUint32Array(candidates.data());
  std::size_t kept = 0;
  const Row* at = rows.data();
  const Row* const end = at + rows.size();
  for (const auto record : candidates) {
    at = advance_to(at, end, record);
    if (at == end) break;
    bool found = false;
    for (; at != end && at->record == record; ++at) found = found || test(*at);
    if (found) candidates[kept++] = record;
  }
  records = Roaring(kept, candidates.data());
}

// Codings by number that one of the terms names.
class coding_set {
public:
  coding_set(const text_pool& codings, std::span<const term_code> terms, bool code_only) {
    for (const auto& t : terms)
      if (const auto n = codings.find(pair_text(code_only ? std::string_view{} : std::string_view(t.system), t.code)); n != UINT32_MAX)
        numbers_.push_back(n);
    std::ranges::sort(numbers_);
  }
  bool has(std::uint32_t n) const { return std::ranges::binary_search(numbers_, n); }
  const std::vector<std::uint32_t>& numbers() const { return numbers_; }

private:
  std::vector<std::uint32_t> numbers_;
};

bool holds(const quantity_comparator_filter& f, double v) {
  switch (f.compare) {
    case comparator::eq: return v == f.value;
    case comparator::ne: return v != f.value;
    case comparator::lt: return v < f.value;
    case comparator::le: return v <= f.value;
    case comparator::gt: return v > f.value;
    case comparator::ge: return v >= f.value;
  }
  return false;
}

}  // namespace

result<const search_parameter*> parameter_for(std::string_view type, std::string_view name) {
  const auto* p = find_parameter(type, name);
  if (!p) {
    std::string known;
    for (const auto& other : parameters_of(type)) known += (known.empty() ? "" : ", ") + std::string(other.name);
    return base::fail(
        errc::unsupported,
        fmt::format("the mapping names search parameter '{}' of {}, which is not indexed here; indexed are {}", name, type, known));
  }
  return p;
}

result<const search_parameter*> record_filter::of_kind(std::string_view parameter, std::initializer_list<parameter_kind> kinds) const {
  const auto* p = TRY(parameter_for(type_, parameter));
  if (std::ranges::find(kinds, p->kind) == kinds.end())
    return base::fail(
        errc::mapping,
        fmt::format("the search parameter '{}' of {} does not hold values of the mapped type; correct the mapping", parameter, type_));
  return p;
}

result<void> record_filter::concepts(value_type mapped, std::string_view parameter, const std::optional<term_code>& component,
                                     std::span<const term_code> any_of, Roaring& records) const {
  if (mapped == value_type::composite_concept) {
    const auto* p = TRY(of_kind(parameter, {parameter_kind::composite_token}));
    if (!table_) return {};
    const coding_set components(index_.codings, {&*component, 1}, false);
    const coding_set values(index_.codings, any_of, p->value_is_code);
    keep(records, table_->find(parameter)->component_tokens,
         [&](const component_token_row& row) { return components.has(row.code) && values.has(row.token); });
    return {};
  }
  if (mapped != value_type::concept_ && mapped != value_type::code)
    return base::fail(errc::not_mapped, fmt::format("a value mapped as {} can't be compared with concepts", to_string(mapped)));
  const auto* p = TRY(of_kind(parameter, {parameter_kind::token, parameter_kind::code}));
  if (!table_) return {};
  const auto& tokens = table_->find(parameter)->tokens;
  Roaring any;
  if (p->kind == parameter_kind::token && mapped == value_type::code) {
    // The mapping compares the code alone (domain 3.4, value type `code`): every coding of the column with that code.
    for (const auto& [coding, p2] : tokens) {
      const auto code = split_pair(index_.codings[coding]).second;
      if (std::ranges::any_of(any_of, [&](const term_code& t) { return t.code == code; })) any |= p2.records;
    }
  } else {
    const coding_set wanted(index_.codings, any_of, p->kind == parameter_kind::code);
    for (const auto n : wanted.numbers())
      if (const auto found = tokens.find(n); found != tokens.end()) any |= found->second.records;
  }
  records &= any;
  return {};
}

std::vector<bool> record_filter::units_matching(std::string_view unit) const {
  std::vector<bool> out(index_.units.size(), unit.empty());
  for (std::uint32_t i = 0; i < out.size() && !unit.empty(); ++i) {
    const auto [code, text] = split_pair(index_.units[i]);
    out[i] = code == unit || text == unit;
  }
  return out;
}

template <class Test>
result<void> record_filter::quantities(value_type mapped, std::string_view parameter, const std::optional<term_code>& component,
                                       std::string_view unit, Test test, Roaring& records) const {
  const auto units = units_matching(unit);
  if (mapped == value_type::composite_quantity) {
    TRY(of_kind(parameter, {parameter_kind::composite_quantity}));
    if (!table_) return {};
    const coding_set components(index_.codings, {&*component, 1}, false);
    keep(records, table_->find(parameter)->component_quantities,
         [&](const component_quantity_row& row) { return components.has(row.code) && units[row.unit] && test(row.value); });
    return {};
  }
  if (mapped != value_type::quantity)
    return base::fail(errc::not_mapped, fmt::format("a value mapped as {} can't be compared with a quantity", to_string(mapped)));
  TRY(of_kind(parameter, {parameter_kind::quantity}));
  if (table_)
    keep(records, table_->find(parameter)->quantities, [&](const quantity_row& row) { return units[row.unit] && test(row.value); });
  return {};
}

result<void> record_filter::dates(std::string_view parameter, const birth_bounds& bounds, Roaring& records) const {
  TRY(of_kind(parameter, {parameter_kind::date}));
  if (table_) keep(records, table_->find(parameter)->dates, [&](const date_row& row) { return bounds.hold(row.range); });
  return {};
}

result<void> record_filter::references(std::string_view parameter, std::span<const std::pair<std::uint32_t, Roaring>> targets,
                                       Roaring& records) const {
  TRY(of_kind(parameter, {parameter_kind::reference}));
  if (table_)
    keep(records, table_->find(parameter)->references, [&](const reference_row& row) {
      return std::ranges::any_of(targets, [&](const auto& t) { return t.first == row.table && t.second.contains(row.target); });
    });
  return {};
}

result<void> record_filter::value(value_type mapped, std::string_view parameter, const std::optional<term_code>& component,
                                  const value_filter& filter, day today, Roaring& records) const {
  if (const auto* c = std::get_if<concept_filter>(&filter)) return concepts(mapped, parameter, component, c->concepts, records);
  if (const auto* q = std::get_if<quantity_comparator_filter>(&filter)) {
    if (mapped == value_type::age) return dates(parameter, TRY(age_bounds(q->compare, q->value, q->unit, today)), records);
    return quantities(mapped, parameter, component, q->unit, [q](double v) { return holds(*q, v); }, records);
  }
  const auto& r = std::get<quantity_range_filter>(filter);
  if (mapped == value_type::age) return dates(parameter, TRY(age_bounds(r.low, r.high, r.unit, today)), records);
  return quantities(mapped, parameter, component, r.unit, [&r](double v) { return r.low <= v && v <= r.high; }, records);
}

}  // namespace dsf::privacy

#include "privacy/clinical_index.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "privacy/clinical_index_impl.hpp"

namespace dsf::privacy {

using base::result;

type_table& index_data::table(std::string_view type) {
  if (const auto n = table_number(type); n != UINT32_MAX) return tables[n];
  auto& out = tables.emplace_back();
  out.type = type;
  for (const auto& p : parameters_of(type)) out.columns.emplace_back().parameter = &p;
  return out;
}

clinical_index::clinical_index() : data_(std::make_unique<index_data>()) {}
clinical_index::~clinical_index() = default;
clinical_index::clinical_index(clinical_index&&) noexcept = default;
clinical_index& clinical_index::operator=(clinical_index&&) noexcept = default;

namespace {

void put_values(index_data& d, column& c, std::uint32_t record, std::uint32_t patient, const extracted& v) {
  const auto coding = [&](const token_value& t) {
    return d.codings.put(pair_text(c.parameter->kind == parameter_kind::code ? std::string_view{} : t.system, t.code));
  };
  const auto unit = [&](const quantity_value& q) { return d.units.put(pair_text(q.unit_code, q.unit_text)); };
  switch (c.parameter->kind) {
    case parameter_kind::token:
    case parameter_kind::code:
      for (const auto& t : v.tokens) {
        auto& p = c.tokens[coding(t)];
        p.records.add(record);
        if (patient != no_patient) p.patients.add(patient);
      }
      break;
    case parameter_kind::quantity:
      for (const auto& q : v.quantities) c.quantities.push_back({record, unit(q), q.value});
      break;
    case parameter_kind::date:
      for (const auto& r : v.dates) c.dates.push_back({record, r});
      break;
    case parameter_kind::reference:
      for (const auto& r : v.references) c.references.push_back({record, d.pending.put(pair_text(r.type, r.id)), 0});
      break;
    case parameter_kind::composite_quantity:
      for (std::size_t i = 0; i < v.codes.size(); ++i)
        c.component_quantities.push_back(
            {record, d.codings.put(pair_text(v.codes[i].system, v.codes[i].code)), unit(v.quantities[i]), v.quantities[i].value});
      break;
    case parameter_kind::composite_token:
      for (std::size_t i = 0; i < v.codes.size(); ++i)
        c.component_tokens.push_back({record, d.codings.put(pair_text(v.codes[i].system, v.codes[i].code)),
                                      d.codings.put(pair_text(v.tokens[i].system, v.tokens[i].code))});
      break;
  }
}

}  // namespace

result<void> clinical_index::add(const base::json& resource) {
  auto& d = *data_;
  if (d.sealed) return base::fail(errc::argument, "the index is sealed; build a new one");
  const auto& type = resource["resourceType"].str();
  const auto& id = resource["id"].str();
  if (type.empty() || id.empty()) return base::fail(errc::resource, "a resource needs a resourceType and an id");
  if (parameters_of(type).empty()) return {};
  auto& t = d.table(type);
  if (t.records() == UINT32_MAX - 1 || t.ids.size() + id.size() > UINT32_MAX)
    return base::fail(errc::limit, fmt::format("more than 4 billion bytes of {} ids don't fit into one index", type));
  // All parameters are read before the first is put, so that a resource that can't be read leaves nothing behind.
  std::vector<extracted> values(t.columns.size());
  for (std::size_t i = 0; i < t.columns.size(); ++i)
    if (auto ok = extract(*t.columns[i].parameter, resource, values[i]); !ok)
      return base::failure(std::move(ok).error().at(fmt::format("{}/{} ({})", type, id, t.columns[i].parameter->path)));

  const auto subject = patient_of(resource);
  const auto patient = subject.empty() ? no_patient : d.patients.put(subject);
  const auto record = t.records();
  t.patient.push_back(patient);
  t.ids += id;
  t.id_ends.push_back(static_cast<std::uint32_t>(t.ids.size()));
  for (std::size_t i = 0; i < t.columns.size(); ++i) put_values(d, t.columns[i], record, patient, values[i]);
  return {};
}

result<void> clinical_index::seal() {
  auto& d = *data_;
  if (d.sealed) return {};
  // Records of each type in the order of their ids: finds duplicates, and the targets of references.
  std::vector<std::vector<std::uint32_t>> by_id(d.tables.size());
  for (std::size_t n = 0; n < d.tables.size(); ++n) {
    const auto& t = d.tables[n];
    auto& order = by_id[n];
    order.resize(t.records());
    std::iota(order.begin(), order.end(), 0u);
    std::ranges::sort(order, {}, [&](std::uint32_t r) { return t.id(r); });
    const auto twice = std::ranges::adjacent_find(order, {}, [&](std::uint32_t r) { return t.id(r); });
    if (twice != order.end())
      return base::fail(errc::resource, fmt::format("{}/{} occurs twice; keep its newest version only", t.type, t.id(*twice)));
  }
  const auto target = [&](const std::string& pair) -> std::pair<std::uint32_t, std::uint32_t> {
    const auto [type, id] = split_pair(pair);
    const auto n = d.table_number(type);
    if (n == UINT32_MAX) return {UINT32_MAX, 0};
    const auto& t = d.tables[n];
    const auto found = std::ranges::lower_bound(by_id[n], id, {}, [&](std::uint32_t r) { return t.id(r); });
    if (found == by_id[n].end() || t.id(*found) != id) return {UINT32_MAX, 0};
    return {n, *found};
  };
  for (auto& t : d.tables) {
    for (auto& c : t.columns) {
      for (auto& r : c.references) std::tie(r.table, r.target) = target(d.pending[r.table]);
      // A reference to a resource that is not here can't fulfil any criterion.
      std::erase_if(c.references, [](const reference_row& r) { return r.table == UINT32_MAX; });
      for (auto& [code, p] : c.tokens) {
        p.records.runOptimize();
        p.records.shrinkToFit();
        p.patients.runOptimize();
        p.patients.shrinkToFit();
      }
      c.quantities.shrink_to_fit();
      c.dates.shrink_to_fit();
      c.references.shrink_to_fit();
      c.component_quantities.shrink_to_fit();
      c.component_tokens.shrink_to_fit();
    }
    t.patient.shrink_to_fit();
  }
  for (auto& t : d.tables) {
    t.ids = {};
    t.id_ends = {};
  }
  d.pending = {};
  d.sealed = true;
  return {};
}

std::uint32_t clinical_index::patients() const { return data_->patients.size(); }
std::uint64_t clinical_index::resources() const {
  std::uint64_t n = 0;
  for (const auto& t : data_->tables) n += t.records();
  return n;
}
std::string_view clinical_index::patient_id(std::uint32_t ordinal) const { return data_->patients[ordinal]; }

std::size_t clinical_index::memory_bytes() const {
  const auto& d = *data_;
  std::size_t n = d.patients.memory_bytes() + d.codings.memory_bytes() + d.units.memory_bytes() + d.pending.memory_bytes();
  for (const auto& t : d.tables) {
    n += t.patient.capacity() * 4 + t.ids.capacity() + t.id_ends.capacity() * 4;
    for (const auto& c : t.columns) {
      n += sizeof(column) + c.quantities.capacity() * sizeof(quantity_row) + c.dates.capacity() * sizeof(date_row) +
           c.references.capacity() * sizeof(reference_row) + c.component_quantities.capacity() * sizeof(component_quantity_row) +
           c.component_tokens.capacity() * sizeof(component_token_row);
      for (const auto& [code, p] : c.tokens) n += 64 + p.records.getSizeInBytes() + p.patients.getSizeInBytes() + 2 * sizeof(Roaring);
    }
  }
  return n;
}

}  // namespace dsf::privacy

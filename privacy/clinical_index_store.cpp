// The index as bytes, so that a repository can keep it and a restart need not read all resources again.
#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "privacy/clinical_index.hpp"
#include "privacy/clinical_index_impl.hpp"

namespace dsf::privacy {
namespace {

using base::byte_reader;
using base::result;

// Raised with every change of the layout below or of the search parameter table.
constexpr std::string_view magic = "DSFCI\x01";

void put_varint(std::string& out, std::uint64_t v) {
  while (v >= 0x80) {
    out.push_back(static_cast<char>(v | 0x80));
    v >>= 7;
  }
  out.push_back(static_cast<char>(v));
}
std::uint64_t read_varint(byte_reader& in) {
  std::uint64_t v = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    const auto b = in.u8();
    v |= static_cast<std::uint64_t>(b & 0x7f) << shift;
    if (b < 0x80) return v;
  }
  in.take(std::size_t(-1));  // ends the reader: no such number was written
  return 0;
}
void put_text(std::string& out, std::string_view text) {
  put_varint(out, text.size());
  out += text;
}
std::string_view read_text(byte_reader& in) { return in.take(read_varint(in)); }

void put_double(std::string& out, double v) { base::put_u64(out, std::bit_cast<std::uint64_t>(v)); }
double read_double(byte_reader& in) { return std::bit_cast<double>(in.u64()); }

void put_set(std::string& out, const Roaring& set) {
  put_varint(out, set.cardinality());
  std::uint32_t last = 0;
  for (const auto v : set) {
    put_varint(out, v - last);
    last = v;
  }
}
// Numbers below `bound`; null when they are not.
bool read_set(byte_reader& in, std::uint64_t bound, Roaring& into) {
  const auto n = read_varint(in);
  if (n > bound || n > in.rest().size()) return false;
  std::vector<std::uint32_t> values(n);
  std::uint64_t last = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const auto delta = read_varint(in);
    last += delta;
    if (!in.ok() || delta > bound || last >= bound || (i > 0 && delta == 0)) return false;
    values[i] = static_cast<std::uint32_t>(last);
  }
  into = Roaring(values.size(), values.data());
  into.runOptimize();
  into.shrinkToFit();
  return true;
}

void put_pool(std::string& out, const text_pool& pool) {
  put_varint(out, pool.size());
  for (std::uint32_t i = 0; i < pool.size(); ++i) put_text(out, pool[i]);
}
bool read_pool(byte_reader& in, text_pool& pool) {
  const auto n = read_varint(in);
  for (std::uint64_t i = 0; i < n && in.ok(); ++i)
    if (pool.put(read_text(in)) != i) return false;
  return in.ok();
}

// Rows in the order of their records, so that the numbers are small.
template <class Row, class Put>
void put_rows(std::string& out, const std::vector<Row>& rows, Put put) {
  put_varint(out, rows.size());
  std::uint32_t last = 0;
  for (const auto& r : rows) {
    put_varint(out, r.record - last);
    last = r.record;
    put(r);
  }
}
template <class Row, class Read>
bool read_rows(byte_reader& in, std::uint32_t records, std::vector<Row>& rows, Read read) {
  const auto n = read_varint(in);
  if (n > in.rest().size()) return false;
  rows.resize(n);
  std::uint64_t last = 0;
  for (auto& r : rows) {
    last += read_varint(in);
    if (!in.ok() || last >= records || !read(r)) return false;
    r.record = static_cast<std::uint32_t>(last);
  }
  return in.ok();
}

void put_column(std::string& out, const column& c) {
  std::vector<std::uint32_t> codes;
  for (const auto& [code, p] : c.tokens) codes.push_back(code);
  std::ranges::sort(codes);  // equal indexes give equal bytes
  put_varint(out, codes.size());
  for (const auto code : codes) {
    put_varint(out, code);
    put_set(out, c.tokens.at(code).records);
    put_set(out, c.tokens.at(code).patients);
  }
  put_rows(out, c.quantities, [&](const quantity_row& r) {
    put_varint(out, r.unit);
    put_double(out, r.value);
  });
  put_rows(out, c.dates, [&](const date_row& r) {
    base::put_u32(out, static_cast<std::uint32_t>(r.range.first.number));
    base::put_u32(out, static_cast<std::uint32_t>(r.range.last.number));
  });
  put_rows(out, c.references, [&](const reference_row& r) {
    put_varint(out, r.table);
    put_varint(out, r.target);
  });
  put_rows(out, c.component_quantities, [&](const component_quantity_row& r) {
    put_varint(out, r.code);
    put_varint(out, r.unit);
    put_double(out, r.value);
  });
  put_rows(out, c.component_tokens, [&](const component_token_row& r) {
    put_varint(out, r.code);
    put_varint(out, r.token);
  });
}

class column_reader {
public:
  column_reader(byte_reader& in, const index_data& d) : in_(in), d_(d) {}

  bool read(column& c, std::uint32_t records) {
    const auto codes = read_varint(in_);
    for (std::uint64_t i = 0; i < codes; ++i) {
      std::uint32_t code = 0;
      if (!number(code, d_.codings.size())) return false;
      auto& p = c.tokens[code];
      if (!read_set(in_, records, p.records) || !read_set(in_, d_.patients.size(), p.patients)) return false;
    }
    return read_rows(in_, records, c.quantities,
                     [&](quantity_row& r) {
                       const bool ok = number(r.unit, d_.units.size());
                       r.value = read_double(in_);
                       return ok;
                     }) &&
           read_rows(in_, records, c.dates,
                     [&](date_row& r) {
                       r.range.first.number = static_cast<std::int32_t>(in_.u32());
                       r.range.last.number = static_cast<std::int32_t>(in_.u32());
                       return true;
                     }) &&
           read_rows(in_, records, c.references,
                     [&](reference_row& r) { return number(r.table, UINT32_MAX) && number(r.target, UINT32_MAX); }) &&
           read_rows(in_, records, c.component_quantities,
                     [&](component_quantity_row& r) {
                       const bool ok = number(r.code, d_.codings.size()) && number(r.unit, d_.units.size());
                       r.value = read_double(in_);
                       return ok;
                     }) &&
           read_rows(in_, records, c.component_tokens,
                     [&](component_token_row& r) { return number(r.code, d_.codings.size()) && number(r.token, d_.codings.size()); });
  }

private:
  bool number(std::uint32_t& into, std::uint64_t bound) {
    const auto v = read_varint(in_);
    into = static_cast<std::uint32_t>(v);
    return in_.ok() && v < bound;
  }
  byte_reader& in_;
  const index_data& d_;
};

bool read_tables(byte_reader& in, index_data& d) {
  const auto n = read_varint(in);
  for (std::uint64_t i = 0; i < n; ++i) {
    const auto type = read_text(in);
    if (!in.ok() || parameters_of(type).empty() || d.table_number(type) != UINT32_MAX) return false;
    auto& t = d.table(type);
    const auto records = read_varint(in);
    if (!in.ok() || records > in.rest().size()) return false;
    t.patient.reserve(records);
    for (std::uint64_t r = 0; r < records; ++r) {
      const auto p = read_varint(in);  // 0: no patient
      if (!in.ok() || p > d.patients.size()) return false;
      t.patient.push_back(p == 0 ? no_patient : static_cast<std::uint32_t>(p - 1));
    }
    if (read_varint(in) != t.columns.size()) return false;
    for (auto& c : t.columns)
      if (!column_reader(in, d).read(c, t.records())) return false;
  }
  return in.at_end();
}

}  // namespace

std::string clinical_index::serialize() const {
  const auto& d = *data_;
  std::string out{magic};
  put_pool(out, d.patients);
  put_pool(out, d.codings);
  put_pool(out, d.units);
  put_varint(out, d.tables.size());
  for (const auto& t : d.tables) {
    put_text(out, t.type);
    put_varint(out, t.records());
    for (const auto p : t.patient) put_varint(out, p == no_patient ? 0 : std::uint64_t(p) + 1);
    put_varint(out, t.columns.size());
    for (const auto& c : t.columns) put_column(out, c);
  }
  return out;
}

result<clinical_index> clinical_index::deserialize(std::string_view bytes) {
  byte_reader in(bytes);
  if (in.take(magic.size()) != magic) return base::fail(errc::corrupt, "the stored index has another format; it must be built again");
  clinical_index out;
  auto& d = *out.data_;
  if (!read_pool(in, d.patients) || !read_pool(in, d.codings) || !read_pool(in, d.units) || !read_tables(in, d))
    return base::fail(errc::corrupt, "the stored index is damaged; it must be built again");
  d.sealed = true;
  return out;
}

}  // namespace dsf::privacy

// The columns of a clinical index. Private to privacy/.
#pragma once

#include <cstdint>
#include <deque>
#include <roaring/roaring.hh>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/bytes.hpp"
#include "privacy/calendar.hpp"
#include "privacy/search_parameters.hpp"

namespace dsf::privacy {

using ::Roaring;

inline constexpr std::uint32_t no_patient = UINT32_MAX;

// Texts under dense numbers.
class text_pool {
public:
  std::uint32_t put(std::string_view text) {
    if (const auto found = numbers_.find(text); found != numbers_.end()) return found->second;
    const auto n = static_cast<std::uint32_t>(texts_.size());
    texts_.emplace_back(text);
    numbers_.emplace(texts_.back(), n);
    return n;
  }
  std::uint32_t find(std::string_view text) const {
    const auto found = numbers_.find(text);
    return found == numbers_.end() ? UINT32_MAX : found->second;
  }
  const std::string& operator[](std::uint32_t n) const { return texts_[n]; }
  std::uint32_t size() const { return static_cast<std::uint32_t>(texts_.size()); }
  std::size_t memory_bytes() const {
    std::size_t n = numbers_.size() * 56;
    for (const auto& t : texts_) n += sizeof(std::string) + (t.size() > 15 ? t.size() + 1 : 0);
    return n;
  }

private:
  std::deque<std::string> texts_;  // stays where it is, so that the views in numbers_ hold
  std::unordered_map<std::string_view, std::uint32_t> numbers_;
};

// Two texts as one, without ambiguity.
inline std::string pair_text(std::string_view first, std::string_view second) {
  std::string out;
  out.reserve(4 + first.size() + second.size());
  base::put_u32(out, static_cast<std::uint32_t>(first.size()));
  out += first;
  out += second;
  return out;
}
inline std::pair<std::string_view, std::string_view> split_pair(std::string_view pair) {
  base::byte_reader in(pair);
  const auto first = in.take(in.u32());
  return {first, in.rest()};
}

struct postings {
  Roaring records;
  Roaring patients;
};
struct quantity_row {
  std::uint32_t record;
  std::uint32_t unit;
  double value;
};
struct date_row {
  std::uint32_t record;
  day_range range;
};
struct reference_row {
  std::uint32_t record;
  std::uint32_t table;   // before seal(): number in index_data::pending
  std::uint32_t target;  // record in that table
};
struct component_quantity_row {
  std::uint32_t record;
  std::uint32_t code;
  std::uint32_t unit;
  double value;
};
struct component_token_row {
  std::uint32_t record;
  std::uint32_t code;
  std::uint32_t token;
};

// The values of one search parameter; rows are in the order of their records.
struct column {
  const search_parameter* parameter = nullptr;
  std::unordered_map<std::uint32_t, postings> tokens;  // by coding
  std::vector<quantity_row> quantities;
  std::vector<date_row> dates;
  std::vector<reference_row> references;
  std::vector<component_quantity_row> component_quantities;
  std::vector<component_token_row> component_tokens;
};

// The resources of one type.
struct type_table {
  std::string type;
  std::vector<std::uint32_t> patient;  // by record
  std::vector<column> columns;         // as parameters_of(type)
  // Until seal(): the ids by record, one after the other.
  std::string ids;
  std::vector<std::uint32_t> id_ends;

  std::uint32_t records() const { return static_cast<std::uint32_t>(patient.size()); }
  std::string_view id(std::uint32_t record) const {
    const auto from = record == 0 ? 0 : id_ends[record - 1];
    return std::string_view(ids).substr(from, id_ends[record] - from);
  }
  const column* find(std::string_view parameter) const {
    for (const auto& c : columns)
      if (c.parameter->name == parameter) return &c;
    return nullptr;
  }
};

struct index_data {
  std::deque<type_table> tables;
  text_pool patients;
  text_pool codings;  // pair_text(system, code)
  text_pool units;    // pair_text(code, text)
  text_pool pending;  // pair_text(type, id) of reference targets, until seal()
  bool sealed = false;

  std::uint32_t table_number(std::string_view type) const {
    for (std::uint32_t i = 0; i < tables.size(); ++i)
      if (tables[i].type == type) return i;
    return UINT32_MAX;
  }
  type_table& table(std::string_view type);
};

}  // namespace dsf::privacy

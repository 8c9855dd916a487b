// Clinical Cohort Definition Language, version 2: a query as a value, and its reader (domain 3.4).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/json.hpp"
#include "privacy/calendar.hpp"
#include "privacy/error.hpp"
#include "privacy/term_code.hpp"

namespace dsf::privacy {

struct criterion;

enum class comparator : std::uint8_t { eq, ne, lt, le, gt, ge };

struct concept_filter {
  std::vector<term_code> concepts;  // OR; never empty
};
// `unit` is a UCUM code, or empty when the query names none.
struct quantity_comparator_filter {
  comparator compare = comparator::eq;
  double value = 0;
  std::string unit;
};
struct quantity_range_filter {
  double low = 0;
  double high = 0;  // both inclusive
  std::string unit;
};
using value_filter = std::variant<concept_filter, quantity_comparator_filter, quantity_range_filter>;

struct reference_filter {
  std::vector<criterion> criteria;  // OR; never empty; none of them has a reference filter itself
};
struct attribute_filter {
  term_code attribute;
  std::variant<concept_filter, quantity_comparator_filter, quantity_range_filter, reference_filter> filter;
  std::string path;  // where it stands in the document
};

// Inclusive; at least one of the two.
struct time_restriction {
  std::optional<day> after;
  std::optional<day> before;
};

struct criterion {
  term_code context;
  std::vector<term_code> term_codes;  // OR; never empty
  std::optional<value_filter> value;
  std::vector<attribute_filter> attributes;  // AND
  std::optional<time_restriction> time;
  std::string path;
};

struct ccdl_query {
  std::string display;
  std::vector<std::vector<criterion>> inclusion;  // AND of ORs; never empty
  std::vector<std::vector<criterion>> exclusion;  // OR of ANDs
};

struct ccdl_limits {
  std::size_t document_bytes = 1 << 20;
  std::size_t groups = 1'000;              // a list of groups
  std::size_t criteria = 1'000;            // a group, or a reference filter
  std::size_t criteria_in_all = 10'000;
  std::size_t codes = 10'000;              // term codes or concepts of one criterion
  std::size_t attributes = 100;            // attribute filters of one criterion
};

// Enforces the published JSON schema; members it does not name are ignored, as the schema allows. One leniency: a document without
// `version` is read as version 2, because queries written before version 2 was named have none.
base::result<ccdl_query> ccdl_from_json(const base::json& document, const ccdl_limits& limits = {});
base::result<ccdl_query> parse_ccdl(std::string_view text, const ccdl_limits& limits = {});

}  // namespace dsf::privacy

// Which versions a history shows, and how many there are (dsf-fhir-server 3.8). Private to the interactions.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "fhir/semantics/interactions/operations.hpp"

namespace dsf::fhir {

struct history_query {
  std::int64_t page = 1, count = 20;
  std::optional<std::int64_t> since_us;
  std::vector<search_condition> at;
  std::vector<search_error> errors;
  query_list shown;  // _at and _since as given, for links
  std::string format, pretty, summary;
  [[nodiscard]] bool includes(base::timestamp last_updated) const;
};

struct history_page {
  std::int64_t total = 0;  // of all pages
  std::vector<stored_resource> rows;  // of this page, oldest first
};

// All versions of these types that the caller may see, merged by time.
op_result<history_page> history_of_types(const op_scope& scope, const std::vector<std::string_view>& types, const history_query& query);
op_result<history_page> history_of_resource(const op_scope& scope, std::string_view type, base::uuid id, const history_query& query);

}  // namespace dsf::fhir

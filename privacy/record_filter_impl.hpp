// Narrows a set of records of one type by the values of a search parameter. Private to privacy/.
#pragma once

#include <span>
#include <utility>

#include "privacy/clinical_index_impl.hpp"
#include "privacy/cohort.hpp"

namespace dsf::privacy {

// The parameter of a type, or why a criterion on it can't be evaluated.
base::result<const search_parameter*> parameter_for(std::string_view type, std::string_view name);

class record_filter {
public:
  // `table` is null when no resource of the type is there; the checks are made all the same.
  record_filter(const index_data& index, std::string_view type, const type_table* table) : index_(index), type_(type), table_(table) {}

  base::result<void> value(value_type mapped, std::string_view parameter, const std::optional<term_code>& component,
                           const value_filter& filter, day today, Roaring& records) const;
  base::result<void> concepts(value_type mapped, std::string_view parameter, const std::optional<term_code>& component,
                              std::span<const term_code> any_of, Roaring& records) const;
  base::result<void> dates(std::string_view parameter, const birth_bounds& bounds, Roaring& records) const;
  // Keeps records with a reference into one of the sets, which are records of a table.
  base::result<void> references(std::string_view parameter, std::span<const std::pair<std::uint32_t, Roaring>> targets,
                                Roaring& records) const;

private:
  template <class Test>
  base::result<void> quantities(value_type mapped, std::string_view parameter, const std::optional<term_code>& component,
                                std::string_view unit, Test test, Roaring& records) const;
  std::vector<bool> units_matching(std::string_view unit) const;
  base::result<const search_parameter*> of_kind(std::string_view parameter, std::initializer_list<parameter_kind> kinds) const;

  const index_data& index_;
  std::string_view type_;
  const type_table* table_;
};

}  // namespace dsf::privacy

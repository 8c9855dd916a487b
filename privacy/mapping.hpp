// How a term code of a query is looked up in FHIR: the mapping and ontology tree files of the FLARE evaluator (domain 3.4).
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/json.hpp"
#include "privacy/error.hpp"
#include "privacy/term_code.hpp"

namespace dsf::privacy {

// What kind of value stands behind a search parameter.
enum class value_type : std::uint8_t { concept_, code, quantity, date, reference, composite_quantity, composite_concept, age };
std::string_view to_string(value_type t) noexcept;

struct attribute_mapping {
  value_type type = value_type::concept_;
  term_code key;
  std::string parameter;
  std::optional<term_code> composite_code;  // set for the composite types
};

// A condition on every resource of the entry, whatever the query says; one of `values` must hold.
struct fixed_criterion {
  value_type type = value_type::code;  // code, concept or composite-concept
  std::string parameter;
  std::vector<term_code> values;
  std::optional<term_code> composite_code;
};

struct mapping_entry {
  term_code context;
  term_code key;
  std::string resource_type;
  std::string term_code_parameter;  // empty: the resource type alone is meant
  std::string value_parameter;      // empty: takes no value filter
  value_type type = value_type::concept_;
  std::optional<term_code> composite_code;  // composite types: the component; the key itself unless the file says otherwise
  std::vector<fixed_criterion> fixed;
  std::vector<attribute_mapping> attributes;
  std::string time_parameter;  // empty: takes no time restriction

  const attribute_mapping* attribute(const term_code& code) const;
};

inline constexpr std::size_t max_mapping_entries = 1'000'000;
inline constexpr std::size_t max_expanded_codes = 100'000;

// Found by system and code of context and key; versions and displays don't count.
class mapping {
public:
  static base::result<mapping> from_json(const base::json& document);
  static base::result<mapping> parse(std::string_view text);

  const mapping_entry* find(const term_code& context, const term_code& key) const;
  const std::vector<mapping_entry>& entries() const { return entries_; }

private:
  std::vector<mapping_entry> entries_;
  std::unordered_map<std::string, std::size_t> by_key_;
};

class ontology_tree {
public:
  static base::result<ontology_tree> from_json(const base::json& document);
  static base::result<ontology_tree> parse(std::string_view text);

  // The code itself and all its descendants, each once; empty when the tree does not know the code in this context.
  std::vector<term_code> expand(const term_code& context, const term_code& code) const;
  std::size_t size() const;

private:
  struct node {
    std::string code;
    std::vector<std::uint32_t> children;
  };
  struct module {
    std::vector<node> nodes;
    std::unordered_map<std::string, std::uint32_t> by_code;
  };
  std::unordered_map<std::string, module> modules_;  // by context and system
};

}  // namespace dsf::privacy

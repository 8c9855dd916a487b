#include "privacy/criterion_codes.hpp"

#include <fmt/format.h>

#include <iterator>

#include "privacy/error.hpp"

namespace dsf::privacy {

base::result<std::vector<term_code>> expanded_codes(const ontology_tree& tree, const criterion& c) {
  std::vector<term_code> out;
  for (const auto& code : c.term_codes) {
    auto codes = tree.expand(c.context, code);
    if (codes.empty())
      return base::fail(
          errc::not_mapped,
          fmt::format("the ontology tree does not know {} in context {}; load a tree that has it", to_string(code), to_string(c.context)),
          c.path);
    out.insert(out.end(), std::make_move_iterator(codes.begin()), std::make_move_iterator(codes.end()));
    if (out.size() > max_expanded_codes)
      return base::fail(errc::limit, fmt::format("the term codes have more than {} descendants; choose narrower ones", max_expanded_codes),
                        c.path);
  }
  return out;
}

base::result<const mapping_entry*> entry_for(const mapping& map, const criterion& c, const term_code& code) {
  const auto* entry = map.find(c.context, code);
  if (!entry)
    return base::fail(errc::not_mapped,
                      fmt::format("the mapping has no entry for {} in context {}; load a mapping that fits the ontology tree",
                                  to_string(code), to_string(c.context)),
                      c.path);
  return entry;
}

}  // namespace dsf::privacy

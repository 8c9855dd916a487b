// What searches understand beyond DSF (docs/decisions/beyond-dsf.md): the comma as OR, one-hop chains, _has. Only for GET /T and POST /T/_search: the
// conditions of interactions and Subscription.criteria stay DSF's, whose matches no access filter limits.
#pragma once

#include "fhir/semantics/search/condition.hpp"

namespace dsf::fhir {

// As make_condition, and besides: `a,b`, `reference[:Type].name`, `_has:Type:reference:name`.
std::variant<std::monostate, search_condition, condition_fault> make_extended_condition(std::string_view type, std::string_view name,
                                                                                        std::string_view value, std::string_view base_url,
                                                                                        int zone_offset_minutes);

}  // namespace dsf::fhir

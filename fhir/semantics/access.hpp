// Who may read a version of a resource (dsf-fhir-server 1.6, and the read rules of 1.7.2 and 1.7.3). A version carries its *access class*, a short
// canonical text made of its tags or, for Tasks and QuestionnaireResponses, of the facts their rules look at. Equal class and equal identity
// give equal decisions as long as the allow-list stays the same, so decisions can be cached.
//
// Forms: "" nobody; "ALL"; "LOCAL" and lines "ORGANIZATION <identifier>", "ROLE <parent> <system> <code>"; "TASK <requester system> <requester value>
// <recipient value> <draft?>"; "RESPONSE" and lines "PRACTITIONER <value>", "PRACTITIONER-ROLE <system> <code>"; "CONTEXT <Type/id>". Parts are
// percent-encoded.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/json.hpp"
#include "fhir/semantics/conformance_cache.hpp"
#include "fhir/semantics/directory.hpp"
#include "fhir/semantics/identity.hpp"
#include "fhir/semantics/view.hpp"

namespace dsf::fhir {

// Canonical: the order of tags and repeated tags make no difference. `base_url` and the allow-list resolve literal requesters and recipients of Tasks.
std::string access_class_of(const base::json& resource, const directory& allow_list, std::string_view base_url);

// Nothing if the tags are valid; else what is wrong, for the log. With null pointers only the structure is checked (profile `meta`).
std::optional<std::string> read_access_tag_fault(const base::json& resource, const directory* allow_list,
                                                 const conformance_cache* conformance);

// `for_search`: the row filter of search and history instead of the read rule; they differ for QuestionnaireResponses only.
bool may_read_class(std::string_view access_class, const identity& who, const directory& allow_list, const resource_view& view,
                    bool for_search = false);
// Role and class: the read decision for one version.
bool may_read(const stored_resource& stored, const identity& who, const directory& allow_list, const resource_view& view);
// A search or history row is visible.
bool may_find(const stored_resource& stored, const identity& who, const directory& allow_list, const resource_view& view);

}  // namespace dsf::fhir

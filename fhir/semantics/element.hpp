// Small readers of FHIR elements in a JSON value.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "base/uuid.hpp"
#include "fhir/semantics/identity.hpp"

namespace dsf::fhir {

// Values of identifiers with this system, from an Identifier or a list of them.
std::vector<std::string> identifier_values(const base::json& identifiers, std::string_view system);
// The extensions with this url.
std::vector<const base::json*> extensions(const base::json& element, std::string_view url);
code_in_system coding_of(const base::json& coding);
bool is_blank(std::string_view text);

// The id of "Type/id", "<base_url>/Type/id" or either with /_history/v; nothing for another type or server.
std::optional<base::uuid> internal_target(std::string_view reference, std::string_view type, std::string_view base_url);

// Values (valueString) of Task inputs whose type has this bpmn-message code.
std::vector<std::string> message_inputs(const base::json& task, std::string_view code);

// "url" and "version" of "url|version"; the version may be empty.
std::pair<std::string_view, std::string_view> split_canonical(std::string_view canonical);

}  // namespace dsf::fhir

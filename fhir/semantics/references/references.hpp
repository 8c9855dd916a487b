// References between resources (dsf-fhir-server 4.1 to 4.3).
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/json.hpp"
#include "base/result.hpp"
#include "fhir/semantics/interaction.hpp"

namespace dsf::fhir {

enum class reference_kind : std::uint8_t { temporary, literal_internal, literal_external, conditional, logical, unknown };

// An element of a type's table (4.2) that refers to something.
struct found_reference {
  base::json* element = nullptr;   // Reference, or the url of an Attachment or RelatedArtifact
  std::string path;                // "Task.restriction.recipient"
  std::string_view targets;        // permitted types separated by blanks; empty: any
  bool is_url = false;             // Attachment.url, RelatedArtifact.url
  [[nodiscard]] const std::string& text() const { return is_url ? element->str() : (*element)["reference"].str(); }
};

// All references of the resource, also those in extensions. Pointers into `resource`.
std::vector<found_reference> find_references(base::json& resource);

struct literal_reference {
  std::string base;                // empty: internal
  std::string type, id, version;
};
// [base/]Type/id[/_history/v]; an own base counts as internal.
std::optional<literal_reference> parse_literal(std::string_view reference, std::string_view base_url);
reference_kind classify(const found_reference& r, std::string_view base_url);

// Relative literal urls of Attachments and RelatedArtifacts become absolute (3.4, create step 1).
void make_urls_absolute(base::json& resource, std::string_view base_url);

// "urn:uuid:..." -> "Type/id"
using temporary_ids = std::unordered_map<std::string, std::string>;
// Rewrites temporary references everywhere; those that are not in the table stay.
void replace_temporary(base::json& resource, const temporary_ids& ids, std::string_view base_url);

struct reference_scope {
  const resource_view& view;
  const directory& allow_list;
  const process_authorizations& processes;
  const endpoint_config& config;
  const conformance_cache& conformance;
  std::optional<std::size_t> bundle_index;  // conditional references are resolved in bundles only
};

// What is wrong with one reference, as the client is told (403, processing); nothing: all good.
using reference_fault = std::optional<std::string>;

// Puts literals beside logical references that must resolve, and in place of conditional ones.
base::result<reference_fault> resolve_references(base::json& resource, std::string_view id, const reference_scope& scope);
// Targets exist and are of a permitted type; canonicals give one hit. `external` gets what is to be asked elsewhere.
base::result<reference_fault> check_references(base::json& resource, std::string_view id, const reference_scope& scope,
                                               std::vector<external_reference>& external);

// Takes `reference` out where `identifier` stands beside it: the stored and served form (4.3).
void clean_references(base::json& resource);

}  // namespace dsf::fhir

#include "fhir/semantics/process_authorization.hpp"

#include <algorithm>
#include <array>

#include "base/mutant.hpp"
#include "fhir/semantics/element.hpp"
#include "fhir/semantics/names.hpp"

namespace dsf::fhir {
namespace {

constexpr std::size_t max_definitions = 100'000;

struct shape {
  std::string_view code;
  authorization_code value;
  bool as_recipient;
  std::string_view extension;  // suffix below the StructureDefinition base; empty: none needed
};

// dsf-fhir-server 1.8, the nine codes
constexpr std::array<shape, 9> shapes = {{
    {"LOCAL_ALL", authorization_code::local_all, true, ""},
    {"LOCAL_ALL_PRACTITIONER", authorization_code::local_all_practitioner, false, "extension-process-authorization-practitioner"},
    {"LOCAL_ORGANIZATION", authorization_code::local_organization, true, "extension-process-authorization-organization"},
    {"LOCAL_ORGANIZATION_PRACTITIONER", authorization_code::local_organization_practitioner, false,
     "extension-process-authorization-organization-practitioner"},
    {"LOCAL_ROLE", authorization_code::local_role, true, "extension-process-authorization-parent-organization-role"},
    {"LOCAL_ROLE_PRACTITIONER", authorization_code::local_role_practitioner, false,
     "extension-process-authorization-parent-organization-role-practitioner"},
    {"REMOTE_ALL", authorization_code::remote_all, false, ""},
    {"REMOTE_ORGANIZATION", authorization_code::remote_organization, false, "extension-process-authorization-organization"},
    {"REMOTE_ROLE", authorization_code::remote_role, false, "extension-process-authorization-parent-organization-role"},
}};

const base::json* only_extension(const base::json& element, std::string_view url) {
  const auto found = extensions(element, url);
  return found.size() == 1 ? found.front() : nullptr;
}

// The value of an organisation identifier, or nothing.
std::optional<std::string> organization_identifier(const base::json* extension) {
  if (!extension) return {};
  const auto& identifier = (*extension)["valueIdentifier"];
  if (identifier["system"].str() != names::organization_sid || identifier["value"].str().empty()) return {};
  return identifier["value"].str();
}

std::optional<code_in_system> complete_coding(const base::json* extension) {
  if (!extension) return {};
  auto coding = coding_of((*extension)["valueCoding"]);
  if (coding.system.empty() || coding.code.empty()) return {};
  return coding;
}

// Reads the parts that the code's extension must have; false if one is missing.
bool read_parts(const base::json& e, authorization_coding& out) {
  const auto organization = [&](const base::json* from, std::string& to) {
    auto value = organization_identifier(from);
    if (value) to = std::move(*value);
    return !to.empty();
  };
  const auto role = [&](const base::json* from, code_in_system& to) {
    auto value = complete_coding(from);
    if (value) to = std::move(*value);
    return !to.code.empty();
  };
  switch (out.code) {
    case authorization_code::local_all:
    case authorization_code::remote_all: return true;
    case authorization_code::local_all_practitioner: return role(&e, out.practitioner_role);
    case authorization_code::local_organization:
    case authorization_code::remote_organization: return organization(&e, out.organization);
    case authorization_code::local_organization_practitioner:
      return organization(only_extension(e, "organization"), out.organization) &&
             role(only_extension(e, "practitioner-role"), out.practitioner_role);
    case authorization_code::local_role:
    case authorization_code::remote_role:
      return organization(only_extension(e, "parent-organization"), out.parent) && role(only_extension(e, "organization-role"), out.role);
    case authorization_code::local_role_practitioner:
      return organization(only_extension(e, "parent-organization"), out.parent) && role(only_extension(e, "organization-role"), out.role) &&
             role(only_extension(e, "practitioner-role"), out.practitioner_role);
  }
  return false;
}

bool needs_remote(authorization_code c) {
  return c == authorization_code::remote_all || c == authorization_code::remote_organization || c == authorization_code::remote_role;
}
bool needs_practitioner(authorization_code c) {
  return c == authorization_code::local_all_practitioner || c == authorization_code::local_organization_practitioner ||
         c == authorization_code::local_role_practitioner;
}

// dsf-fhir-server 1.8, "Matching an identity against a coding"
bool matches(const authorization_coding& coding, const identity& who, const directory& allow_list) {
  const auto* organization = allow_list.organization(who.organization_id);
  if (!organization || (!organization->active && !DSF_MUTANT("fhir.inactive_organization_matches"))) return false;
  if (needs_remote(coding.code) == who.local) return false;
  if (needs_practitioner(coding.code)) {
    if (!who.is_practitioner() || !(who.has_practitioner_role(coding.practitioner_role) || who.is_admin())) return false;
  } else if (!who.is_organization() && !who.is_admin()) {
    return false;
  }
  if (!coding.organization.empty() && std::ranges::find(organization->identifiers, coding.organization) == organization->identifiers.end())
    return false;
  return coding.parent.empty() || allow_list.is_member(who.organization_id, coding.parent, coding.role, who.endpoint_identifier);
}

std::optional<message_authorization> parse_one(const base::json& extension) {
  message_authorization out;
  const auto* name = only_extension(extension, "message-name");
  const auto* profile = only_extension(extension, "task-profile");
  if (!name || !profile || is_blank((*name)["valueString"].str()) || is_blank((*profile)["valueCanonical"].str())) return {};
  out.message_name = (*name)["valueString"].str();
  out.task_profile = (*profile)["valueCanonical"].str();
  for (const bool recipient : {false, true})
    for (const auto* e : extensions(extension, recipient ? "recipient" : "requester")) {
      auto coding = parse_authorization_coding((*e)["valueCoding"], recipient);
      if (!coding) return {};
      (recipient ? out.recipients : out.requesters).push_back(std::move(*coding));
    }
  if (out.recipients.empty() || out.requesters.empty()) return {};
  return out;
}

}  // namespace

std::optional<authorization_coding> parse_authorization_coding(const base::json& coding, bool recipient) {
  if (coding["system"].str() != names::process_authorization) return {};
  const auto found = std::ranges::find(shapes, coding["code"].str(), &shape::code);
  if (found == shapes.end() || (recipient && !found->as_recipient)) return {};
  authorization_coding out;
  out.code = found->value;
  if (found->extension.empty()) return out;
  const auto* extension = only_extension(coding, std::string(names::structure_definition_base) + std::string(found->extension));
  if (!extension || !read_parts(*extension, out)) return {};
  return out;
}

std::optional<std::vector<message_authorization>> parse_process_authorizations(const base::json& activity_definition) {
  std::vector<message_authorization> out;
  for (const auto* e : extensions(activity_definition, names::ext_process_authorization)) {
    auto one = parse_one(*e);
    if (!one || std::ranges::find(out, one->message_name, &message_authorization::message_name) != out.end()) return {};
    out.push_back(std::move(*one));
  }
  if (out.empty()) return {};
  return out;
}

bool requester_matches(const authorization_coding& coding, const identity& who, const directory& allow_list) {
  return matches(coding, who, allow_list);
}

bool recipient_matches(const authorization_coding& coding, const identity& local_organization, const directory& allow_list) {
  return matches(coding, local_organization, allow_list);
}

base::result<std::shared_ptr<const process_authorizations>> process_authorizations::build(const resource_view& view) {
  auto out = std::make_shared<process_authorizations>();
  const auto ids = TRY(view.all_ids("ActivityDefinition", max_definitions));
  for (const auto& id : ids) {
    const auto stored = TRY(view.current("ActivityDefinition", id));
    if (!stored || stored->deleted || !stored->bytes) continue;
    const auto resource = TRY(base::json::parse(*stored->bytes));
    ++out->counts_[resource["url"].str()];
    if (!resource["version"].str().empty()) ++out->counts_[resource["url"].str() + "|" + resource["version"].str()];
    auto messages = parse_process_authorizations(resource);
    if (!messages) continue;  // can't come in through the rules; grants nothing
    process_rules rules{resource["url"].str(), resource["version"].str(), resource["status"].str(), id, std::move(*messages)};
    if (rules.status != "draft" && rules.status != "active" && !DSF_MUTANT("fhir.retired_definition_authorizes")) continue;
    auto key = rules.url + "|" + rules.version;
    out->by_canonical_.emplace(std::move(key), std::move(rules));
  }
  return std::shared_ptr<const process_authorizations>(std::move(out));
}

const process_rules* process_authorizations::find(std::string_view url, std::string_view version) const {
  const auto found = by_canonical_.find(std::string(url) + "|" + std::string(version));
  return found == by_canonical_.end() ? nullptr : &found->second;
}

std::size_t process_authorizations::count(std::string_view url, std::string_view version) const {
  const auto found = counts_.find(version.empty() ? std::string(url) : std::string(url) + "|" + std::string(version));
  return found == counts_.end() ? 0 : found->second;
}

}  // namespace dsf::fhir

// Which message of which process may be sent by whom to whom (dsf-fhir-server 1.8, dsf-bpe 1.4).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/json.hpp"
#include "fhir/semantics/directory.hpp"
#include "fhir/semantics/identity.hpp"
#include "fhir/semantics/view.hpp"

namespace dsf::fhir {

enum class authorization_code : std::uint8_t {
  local_all,
  local_all_practitioner,
  local_organization,
  local_organization_practitioner,
  local_role,
  local_role_practitioner,
  remote_all,
  remote_organization,
  remote_role,
};

struct authorization_coding {
  authorization_code code = authorization_code::local_all;
  std::string organization;                // identifier, for *_ORGANIZATION
  std::string parent;                      // identifier of the parent organisation, for *_ROLE
  code_in_system role;                     // organisation role, for *_ROLE
  code_in_system practitioner_role;        // for *_PRACTITIONER
  bool operator==(const authorization_coding&) const = default;
};

struct message_authorization {
  std::string message_name;
  std::string task_profile;                // url or url|version
  std::vector<authorization_coding> requesters;
  std::vector<authorization_coding> recipients;
};

// One coding of a requester or recipient extension; nothing if it has none of the nine shapes.
std::optional<authorization_coding> parse_authorization_coding(const base::json& coding, bool recipient);
// All process-authorization extensions of an ActivityDefinition; nothing if there is none or one is malformed, or a message name occurs twice.
std::optional<std::vector<message_authorization>> parse_process_authorizations(const base::json& activity_definition);

bool requester_matches(const authorization_coding& coding, const identity& who, const directory& allow_list);
// The local organisation as receiver.
bool recipient_matches(const authorization_coding& coding, const identity& local_organization, const directory& allow_list);

struct process_rules {
  std::string url;
  std::string version;
  std::string status;
  base::uuid id;
  std::vector<message_authorization> messages;
};

// The authorizations of all ActivityDefinitions, by url|version. Immutable; rebuilt by the endpoint when an ActivityDefinition changes.
class process_authorizations {
public:
  static base::result<std::shared_ptr<const process_authorizations>> build(const resource_view& view);
  static bool depends_on(std::string_view type) { return type == "ActivityDefinition"; }
  // Of status draft or active only.
  const process_rules* find(std::string_view url, std::string_view version) const;
  // How many ActivityDefinitions of any status have this url, and this version unless it is empty (dsf-fhir-server 4.2).
  std::size_t count(std::string_view url, std::string_view version) const;

private:
  std::unordered_map<std::string, std::size_t> counts_;  // by url and by url|version
  std::unordered_map<std::string, process_rules> by_canonical_;
};

}  // namespace dsf::fhir

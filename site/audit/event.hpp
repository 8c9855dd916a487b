// One security-relevant event, and its FHIR R4 AuditEvent (docs/decisions/audit-log.md has the table of codes).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/json.hpp"

namespace dsf::site {

// The first ten may be chosen with audit.events; the last four are always written.
enum class audit_kind : std::uint8_t {
  denied,         // a request was answered 401 or 403
  rate_limited,   // a request was answered 429
  session,        // a person logged in or out
  handshake,      // a connection was refused before any request: a certificate that is not good
  allow_list,     // an Organization, Endpoint or OrganizationAffiliation was created, changed or deleted
  erasure,        // data were erased, or a resource with all its versions
  administration, // an operator changed something at the admin socket
  configuration,  // certificates, trust and roles were read again, or should have been
  read,           // a request that reads was answered
  write,          // a request that writes was answered
  started,
  stopped,
  lost,           // events that found no room
  summed,         // refusals that came too fast to be told one by one
};
inline constexpr std::size_t audit_kinds = 14, chosen_audit_kinds = 10;
// As in the settings and in AuditEvent.subtype: "rate-limited".
std::string_view name_of(audit_kind kind) noexcept;

inline constexpr std::string_view audit_code_system = "https://dsfd.invalid/CodeSystem/audit";

// FHIR R4 value set audit-event-outcome
enum class audit_outcome : std::uint8_t { success = 0, minor_failure = 4, serious_failure = 8, major_failure = 12 };

struct audit_agent {
  std::string organization;  // identifier in the allow-list
  std::string practitioner;  // identifier; empty for an organisation
  std::string thumbprint;    // SHA-512 of the certificate
  std::string name;          // subject of the certificate, or who else it is
  std::string address;       // "10.1.2.3:4711"; the port is left out
};

// No text here may hold a query, a body or anything of them: they can be data of patients.
struct audit_event {
  audit_kind kind = audit_kind::denied;
  base::timestamp time;
  char action = 0;                // C, R, U, D, E; 0: none
  std::string_view interaction;   // code of restful-interaction, a literal; empty: none
  std::string_view dicom;         // code of DICOM's DCM that says more, a literal; empty: none
  audit_outcome outcome = audit_outcome::success;
  std::string why;                // "HTTP 403"
  audit_agent agent;
  std::string reference;          // "Organization/<id>/_history/2"
  std::string what;               // "PUT Organization/{id}"
};

// Strangers can cause it as often as they like.
[[nodiscard]] bool is_refusal(const audit_event& e) noexcept;

// Whose log it is.
struct audit_source {
  std::string organization;
  std::string site;
};

// A valid AuditEvent whatever the event's texts are: control characters and invalid UTF-8 are replaced, long texts cut.
base::json to_fhir(const audit_event& e, const audit_source& source);

// "GET" and "/fhir/Task/{id}" to "read", and whether it is a read; nothing for what no interaction is.
struct interaction_name {
  std::string_view code;
  char action = 'E';
  bool reads = false;
};
// `route`: the path below the base with its ids taken out ("Task/{id}/_history").
interaction_name interaction_of(std::string_view method, std::string_view route) noexcept;

}  // namespace dsf::site

// Who is calling: an organisation known from the allow-list, or a person of the local organisation.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/uuid.hpp"

namespace dsf::fhir {

class directory;

// dsf-fhir-server 1.2; the names are those of the role configuration.
enum class operation : std::uint8_t { create, read, update, remove, search, history, permanent_delete, websocket };
std::string_view name_of(operation op) noexcept;                          // "CREATE", ..., "DELETE", ...
std::optional<operation> operation_named(std::string_view name) noexcept;

// A role gives one operation on some types; no types means all.
struct dsf_role {
  operation op = operation::read;
  std::vector<std::string> types;
  bool operator==(const dsf_role&) const = default;
};

struct code_in_system {
  std::string system;
  std::string code;
  auto operator<=>(const code_in_system&) const = default;
};

enum class identity_kind : std::uint8_t { organization, practitioner, initial_data_loader };

// dsf-fhir-server 2.4
struct identity {
  identity_kind kind = identity_kind::organization;
  bool local = false;
  base::uuid organization_id;              // the organisation's resource; for a practitioner the local one
  std::string organization_identifier;     // value in the org-id system
  std::string endpoint_identifier;         // value in the endpoint-id system; empty if not known
  std::vector<dsf_role> roles;
  std::string practitioner_identifier;     // value in the practitioner-id system
  std::string practitioner_name;
  std::vector<code_in_system> practitioner_roles;
  std::string thumbprint;                  // empty for one who came with a token
  base::timestamp expires{INT64_MAX};

  [[nodiscard]] bool may(operation op, std::string_view type) const;
  [[nodiscard]] bool may_any(operation op) const;
  [[nodiscard]] bool is_organization() const { return kind == identity_kind::organization; }
  [[nodiscard]] bool is_local_organization() const { return is_organization() && local; }
  [[nodiscard]] bool is_practitioner() const { return kind == identity_kind::practitioner; }
  [[nodiscard]] bool is_admin() const;                                    // a practitioner with DSF_ADMIN
  [[nodiscard]] bool has_practitioner_role(const code_in_system& role) const;
  [[nodiscard]] std::string name() const;                                 // for logs: "site-a", "site-a/person@site-a"
};

// What a verified token says of its person (dsf-fhir-server 2.3, "Claims used").
struct token_facts {
  std::string subject;
  std::string issuer_host;
  std::string email;                       // empty if the token has none
  std::string family_name;
  std::string given_name;
  std::vector<std::string> roles;          // realm roles, and <client>.<role> of clients
  std::vector<std::string> groups;
};

// What the TLS layer or the proxy header tells of the client certificate (dsf-fhir-server 2.2).
struct certificate_facts {
  std::string thumbprint;                  // SHA-512 of the DER form, 128 lower-case hex digits
  std::vector<std::string> subject_emails; // subject E, then EmailAddress
  std::vector<std::string> alternative_emails;
  std::string common_name;
  std::vector<std::string> surnames;
  std::vector<std::string> given_names;
  base::timestamp not_after;               // of the certificate or the token
  std::shared_ptr<const token_facts> token;  // set: there is no certificate; `thumbprint` is a name for this token, for caches
};

// One rule of the role configuration (dsf-fhir-server 2.5); YAML is read elsewhere.
struct practitioner_rule {
  std::string name;
  std::vector<std::string> thumbprints;
  std::vector<std::string> emails;
  std::vector<dsf_role> roles;
  std::vector<code_in_system> practitioner_roles;
  std::vector<std::string> token_roles;
  std::vector<std::string> token_groups;
};

struct identity_config {
  std::string base_url;                    // no slash at the end
  std::string organization_identifier;     // of the local organisation
  std::vector<practitioner_rule> practitioner_rules;
};

// Nothing: the certificate names nobody on the allow-list, which is answered 403 without a body.
std::optional<identity> resolve_identity(const certificate_facts& certificate, const directory& allow_list, const identity_config& config);

// The identity under which the resources of the release and the initial bundle are loaded.
identity initial_data_loader(const identity_config& config);
// The local organisation as the engine beside the endpoint uses it; needs no certificate.
std::optional<identity> local_organization(const directory& allow_list, const identity_config& config);

}  // namespace dsf::fhir

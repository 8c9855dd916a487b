#include "net/error.hpp"

#include <array>

namespace dsf::net {

const base::error_domain& domain_of(errc) noexcept {
  using base::error_entry;
  using base::error_kind;
  static constexpr std::array<error_entry, 41> table{{
      {"invalid_argument", error_kind::invalid},
      {"bad_url", error_kind::invalid},
      {"file_missing", error_kind::invalid},
      {"file_exists", error_kind::conflict},
      {"file_io", error_kind::unavailable},
      {"not_pem", error_kind::invalid},
      {"wrong_key_password", error_kind::invalid},
      {"key_mismatch", error_kind::invalid},
      {"certificate_expired", error_kind::invalid},
      {"certificate_not_yet_valid", error_kind::invalid},
      {"no_ca", error_kind::invalid},
      {"chain_invalid", error_kind::invalid},
      {"tls_setup", error_kind::internal},
      {"port_in_use", error_kind::conflict},
      {"listen_failed", error_kind::unavailable},
      {"name_not_resolved", error_kind::unavailable},
      {"connection_refused", error_kind::unavailable},
      {"connect_failed", error_kind::unavailable},
      {"server_unknown_ca", error_kind::forbidden},
      {"server_expired", error_kind::forbidden},
      {"server_host_mismatch", error_kind::forbidden},
      {"server_certificate_invalid", error_kind::forbidden},
      {"certificate_refused", error_kind::forbidden},
      {"tls_failed", error_kind::unavailable},
      {"connect_timeout", error_kind::timeout},
      {"connection_lost_before_sending", error_kind::unavailable},
      {"overloaded", error_kind::overloaded},
      {"stopped", error_kind::unavailable},
      {"timeout", error_kind::timeout},
      {"connection_lost", error_kind::unavailable},
      {"malformed_answer", error_kind::unavailable},
      {"answer_too_large", error_kind::too_large},
      {"wrong_use", error_kind::invalid},
      {"revocation_list", error_kind::invalid},
      {"proxy_failed", error_kind::unavailable},
      {"proxy_refused", error_kind::unavailable},
      {"token_invalid", error_kind::invalid},
      {"token_expired", error_kind::forbidden},
      {"issuer_failed", error_kind::unavailable},
      {"coding_invalid", error_kind::invalid},
      {"coding_too_large", error_kind::too_large},
  }};
  static_assert(table.size() == std::size_t(errc::coding_too_large) + 1);
  static constexpr base::error_domain domain{"net", [](std::uint16_t v) { return table[v]; }};
  return domain;
}

bool may_have_been_processed(const error& e) noexcept {
  return e.is(errc::timeout) || e.is(errc::connection_lost) || e.is(errc::malformed_answer) || e.is(errc::answer_too_large);
}

}  // namespace dsf::net

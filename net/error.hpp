// What can go wrong on the wire. The caller of a client branches on these: try again, refuse, or tell the operator.
#pragma once

#include "base/result.hpp"

namespace dsf::net {

using base::error;
using base::fail;
using base::failure;
using base::result;

enum class errc : std::uint16_t {
  invalid_argument,
  bad_url,
  // files of an identity or of the development PKI
  file_missing,
  file_exists,
  file_io,
  not_pem,
  wrong_key_password,
  key_mismatch,
  certificate_expired,
  certificate_not_yet_valid,
  no_ca,
  chain_invalid,
  tls_setup,
  // server
  port_in_use,
  listen_failed,
  // client: nothing was processed
  name_not_resolved,
  connection_refused,
  connect_failed,
  server_unknown_ca,
  server_expired,
  server_host_mismatch,
  server_certificate_invalid,
  certificate_refused,
  tls_failed,
  connect_timeout,
  connection_lost_before_sending,
  overloaded,
  stopped,
  // client: the request may have been processed
  timeout,
  connection_lost,
  malformed_answer,
  answer_too_large,
  // files of an identity, again
  wrong_use,
  revocation_list,
  // client: the proxy on the way to the server
  proxy_failed,
  proxy_refused,
  // bearer tokens and their issuer
  token_invalid,
  token_expired,
  issuer_failed,
  // content codings
  coding_invalid,
  coding_too_large,
};

const base::error_domain& domain_of(errc) noexcept;

// False if the other side can't have acted on the request; true also when nobody can know.
[[nodiscard]] bool may_have_been_processed(const error& e) noexcept;

}  // namespace dsf::net

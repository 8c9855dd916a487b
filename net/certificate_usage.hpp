// What a certificate may be used for.
#pragma once

#include <string>

#include "net/error.hpp"

namespace dsf::net {

struct certificate_usage {
  bool server = false;  // to be shown by a TLS server
  bool client = false;  // to be shown by a TLS client
};

// By key usage, extended key usage and Netscape type of the first certificate in a PEM file (RFC 5280 4.2.1.3, 4.2.1.12). One that says nothing may do both.
result<certificate_usage> usage_of(const std::string& file);

}  // namespace dsf::net

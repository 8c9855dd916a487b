// The client certificate as a reverse proxy hands it over in a header (dsf-fhir-server 2.2, 2.6).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace dsf::net {

// PEM with newlines. Two forms are known: PEM whose newlines became blanks, and URL-encoded PEM; of anything else nothing is made.
std::optional<std::string> pem_of_header(std::string_view value);

}  // namespace dsf::net

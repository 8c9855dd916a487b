// How long trust lasts.
#pragma once

#include <string>

#include "base/clock.hpp"
#include "net/error.hpp"

namespace dsf::net {

// When the first of the CA certificates in a PEM file, or in a folder of *.crt and *.pem, ends.
result<base::timestamp> trust_ends(const std::string& path);

}  // namespace dsf::net

// Named connections to FHIR servers beside the network, in DSF's YAML form (dsf-bpe 5.1; docs/fhir-connections.md).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/secret.hpp"
#include "plugins/manifest.hpp"

namespace dsf::plugins {

struct fhir_connection {
  std::string name;
  std::string place;     // file:line
  std::string base_url;  // without a slash at the end
  std::int64_t connect_timeout_ms = 2'000;
  std::int64_t read_timeout_ms = 600'000;
  std::string trust;             // PEM file or folder; empty: the site's own
  std::string certificate, key;  // PEM files, or PKCS#12 without a key
  base::secret key_password;
  base::secret authorization;  // value of the header: Basic or Bearer
  bool test_on_startup = false;
};

struct fhir_connections {
  std::vector<fhir_connection> connections;  // complete only without faults
  std::vector<bundle_fault> faults;          // file:line, key, and how to mend it; secrets are never in them
  std::vector<bundle_fault> warnings;
};

// Reads the files of secrets, and looks whether PEM files are there. `place`: the file, to whose folder relative paths belong; `defaults`: of
// time-outs, trust and the test at the start.
fhir_connections read_fhir_connections(const std::string& yaml, const std::string& place, const fhir_connection& defaults = {});

}  // namespace dsf::plugins

// DSF's own environment variables (dsf-fhir-server 8, dsf-bpe 6.2) as settings, so that an existing installation's environment file starts a site.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "site/settings/layers.hpp"

namespace dsf::site {

// How a variable's text becomes a setting's.
enum class dsf_meaning : std::uint8_t {
  same,
  log_level,  // TRACE to ERROR
  theme,  // dev, test, prod
  smtps,  // true: TLS from the first byte; false says nothing of STARTTLS
  listener,  // of_endpoint, and for listed proxies, without TLS, where the variables bring no certificate for it
  of_endpoint,  // as it is, if the variables describe a FHIR endpoint; the engine's program serves nothing that other sites reach
};

// One variable of DSF 2.1.
struct dsf_variable {
  std::string_view name;  // a name ending in _PASSWORD or _SECRET has a second form, <name>_FILE
  std::string_view setting;  // empty: none
  std::string_view note;  // one line: why it has no meaning here, or what differs
  dsf_meaning how = dsf_meaning::same;
};
std::span<const dsf_variable> dsf_variables();

struct dsf_layer {
  layer given;  // stands above the file
  std::vector<assignment> implied;  // stands below the file: what follows from variables, and what DSF's images bring along
  std::vector<setting_note> notes;  // sorted by variable
};

// Of an environment; looks at names that begin with DEV_DSF_ only. Unknown ones are variables of process plugins (dsf-bpe 6.1) or, where none of these
// is expected, a note; never a problem, because an installation's file must start a site.
dsf_layer dsf_environment_layer(const std::map<std::string, std::string>& environment);

}  // namespace dsf::site

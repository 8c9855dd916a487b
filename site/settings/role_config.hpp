// The role configuration in DSF's form (dsf-fhir-server 2.5): which people may do what at this endpoint.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "site/settings/errc.hpp"
#include "site/settings/site_config.hpp"

namespace dsf::site {

// `place` is the file (or variable) the text stands in, `first_line` the line its first line has there. Wrong values are errors here, where
// the reference drops them with a warning: a rule that grants nothing is found at start, not by the person it locks out.
result<std::vector<fhir::practitioner_rule>> parse_role_config(std::string_view yaml, const std::string& place, int first_line = 1);

}  // namespace dsf::site

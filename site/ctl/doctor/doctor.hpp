// `dsfctl doctor`: why do we and a partner not hear each other?
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "site/ctl/doctor/finding.hpp"
#include "site/ctl/output.hpp"
#include "site/settings/load.hpp"

namespace dsf::site::ctl {

enum class doctor_errc : std::uint16_t { faults_found };  // they are printed
const base::error_domain& domain_of(doctor_errc) noexcept;

struct doctor_options {
  std::vector<std::string> partners;  // organisation identifiers; empty: all of the allow-list
  std::uint32_t timeout_s = 10;       // for each endpoint
};

// This host, the own endpoint as partners see it, and each partner, all at once. Asks with the site's own certificate, as the engine does; changes nothing.
findings examine(const loaded_settings& settings, const doctor_options& options, const base::clock& clock);
// Prints what examine() finds.
base::result<> doctor(ctl_output& o, const loaded_settings& settings, const doctor_options& options);

}  // namespace dsf::site::ctl

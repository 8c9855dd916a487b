// What a site reaches beside DSF sites: its SMTP server, and the FHIR servers of fhir_connections.
#pragma once

#include <map>
#include <string>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "plugins/mail.hpp"
#include "site/running/feasibility_stores.hpp"
#include "site/settings/site_config.hpp"

namespace dsf::site {

// Empty without mail.host. `time` and `log` outlive it.
plugins::mail_sender mail_sender_of(const site_config& config, base::clock& time, const base::logger& log);

// By name. All that is wrong with the file is one error. Connections that are to be tested at the start are, without anybody waiting for it.
base::result<std::map<std::string, connected_store>> open_connections(const site_config& config, const base::logger& log);

}  // namespace dsf::site

// From an answer, or the lack of one, to its cause. No I/O.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "net/transport.hpp"
#include "site/ctl/doctor/finding.hpp"
#include "site/ctl/doctor/members.hpp"

namespace dsf::site::ctl {

// Clocks further apart than this are a fault: certificates, tokens and Task times no longer mean the same on both sides.
inline constexpr std::int64_t clock_fault_us = 5 * 60 * base::us_per_s;
inline constexpr std::int64_t clock_warning_us = 30 * base::us_per_s;

// Who asks.
struct asker {
  std::string organization;     // identifier
  std::string thumbprint;       // of tls.client.certificate
  bool may_be_client = true;    // its usage allows it to be shown by a client
  const member* here = nullptr;  // as the own allow-list has it; null: not at all
};

// The search that an endpoint is asked, below its base address: members of the parent organisations of `organization` and their roles.
std::string members_query();

struct diagnosis {
  findings found;
  std::optional<std::int64_t> clock_ahead_us;  // of the endpoint's clock before ours
  std::vector<member> members;                 // as the endpoint lists them
};
// `about`: the endpoint's organisation, or "own endpoint".
diagnosis diagnose(const std::string& about, const std::string& address, const net::result<net::client_response>& answer, const asker& us,
                   base::timestamp now);

// What the clocks of all endpoints that answered say together; `ahead`: organisation and clock_ahead_us.
findings diagnose_clocks(const std::vector<std::pair<std::string, std::int64_t>>& ahead);

}  // namespace dsf::site::ctl

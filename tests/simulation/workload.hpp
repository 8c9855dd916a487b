// What people start at the sites.
#pragma once

#include "base/entropy.hpp"
#include "net/transport.hpp"
#include "tests/simulation/ledger.hpp"

namespace dsf::simulation {

work_item make_item(unsigned site, base::entropy& dice);
net::client_request request_of(const work_item& item);

}  // namespace dsf::simulation

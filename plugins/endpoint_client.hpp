// The site's own FHIR endpoint when it is another program: over REST, with creations that happen once.
#pragma once

#include <cstdint>
#include <memory>

#include "base/entropy.hpp"
#include "plugins/patient_client.hpp"
#include "plugins/remote_client.hpp"
#include "storage/store.hpp"

namespace dsf::plugins {

// As make_remote_client(), but create() remembers in table J, under the instance and its key, which resource it made.
std::unique_ptr<fhir_client> make_endpoint_client(net::transport& transport, remote_options options, storage::store& store,
                                                  base::entropy& entropy, std::uint64_t instance, patience with = {});

}  // namespace dsf::plugins

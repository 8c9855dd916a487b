// The endpoint as its engine elsewhere asks it: over the network, by a body that waits for the answer.
#pragma once

#include "actors/thread_drive.hpp"
#include "net/transport.hpp"
#include "plugins/handler.hpp"

namespace dsf::simulation {

class patient_client final : public plugins::fhir_client {
public:
  patient_client(actors::thread_drive& drive, net::transport& transport, std::string base_url)
      : drive_(&drive), transport_(&transport), base_url_(std::move(base_url)) {}
  base::result<base::json> read(std::string_view type, std::string_view id, std::uint64_t version) override;
  base::result<base::json> search(std::string_view query) override;
  base::result<base::json> create(const base::json& resource, std::string_view idempotency_key) override;
  base::result<base::json> transaction(const base::json& bundle) override;

private:
  base::result<base::json> get(const std::string& what);
  actors::thread_drive* drive_;
  net::transport* transport_;
  std::string base_url_;
};

}  // namespace dsf::simulation

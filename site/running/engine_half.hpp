// The engine's half of a split site: how it reaches the FHIR endpoint, which is another program (docs/design.md, decision 11).
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>

#include "actors/link/endpoint_link.hpp"
#include "net/https_client.hpp"
#include "plugins/handler.hpp"
#include "site/settings/site_config.hpp"
#include "storage/store.hpp"

namespace dsf::site {

class engine_half {
public:
  // `others`: how other sites are reached. All that is named outlives the half.
  static base::result<std::unique_ptr<engine_half>> make(const site_config& config, storage::store& store, net::transport& others,
                                                         const base::logger& log);
  ~engine_half();

  // Requests to the site's own public address go to the endpoint inside, all others to other sites.
  net::transport& transport();
  // `reached`: see actors::link_parts.
  // For connections from now on.
  void use(const net::tls_identity& identity);
  void start(actors::arrivals::make_put make_put, std::function<base::result<>()> reached);
  void stop();
  void on_commit(std::span<const storage::feed_entry> entries);
  [[nodiscard]] actors::link_status status() const;

private:
  struct parts;
  explicit engine_half(std::unique_ptr<parts> p);
  std::unique_ptr<parts> parts_;
};

}  // namespace dsf::site

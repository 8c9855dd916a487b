// Real dsfd programs on loopback ports, with certificates, allow-list and settings made for them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "bench/load_client.hpp"
#include "site/ctl/demo/child.hpp"

namespace dsf::bench {

struct wire_site {
  std::string name;
  std::string organization;
  std::uint16_t port = 0, status_port = 0;
  std::filesystem::path folder;
  site::ctl::child process;

  [[nodiscard]] std::string base_url() const { return "https://localhost:" + std::to_string(port) + "/fhir"; }
};

class wire_consortium {
public:
  // Makes folders, certificates, allow-lists and settings. `bundles`: what each site runs.
  static base::result<std::unique_ptr<wire_consortium>> make(const std::filesystem::path& folder, const std::vector<std::string>& names,
                                                             const std::vector<std::string>& bundles);
  // Writes a site's settings anew, before it is started: `roles` as in "fhir, bpe"; `more`: further lines.
  base::result<> configure(const wire_site& s, const std::vector<std::string>& bundles, const std::string& roles,
                           const std::string& more = {}) const;
  // Returns when each receives.
  base::result<> start(const std::string& dsfd);
  base::result<> start(const std::string& dsfd, wire_site& s);
  void stop();

  // As the site's own organisation, or as the organisation of another one.
  [[nodiscard]] load_target target(const wire_site& s) const { return target(s, s); }
  [[nodiscard]] load_target target(const wire_site& s, const wire_site& caller) const;
  [[nodiscard]] std::string file(const wire_site& s, const char* name) const { return (s.folder / name).string(); }
  [[nodiscard]] std::string ca() const { return (folder_ / "ca.pem").string(); }
  std::vector<std::unique_ptr<wire_site>> sites;

private:
  base::result<> wait_until_ready(wire_site& s) const;
  std::filesystem::path folder_;
};

// One that nobody listens on at the moment.
base::result<std::uint16_t> free_port();

}  // namespace dsf::bench

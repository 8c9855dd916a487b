// One dsfd of a test's own, alone in its consortium, with settings that the test changes before it starts it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "net/https_client.hpp"
#include "net/pki.hpp"
#include "site/ctl/demo/child.hpp"
#include "tests/support/programs.hpp"
#include "tests/wire/wire_site.hpp"

namespace dsf::tests {

class lone_site {
public:
  // `port` 0: any that is free; the site's own address then is one where nobody is.
  explicit lone_site(std::uint16_t port = 0);

  void issue(const std::string& name, const net::certificate_request& what);
  // Exactly one place of the settings.
  void replace(const std::string& what, const std::string& by);
  // Writes the settings.
  std::vector<std::string> command();
  // Comes back when the site is ready, or (`until_ready` false) when it can be asked why it is not.
  site::ctl::child start(bool until_ready = true);

  temp_folder folder{"site"};
  std::string settings;
};

}  // namespace dsf::tests

// One real dsfd with certificates of its own and everyone who comes to it: the local organisation, two partners, practitioners, and
// those who may not come. Its role is fhir only, so that no engine changes the Tasks that tests look at.
#pragma once

#include <map>
#include <memory>
#include <stdexcept>
#include <string>

#include "net/https_client.hpp"
#include "site/admin/admin_client.hpp"
#include "site/ctl/demo/child.hpp"
#include "tests/support/programs.hpp"

namespace dsf::tests {

class wire_site {
public:
  // Started at the first call; ends with the program. Throws when it can't be started.
  static wire_site& shared();

  [[nodiscard]] const std::string& base() const { return base_; }
  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::filesystem::path folder() const { return folder_.path(); }
  net::https_client& client(const std::string& who);
  // What the site calls that sender: the organisation's identifier or the practitioner's e-mail address.
  [[nodiscard]] static std::string name_of(const std::string& who);
  std::uint64_t store_sequence();

private:
  wire_site();
  void make_certificates();
  void write_settings();
  void load_definitions();

  temp_folder folder_{"wire"};
  std::uint16_t port_ = 0;
  std::string base_;
  site::ctl::child process_;
  std::unique_ptr<site::admin_client> admin_;
  std::map<std::string, std::unique_ptr<net::https_client>> clients_;
};

// Fails the test instead of returning an error.
template <class T>
T must(base::result<T>&& r) {
  if (!r) throw std::runtime_error(r.error().to_string());
  if constexpr (!std::is_void_v<T>) return *std::move(r);
}

}  // namespace dsf::tests

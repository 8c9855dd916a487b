// What happens at a site, told to its audit log (docs/decisions/audit-log.md).
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "actors/endpoint_caches.hpp"
#include "actors/fhir_endpoint.hpp"
#include "net/http.hpp"
#include "site/admin/admin_port.hpp"
#include "site/audit/audit_log.hpp"
#include "site/callers/open_id.hpp"
#include "site/metrics/http_counts.hpp"
#include "site/settings/site_config.hpp"

namespace dsf::site {

// Thread-safe; nothing here waits for the disk.
class audit_trail {
public:
  // Without audit.file every call does nothing.
  static base::result<std::unique_ptr<audit_trail>> open(const site_config& config, const base::logger& log);
  // Who certificates belong to, and what routes there are. Until then callers are known by their certificates only.
  void know(actors::endpoint_caches& caches, const http_counts& routes, std::string base_path);

  [[nodiscard]] bool on() const noexcept { return log_ != nullptr; }
  // False: an answer with this status is not told of.
  [[nodiscard]] bool wants(int status) const noexcept {
    return log_ && (status == 401 || status == 403 || status == 429 || (status < 400 && (reads_ || writes_)));
  }
  // A request that was answered. What is neither refused nor wanted costs a comparison.
  void answered(const net::peer& who, std::string_view method, std::string_view target, int status);
  void handshake_refused(std::string_view address, std::string_view reason);
  void written(const fhir::identity& who, const net::peer* peer, const actors::notable_write& write);
  void session(const session_note& note);
  void configuration_read(const std::string& problem);  // empty: it is in use
  void operator_did(audit_kind kind, std::string what, const base::result<>& outcome);
  // Opens the file again.
  void reopen();
  [[nodiscard]] audit_statistics statistics() const;
  void stop();

private:
  audit_trail() = default;
  [[nodiscard]] audit_agent agent_of(const net::peer& who);
  [[nodiscard]] audit_agent site_itself(std::string name) const;

  std::unique_ptr<audit_log> log_;  // null: none
  std::string organization_;
  std::string base_path_;
  actors::endpoint_caches* caches_ = nullptr;
  const http_counts* routes_ = nullptr;
  bool reads_ = false, writes_ = false;
};

// Calls of the admin socket, told to the audit log when they change something or show what no partner may see.
std::unique_ptr<admin_port> audited(admin_port& site, audit_trail& trail);

}  // namespace dsf::site

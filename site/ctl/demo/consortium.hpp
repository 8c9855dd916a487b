// The demo's sites: certificates, allow-list, settings, patients; started, killed and stopped as programs of their own.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "net/https_client.hpp"
#include "privacy/generator.hpp"
#include "site/admin/admin_client.hpp"
#include "site/ctl/demo.hpp"
#include "site/ctl/demo/child.hpp"

namespace dsf::site::ctl {

struct demo_site {
  std::string name;          // hospital-a
  std::string organization;  // hospital-a.example
  std::string role;          // HRP or DIC
  std::uint16_t port = 0;
  std::filesystem::path folder;
  std::filesystem::path certificates;
  std::string thumbprint;  // of the client certificate that the allow-lists know
  bool faulty = false;     // the one that --break concerns
  privacy::generator_ledger ledger;
  child process;           // of a split site: its engine
  bool split = false;      // endpoint and engine are programs of their own
  child endpoint_process;  // of a split site
  bool has_worker = false;  // its handlers of ping run in a Python worker
  child worker;
  std::unique_ptr<admin_client> admin;
  std::unique_ptr<net::https_client> client;  // acts as the local organisation

  [[nodiscard]] bool holds_data() const { return role == "DIC"; }
  [[nodiscard]] std::string base_url() const { return "https://localhost:" + std::to_string(port) + "/fhir"; }
  [[nodiscard]] std::string socket() const { return (folder / "admin.sock").string(); }
};

class consortium {
public:
  // Whose members the sites are; that the shipped processes' authorization names it is what lets them work together.
  static constexpr const char* parent_organization = "medizininformatik-initiative.de";
  // What exists in the folder is kept, so that a second demo starts faster.
  static base::result<std::unique_ptr<consortium>> prepare(const demo_options& options);

  base::result<> start(demo_site& site);
  // Of a split site; nothing if it runs.
  base::result<> start_endpoint(demo_site& site);
  // Waits until the site's engine receives.
  base::result<> wait_until_ready(demo_site& site, std::int64_t timeout_ms);
  // Starts the site's worker if it does not run; it waits for its site by itself.
  base::result<> start_worker(demo_site& site);
  // Waits until the site has taken its worker.
  base::result<> wait_for_worker(demo_site& site, std::int64_t timeout_ms);
  // Why no site has a worker although one was asked for, and how to mend it; else "".
  [[nodiscard]] const std::string& no_worker_because() const { return no_worker_because_; }
  // Generates the site's patients once, counts them for the ledger, and writes them as NDJSON.
  base::result<std::filesystem::path> make_patients(demo_site& site);
  void stop_all();

  // FHIR calls as the site's own organisation over mutual TLS. `path`: "Task/<id>" or a search.
  base::result<base::json> read(demo_site& site, const std::string& path);
  base::result<base::json> post(demo_site& site, const std::string& path, const base::json& body);

  std::vector<std::unique_ptr<demo_site>> sites;  // the HRP first
  [[nodiscard]] demo_site* named(const std::string& organization);

private:
  explicit consortium(demo_options options) : options_(std::move(options)) {}
  base::result<> certificates();
  base::result<> allow_lists();
  base::result<> settings();
  base::result<> open_client(demo_site& site);

  demo_options options_;
  std::filesystem::path folder_;
  std::string program_;
  std::vector<std::string> plugins_;
  std::string worker_program_, no_worker_because_;
};

}  // namespace dsf::site::ctl

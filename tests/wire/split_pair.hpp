// Two sites that ping each other: one as two programs (FHIR endpoint and engine), the other as one. Between the halves stands a proxy that a test can cut.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/json.hpp"
#include "net/https_client.hpp"
#include "site/admin/admin_client.hpp"
#include "site/ctl/demo/child.hpp"
#include "tests/support/programs.hpp"
#include "tests/support/tcp_proxy.hpp"

namespace dsf::tests {

class split_pair {
public:
  // The engine reaches its endpoint through the proxy.
  split_pair();

  struct program {
    std::string name;  // endpoint, engine, other
    site::ctl::child process;
    std::unique_ptr<site::admin_client> admin;
  };
  void start(program& p);
  void wait_until_ready(program& p, bool ready = true);
  void start_all();

  // A ping from there to the other site; gives the start Task's id.
  std::string ping(program& from, std::string business_key = {});
  // Posts the start Task to the split site's endpoint, as an operator's browser would; needs no engine.
  std::string ping_by_post(const std::string& business_key);
  // As the split site's own organisation.
  base::json read(const std::string& path);
  base::json read_other(const std::string& path);
  // Waits until the Task is completed with one answered ping, and says what is wrong else.
  std::string outcome_of(program& at, const std::string& task, int timeout_ms = 60'000);
  // The test's own clients read their trust again.
  void trust_again() { make_clients(); }
  std::size_t instances(program& at, const std::string& business_key);

  temp_folder folder{"split"};
  std::uint16_t endpoint_port, other_port, engine_status_port;
  std::unique_ptr<tcp_proxy> proxy;
  program endpoint{"endpoint", {}, nullptr}, engine{"engine", {}, nullptr}, other{"other", {}, nullptr};

private:
  void make_certificates();
  void write_settings();
  void make_clients();
  base::json get(net::https_client& with, const std::string& url);
  std::unique_ptr<net::https_client> own_, others_;
};

}  // namespace dsf::tests

// Stands in front of a site, ends its partners' TLS, forwards each request with the certificate it came with, and writes down every POST
// and its answer. It sees what a partner sees, and outlives the site. It can also keep an answer back, as a broken network does.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "net/https_client.hpp"
#include "net/https_server.hpp"

namespace dsf::tests {

struct recorded_post {
  std::string site;      // the receiver
  std::string from;      // the sender, by its certificate
  std::string path;
  std::string business_key, message, correlation_key;  // of a Task
  std::string outbox_entry;  // the Task's identifier by which its sender knows it
  int status = 0;        // of the site's answer; 0: none came
  bool kept_back = false;
  bool temporary = false;  // refused because the site could not look up just now what the Task refers to; to be sent again
  std::string location;
};

struct recorder_options {
  std::string site;
  std::uint16_t port = 0;            // where partners connect
  std::uint16_t site_port = 0;       // where the site listens
  net::tls_files server;             // shown to partners
  std::map<std::string, net::tls_files> clients;  // by name: everyone who may come, with the key
  // All are called on several threads.
  std::function<bool()> keep_back;   // asked for each answered POST; true: the sender gets 503 instead
  std::function<bool(const recorded_post&)> on_request;  // a POST has come whole; true: the site never gets it
  std::function<bool(const recorded_post&)> on_answer;   // the site has answered; true: the sender is not told
};

class recorder {
public:
  static base::result<std::unique_ptr<recorder>> start(recorder_options options);
  ~recorder();
  [[nodiscard]] std::vector<recorded_post> posts() const;

private:
  struct impl;
  explicit recorder(std::shared_ptr<impl> i) : impl_(std::move(i)) {}
  std::shared_ptr<impl> impl_;
};

}  // namespace dsf::tests

// The network of a test bed: other sites answer as a test says, and what was sent to them is kept.
#pragma once

#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "net/transport.hpp"

namespace dsf::site {

struct scripted_answer {
  int status = 201;  // 0: the connection is refused
  std::string text;  // diagnostics of an OperationOutcome
};

struct sent_message {
  std::string url;
  std::string body;
  int status = 0;
};

class scripted_partners final : public net::transport {
public:
  // For messages to this base address: one after the other, the last one for ever. Without a script: 201.
  void script(const std::string& base_url, std::deque<scripted_answer> answers);
  // What a GET of this URL finds; others get 404.
  void serve(const std::string& url, std::string body);
  // Messages from the n-th on.
  [[nodiscard]] std::vector<sent_message> sent(std::size_t from) const;

  void send(net::client_request request, std::int64_t timeout_ms, net::client_callback done) override;

private:
  scripted_answer next_answer(const std::string& url);
  mutable std::mutex mutex_;
  std::map<std::string, std::deque<scripted_answer>> scripts_;
  std::map<std::string, std::string> served_;
  std::vector<sent_message> sent_;
};

}  // namespace dsf::site

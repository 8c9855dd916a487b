// What the connections of the load generator say.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "bench/load_client.hpp"

namespace dsf::bench {

// Reads Tasks, one after the other.
class task_reader final : public conversation {
public:
  // `keep`: where the last answer is put, head and body; may be null.
  task_reader(std::uint16_t port, const std::vector<std::string>& ids, std::size_t first, std::string* keep);
  next request(std::string& out, std::int64_t now_us) override;
  bool answer(int status, std::string_view head, std::string_view body, std::int64_t now_us) override;

private:
  std::uint16_t port_;
  const std::vector<std::string>* ids_;
  std::size_t at_;
  std::string* keep_;
};

// Asks for one thing after the other, again and again; every answer must have the status 200, or 201 for POST.
class asker final : public conversation {
public:
  // `what`: path and query, "/fhir/Task?status=requested". `keep`: where the last answer is put, head and body; may be null.
  asker(std::string method, std::uint16_t port, std::vector<std::string> what, std::size_t first, std::string* keep = nullptr,
        std::string body = {}, std::uint64_t at_most = UINT64_MAX);
  // Lines of the head instead of those that say FHIR JSON: "Accept: text/plain\r\n".
  void say(std::string headers) { headers_ = std::move(headers); }
  next request(std::string& out, std::int64_t now_us) override;
  bool answer(int status, std::string_view head, std::string_view body, std::int64_t now_us) override;
  [[nodiscard]] bool head_only() const override { return method_ == "HEAD"; }

private:
  std::string method_;
  std::uint16_t port_;
  std::vector<std::string> what_;
  std::size_t at_;
  std::string* keep_;
  std::string body_, headers_;
  std::uint64_t left_;
};

// Creates Tasks that start an instance each.
class task_sender final : public conversation {
public:
  struct shared_state {
    std::uint16_t port = 0;
    std::string organization;
    std::atomic<std::uint64_t> next{0};  // business key
    std::uint64_t at_most = UINT64_MAX;
    bool keep = true;                    // ids and the last answer
    std::mutex mutex;
    std::vector<std::string> ids;
    std::string last_answer;
  };
  explicit task_sender(std::shared_ptr<shared_state> s) : task_sender(s, s->port) {}
  task_sender(std::shared_ptr<shared_state> s, std::uint16_t port) : shared_(std::move(s)), port_(port) {}
  next request(std::string& out, std::int64_t now_us) override;
  bool answer(int status, std::string_view head, std::string_view body, std::int64_t now_us) override;

private:
  std::shared_ptr<shared_state> shared_;
  std::uint16_t port_;
};

struct ping_counter {
  std::vector<std::int64_t> samples_us;  // from the start Task to the answer that shows it completed
};

// Starts a ping and asks for its start Task until it is completed.
class pinger final : public conversation {
public:
  pinger(std::uint16_t port, std::string organization, std::int64_t pause_us, std::shared_ptr<ping_counter> counter);
  next request(std::string& out, std::int64_t now_us) override;
  bool answer(int status, std::string_view head, std::string_view body, std::int64_t now_us) override;

private:
  std::uint16_t port_;
  std::string organization_;
  std::int64_t pause_us_;
  std::shared_ptr<ping_counter> counter_;
  std::string task_;         // id of the running ping's start Task
  std::int64_t began_ = 0;
  bool rest_ = false;
};

}  // namespace dsf::bench

// A lean HTTPS load generator: many connections on few threads, each sends its next request when its answer is complete. Plain OpenSSL and epoll, so
// that on a machine with two cores the server gets most of them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace dsf::bench {

struct load_target {
  std::uint16_t port = 0;
  std::string certificate, key, trust;  // PEM files
  std::string host = "localhost";  // is 127.0.0.1
};

// What one connection does. Called on one thread at a time.
class conversation {
public:
  virtual ~conversation() = default;
  struct next {
    enum class kind : std::uint8_t { send, pause, finished };
    kind what = kind::send;
    std::int64_t pause_us = 0;
  };
  // Appends a whole request to `out`, or says why not.
  virtual next request(std::string& out, std::int64_t now_us) = 0;
  // False: the answer is wrong, and the load ends with it as its error.
  virtual bool answer(int status, std::string_view head, std::string_view body, std::int64_t now_us) = 0;
  // Its requests are HEAD: an answer has a length, but no body.
  [[nodiscard]] virtual bool head_only() const { return false; }
};

struct load_plan {
  load_target target;
  unsigned connections = 1;
  unsigned threads = 1;
  double seconds = 1;  // after it no new request is sent, and open ones are waited for
  // Requests a second, at times fixed beforehand: one that finds no connection free is sent late, and its latency counts from its time.
  // 0: a closed loop, each connection sends when its answer has come.
  double rate = 0;
  std::function<std::unique_ptr<conversation>(unsigned connection)> make;
};

struct load_result {
  double seconds = 0;
  std::uint64_t exchanges = 0;
  std::vector<std::int64_t> samples_us;  // of an exchange
  std::uint64_t bytes_out = 0, bytes_in = 0;  // of HTTP
  std::string cipher;  // "TLSv1.3 TLS_AES_256_GCM_SHA384"
  std::int64_t cpu_us = 0;  // of this program
  std::uint64_t reconnects = 0;  // the server had closed a connection between two requests
};

// All connections are open before the clock starts.
base::result<load_result> run_load(const load_plan& plan);

}  // namespace dsf::bench

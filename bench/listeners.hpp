// Many WebSocket connections on one thread, each with one Subscription bound; as lean as the load generator.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "bench/load_client.hpp"

namespace dsf::bench {

class listeners {
public:
  // Returns when all are bound. `heard`: each text that comes then, on the listeners' thread.
  static base::result<std::unique_ptr<listeners>> open(const load_target& to, const std::string& subscription, unsigned count,
                                                       std::function<void(std::string_view)> heard);
  ~listeners();
  listeners(const listeners&) = delete;
  listeners& operator=(const listeners&) = delete;

  // Connections that the server ended, or that said what this client does not understand.
  [[nodiscard]] unsigned lost() const;

private:
  struct impl;
  explicit listeners(std::unique_ptr<impl> i);
  std::unique_ptr<impl> impl_;
};

}  // namespace dsf::bench

// The host side of workers: programs outside this one that run handlers (docs/workers.md). A gRPC server over a Unix socket and, when set, TCP
// with mutual TLS.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "base/clock.hpp"
#include "base/entropy.hpp"
#include "base/log.hpp"
#include "base/result.hpp"
#include "plugins/handler.hpp"
#include "plugins/workers/options.hpp"

namespace dsf::plugins {

class worker_host {
public:
  // What a handler of that activation may use; of an empty one for calls outside any activation. Clock, entropy and log outlive the host.
  using services_for = std::function<std::unique_ptr<services>(const activation&)>;
  worker_host(worker_options options, services_for make, base::clock& time, base::entropy& entropy, const base::logger& log);
  ~worker_host();
  worker_host(const worker_host&) = delete;
  worker_host& operator=(const worker_host&) = delete;

  // Handlers of the plugins' processes run in workers from now on. The registry is used no longer than the host.
  void add_handlers(handler_registry& registry);
  // For the engine's context.
  question_asker asker();
  // Workers may come. Errors name the setting: socket in use, certificate unreadable, address not free.
  base::result<> listen();
  // The TCP port, when it was left to the system; 0 without TCP.
  [[nodiscard]] int port() const;
  [[nodiscard]] std::vector<worker_line> sessions() const;
  [[nodiscard]] std::size_t waiting() const;  // activations that wait for a worker
  // After the engine: workers are told to stop, and the connections end.
  void stop();

  struct impl;

private:
  std::unique_ptr<impl> impl_;
};

}  // namespace dsf::plugins

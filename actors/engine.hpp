// The process engine of a site: actors over the store (docs/design.md, decision 2). This header knows no CAF.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "actors/boards.hpp"
#include "actors/engine_context.hpp"
#include "actors/work_pool.hpp"
#include "net/transport.hpp"

namespace dsf::actors {

class engine {
public:
  // The context and the transport must outlive the engine.
  engine(engine_context context, net::transport& transport);
  ~engine();
  engine(const engine&) = delete;
  engine& operator=(const engine&) = delete;

  // Goes on where the store stands: inbox, then timers and open handlers, then the outbox (docs/design.md, decision 10).
  void start();
  // True once the inbox that start() found has been taken over.
  [[nodiscard]] bool receiving() const;
  // Orderly: inbox, timers, handlers, outbox, actors. What has not been committed goes on after the next start.
  void stop();

  // From the store's commit listener, when a commit touched the inbox.
  void inbox_changed();

  // A command from outside (operators). `done` runs on an actor's thread.
  void command(std::uint64_t instance, bpmn::command what, std::function<void(base::result<>)> done);

  // Runs `job` when no other job of this resource type runs; the job says by `release` that it is over.
  using release = std::function<void()>;
  void run_alone(const std::string& resource_type, std::function<void(release)> job);

  handler_holds& holds();
  [[nodiscard]] std::vector<actor_line> actors(std::size_t limit) const;
  [[nodiscard]] std::vector<partner_line> partners() const;
  [[nodiscard]] std::size_t live_instances() const;

  struct impl;

private:
  std::unique_ptr<impl> impl_;
};

}  // namespace dsf::actors

// The process engine of a site: actors over the store (docs/design.md, decision 2). This header knows no CAF.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actors/boards.hpp"
#include "actors/engine_context.hpp"
#include "actors/work_pool.hpp"
#include "net/transport.hpp"

namespace dsf::actors {

// What moves the actors: threads, or whoever calls engine::hand().
enum class engine_drive : std::uint8_t { threads, by_hand };
class engine_hand;
struct engine_figures;  // engine_figures.hpp

class engine {
public:
  // The context and the transport must outlive the engine.
  engine(engine_context context, net::transport& transport, engine_drive drive = engine_drive::threads);
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
  // How many conflicts in a row a command of this instance (external id) has met that is tried again; 0: there is none.
  [[nodiscard]] std::uint32_t conflicts_of(const std::string& instance) const;
  [[nodiscard]] engine_figures figures() const;

  // Of an engine that is driven by_hand.
  engine_hand hand();

  struct impl;

private:
  std::unique_ptr<impl> impl_;
};

// Turns the engine by hand: nothing of it moves but by these calls and those of engine, all on one thread (docs/design.md, decision 19).
class engine_hand {
public:
  explicit engine_hand(engine::impl& of) : impl_(&of) {}
  // Actors that have something to handle; the n-th handles one message.
  [[nodiscard]] std::size_t actors() const;
  [[nodiscard]] std::uint64_t actor_id(std::size_t n) const;
  void run_actor(std::size_t n);
  // Handlers that wait for a thread; the n-th runs to its end.
  [[nodiscard]] std::size_t handlers() const;
  void run_handler(std::size_t n);
  // Until the next delayed message is due.
  [[nodiscard]] std::optional<std::int64_t> next_wake_us() const;
  void advance_us(std::int64_t by);

private:
  engine::impl* impl_;
};

}  // namespace dsf::actors

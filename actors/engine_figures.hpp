// What an engine counts, for metrics. The totals begin anew with each engine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

namespace dsf::actors {

// Actors of one kind: "instance", "remote-site", or the name of a supervisor.
struct actor_kind_figures {
  std::size_t actors = 0;
  std::int64_t mailbox = 0;  // of all of them
  std::uint64_t restarts = 0;
};

struct engine_figures {
  std::size_t handlers_waiting = 0;  // for a thread
  std::size_t handlers_running = 0;
  std::size_t handler_threads = 0;
  std::uint64_t deadlines_missed = 0;  // attempts of handlers
  std::size_t live_instances = 0;      // in memory
  std::map<std::string, actor_kind_figures> actors;
};

}  // namespace dsf::actors

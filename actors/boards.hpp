// What operators see of the actors: the live tree, and the state of each partner. Written by the actors, read by anyone.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.hpp"

namespace dsf::actors {

struct actor_record {
  std::string name;
  std::string parent;
  std::atomic<std::int64_t> mailbox{0};   // messages sent and not handled yet
  std::atomic<std::uint64_t> handled{0};
  std::atomic<std::uint64_t> restarts{0};
  std::atomic<std::uint32_t> conflicts{0};  // of an instance's command that is tried again and again
};

struct actor_line {
  std::string name;
  std::string parent;
  std::int64_t mailbox = 0;
  std::uint64_t handled = 0;
  std::uint64_t restarts = 0;
};

struct actor_kind_figures;  // engine_figures.hpp

class actor_board {
public:
  std::shared_ptr<actor_record> add(std::string name, std::string parent);
  // Sorted by parent and name; records whose actor is gone are left out. At most `limit`.
  [[nodiscard]] std::vector<actor_line> lines(std::size_t limit) const;
  [[nodiscard]] std::uint32_t conflicts_of(const std::string& name) const;
  // By the first part of their names. An instance that was loaded again is counted with the process engine.
  [[nodiscard]] std::map<std::string, actor_kind_figures> kinds() const;

private:
  mutable std::mutex mutex_;
  std::map<std::string, std::weak_ptr<actor_record>> records_;
  std::size_t sweep_at_ = 1024;
};

struct partner_line {
  std::string endpoint_url;
  std::string organization;
  std::uint64_t queued = 0;       // outbox entries in memory
  std::uint64_t sent = 0;
  std::uint64_t refused = 0;
  std::uint64_t retries = 0;
  base::timestamp last_success;
  base::timestamp last_failure;
  std::string last_error;
  base::timestamp next_attempt;   // while backing off
};

class partner_board {
public:
  void update(const partner_line& line);
  [[nodiscard]] std::vector<partner_line> lines() const;

private:
  mutable std::mutex mutex_;
  std::map<std::string, partner_line> lines_;
};

}  // namespace dsf::actors

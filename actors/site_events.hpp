// What happens at a site, for the live view of operators (dsfctl demo, dsfctl watch). Not durable, never waits for a listener.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>

#include "base/clock.hpp"

namespace dsf::actors {

enum class site_event_kind : std::uint8_t {
  ready,
  task_received,
  task_sent,
  task_refused,
  instance_started,
  activity_entered,
  handler_started,
  handler_finished,
  waiting,
  timer_fired,
  incident,
  instance_ended,
  recovered
};
inline constexpr std::size_t site_event_kinds = 13;
std::string_view to_string(site_event_kind kind);

struct site_event {
  site_event_kind kind = site_event_kind::ready;
  base::timestamp time;
  std::string process;       // key|version
  std::string instance;      // UUID
  std::string business_key;
  std::string activity;
  std::string partner;       // organisation identifier or endpoint URL
  std::string text;          // message name, class name, error
};

class site_events {
public:
  using listener = std::function<void(const site_event&)>;  // must be quick
  std::uint64_t subscribe(listener l);
  void unsubscribe(std::uint64_t token);
  void publish(const site_event& e) const;
  [[nodiscard]] bool anyone() const;
  // How many of a kind were published. What an instance enters and waits for is published only while somebody listens.
  [[nodiscard]] std::uint64_t count(site_event_kind kind) const;

private:
  mutable std::mutex mutex_;
  std::uint64_t next_ = 1;
  std::map<std::uint64_t, listener> listeners_;
  mutable std::array<std::atomic<std::uint64_t>, site_event_kinds> counts_{};
};

}  // namespace dsf::actors

// What the demo shows while it runs: one watcher a site, one line an event that tells the story.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "site/admin/admin_client.hpp"
#include "site/ctl/output.hpp"

namespace dsf::site::ctl {

class live_view {
public:
  explicit live_view(ctl_output& o) : o_(o), began_us_(o.clock.steady_us()) {}
  ~live_view() { stop(); }

  // Begins when the site has confirmed that nothing will be missed, or fails after `timeout_ms`.
  base::result<> follow(const std::string& site, const std::string& socket, std::int64_t timeout_ms);
  // The site ended (it was killed): its watcher is collected.
  void forget(const std::string& site);
  void stop();

  // A line of the demo itself.
  void say(const std::string& text);
  void say(const std::string& site, const std::string& text);

  // Waits for an event of a site that `wanted` accepts, also one that came already. False after `timeout_ms`.
  bool wait_for(const std::string& site, const std::function<bool(const site_event_line&)>& wanted, std::int64_t timeout_ms);
  [[nodiscard]] std::uint64_t count(const std::string& kind) const;
  [[nodiscard]] double seconds() const { return static_cast<double>(o_.clock.steady_us() - began_us_) / 1e6; }

private:
  struct watcher {
    std::unique_ptr<admin_client> client;
    std::thread thread;
    bool watching = false;
    std::vector<site_event_line> seen;
  };
  void got(const std::string& site, const site_event_line& e);
  void line(const std::string& site, const std::string& text);

  ctl_output& o_;
  std::int64_t began_us_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, watcher> watchers_;
  std::map<std::string, std::uint64_t> counts_;
};

}  // namespace dsf::site::ctl

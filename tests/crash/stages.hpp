// The stages of a message's way through a site, and the trap that ends a site at one of them.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "tests/power/control.hpp"
#include "tests/support/recorder.hpp"

namespace dsf::tests {

enum class stage : std::uint8_t {
  received,       // the request is with the site, nothing of its commit is written
  before_commit,  // its commit is written and not synced
  committed,      // it is synced, nobody was told
  job_running,    // a handler has begun and not ended
  sending,        // the site's message is on the way, its receiver does not have it
  sent,           // the receiver has committed it and answered, the site has not heard the answer
};
inline constexpr std::size_t stage_count = 6;
std::string_view name_of(stage s);

// One aim at a time. The recorders ask it on their threads; what it sees there is exact: nothing happens between its look and the kill.
class stage_trap {
public:
  struct aim {
    stage at = stage::received;
    std::string site;
    pid_t pid = -1;
    std::shared_ptr<control_page> page;
    bool after_answer = false;  // the engine of a split site: it commits what its endpoint has taken and answered
  };
  void set(aim a);
  // Whether the site was killed, or has killed itself, at that stage.
  [[nodiscard]] bool sprung() const;
  void clear();

  // True: the message is lost.
  bool on_request(const recorded_post& p);
  bool on_answer(const recorded_post& p);

private:
  bool spring(const recorded_post& p, stage at);

  mutable std::mutex mutex_;
  bool set_ = false;
  bool killed_ = false;
  aim aim_;
  std::string watched_;  // the message whose commit the site is to stop at
};

}  // namespace dsf::tests

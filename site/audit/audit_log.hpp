// The audit log's file. Events go through a bounded queue to a thread that writes: whoever records one never waits for the disk.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/log.hpp"
#include "base/result.hpp"
#include "site/audit/event.hpp"

namespace dsf::site {

struct audit_options {
  std::string file;
  std::array<bool, audit_kinds> kinds{};  // those that are always written need not be set
  std::uint64_t max_bytes = 64 << 20;     // then another file is begun; 0: never
  std::size_t queue = 10'000;             // events that wait to be written
  // Refusals a minute that get a line each; what comes beyond them gets one line together. 0: no limit.
  std::uint64_t refusals_per_minute = 600;
  std::optional<base::iso_duration> keep;  // files that were put aside longer ago are deleted; nothing: never
  bool sync = true;                       // after each stretch of lines
  std::int64_t retry_us = base::us_per_s; // after a write that failed
  audit_source source;
};

struct audit_statistics {
  std::uint64_t written = 0;
  std::uint64_t lost = 0;     // found no room in the queue
  std::uint64_t summed = 0;   // refusals without a line of their own
  std::uint64_t waiting = 0;
  bool failing = false;       // the last write did not succeed
};

// Thread-safe.
class audit_log {
public:
  // The file is opened, or made for its owner alone, before it returns.
  static base::result<std::unique_ptr<audit_log>> open(audit_options options, const base::logger& log,
                                                       const base::clock& time = base::system_clock_source());
  ~audit_log();

  [[nodiscard]] bool wants(audit_kind kind) const noexcept;
  // Gives it its time. Does nothing for a kind that is not wanted. Beyond the refusals of a minute it is only counted. Without room in the queue it is counted as lost; once there is room again an
  // event of kind `lost` says how many.
  void record(audit_event e);
  // The file is opened again under its name, as after a rotation from outside.
  void reopen();
  [[nodiscard]] audit_statistics statistics() const;
  // Writes what waits and ends. What can't be written is told in the log. May be called more than once.
  void stop();

private:
  struct impl;
  explicit audit_log(std::unique_ptr<impl> i);
  std::unique_ptr<impl> impl_;
};

}  // namespace dsf::site

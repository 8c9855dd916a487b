// Certificates that end soon: what is said of them, and when.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/json.hpp"

namespace dsf::site {

struct certificate_end {
  std::string which;  // server, server_trust, client, client_trust
  std::string file;
  base::timestamp ends;
};

// 30, 14 and 3 days before the end, and after it.
enum class expiry_stage : std::uint8_t { fine, month, fortnight, days, over };
std::string_view to_string(expiry_stage stage) noexcept;
expiry_stage stage_of(base::timestamp ends, base::timestamp now) noexcept;
// Names the file and how to mend it; only for a stage that is not fine.
std::string warning_of(const certificate_end& c, base::timestamp now);

// Thread-safe.
class certificate_watch {
public:
  // What is in use from now on. Stages that were said of the same end are not said again.
  void note(std::vector<certificate_end> list);
  // Those that came to another stage since it was last asked; each stage is told once.
  std::vector<certificate_end> due(base::timestamp now);
  [[nodiscard]] std::vector<certificate_end> list() const;
  // For /status: [{which, file, ends, days, stage}].
  [[nodiscard]] base::json report(base::timestamp now) const;

private:
  struct said {
    base::timestamp ends;
    expiry_stage stage = expiry_stage::fine;
  };
  mutable std::mutex mutex_;
  std::vector<certificate_end> list_;
  std::map<std::string, said> said_;  // by which
};

}  // namespace dsf::site

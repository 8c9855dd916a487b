#include "site/running/certificate_watch.hpp"

#include <array>

#include "base/mutant.hpp"

namespace dsf::site {
namespace {

constexpr std::int64_t day_us = 86'400 * base::us_per_s;
struct step {
  std::int64_t days;
  expiry_stage stage;
};
constexpr std::array<step, 4> steps{
    {{0, expiry_stage::over}, {3, expiry_stage::days}, {14, expiry_stage::fortnight}, {30, expiry_stage::month}}};

}  // namespace

std::string_view to_string(expiry_stage stage) noexcept {
  switch (stage) {
    case expiry_stage::month: return "30 days";
    case expiry_stage::fortnight: return "14 days";
    case expiry_stage::days: return "3 days";
    case expiry_stage::over: return "over";
    case expiry_stage::fine: break;
  }
  return "fine";
}

expiry_stage stage_of(base::timestamp ends, base::timestamp now) noexcept {
  for (const auto& s : steps)
    if (ends.us - now.us <= s.days * day_us) return s.stage;
  return expiry_stage::fine;
}

std::string warning_of(const certificate_end& c, base::timestamp now) {
  const auto left = (c.ends.us - now.us) / day_us;
  const bool trust = c.which.ends_with("_trust");
  const std::string what = trust ? "an authority in " + c.file : "the certificate in " + c.file;
  const std::string when = c.ends <= now
                               ? " is over since " + base::to_iso(c.ends, 0)
                               : " ends on " + base::to_iso(c.ends, 0) + ", in " + std::to_string(left) + (left == 1 ? " day" : " days");
  const std::string how = trust ? "; replace it in that file and send SIGHUP"
                                : "; replace it and send SIGHUP" +
                                      std::string(c.which == "client" ? " (its new thumbprint has to be on the allow-list before)" : "");
  return what + when + how;
}

void certificate_watch::note(std::vector<certificate_end> list) {
  const std::lock_guard lock{mutex_};
  list_ = std::move(list);
}

std::vector<certificate_end> certificate_watch::due(base::timestamp now) {
  const std::lock_guard lock{mutex_};
  std::vector<certificate_end> out;
  for (const auto& c : list_) {
    auto& last = said_[c.which];
    if (last.ends != c.ends) last = {c.ends, expiry_stage::fine};
    const auto stage = stage_of(c.ends, now);
    if (stage > last.stage) out.push_back(c);
    last.stage = DSF_MUTANT("site.expiry_said_for_ever") ? expiry_stage::fine : stage;
  }
  return out;
}

std::vector<certificate_end> certificate_watch::list() const {
  const std::lock_guard lock{mutex_};
  return list_;
}

base::json certificate_watch::report(base::timestamp now) const {
  base::json out{base::json::array{}};
  for (const auto& c : list()) {
    base::json one;
    one.set("which", c.which);
    one.set("file", c.file);
    one.set("ends", base::to_iso(c.ends, 0));
    one.set("days", (c.ends.us - now.us) / day_us);
    one.set("stage", to_string(stage_of(c.ends, now)));
    out.push_back(std::move(one));
  }
  return out;
}

}  // namespace dsf::site

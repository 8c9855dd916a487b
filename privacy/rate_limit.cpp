#include "privacy/rate_limit.hpp"

#include "base/bytes.hpp"
#include "base/mutant.hpp"

namespace dsf::privacy {
namespace {
constexpr std::uint8_t format = 1;
}

void rate_bucket::refill(const rate_limit& limit, base::timestamp now) {
  const auto interval = limit.interval_us > 0 ? limit.interval_us : 1;
  if (start.us == 0) start = now;
  // A clock that was set back must not lengthen the interval.
  if (now < start) start = now;
  const auto passed = (now.us - start.us) / interval;
  if (passed > 0) {
    start.us += passed * interval;
    used = 0;
  }
}

bool rate_bucket::take(const rate_limit& limit, base::timestamp now) {
  refill(limit, now);
  if (used >= limit.count && !DSF_MUTANT("privacy.rate_limit_never")) return false;
  ++used;
  return true;
}

base::timestamp rate_bucket::next(const rate_limit& limit, base::timestamp now) const {
  auto copy = *this;
  copy.refill(limit, now);
  if (copy.used < limit.count) return now;
  return {copy.start.us + limit.interval_us};
}

std::string rate_bucket::serialize() const {
  std::string out;
  base::put_u8(out, format);
  base::put_u32(out, used);
  base::put_u64(out, static_cast<std::uint64_t>(start.us));
  return out;
}

base::result<rate_bucket> rate_bucket::deserialize(std::string_view bytes) {
  base::byte_reader in(bytes);
  rate_bucket out;
  if (in.u8() != format) return base::fail(errc::corrupt, "the stored rate limit has another format; this program reads 1");
  out.used = in.u32();
  out.start.us = static_cast<std::int64_t>(in.u64());
  if (!in.at_end()) return base::fail(errc::corrupt, "the stored rate limit is damaged");
  return out;
}

}  // namespace dsf::privacy

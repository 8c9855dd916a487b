#include "privacy/obfuscation.hpp"

#include <fmt/format.h>

#include <cmath>

#include "base/bytes.hpp"
#include "base/mutant.hpp"

namespace dsf::privacy {
namespace {

constexpr std::uint8_t format = 1;

// Half up without the error that floor(x + 0.5) makes just below one half.
double round_half_up(double x) {
  const double down = std::floor(x);
  return x - down >= 0.5 ? down + 1 : down;
}

}  // namespace

double laplace_noise(double u, const obfuscation_settings& settings) {
  const double b = settings.sensitivity / settings.epsilon;
  if (u == 0 || DSF_MUTANT("privacy.noise_skipped")) return 0;
  return (u < 0 ? b : -b) * std::log(1 - 2 * std::abs(u));
}

base::result<std::uint64_t> obfuscate(std::uint64_t count, double u, const obfuscation_settings& settings) {
  if (!(u >= -0.5 && u < 0.5)) return base::fail(errc::argument, fmt::format("the random number {} is not in [-0.5, 0.5)", u));
  if (!(settings.epsilon > 0) || !(settings.sensitivity > 0))
    return base::fail(errc::argument, "sensitivity and epsilon must be greater than 0");
  if (count > (1ULL << 53)) return base::fail(errc::argument, fmt::format("the count {} is no count of patients", count));
  if (DSF_MUTANT("privacy.rounding_skipped"))
    return static_cast<std::uint64_t>(std::max(0.0, static_cast<double>(count) + laplace_noise(u, settings)));
  const double tens = round_half_up((static_cast<double>(count) + laplace_noise(u, settings)) / 10) * 10;
  if (!(tens > 0)) return 0;
  return static_cast<std::uint64_t>(std::min(tens, 0x1p60));
}

std::optional<std::uint64_t> answer_cache::find(std::uint64_t count) const {
  const auto found = answers_.find(count);
  return found == answers_.end() ? std::nullopt : std::optional(found->second.answer);
}

base::result<std::uint64_t> answer_cache::answer(std::uint64_t count, double u, const obfuscation_settings& settings) {
  if (const auto known = find(count); known && !DSF_MUTANT("privacy.noise_redrawn")) return *known;
  const auto drawn = TRY(obfuscate(count, u, settings));
  if (answers_.size() >= max_answers) {
    const auto oldest = by_number_.begin();
    answers_.erase(oldest->second);
    by_number_.erase(oldest);
  }
  answers_.emplace(count, entry{drawn, next_});
  by_number_.emplace(next_++, count);
  return drawn;
}

std::string answer_cache::serialize() const {
  std::string out;
  base::put_u8(out, format);
  base::put_u32(out, static_cast<std::uint32_t>(by_number_.size()));
  for (const auto& [number, count] : by_number_) {
    base::put_u64(out, count);
    base::put_u64(out, answers_.at(count).answer);
  }
  return out;
}

base::result<answer_cache> answer_cache::deserialize(std::string_view bytes) {
  base::byte_reader in(bytes);
  answer_cache out;
  if (const auto version = in.u8(); version != format)
    return base::fail(errc::corrupt, fmt::format("the stored answers have format {}; this program reads {}", version, format));
  const auto n = in.u32();
  for (std::uint32_t i = 0; i < n && in.ok(); ++i) {
    const auto count = in.u64();
    const auto answer = in.u64();
    if (!in.ok()) break;
    if (!out.answers_.emplace(count, entry{answer, out.next_}).second)
      return base::fail(errc::corrupt, "the stored answers name a count twice");
    out.by_number_.emplace(out.next_++, count);
  }
  if (!in.at_end() || n > max_answers) return base::fail(errc::corrupt, "the stored answers are damaged");
  return out;
}

}  // namespace dsf::privacy

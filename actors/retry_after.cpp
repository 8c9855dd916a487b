#include "actors/retry_after.hpp"

#include <algorithm>
#include <charconv>

#include "base/mutant.hpp"
#include "fhir/semantics/interactions/operations.hpp"

namespace dsf::actors {

std::int64_t asked_to_wait_us(int status, const net::header_list& headers, base::timestamp now) {
  if ((status != 429 && status != 503) || DSF_MUTANT("actors.retry_after_ignored")) return 0;
  const auto text = headers.value("Retry-After");
  if (text.empty()) return 0;
  std::int64_t seconds = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (end == text.data() + text.size()) {
    // Digits only; those that are too many are a long time.
    if (text.front() == '-') return 0;
    return problem == std::errc{} ? std::min(seconds, longest_wait_us / base::us_per_s) * base::us_per_s : longest_wait_us;
  }
  const auto at = fhir::parse_http_date(text);
  return at ? std::clamp<std::int64_t>(at->us - now.us, 0, longest_wait_us) : 0;
}

}  // namespace dsf::actors

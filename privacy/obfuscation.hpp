// Noise on counts before they leave the site (domain 3.4, dsf-bpe 9.1 Execute 6).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "privacy/error.hpp"

namespace dsf::privacy {

struct obfuscation_settings {
  double sensitivity = 1.0;
  double epsilon = 0.5;
};

// Laplace noise with scale b = sensitivity / epsilon for u uniform in [-0.5, 0.5): -b * sgn(u) * ln(1 - 2|u|). Minus infinity at -0.5.
double laplace_noise(double u, const obfuscation_settings& settings = {});

// max(0, round_half_up((count + noise) / 10) * 10). `u` outside [-0.5, 0.5) is an error.
base::result<std::uint64_t> obfuscate(std::uint64_t count, double u, const obfuscation_settings& settings = {});

// Equal true counts get equal answers, so that asking again averages nothing out. The caller stores the map with the instance or the
// site, so that a restart changes no answer. When full, the answer given first is forgotten.
class answer_cache {
public:
  static constexpr std::size_t max_answers = 10'000;

  // The answer given before, or a new one drawn with `u`.
  base::result<std::uint64_t> answer(std::uint64_t count, double u, const obfuscation_settings& settings = {});
  std::optional<std::uint64_t> find(std::uint64_t count) const;
  std::size_t size() const { return answers_.size(); }

  std::string serialize() const;
  static base::result<answer_cache> deserialize(std::string_view bytes);
  bool operator==(const answer_cache&) const = default;

private:
  struct entry {
    std::uint64_t answer;
    std::uint64_t number;  // order of the draws
    bool operator==(const entry&) const = default;
  };
  std::map<std::uint64_t, entry> answers_;           // by true count
  std::map<std::uint64_t, std::uint64_t> by_number_;  // true count by draw
  std::uint64_t next_ = 0;
};

}  // namespace dsf::privacy

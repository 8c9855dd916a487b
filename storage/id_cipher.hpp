// Instance numbers as the outside sees them: a keyed permutation of 122 bits, dressed as a UUID (docs/design.md, "Ids, values, handlers").
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/uuid.hpp"

namespace dsf::storage {

// A balanced Feistel network of eight rounds over 2 x 61 bits, round function SipHash-2-4 under the site's salt. Version (8, RFC 9562: own layout) and
// variant bits are fixed; 64 bits carry the instance, 32 the activity, 26 a constant by which foreign UUIDs are told apart.
class id_cipher {
public:
  using key = std::array<std::uint64_t, 2>;
  explicit id_cipher(key salt) : salt_(salt) {}

  struct plain {
    std::uint64_t instance = 0;
    std::uint32_t activity = 0;
    bool operator==(const plain&) const = default;
  };
  base::uuid encrypt(plain p) const;
  // Nothing if the UUID was not made with this salt.
  std::optional<plain> decrypt(base::uuid id) const;

private:
  std::uint64_t round(int number, std::uint64_t half) const;
  key salt_;
};

std::uint64_t siphash24(const std::array<std::uint64_t, 2>& key, std::string_view data) noexcept;

}  // namespace dsf::storage

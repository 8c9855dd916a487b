#include "storage/id_cipher.hpp"

#include <bit>
#include <cstring>

namespace dsf::storage {
namespace {

constexpr int rounds = 8;
constexpr std::uint64_t half_mask = (std::uint64_t{1} << 61) - 1;
constexpr std::uint32_t constant = 0x2d5f1d5;   // 26 bits
constexpr std::uint32_t constant_mask = (1u << 26) - 1;

struct sip_state {
  std::uint64_t v0, v1, v2, v3;
  void round() {
    v0 += v1;
    v1 = std::rotl(v1, 13) ^ v0;
    v0 = std::rotl(v0, 32);
    v2 += v3;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 += v3;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 += v1;
    v1 = std::rotl(v1, 17) ^ v2;
    v2 = std::rotl(v2, 32);
  }
};

std::uint64_t little(std::string_view bytes) {
  std::uint64_t v = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) v |= std::uint64_t{static_cast<std::uint8_t>(bytes[i])} << (8 * i);
  return v;
}

}  // namespace

// Aumasson and Bernstein, "SipHash: a fast short-input PRF"
std::uint64_t siphash24(const std::array<std::uint64_t, 2>& key, std::string_view data) noexcept {
  sip_state s{key[0] ^ 0x736f6d6570736575ULL, key[1] ^ 0x646f72616e646f6dULL, key[0] ^ 0x6c7967656e657261ULL,
              key[1] ^ 0x7465646279746573ULL};
  const std::uint64_t size = data.size();
  const auto mix = [&](std::uint64_t m) {
    s.v3 ^= m;
    s.round();
    s.round();
    s.v0 ^= m;
  };
  while (data.size() >= 8) {
    mix(little(data.substr(0, 8)));
    data.remove_prefix(8);
  }
  mix(little(data) | size << 56);
  s.v2 ^= 0xff;
  for (int i = 0; i < 4; ++i) s.round();
  return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

std::uint64_t id_cipher::round(int number, std::uint64_t half) const {
  char data[9];
  for (int i = 0; i < 8; ++i) data[i] = static_cast<char>(half >> (8 * i));
  data[8] = static_cast<char>(number);
  return siphash24(salt_, {data, sizeof data}) & half_mask;
}

// 122 bits = instance 64 | activity 32 | constant 26, cut into two halves of 61; the UUID has them in 48 + 12 + 62 bits.
base::uuid id_cipher::encrypt(plain p) const {
  std::uint64_t left = p.instance >> 3;
  std::uint64_t right = (p.instance & 7) << 58 | std::uint64_t{p.activity} << 26 | constant;
  for (int i = 0; i < rounds; ++i) {
    const auto next = left ^ round(i, right);
    left = right;
    right = next;
  }
  // left: bits 121..61, right: bits 60..0
  const std::uint64_t high = left >> 1;                                  // bits 121..62
  const std::uint64_t low = (left & 1) << 61 | right;                    // bits 61..0
  const std::uint64_t first = (high >> 12) << 16 | std::uint64_t{8} << 12 | (high & 0xfff);
  const std::uint64_t second = std::uint64_t{2} << 62 | low;
  base::uuid out;
  for (int i = 0; i < 8; ++i) {
    out.bytes[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(first >> (56 - 8 * i));
    out.bytes[static_cast<std::size_t>(8 + i)] = static_cast<std::uint8_t>(second >> (56 - 8 * i));
  }
  return out;
}

std::optional<id_cipher::plain> id_cipher::decrypt(base::uuid id) const {
  std::uint64_t first = 0, second = 0;
  for (std::size_t i = 0; i < 8; ++i) {
    first = first << 8 | id.bytes[i];
    second = second << 8 | id.bytes[8 + i];
  }
  if ((first >> 12 & 0xf) != 8 || second >> 62 != 2) return std::nullopt;
  const std::uint64_t high = (first >> 16) << 12 | (first & 0xfff);
  std::uint64_t left = high << 1 | (second >> 61 & 1);
  std::uint64_t right = second & half_mask;
  for (int i = rounds - 1; i >= 0; --i) {
    const auto before = right ^ round(i, left);
    right = left;
    left = before;
  }
  if ((right & constant_mask) != constant) return std::nullopt;
  return plain{left << 3 | right >> 58, static_cast<std::uint32_t>(right >> 26)};
}

}  // namespace dsf::storage

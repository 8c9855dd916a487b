// Data keys: what may carry patient data is stored under the key of its instance or resource, so that deleting the key erases it wherever copies of the
// bytes lie (docs/decisions/erasure.md). AES-256-GCM (NIST SP 800-38D) with a random nonce.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/entropy.hpp"
#include "storage/errors.hpp"

namespace dsf::storage {

// 32 bytes that are never printed; wiped at the end.
class secret_key {
public:
  static constexpr std::size_t size = 32;
  static secret_key random(base::entropy& entropy);
  // Of exactly `size` bytes.
  static result<secret_key> from_bytes(std::string_view bytes);
  // HMAC-SHA-256 of `purpose` under `secret`.
  static result<secret_key> derived(std::string_view secret, std::string_view purpose);

  secret_key(const secret_key&) = default;
  secret_key& operator=(const secret_key&) = default;
  ~secret_key();
  [[nodiscard]] std::string_view bytes() const { return {reinterpret_cast<const char*>(bytes_.data()), size}; }

private:
  secret_key() = default;
  std::array<std::uint8_t, size> bytes_{};
};

// Of one instance or resource; a row of table K holds it wrapped.
using data_key = secret_key;

// nonce 12 | tag 16 | ciphertext. `bound_to` must be the same at opening: a sealed text can't be moved to another row.
result<std::string> seal(const secret_key& key, std::string_view plain, std::string_view bound_to, base::entropy& entropy);
// damaged if a bit of the text, the key or what it is bound to differs.
result<std::string> open_sealed(const secret_key& key, std::string_view sealed, std::string_view bound_to);
// HMAC-SHA-256 of the bytes: a name that says nothing once the key is gone.
result<std::string> keyed_name(const secret_key& key, std::string_view bytes);

// The site's key, under which data keys are stored.
class master_key {
public:
  explicit master_key(secret_key key);
  // Of a file with 64 hexadecimal digits that only its owner may read. `make`: a file that is missing is made, durable.
  static result<master_key> of_file(const std::filesystem::path& file, bool make, base::entropy& entropy);

  // The content of K's row `row`: format byte, the master key's id (8), the sealed data key.
  [[nodiscard]] result<std::string> wrap(const data_key& key, std::string_view row, base::entropy& entropy) const;
  // wrong_key if another master key has wrapped it.
  [[nodiscard]] result<data_key> unwrap(std::string_view content, std::string_view row) const;
  // Whether this key has wrapped that row's content.
  [[nodiscard]] result<void> check(std::string_view content) const;

private:
  secret_key key_;
  std::string id_;
};

}  // namespace dsf::storage

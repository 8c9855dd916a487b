#include "storage/sealing.hpp"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sys/stat.h>

#include <cstring>
#include <memory>

#include "base/bytes.hpp"
#include "base/mutant.hpp"
#include "storage/small_file.hpp"

namespace dsf::storage {
namespace {

constexpr std::size_t nonce_bytes = 12, tag_bytes = 16, id_bytes = 8;
constexpr char wrapped_format = 1;

struct free_context {
  void operator()(EVP_CIPHER_CTX* c) const { EVP_CIPHER_CTX_free(c); }
};
using context = std::unique_ptr<EVP_CIPHER_CTX, free_context>;

const unsigned char* in(std::string_view s) { return reinterpret_cast<const unsigned char*>(s.data()); }
unsigned char* out(std::string& s, std::size_t at = 0) { return reinterpret_cast<unsigned char*>(s.data()) + at; }

base::failure no_cipher() { return base::fail(base::errc::internal, "AES-256-GCM is not available"); }

}  // namespace

secret_key secret_key::random(base::entropy& entropy) {
  secret_key k;
  entropy.fill(k.bytes_);
  return k;
}

result<secret_key> secret_key::from_bytes(std::string_view bytes) {
  if (bytes.size() != size) return fail(errc::damaged, fmt::format("a key has {} bytes, this one has {}", size, bytes.size()));
  secret_key k;
  std::memcpy(k.bytes_.data(), bytes.data(), size);
  return k;
}

result<secret_key> secret_key::derived(std::string_view secret, std::string_view purpose) {
  secret_key k;
  unsigned int n = 0;
  if (HMAC(EVP_sha256(), secret.data(), int(secret.size()), in(purpose), purpose.size(), k.bytes_.data(), &n) == nullptr || n != size)
    return base::fail(base::errc::internal, "HMAC-SHA-256 is not available");
  return k;
}

secret_key::~secret_key() { OPENSSL_cleanse(bytes_.data(), bytes_.size()); }

result<std::string> seal(const secret_key& key, std::string_view plain, std::string_view bound_to, base::entropy& entropy) {
  std::string text(nonce_bytes + tag_bytes + plain.size(), '\0');
  if (!DSF_MUTANT("storage.nonce_repeated")) entropy.fill({reinterpret_cast<std::uint8_t*>(text.data()), nonce_bytes});
  const context c(EVP_CIPHER_CTX_new());
  int n = 0;
  const bool ok = c && EVP_EncryptInit_ex(c.get(), EVP_aes_256_gcm(), nullptr, in(key.bytes()), in(text)) == 1 &&
                  EVP_EncryptUpdate(c.get(), nullptr, &n, in(bound_to), int(bound_to.size())) == 1 &&
                  EVP_EncryptUpdate(c.get(), out(text, nonce_bytes + tag_bytes), &n, in(plain), int(plain.size())) == 1 &&
                  EVP_EncryptFinal_ex(c.get(), out(text, nonce_bytes + tag_bytes) + n, &n) == 1 &&
                  EVP_CIPHER_CTX_ctrl(c.get(), EVP_CTRL_GCM_GET_TAG, tag_bytes, out(text, nonce_bytes)) == 1;
  if (!ok) return no_cipher();
  return text;
}

result<std::string> open_sealed(const secret_key& key, std::string_view sealed, std::string_view bound_to) {
  if (sealed.size() < nonce_bytes + tag_bytes) return fail(errc::damaged, "a sealed text is shorter than its head");
  std::string tag(sealed.substr(nonce_bytes, tag_bytes));
  const auto text = sealed.substr(nonce_bytes + tag_bytes);
  std::string plain(text.size(), '\0');
  const context c(EVP_CIPHER_CTX_new());
  int n = 0;
  const bool ready = c && EVP_DecryptInit_ex(c.get(), EVP_aes_256_gcm(), nullptr, in(key.bytes()), in(sealed)) == 1 &&
                     EVP_DecryptUpdate(c.get(), nullptr, &n, in(bound_to), int(bound_to.size())) == 1 &&
                     EVP_DecryptUpdate(c.get(), out(plain), &n, in(text), int(text.size())) == 1 &&
                     EVP_CIPHER_CTX_ctrl(c.get(), EVP_CTRL_GCM_SET_TAG, tag_bytes, out(tag)) == 1;
  if (!ready) return no_cipher();
  if (EVP_DecryptFinal_ex(c.get(), out(plain) + n, &n) != 1 && !DSF_MUTANT("storage.seal_not_checked"))
    return fail(errc::damaged, "a sealed text does not check out: its bytes were changed, or it belongs to another row");
  return plain;
}

result<std::string> keyed_name(const secret_key& key, std::string_view bytes) {
  return std::string(TRY(secret_key::derived(key.bytes(), bytes)).bytes());
}

master_key::master_key(secret_key key) : key_(key) {
  unsigned char digest[EVP_MAX_MD_SIZE] = {};
  unsigned int n = 0;
  // Cannot fail with a digest that is built in.
  (void)EVP_Digest(key_.bytes().data(), secret_key::size, digest, &n, EVP_sha256(), nullptr);
  id_.assign(reinterpret_cast<const char*>(digest), id_bytes);
}

result<master_key> master_key::of_file(const std::filesystem::path& file, bool make, base::entropy& entropy) {
  auto text = TRY(read_small(file));
  if (!text) {
    if (!make)
      return fail(errc::wrong_key,
                  "the master key's file is missing; without it what is stored under data keys can't be read. Put it back from where its "
                  "copy is kept (store.master_key_file)",
                  file.string());
    text = base::to_hex(secret_key::random(entropy).bytes()) + "\n";
    TRY(write_small(file, *text, 0600));
  }
  struct stat s{};
  if (::stat(file.c_str(), &s) == 0 && (s.st_mode & 077) != 0)
    return fail(errc::wrong_key, "others than its owner may read the master key's file; chmod 600 it", file.string());
  while (!text->empty() && (text->back() == '\n' || text->back() == '\r')) text->pop_back();
  const auto bytes = base::from_hex(*text);
  if (!bytes || bytes->size() != secret_key::size)
    return fail(errc::wrong_key, "the master key's file must hold 64 hexadecimal digits", file.string());
  return master_key(TRY(secret_key::from_bytes(*bytes)));
}

result<std::string> master_key::wrap(const data_key& key, std::string_view row, base::entropy& entropy) const {
  return std::string(1, wrapped_format) + id_ + TRY(seal(key_, key.bytes(), row, entropy));
}

result<void> master_key::check(std::string_view content) const {
  if (content.size() < 1 + id_bytes || content[0] != wrapped_format) return fail(errc::damaged, "a stored data key does not read as one");
  if (content.substr(1, id_bytes) != id_)
    return fail(errc::wrong_key, fmt::format("the store's data keys need the master key {}, this one is {}; store.master_key_file names "
                                             "another file than when they were made",
                                             base::to_hex(content.substr(1, id_bytes)), base::to_hex(id_)));
  return {};
}

result<data_key> master_key::unwrap(std::string_view content, std::string_view row) const {
  TRY(check(content));
  return data_key::from_bytes(TRY(open_sealed(key_, content.substr(1 + id_bytes), row)));
}

}  // namespace dsf::storage

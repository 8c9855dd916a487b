#include "plugins/workers/digest.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

namespace dsf::plugins::workers {
namespace {

const EVP_MD* of(digest d) { return d == digest::sha256 ? EVP_sha256() : EVP_sha512(); }

}  // namespace

base::result<std::string> hash(digest algorithm, std::string_view data) {
  std::string out(EVP_MAX_MD_SIZE, '\0');
  unsigned size = 0;
  if (EVP_Digest(data.data(), data.size(), reinterpret_cast<unsigned char*>(out.data()), &size, of(algorithm), nullptr) != 1)
    return base::fail(base::errc::internal, "the hash could not be computed");
  out.resize(size);
  return out;
}

base::result<std::string> hmac(digest algorithm, std::string_view key, std::string_view data) {
  std::string out(EVP_MAX_MD_SIZE, '\0');
  unsigned size = 0;
  if (!HMAC(of(algorithm), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(data.data()), data.size(),
            reinterpret_cast<unsigned char*>(out.data()), &size))
    return base::fail(base::errc::internal, "the keyed hash could not be computed");
  out.resize(size);
  return out;
}

}  // namespace dsf::plugins::workers

// A provider's keys (RFC 7517, 7518) and signatures made with them.
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/param_build.h>

#include <array>

#include "base/mutant.hpp"
#include "net/jwt.hpp"
#include "net/openssl_impl.hpp"

namespace dsf::net {

namespace {

constexpr int rsa_bits_at_least = 2048;
constexpr std::size_t keys_at_most = 100;

using number_ptr = std::unique_ptr<BIGNUM, openssl_deleter<BN_free>>;
using builder_ptr = std::unique_ptr<OSSL_PARAM_BLD, openssl_deleter<OSSL_PARAM_BLD_free>>;
using params_ptr = std::unique_ptr<OSSL_PARAM, openssl_deleter<OSSL_PARAM_free>>;
using key_context_ptr = std::unique_ptr<EVP_PKEY_CTX, openssl_deleter<EVP_PKEY_CTX_free>>;
using digest_context_ptr = std::unique_ptr<EVP_MD_CTX, openssl_deleter<EVP_MD_CTX_free>>;
using signature_ptr = std::unique_ptr<ECDSA_SIG, openssl_deleter<ECDSA_SIG_free>>;

// RFC 7518 3.1, 6.2.1.1
struct algorithm {
  std::string_view name;
  const char* curve;  // null: RSA
  std::size_t number_bytes;
  const EVP_MD* (*digest)();
};
constexpr std::array<algorithm, 6> algorithms{{{"RS256", nullptr, 0, EVP_sha256},
                                               {"RS384", nullptr, 0, EVP_sha384},
                                               {"RS512", nullptr, 0, EVP_sha512},
                                               {"ES256", "P-256", 32, EVP_sha256},
                                               {"ES384", "P-384", 48, EVP_sha384},
                                               {"ES512", "P-521", 66, EVP_sha512}}};

const algorithm* algorithm_named(std::string_view name) {
  for (const auto& a : algorithms)
    if (a.name == name) return &a;
  return nullptr;
}

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

key_ptr make(const char* kind, OSSL_PARAM* params) {
  const key_context_ptr context(EVP_PKEY_CTX_new_from_name(nullptr, kind, nullptr));
  EVP_PKEY* out = nullptr;
  if (!context || EVP_PKEY_fromdata_init(context.get()) != 1 || EVP_PKEY_fromdata(context.get(), &out, EVP_PKEY_PUBLIC_KEY, params) != 1) {
    ERR_clear_error();
    return nullptr;
  }
  return key_ptr(out);
}

key_ptr rsa_of(const base::json& k) {
  const auto n = from_base64url(k["n"].str()), e = from_base64url(k["e"].str());
  if (!n || !e || n->empty() || e->empty()) return nullptr;
  const number_ptr modulus(BN_bin2bn(bytes_of(*n), int(n->size()), nullptr)), exponent(BN_bin2bn(bytes_of(*e), int(e->size()), nullptr));
  const builder_ptr builder(OSSL_PARAM_BLD_new());
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get());
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get());
  const params_ptr params(OSSL_PARAM_BLD_to_param(builder.get()));
  auto key = make("RSA", params.get());
  return key && EVP_PKEY_get_bits(key.get()) >= rsa_bits_at_least ? std::move(key) : nullptr;
}

key_ptr curve_of(const base::json& k, const algorithm& a) {
  const auto x = from_base64url(k["x"].str()), y = from_base64url(k["y"].str());
  if (!x || !y || x->size() != a.number_bytes || y->size() != a.number_bytes) return nullptr;
  const std::string point = '\x04' + *x + *y;
  const builder_ptr builder(OSSL_PARAM_BLD_new());
  OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, a.curve, 0);
  OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size());
  const params_ptr params(OSSL_PARAM_BLD_to_param(builder.get()));
  return make("EC", params.get());
}

// JOSE writes r and s one behind the other, OpenSSL wants them as DER (RFC 7518 3.4).
std::string der_of(std::string_view signature, std::size_t number_bytes) {
  const signature_ptr s(ECDSA_SIG_new());
  BIGNUM* const first = BN_bin2bn(bytes_of(signature), int(number_bytes), nullptr);
  BIGNUM* const second = BN_bin2bn(bytes_of(signature) + number_bytes, int(number_bytes), nullptr);
  ECDSA_SIG_set0(s.get(), first, second);
  unsigned char* der = nullptr;
  const int n = i2d_ECDSA_SIG(s.get(), &der);
  if (n <= 0) return {};
  std::string out(reinterpret_cast<char*>(der), std::size_t(n));
  OPENSSL_free(der);
  return out;
}

}  // namespace

struct signing_keys::key {
  std::string id;
  std::string curve;           // empty: RSA
  std::string only_algorithm;  // empty: any that its kind can
  key_ptr value;
};

result<signing_keys> signing_keys::parse(std::string_view text) {
  const auto document = base::json::parse(text);
  if (!document || !(*document)["keys"].is_array()) return fail(errc::issuer_failed, "the provider's keys are no JSON Web Key Set");
  signing_keys out;
  for (const auto& k : (*document)["keys"]) {
    // dsf-fhir-server 2.3: `kid` must be in the set, with `use` = sig.
    if (k["use"].str() != "sig" || k["kid"].str().empty() || out.keys_.size() >= keys_at_most) continue;
    auto one = std::make_shared<key>();
    one->id = k["kid"].str();
    one->only_algorithm = k["alg"].str();
    if (k["kty"].str() == "RSA") {
      one->value = rsa_of(k);
    } else if (k["kty"].str() == "EC") {
      one->curve = k["crv"].str();
      for (const auto& a : algorithms)
        if (a.curve && one->curve == a.curve) one->value = curve_of(k, a);
    }
    if (one->value) out.keys_.push_back(std::move(one));
  }
  if (out.keys_.empty())
    return fail(errc::issuer_failed, "the provider has no key with use 'sig' of RSA (2048 bits) or P-256, P-384, P-521");
  return out;
}

bool signing_keys::has(std::string_view key_id) const noexcept {
  for (const auto& k : keys_)
    if (k->id == key_id) return true;
  return false;
}

result<void> signing_keys::verify(const jwt& token) const {
  const auto* a = algorithm_named(token.algorithm);
  if (!a)
    return fail(errc::token_invalid, "the token's algorithm '" + token.algorithm + "' is none of RS256, RS384, RS512, ES256, ES384, ES512");
  for (const auto& k : keys_) {
    if (k->id != token.key_id) continue;
    const bool fits = k->curve == (a->curve ? a->curve : "") && (k->only_algorithm.empty() || k->only_algorithm == a->name);
    if (!fits) return fail(errc::token_invalid, "the token's algorithm " + token.algorithm + " is not the one of its key '" + k->id + "'");
    if (DSF_MUTANT("jwt.signature_not_checked")) return {};
    if (a->curve && token.signature.size() != 2 * a->number_bytes)
      return fail(errc::token_invalid, "the token's signature has a wrong size");
    const auto signature = a->curve ? der_of(token.signature, a->number_bytes) : token.signature;
    const digest_context_ptr context(EVP_MD_CTX_new());
    ERR_clear_error();
    const bool good =
        EVP_DigestVerifyInit(context.get(), nullptr, a->digest(), nullptr, k->value.get()) == 1 &&
        EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(), bytes_of(token.signed_part), token.signed_part.size()) == 1;
    ERR_clear_error();
    if (good) return {};
    return fail(errc::token_invalid, "the token's signature is wrong");
  }
  return fail(errc::token_invalid, "the token's key '" + token.key_id + "' is none of the provider's");
}

}  // namespace dsf::net

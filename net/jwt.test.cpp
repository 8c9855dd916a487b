// Tokens: whose signature counts, with which algorithm, for whom and for how long.
#include "net/jwt.hpp"

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>

#include <catch2/catch.hpp>

#include "net/openssl_impl.hpp"

using namespace dsf::net;
using dsf::base::json;

namespace {

constexpr std::int64_t now_s = 1'800'000'000;
constexpr dsf::base::timestamp now{now_s * 1'000'000};
const std::string issuer = "https://id.example/realms/dsf";

std::string number_of(EVP_PKEY* key, const char* name, int bytes = 0) {
  BIGNUM* n = nullptr;
  REQUIRE(EVP_PKEY_get_bn_param(key, name, &n) == 1);
  std::string out(std::size_t(bytes > 0 ? bytes : BN_num_bytes(n)), '\0');
  BN_bn2binpad(n, reinterpret_cast<unsigned char*>(out.data()), int(out.size()));
  BN_free(n);
  return to_base64url(out);
}

struct signer {
  key_ptr key;
  std::string id;
  const char* curve = nullptr;
  int bytes = 0;
  const EVP_MD* digest = EVP_sha256();

  json jwk() const {
    json k;
    k.set("kid", id);
    k.set("use", "sig");
    if (curve) {
      k.set("kty", "EC");
      k.set("crv", curve);
      k.set("x", number_of(key.get(), OSSL_PKEY_PARAM_EC_PUB_X, bytes));
      k.set("y", number_of(key.get(), OSSL_PKEY_PARAM_EC_PUB_Y, bytes));
    } else {
      k.set("kty", "RSA");
      k.set("n", number_of(key.get(), OSSL_PKEY_PARAM_RSA_N));
      k.set("e", number_of(key.get(), OSSL_PKEY_PARAM_RSA_E));
    }
    return k;
  }
  std::string sign(const std::string& text) const {
    EVP_MD_CTX* c = EVP_MD_CTX_new();
    std::string out(1024, '\0');
    std::size_t n = out.size();
    REQUIRE(EVP_DigestSignInit(c, nullptr, digest, nullptr, key.get()) == 1);
    REQUIRE(EVP_DigestSign(c, reinterpret_cast<unsigned char*>(out.data()), &n, reinterpret_cast<const unsigned char*>(text.data()),
                           text.size()) == 1);
    EVP_MD_CTX_free(c);
    out.resize(n);
    if (!curve) return out;
    const auto* at = reinterpret_cast<const unsigned char*>(out.data());
    ECDSA_SIG* s = d2i_ECDSA_SIG(nullptr, &at, long(n));
    std::string both(std::size_t(2 * bytes), '\0');
    BN_bn2binpad(ECDSA_SIG_get0_r(s), reinterpret_cast<unsigned char*>(both.data()), bytes);
    BN_bn2binpad(ECDSA_SIG_get0_s(s), reinterpret_cast<unsigned char*>(both.data()) + bytes, bytes);
    ECDSA_SIG_free(s);
    return both;
  }
  std::string token(const std::string& algorithm, const json& claims, const std::string& more = {}) const {
    const auto head =
        to_base64url("{\"alg\":\"" + algorithm + "\",\"kid\":\"" + id + "\"" + more + "}") + '.' + to_base64url(claims.dump());
    return head + '.' + to_base64url(sign(head));
  }
};

signer rsa(const std::string& id, unsigned bits = 2048) { return {key_ptr(EVP_RSA_gen(bits)), id}; }
signer curve(const std::string& id, const char* name, int bytes, const EVP_MD* digest) {
  return {key_ptr(EVP_EC_gen(name)), id, name, bytes, digest};
}

std::string set_of(std::initializer_list<const signer*> all) {
  json keys{json::array{}};
  for (const auto* s : all) keys.push_back(s->jwk());
  json out;
  out.set("keys", std::move(keys));
  return out.dump();
}

json good_claims() {
  json c;
  c.set("iss", issuer);
  c.set("aud", "dsf-site");
  c.set("sub", "0815");
  c.set("exp", now_s + 300);
  return c;
}

std::string verdict(const std::string& token, const std::string& keys) {
  const auto parsed = parse_jwt(token);
  if (!parsed) return parsed.error().text();
  const auto set = signing_keys::parse(keys);
  REQUIRE(set);
  const auto verified = set->verify(*parsed);
  return verified ? "good" : verified.error().text();
}

std::string judged(const json& claims, token_rules rules = {.issuer = issuer, .audience = "dsf-site"}) {
  const auto r = judge_claims(claims, rules, now);
  return r ? "good" : r.error().code() + ": " + r.error().text();
}

}  // namespace

TEST_CASE("jwt: RSA and elliptic curves of all sizes verify; one changed bit does not") {
  const auto r = rsa("r");
  const auto e1 = curve("e1", "P-256", 32, EVP_sha256()), e2 = curve("e2", "P-384", 48, EVP_sha384()),
             e3 = curve("e3", "P-521", 66, EVP_sha512());
  const auto keys = set_of({&r, &e1, &e2, &e3});
  for (const auto& [s, name] : {std::pair{&r, "RS256"}, {&e1, "ES256"}, {&e2, "ES384"}, {&e3, "ES512"}}) {
    INFO(name);
    const auto token = s->token(name, good_claims());
    CHECK(verdict(token, keys) == "good");
    auto changed = good_claims();
    changed.set("sub", "0816");
    const auto first = token.find('.'), second = token.rfind('.');
    CHECK(verdict(token.substr(0, first + 1) + to_base64url(changed.dump()) + token.substr(second), keys) ==
          "the token's signature is wrong");
    CHECK(verdict(s->token(name, good_claims()), set_of({&r, &e1, &e2, &e3})) == "good");
  }
  const auto stranger = rsa("r");
  CHECK(verdict(stranger.token("RS256", good_claims()), keys) == "the token's signature is wrong");
}

TEST_CASE("jwt: the key decides the algorithm, none and HMAC are never one") {
  const auto r = rsa("r");
  const auto e = curve("e", "P-256", 32, EVP_sha256());
  const auto keys = set_of({&r, &e});
  const auto claims = to_base64url(good_claims().dump());
  const std::string known = "' is none of RS256, RS384, RS512, ES256, ES384, ES512";
  CHECK(verdict(to_base64url(R"({"alg":"none","kid":"r"})") + '.' + claims + '.', keys) == "the token's algorithm 'none" + known);
  CHECK(verdict(to_base64url(R"({"kid":"r"})") + '.' + claims + '.', keys) == "the token's algorithm '" + known);
  // The public key as the secret of an HMAC: the classic confusion.
  const auto head = to_base64url(R"({"alg":"HS256","kid":"r"})") + '.' + claims;
  const auto secret = r.jwk()["n"].str();
  unsigned char mac[32];
  unsigned n = 0;
  HMAC(EVP_sha256(), secret.data(), int(secret.size()), reinterpret_cast<const unsigned char*>(head.data()), head.size(), mac, &n);
  CHECK(verdict(head + '.' + to_base64url({reinterpret_cast<char*>(mac), n}), keys) == "the token's algorithm 'HS256" + known);
  CHECK(verdict(r.token("ES256", good_claims()), keys) == "the token's algorithm ES256 is not the one of its key 'r'");
  CHECK(verdict(e.token("RS256", good_claims()), keys) == "the token's algorithm RS256 is not the one of its key 'e'");
  CHECK(verdict(e.token("ES384", good_claims()), keys) == "the token's algorithm ES384 is not the one of its key 'e'");
  const auto other = rsa("other");
  CHECK(verdict(other.token("RS256", good_claims()), keys) == "the token's key 'other' is none of the provider's");
  CHECK(verdict(r.token("RS256", good_claims(), ",\"crit\":[\"exp\"]"), keys).find("crit") != std::string::npos);
  CHECK(verdict(r.token("RS256", good_claims()) + "AA", keys) != "good");
  CHECK(verdict("a.b", keys) != "good");
  CHECK(verdict("a.b.c.d.e", keys) != "good");
}

TEST_CASE("jwt: keys for other uses, weak ones and damaged ones are left out") {
  const auto weak = rsa("weak", 1024);
  CHECK_FALSE(signing_keys::parse(set_of({&weak})));
  const auto good = rsa("good");
  auto encryption = good.jwk();
  encryption.set("use", "enc");
  json keys{json::array{}};
  keys.push_back(encryption);
  json set;
  set.set("keys", keys);
  CHECK_FALSE(signing_keys::parse(set.dump()));
  const auto e = curve("e", "P-256", 32, EVP_sha256());
  auto off_curve = e.jwk();
  off_curve.set("y", to_base64url(std::string(32, '\x01')));
  json some{json::array{}};
  some.push_back(off_curve);
  some.push_back(good.jwk());
  set.set("keys", some);
  const auto parsed = signing_keys::parse(set.dump());
  REQUIRE(parsed);
  CHECK(parsed->has("good"));
  CHECK_FALSE(parsed->has("e"));
  CHECK_FALSE(signing_keys::parse("{}"));
  CHECK_FALSE(signing_keys::parse("nonsense"));
}

TEST_CASE("jwt: claims are judged one by one") {
  CHECK(judged(good_claims()) == "good");
  const auto with = [](std::string_view name, json value) {
    auto c = good_claims();
    c.set(name, std::move(value));
    return c;
  };
  CHECK(judged(with("iss", issuer + "/")).starts_with("net.token_invalid: the token is of the issuer"));
  CHECK(judged(with("aud", "other")) == "net.token_invalid: the token is not for 'dsf-site' (aud)");
  CHECK(judged(with("aud", json::array{"other", "dsf-site"})) == "good");
  CHECK(judged(with("aud", json::array{"other"})) != "good");
  CHECK(judged(with("aud", "other"), {.issuer = issuer}) == "good");
  CHECK(judged(with("exp", now_s)) == "good");  // one second of leeway
  CHECK(judged(with("exp", now_s - 1)) == "net.token_expired: the token has expired");
  CHECK(judged(with("exp", "soon")) != "good");
  CHECK(judged(with("nbf", now_s + 1)) == "good");
  CHECK(judged(with("nbf", now_s + 2)) == "net.token_invalid: the token is not valid yet (nbf)");
  CHECK(judged(with("iat", now_s + 60)) != "good");
  auto c = good_claims();
  c.erase("exp");
  CHECK(judged(c) != "good");
  CHECK(judged(c, {.issuer = issuer, .needs_expiry = false}) == "good");
  c = good_claims();
  c.erase("sub");
  CHECK(judged(c) == "net.token_invalid: the token has neither 'sub' nor 'sid'");
  c.set("sid", "s-1");
  CHECK(judged(c) == "good");
}

TEST_CASE("jwt: roles of the realm and of clients, and groups, are read") {
  auto c = good_claims();
  c.set("email", "p@site-a.example");
  c.set("realm_access", *json::parse(R"({"roles":["admin","user"]})"));
  c.set("resource_access", *json::parse(R"({"dsf":{"roles":["uac"]},"broken":{"roles":7}})"));
  c.set("groups", json::array{"/dsf"});
  const auto r = judge_claims(c, {.issuer = issuer}, now);
  REQUIRE(r);
  CHECK(r->roles == std::vector<std::string>{"admin", "user", "dsf.uac"});
  CHECK(r->groups == std::vector<std::string>{"/dsf"});
  CHECK(r->email == "p@site-a.example");
  CHECK(r->expires.us == (now_s + 300) * 1'000'000);
}

TEST_CASE("jwt: a logout token has its event and no nonce") {
  auto c = good_claims();
  CHECK_FALSE(judge_logout(c));
  c.set("events", *json::parse(R"({"http://schemas.openid.net/event/backchannel-logout":{}})"));
  CHECK(judge_logout(c));
  c.set("nonce", "n");
  CHECK_FALSE(judge_logout(c));
}

#include "tests/support/open_id_provider.hpp"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include <stdexcept>

#include "base/clock.hpp"
#include "net/jwt.hpp"
#include "net/query.hpp"

namespace dsf::tests {
namespace {

constexpr int number_bytes = 32;  // P-256
constexpr std::int64_t token_s = 300;

std::string number_of(EVP_PKEY* key, const char* name, int bytes) {
  BIGNUM* n = nullptr;
  if (EVP_PKEY_get_bn_param(key, name, &n) != 1) throw std::runtime_error("no such number in the key");
  std::string out(std::size_t(bytes > 0 ? bytes : BN_num_bytes(n)), '\0');
  BN_bn2binpad(n, reinterpret_cast<unsigned char*>(out.data()), int(out.size()));
  BN_free(n);
  return net::to_base64url(out);
}

std::map<std::string, std::string> parameters_of(std::string_view text) {
  std::map<std::string, std::string> out;
  if (const auto q = net::parse_query(text))
    for (const auto& p : *q) out[p.name] = p.value;
  return out;
}

net::response with_json(const base::json& body, int status = 200) {
  net::response r;
  r.status = status;
  r.headers = {{"Content-Type", "application/json"}};
  r.body = body.dump();
  return r;
}

std::int64_t now_s() { return base::system_clock_source().now().us / base::us_per_s; }

}  // namespace

struct open_id_provider::signing_key {
  signing_key(std::string name, bool curve) : id(std::move(name)), elliptic(curve), value(curve ? EVP_EC_gen("P-256") : EVP_RSA_gen(2048)) {
    if (!value) throw std::runtime_error("no key");
  }
  ~signing_key() { EVP_PKEY_free(value); }
  signing_key(const signing_key&) = delete;
  signing_key& operator=(const signing_key&) = delete;
  [[nodiscard]] base::json jwk() const {
    base::json k;
    k.set("kid", id);
    k.set("use", "sig");
    k.set("alg", elliptic ? "ES256" : "RS256");
    k.set("kty", elliptic ? "EC" : "RSA");
    if (elliptic) {
      k.set("crv", "P-256");
      k.set("x", number_of(value, OSSL_PKEY_PARAM_EC_PUB_X, number_bytes));
      k.set("y", number_of(value, OSSL_PKEY_PARAM_EC_PUB_Y, number_bytes));
    } else {
      k.set("n", number_of(value, OSSL_PKEY_PARAM_RSA_N, 0));
      k.set("e", number_of(value, OSSL_PKEY_PARAM_RSA_E, 0));
    }
    return k;
  }
  std::string id;
  bool elliptic;
  EVP_PKEY* value;
};

open_id_provider::open_id_provider(net::tls_identity identity, std::string client_secret) : secret_(std::move(client_secret)) {
  roll_over();
  net::server_options o;
  o.identity = std::move(identity);
  o.certificates = net::client_certificate::none;
  o.threads = 1;
  auto started = net::https_server::start(std::move(o), [this](net::request&& r, net::responder a) { answer(std::move(r), std::move(a)); });
  if (!started) throw std::runtime_error(started.error().to_string());
  server_.emplace(*std::move(started));
}

open_id_provider::~open_id_provider() { stop(); }
void open_id_provider::stop() {
  if (server_) server_->stop(500);
}

std::string open_id_provider::issuer() const { return "https://localhost:" + std::to_string(server_->port()) + "/realms/dsf"; }

void open_id_provider::roll_over() {
  const std::lock_guard lock{mutex_};
  ++keys_made_;
  key_ = std::make_shared<const signing_key>("key-" + std::to_string(keys_made_), keys_made_ % 2 == 0);
}

void open_id_provider::log_in(base::json claims) {
  const std::lock_guard lock{mutex_};
  user_ = std::move(claims);
}

int open_id_provider::key_requests() const {
  const std::lock_guard lock{mutex_};
  return key_requests_;
}

std::string open_id_provider::sign(const signing_key& key, const base::json& claims) {
  const auto text = net::to_base64url(std::string("{\"alg\":\"") + (key.elliptic ? "ES256" : "RS256") + "\",\"typ\":\"JWT\",\"kid\":\"" +
                                      key.id + "\"}") +
                    '.' + net::to_base64url(claims.dump());
  EVP_MD_CTX* c = EVP_MD_CTX_new();
  std::string out(1024, '\0');
  std::size_t n = out.size();
  const bool ok = EVP_DigestSignInit(c, nullptr, EVP_sha256(), nullptr, key.value) == 1 &&
                  EVP_DigestSign(c, reinterpret_cast<unsigned char*>(out.data()), &n, reinterpret_cast<const unsigned char*>(text.data()),
                                 text.size()) == 1;
  EVP_MD_CTX_free(c);
  if (!ok) throw std::runtime_error("no signature");
  out.resize(n);
  if (key.elliptic) {
    const auto* at = reinterpret_cast<const unsigned char*>(out.data());
    ECDSA_SIG* s = d2i_ECDSA_SIG(nullptr, &at, long(n));
    std::string both(2 * number_bytes, '\0');
    BN_bn2binpad(ECDSA_SIG_get0_r(s), reinterpret_cast<unsigned char*>(both.data()), number_bytes);
    BN_bn2binpad(ECDSA_SIG_get0_s(s), reinterpret_cast<unsigned char*>(both.data()) + number_bytes, number_bytes);
    ECDSA_SIG_free(s);
    out = both;
  }
  return text + '.' + net::to_base64url(out);
}

base::json open_id_provider::completed(base::json claims) const {
  if (!claims.find("iss")) claims.set("iss", issuer());
  if (!claims.find("iat")) claims.set("iat", now_s());
  if (!claims.find("exp")) claims.set("exp", now_s() + token_s);
  return claims;
}

std::string open_id_provider::token(base::json claims) const {
  const std::lock_guard lock{mutex_};
  return sign(*key_, completed(std::move(claims)));
}

std::string open_id_provider::forged_token(base::json claims) const {
  const std::lock_guard lock{mutex_};
  return sign(signing_key(key_->id, key_->elliptic), completed(std::move(claims)));
}

std::string open_id_provider::unsigned_token(const base::json& claims) {
  return net::to_base64url(R"({"alg":"none","kid":"key-1"})") + '.' + net::to_base64url(claims.dump()) + '.';
}

void open_id_provider::answer(net::request&& r, net::responder a) {
  const auto path = r.path();
  if (path == "/realms/dsf/.well-known/openid-configuration") {
    base::json d;
    d.set("issuer", issuer());
    d.set("jwks_uri", issuer() + "/certs");
    d.set("authorization_endpoint", issuer() + "/auth");
    d.set("token_endpoint", issuer() + "/token");
    d.set("end_session_endpoint", issuer() + "/logout");
    return a(with_json(d));
  }
  const std::lock_guard lock{mutex_};
  if (path == "/realms/dsf/certs") {
    ++key_requests_;
    base::json keys{base::json::array{}}, set;
    keys.push_back(key_->jwk());
    set.set("keys", std::move(keys));
    return a(with_json(set));
  }
  if (path == "/realms/dsf/auth") return a(authorize(r));
  if (path == "/realms/dsf/token" && r.method == "POST") return a(tokens(r));
  a(net::text_response(404, "no such page"));
}

// The person at the browser is logged in already, so the way back begins at once.
net::response open_id_provider::authorize(const net::request& r) {
  auto q = parameters_of(r.query());
  if (q["response_type"] != "code" || q["scope"].find("openid") == std::string::npos || q["code_challenge_method"] != "S256" ||
      q["state"].empty())
    return net::text_response(400, "not a request of the code flow with PKCE");
  const auto code = "code-" + std::to_string(++codes_made_);
  codes_[code] = {q["nonce"], q["code_challenge"], q["client_id"], q["redirect_uri"]};
  net::response out;
  out.status = 302;
  out.headers = {
      {"Location", q["redirect_uri"] + '?' + net::encode_query({{"state", q["state"]}, {"session_state", "x"}, {"code", code}})}};
  return out;
}

net::response open_id_provider::tokens(const net::request& r) {
  auto form = parameters_of(r.body);
  auto found = codes_.extract(form["code"]);
  base::json problem;
  problem.set("error", "invalid_grant");
  if (found.empty()) return with_json(problem, 400);
  const auto& made = found.mapped();
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int n = 0;
  EVP_Digest(form["code_verifier"].data(), form["code_verifier"].size(), digest, &n, EVP_sha256(), nullptr);
  if (form["grant_type"] != "authorization_code" || form["client_secret"] != secret_ || form["client_id"] != made.client ||
      form["redirect_uri"] != made.redirect || net::to_base64url({reinterpret_cast<char*>(digest), n}) != made.challenge)
    return with_json(problem, 400);
  auto claims = user_;
  claims.set("aud", made.client);
  claims.set("nonce", made.nonce);
  auto access = user_;
  access.set("aud", "account");
  base::json out;
  out.set("id_token", sign(*key_, completed(claims)));
  out.set("access_token", sign(*key_, completed(access)));
  out.set("token_type", "Bearer");
  out.set("expires_in", token_s);
  return with_json(out);
}

}  // namespace dsf::tests

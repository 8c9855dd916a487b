// Tokens and key sets out of any bytes.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "net/jwt.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace dsf::net;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto keys = signing_keys::parse(text);
  if (const auto token = parse_jwt(text)) {
    if (keys && keys->verify(*token)) std::abort();  // no text is both
    (void)judge_claims(token->claims, {.issuer = token->claims["iss"].str()}, {1'700'000'000'000'000});
    (void)judge_logout(token->claims);
  }
  // One text for one value.
  if (const auto bytes = from_base64url(text); bytes && to_base64url(*bytes) != text) std::abort();
  return 0;
}

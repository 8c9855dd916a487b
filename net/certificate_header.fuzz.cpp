// A proxy's header out of any bytes: what comes out is one certificate's PEM, and reading that again changes nothing.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "net/certificate_header.hpp"
#include "net/tls.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto pem = dsf::net::pem_of_header({reinterpret_cast<const char*>(data), size});
  if (!pem) return 0;
  const auto again = dsf::net::pem_of_header(std::string_view(*pem).substr(0, pem->size() - 1));
  if (!again || *again != *pem) std::abort();
  (void)dsf::net::parse_certificate(*pem);  // it may be no certificate, but must not break the reader
  return 0;
}

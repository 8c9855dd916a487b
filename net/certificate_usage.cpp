#include "net/certificate_usage.hpp"

#include <openssl/x509v3.h>

#include "net/openssl_impl.hpp"

namespace dsf::net {

result<certificate_usage> usage_of(const std::string& file) {
  const auto all = TRY(certificates_of(TRY(read_file(file, "the certificate")), file));
  auto* first = all.front().get();
  return certificate_usage{X509_check_purpose(first, X509_PURPOSE_SSL_SERVER, 0) == 1,
                           X509_check_purpose(first, X509_PURPOSE_SSL_CLIENT, 0) == 1};
}

}  // namespace dsf::net

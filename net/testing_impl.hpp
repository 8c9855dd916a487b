// For this room's tests: a PKI in a folder that goes away, and raw sockets for what a well-behaved client never sends.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <string>

#include "net/https_client.hpp"
#include "net/https_server.hpp"
#include "net/pki.hpp"

namespace dsf::net::testing {

inline std::string make_folder() {
  std::string name = (std::filesystem::temp_directory_path() / "dsf-net-XXXXXX").string();
  REQUIRE(mkdtemp(name.data()) != nullptr);
  return name;
}

struct folder {
  folder() : path(make_folder()) {}
  ~folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  std::string operator/(const std::string& name) const { return path + '/' + name; }
  std::string path;
};

template <class T>
T must(result<T> r) {
  if (!r) FAIL(r.error().to_string());
  if constexpr (!std::is_void_v<T>) return *std::move(r);
}

// Two CAs; certificates are named <folder>/<name>.pem and <name>.key.
struct pki {
  pki() {
    must(create_ca({}, files("ca")));
    must(create_ca({.common_name = "some other CA"}, files("other-ca")));
    issue("server", {.use = certificate_use::server, .common_name = "localhost"});
    issue("client", {.common_name = "dic-1.example", .organization = "Hospital One"});
    issue("practitioner", {.common_name = "Test User", .email = "user@dic-1.example"});
    issue("expired", {.common_name = "expired.example", .valid_days = -1});
    issue("expired-server", {.use = certificate_use::server, .common_name = "localhost", .valid_days = -1});
    issue("elsewhere-server", {.use = certificate_use::server, .common_name = "elsewhere", .names = {"elsewhere.example"}});
    issue("stranger", {.common_name = "stranger.example"}, "other-ca");
  }
  pki_files files(const std::string& name) const { return {at / (name + ".pem"), at / (name + ".key")}; }
  void issue(const std::string& name, const certificate_request& r, const std::string& ca = "ca") const {
    must(issue_certificate(r, files(ca), {}, files(name)));
  }
  tls_files tls(const std::string& name, const std::string& trust = "ca") const {
    tls_files f;
    if (!name.empty()) f.certificate = files(name).certificate, f.key = files(name).key;
    f.trust = files(trust).certificate;
    return f;
  }
  // Loads also what is out of date, as a peer with a wrong clock would.
  tls_identity identity(const std::string& name, const std::string& trust = "ca") const {
    base::manual_clock past({base::system_clock_source().now().us - 36 * 3600 * base::us_per_s});
    const bool expired = name.starts_with("expired");
    return must(expired ? tls_identity::load(tls(name, trust), past) : tls_identity::load(tls(name, trust)));
  }
  folder at;
};

inline const pki& shared_pki() {
  static const pki one;
  return one;
}

// A TCP connection without any manners.
class raw_socket {
public:
  explicit raw_socket(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0);
  }
  ~raw_socket() { ::close(fd_); }
  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return;  // the server may close early; what it said is read below
      bytes.remove_prefix(std::size_t(n));
    }
  }
  // Until the other side ends, or `until` was read, or the time is over.
  std::string receive(std::string_view until = {}, int timeout_ms = 5'000) {
    char buffer[16 * 1024];
    while (until.empty() || seen_.find(until) == std::string::npos) {
      pollfd p{fd_, POLLIN, 0};
      if (::poll(&p, 1, timeout_ms) <= 0) return seen_ + "<time-out>";
      const auto n = ::recv(fd_, buffer, sizeof buffer, 0);
      if (n < 0) return seen_ + "<reset>";
      if (n == 0) break;
      seen_.append(buffer, std::size_t(n));
    }
    return std::exchange(seen_, {});
  }

private:
  int fd_;
  std::string seen_;
};

inline std::size_t count_of(std::string_view text, std::string_view what) {
  std::size_t n = 0;
  for (auto at = text.find(what); at != std::string_view::npos; at = text.find(what, at + what.size())) ++n;
  return n;
}

}  // namespace dsf::net::testing

// For this room's tests: certificates in a folder that goes away, and a log that is read.
#pragma once

#include <stdlib.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <string>

#include "base/log.hpp"
#include "net/pki.hpp"
#include "net/tls.hpp"

namespace dsf::site::testing {

template <class T>
T must(base::result<T> r) {
  if (!r) FAIL(r.error().to_string());
  if constexpr (!std::is_void_v<T>) return *std::move(r);
}

inline std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

struct line_sink final : base::log_sink {
  void line(std::string_view text) override {
    const std::lock_guard lock{mutex};
    lines += std::string(text) + '\n';
  }
  [[nodiscard]] bool has(std::string_view text) {
    const std::lock_guard lock{mutex};
    return lines.find(text) != std::string::npos;
  }
  std::mutex mutex;
  std::string lines;
};

class pki {
public:
  pki() {
    std::string name = (std::filesystem::temp_directory_path() / "dsf-callers-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    folder_ = name;
    must(net::create_ca({}, files("ca")));
    must(net::create_ca({.common_name = "some other CA"}, files("other-ca")));
    issue("server", {.use = net::certificate_use::server, .common_name = "localhost"});
    issue("client", {.common_name = "dic-1.example"});
    issue("practitioner", {.common_name = "Test User", .email = "user@dic-1.example"});
    issue("expired", {.common_name = "expired.example", .valid_days = -1});
    issue("stranger", {.common_name = "stranger.example"}, "other-ca");
  }
  ~pki() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  [[nodiscard]] std::string file(const std::string& name) const { return folder_ + '/' + name + ".pem"; }
  [[nodiscard]] std::string key(const std::string& name) const { return folder_ + '/' + name + ".key"; }

private:
  [[nodiscard]] net::pki_files files(const std::string& name) const { return {file(name), key(name)}; }
  void issue(const std::string& name, const net::certificate_request& r, const std::string& ca = "ca") const {
    must(net::issue_certificate(r, files(ca), {}, files(name)));
  }
  std::string folder_;
};

inline const pki& shared_pki() {
  static const pki one;
  return one;
}

}  // namespace dsf::site::testing

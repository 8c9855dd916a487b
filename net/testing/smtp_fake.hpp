// An SMTP server for tests, in clear or with TLS.
#pragma once

#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include <memory>
#include <string>
#include <thread>

#include "net/pki.hpp"

namespace dsf::net::testing {

struct smtp_script {
  bool starttls = false, tls = false, auth = false;
  std::string refuse;  // the beginning of the command that gets 550
};

// Takes one connection and keeps what was said, with "TLS" where it began.
class smtp_fake {
public:
  smtp_fake(smtp_script what, const pki_files& own) : what_(std::move(what)), context_(SSL_CTX_new(TLS_server_method()), SSL_CTX_free) {
    REQUIRE(SSL_CTX_use_certificate_chain_file(context_.get(), own.certificate.c_str()) == 1);
    REQUIRE(SSL_CTX_use_PrivateKey_file(context_.get(), own.key.c_str(), SSL_FILETYPE_PEM) == 1);
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in a{};
    a.sin_family = AF_INET;
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::bind(listener_, reinterpret_cast<sockaddr*>(&a), sizeof a) == 0);
    REQUIRE(::listen(listener_, 1) == 0);
    socklen_t size = sizeof a;
    REQUIRE(::getsockname(listener_, reinterpret_cast<sockaddr*>(&a), &size) == 0);
    port = ntohs(a.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~smtp_fake() {
    if (thread_.joinable()) said();
    ::close(listener_);
  }
  // All of it, when the connection has ended.
  const std::string& said() {
    if (thread_.joinable()) {
      ::shutdown(listener_, SHUT_RDWR);  // nobody came
      thread_.join();
    }
    return heard_;
  }
  std::uint16_t port = 0;

private:
  void serve() {
    fd_ = ::accept(listener_, nullptr, nullptr);
    if (fd_ < 0) return;
    if (!what_.tls || begin_tls()) talk();
    ssl_.reset();
    ::close(fd_);
  }
  bool begin_tls() {
    ssl_.reset(SSL_new(context_.get()));
    SSL_set_fd(ssl_.get(), fd_);
    if (SSL_accept(ssl_.get()) != 1) return false;
    heard_ += "TLS\n";
    return true;
  }
  void talk() {
    answer("220 fake");
    for (std::string l = line(); !l.empty(); l = line()) {
      heard_ += l;
      if (!what_.refuse.empty() && l.starts_with(what_.refuse)) {
        answer("550 not here");
      } else if (l.starts_with("EHLO")) {
        if (what_.starttls && !ssl_) answer("250-STARTTLS");
        if (what_.auth) answer("250-AUTH PLAIN");
        answer("250 SIZE 100000");
      } else if (l.starts_with("STARTTLS")) {
        answer("220 go");
        if (!begin_tls()) return;
      } else if (l.starts_with("AUTH")) {
        if (l == "AUTH PLAIN\r\n") {  // the credentials come in a line of their own
          answer("334 ");
          l = line();
        }
        answer(l.find("AHUAc2VjcmV0") != l.npos ? "235 ok" : "535 wrong");
      } else if (l.starts_with("DATA")) {
        answer("354 go");
        for (l = line(); !l.empty() && l != ".\r\n"; l = line()) heard_ += l;
        answer("250 taken");
      } else if (l.starts_with("QUIT")) {
        return answer("221 bye");
      } else {
        answer("250 ok");
      }
    }
  }
  std::string line() {
    std::string out;
    for (char c = 0; out.size() < 4'000 && !out.ends_with('\n');) {
      if ((ssl_ ? SSL_read(ssl_.get(), &c, 1) : static_cast<int>(::read(fd_, &c, 1))) != 1) return {};
      out += c;
    }
    return out;
  }
  void answer(const std::string& text) {
    const auto l = text + "\r\n";
    if (ssl_)
      SSL_write(ssl_.get(), l.data(), static_cast<int>(l.size()));
    else
      static_cast<void>(::send(fd_, l.data(), l.size(), MSG_NOSIGNAL));
  }

  const smtp_script what_;
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl_{nullptr, SSL_free};
  int listener_ = -1, fd_ = -1;
  std::string heard_;
  std::thread thread_;
};

}  // namespace dsf::net::testing

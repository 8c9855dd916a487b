// The rules of HTTP/1.1 and the server's limits, seen by a client without manners over plain TCP.
#include <atomic>
#include <mutex>
#include <thread>

#include "net/testing_impl.hpp"

using namespace dsf::net;
using namespace dsf::net::testing;

namespace {

https_server serve(server_limits limits = {}, handler h = {}) {
  server_options o;
  o.threads = 1;
  o.limits = limits;
  if (!h)
    h = [](request&& r, responder to) {
      response out;
      out.headers.add("X-Target", r.target);
      out.body = r.method + ':' + r.body;
      to(std::move(out));
    };
  return must(https_server::start(std::move(o), std::move(h)));
}

std::string ask(const https_server& s, std::string_view bytes) {
  raw_socket c(s.port());
  c.send(bytes);
  return c.receive();
}

std::string status_of(const std::string& answer) { return answer.substr(0, answer.find("\r\n")); }

}  // namespace

TEST_CASE("the answer's bytes are exactly these") {
  const auto server = serve();
  CHECK(ask(server, "POST /a?b=c HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc") ==
        "HTTP/1.1 200 OK\r\nX-Target: /a?b=c\r\nContent-Length: 8\r\nConnection: close\r\n\r\nPOST:abc");
}

TEST_CASE("HEAD has GET's length and no body; 204 and 304 have neither") {
  const auto server = serve({}, [](request&& r, responder to) {
    response out;
    if (r.path() == "/known") out.headers.add("content-length", "12345");
    if (r.path() == "/known") return to(std::move(out));
    if (r.path() != "/") out.status = std::stoi(std::string(r.path().substr(1)));
    out.body = "0123456789";
    to(std::move(out));
  });
  CHECK(ask(server, "HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n") ==
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\nConnection: close\r\n\r\n");
  CHECK(ask(server, "HEAD /known HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n") ==
        "HTTP/1.1 200 OK\r\nContent-Length: 12345\r\nConnection: close\r\n\r\n");
  CHECK(ask(server, "GET /known HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n") ==
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  CHECK(ask(server, "GET /204 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n") == "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
  CHECK(ask(server, "GET /304 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n") ==
        "HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n");
}

TEST_CASE("pipelined requests are answered one after the other, also in pieces of one byte") {
  const auto server = serve();
  const std::string requests =
      "GET /1 HTTP/1.1\r\nHost: x\r\n\r\n"
      "\r\nPOST /2 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: no\r\n\r\n"
      "GET http://x:80/3?q HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
  const std::string answers =
      "HTTP/1.1 200 OK\r\nX-Target: /1\r\nContent-Length: 4\r\n\r\nGET:"
      "HTTP/1.1 200 OK\r\nX-Target: /2\r\nContent-Length: 10\r\n\r\nPOST:abcde"
      "HTTP/1.1 200 OK\r\nX-Target: /3?q\r\nContent-Length: 4\r\nConnection: close\r\n\r\nGET:";
  CHECK(ask(server, requests) == answers);
  raw_socket slow(server.port());
  for (const char c : requests) slow.send({&c, 1});
  CHECK(slow.receive() == answers);
}

TEST_CASE("an empty line before a request may arrive in two halves") {
  const auto server = serve();
  raw_socket c(server.port());
  c.send("\r");
  std::this_thread::sleep_for(std::chrono::milliseconds(30));
  c.send("\nGET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  CHECK(status_of(c.receive()) == "HTTP/1.1 200 OK");
}

TEST_CASE("an empty chunked body may arrive byte by byte") {
  // Beast's parser would end the program at the fourth byte of the last chunk.
  const auto server = serve();
  raw_socket c(server.port());
  c.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n");
  for (const char byte : std::string("0\r\n\r\n")) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    c.send({&byte, 1});
  }
  CHECK(c.receive().ends_with("POST:"));
}

TEST_CASE("500 pipelined requests do not nest into each other") {
  const auto server = serve();
  std::string many;
  for (int i = 0; i < 500; ++i) many += "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
  raw_socket c(server.port());
  c.send(many + "GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  CHECK(count_of(c.receive(), "HTTP/1.1 200 OK") == 501);
}

TEST_CASE("HTTP/1.0 is answered and its connection ends") {
  const auto server = serve();
  CHECK(ask(server, "GET / HTTP/1.0\r\n\r\n") == "HTTP/1.1 200 OK\r\nX-Target: /\r\nContent-Length: 4\r\nConnection: close\r\n\r\nGET:");
}

TEST_CASE("malformed and ambiguous requests are refused and their connection ends") {
  std::atomic<int> handled = 0;
  const auto server = serve({}, [&](request&&, responder to) {
    ++handled;
    to({});
  });
  struct row {
    std::string bytes;
    std::string status;
  };
  const auto rows = std::vector<row>{
      {"nonsense\r\n\r\n", "HTTP/1.1 400 Bad Request"},
      {"GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 400 Bad Request"},
      {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "HTTP/1.1 400 Bad Request"},
      {"GET x HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 400 Bad Request"},
      {"GET / HTTP/1.1\r\nHost: x\r\nA b: c\r\n\r\n", "HTTP/1.1 400 Bad Request"},
      {"GET / HTTP/1.1\r\nHost : x\r\n\r\n", "HTTP/1.1 400 Bad Request"},
      {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1x\r\n\r\na", "HTTP/1.1 400 Bad Request"},
      {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na", "HTTP/1.1 400 Bad Request"},
      // What request smuggling is made of.
      {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "HTTP/1.1 400 Bad Request"},
      {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n", "HTTP/1.1 400 Bad Request"},
      {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "HTTP/1.1 501 Not Implemented"},
      {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc", "HTTP/1.1 400 Bad Request"},
      {"GET / HTTP/2.0\r\nHost: x\r\n\r\n", "HTTP/1.1 505 HTTP Version Not Supported"},
      {"POST / HTTP/1.1\r\nHost: x\r\nExpect: miracles\r\nContent-Length: 1\r\n\r\na", "HTTP/1.1 417 Expectation Failed"},
  };
  for (const auto& r : rows) {
    INFO(r.bytes);
    const auto answer = ask(server, r.bytes);
    CHECK(status_of(answer) == r.status);
    CHECK(answer.find("Connection: close\r\n") != std::string::npos);
  }
  CHECK(handled == 0);
}

TEST_CASE("a body over the limit gets 413 before it is read, one without a length as soon as it is over") {
  server_limits limits;
  limits.body_bytes = 1'000'000;
  const auto server = serve(limits);
  const std::string text = "the request's body is larger than the limit of 1000000 bytes; send less, or raise the limit\n";
  {
    raw_socket c(server.port());
    c.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000001\r\n\r\n");
    const auto answer = c.receive();
    CHECK(status_of(answer) == "HTTP/1.1 413 Payload Too Large");
    CHECK(answer.ends_with(text));
  }
  {
    // Although the body is on its way already, the answer is not lost to a reset.
    raw_socket c(server.port());
    c.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 8000000\r\n\r\n" + std::string(8'000'000, 'x'));
    CHECK(status_of(c.receive()) == "HTTP/1.1 413 Payload Too Large");
  }
  raw_socket c(server.port());
  c.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < 11; ++i) c.send("186a0\r\n" + std::string(100'000, 'x') + "\r\n");
  CHECK(status_of(c.receive()) == "HTTP/1.1 413 Payload Too Large");
  CHECK(status_of(ask(server, "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 1000000\r\n\r\n" +
                                  std::string(1'000'000, 'x'))) == "HTTP/1.1 200 OK");
}

TEST_CASE("a head over the limit gets 431, in one field, many fields or the target") {
  server_limits limits;
  limits.head_bytes = 4'000;
  const auto server = serve(limits);
  const std::string expected = "HTTP/1.1 431 Request Header Fields Too Large";
  CHECK(status_of(ask(server, "GET / HTTP/1.1\r\nHost: x\r\nA: " + std::string(4'000, 'a') + "\r\n\r\n")) == expected);
  CHECK(status_of(ask(server, "GET /" + std::string(4'000, 'a') + " HTTP/1.1\r\nHost: x\r\n\r\n")) == expected);
  CHECK(status_of(ask(server, "GET /" + std::string(100'000, 'a'))) == expected);
  std::string many = "GET / HTTP/1.1\r\nHost: x\r\n";
  for (int i = 0; i < 1'000; ++i) many += "F" + std::to_string(i) + ": v\r\n";
  const auto answer = ask(server, many + "\r\n");
  CHECK(status_of(answer) == expected);
  CHECK(answer.ends_with("the request's head is larger than the limit of 4000 bytes; shorten its target or fields\n"));
  CHECK(status_of(ask(server, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nA: " + std::string(3'900, 'a') + "\r\n\r\n")) ==
        "HTTP/1.1 200 OK");
}

TEST_CASE("slow senders get 408, idle connections are closed") {
  server_limits limits;
  limits.head_timeout_ms = 150;
  limits.body_timeout_ms = 150;
  limits.idle_timeout_ms = 150;
  const auto server = serve(limits);
  raw_socket head(server.port()), body(server.port()), idle(server.port());
  head.send("GET / HTTP/1.1\r\nHo");
  body.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\na");
  const auto for_head = head.receive();
  CHECK(status_of(for_head) == "HTTP/1.1 408 Request Timeout");
  CHECK(for_head.ends_with("the request's head did not arrive in time\n"));
  CHECK(body.receive().ends_with("the request's body did not arrive in time\n"));
  CHECK(idle.receive().empty());
}

TEST_CASE("a client that drips its head byte by byte is ended all the same") {
  server_limits limits;
  limits.head_timeout_ms = 200;
  const auto server = serve(limits);
  raw_socket c(server.port());
  std::atomic<bool> ended = false;
  std::jthread drip([&] {
    for (int i = 0; i < 200 && !ended; ++i) {
      c.send("a");
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  });
  CHECK(status_of(c.receive()) == "HTTP/1.1 408 Request Timeout");
  ended = true;
}

TEST_CASE("100 Continue is said before the body is read, and not said if the body is there already") {
  const auto server = serve();
  raw_socket c(server.port());
  c.send("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n");
  CHECK(c.receive("\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
  c.send("abc");
  CHECK(c.receive().ends_with("PUT:abc"));
  CHECK(ask(server, "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\nConnection: close\r\n\r\nabc")
            .starts_with("HTTP/1.1 200 OK"));
}

TEST_CASE("beyond the connection limit a client is told 503 and when to come back") {
  server_limits limits;
  limits.connections = 2;
  limits.retry_after_s = 7;
  const auto server = serve(limits);
  raw_socket one(server.port()), two(server.port());
  for (auto* c : {&one, &two}) {
    c->send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(c->receive("GET:").starts_with("HTTP/1.1 200 OK"));
  }
  const auto third = ask(server, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc");
  CHECK(status_of(third) == "HTTP/1.1 503 Service Unavailable");
  CHECK(third.find("\r\nRetry-After: 7\r\n") != std::string::npos);
  CHECK(third.ends_with("the server has its limit of 2 connections; try again later\n"));
  CHECK(server.statistics().over_limit == 1);
  CHECK(server.statistics().requests == 2);
}

TEST_CASE("one certificate has a limit of its own") {
  server_options o;
  o.threads = 1;
  o.identity = shared_pki().identity("server");
  o.limits.connections_per_certificate = 2;
  std::mutex mutex;
  std::vector<responder> held;
  const auto server = must(https_server::start(std::move(o), [&](request&& r, responder to) {
    if (r.path() == "/now") return to({});
    std::lock_guard lock(mutex);
    held.push_back(std::move(to));
  }));
  const auto url = "https://localhost:" + std::to_string(server.port());
  std::atomic<int> answered = 0;
  https_client client({.identity = shared_pki().identity("client")});
  for (int i = 0; i < 2; ++i) client.send({.url = url}, 10'000, [&](auto) { ++answered; });
  for (;;) {
    std::lock_guard lock(mutex);
    if (held.size() == 2) break;
  }
  const auto third = client.send_and_wait({.url = url + "/now"}, 10'000);
  REQUIRE(third);
  CHECK(third->status == 503);
  CHECK(third->body == "this certificate has its limit of 2 connections; use fewer, or try again later\n");
  https_client other({.identity = shared_pki().identity("practitioner")});
  const auto elsewhere = other.send_and_wait({.url = url + "/now"}, 10'000);
  REQUIRE(elsewhere);
  CHECK(elsewhere->status == 200);
  std::lock_guard lock(mutex);
  held.clear();
}

TEST_CASE("an answer that can't be sent becomes 500 instead of a smuggled header") {
  const auto server = serve({}, [](request&&, responder to) { to({.headers = {{"Location", "x\r\nSet-Cookie: y"}}}); });
  const auto answer = ask(server, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  CHECK(status_of(answer) == "HTTP/1.1 500 Internal Server Error");
  CHECK(answer.find("Set-Cookie") == std::string::npos);
}

TEST_CASE("a port in use, and a wrong address, are named with what to do") {
  const auto first = serve();
  server_options o;
  o.port = first.port();
  const auto second = https_server::start(o, [](request&&, responder) {});
  REQUIRE_FALSE(second);
  const auto port = std::to_string(first.port());
  CHECK(second.error().to_string() ==
        "127.0.0.1:" + port + ": port " + port + " is in use by another program; stop that program, or set another port");
  o.address = "localhost";
  CHECK(https_server::start(o, [](request&&, responder) {}).error().text() == "'localhost' is not an IP address to listen on");
}

TEST_CASE("the plain client reads what odd servers send") {
  // A server that says what it likes, once a connection.
  const auto answer_with = [](const std::string& bytes, client_request r = {}) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in a{};
    a.sin_family = AF_INET;
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof a;
    REQUIRE(::bind(fd, reinterpret_cast<sockaddr*>(&a), sizeof a) == 0);
    REQUIRE(::listen(fd, 4) == 0);
    REQUIRE(::getsockname(fd, reinterpret_cast<sockaddr*>(&a), &size) == 0);
    std::jthread server([&] {
      const int c = ::accept(fd, nullptr, nullptr);
      char junk[4096];
      (void)::recv(c, junk, sizeof junk, 0);
      (void)::send(c, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      ::close(c);
    });
    https_client client({});
    r.url = "http://127.0.0.1:" + std::to_string(ntohs(a.sin_port)) + "/";
    auto out = client.send_and_wait(std::move(r), 5'000);
    server.join();
    ::close(fd);
    return out;
  };
  CHECK(answer_with("HTTP/1.1 200 OK\r\n\r\nup to the end")->body == "up to the end");
  CHECK(answer_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nab")->status == 201);
  CHECK(answer_with("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", {.method = "HEAD"})->headers.value("content-length") == "99");
  CHECK(answer_with("HTTP/1.1 204 No Content\r\n\r\n")->status == 204);
  CHECK(answer_with("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf").error().code() == "net.connection_lost");
  CHECK(answer_with("").error().code() == "net.connection_lost");
  CHECK(answer_with("SSH-2.0-OpenSSH_9.2\r\n").error().code() == "net.malformed_answer");
  CHECK(answer_with("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabc").error().code() == "net.malformed_answer");
  CHECK(answer_with("HTTP/1.1 200 OK\r\nA: " + std::string(100'000, 'a') + "\r\n\r\n").error().code() == "net.answer_too_large");
}

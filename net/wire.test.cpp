// Server and client against each other over real TLS on loopback.
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "net/io_threads.hpp"
#include "net/testing_impl.hpp"

using namespace dsf::net;
using namespace dsf::net::testing;

namespace {

response echo(const request& r) {
  response out;
  out.headers.add("X-Path", std::string(r.path()));
  out.headers.add("X-Query", std::string(r.query()));
  out.headers.add("X-Thumbprint", r.peer->thumbprint);
  out.headers.add("X-Email", r.peer->email);
  out.body = r.method + ':' + r.body;
  return out;
}

void echo_handler(request&& r, responder to) { to(echo(r)); }

https_server serve(server_options o, handler h = echo_handler) {
  if (o.threads == 0) o.threads = 1;
  return must(https_server::start(std::move(o), std::move(h)));
}

https_server serve_tls(handler h = echo_handler, client_certificate c = client_certificate::required) {
  server_options o;
  o.identity = shared_pki().identity("server");
  o.certificates = c;
  return serve(std::move(o), std::move(h));
}

std::string at(const https_server& s, const std::string& path = "/", const std::string& host = "localhost") {
  return "https://" + host + ':' + std::to_string(s.port()) + path;
}

client_options as(const std::string& name, const std::string& trust = "ca") { return {.identity = shared_pki().identity(name, trust)}; }

constexpr std::int64_t patience_ms = 10'000;

}  // namespace

TEST_CASE("a request over mutual TLS arrives whole and names its sender") {
  const auto server = serve_tls();
  https_client client(as("practitioner"));
  const auto r = client.send_and_wait(
      {.method = "POST", .url = at(server, "/fhir/Task?a=1&b=%20"), .headers = {{"Content-Type", "application/fhir+json"}}, .body = "{}"},
      patience_ms);
  REQUIRE(r);
  CHECK(r->status == 200);
  CHECK(r->body == "POST:{}");
  CHECK(r->headers.value("x-path") == "/fhir/Task");
  CHECK(r->headers.value("x-query") == "a=1&b=%20");
  CHECK(r->headers.value("x-thumbprint") == must(thumbprint_of(shared_pki().files("practitioner").certificate)));
  CHECK(r->headers.value("x-email") == "user@dic-1.example");
  // dsf-fhir-server 3.2: neither is sent.
  CHECK_FALSE(r->headers.has("Server"));
  CHECK_FALSE(r->headers.has("Date"));
}

TEST_CASE("connections are kept and used again, by address or by name") {
  const auto server = serve_tls();
  https_client client(as("client"));
  for (int i = 0; i < 10; ++i) {
    const auto r = client.send_and_wait({.url = at(server, "/", "127.0.0.1")}, patience_ms);
    REQUIRE(r);
    CHECK(r->reused_connection == (i > 0));
  }
  CHECK(client.statistics().opened == 1);
  CHECK(client.statistics().reused == 9);
  CHECK(server.statistics().accepted == 1);
  CHECK(server.statistics().requests == 10);
}

TEST_CASE("no certificate, or one of an unknown CA, gets a TLS alert and never an HTTP answer") {
  std::atomic<int> handled = 0;
  std::mutex mutex;
  std::string reason;
  int told = 0;
  int refused = 0;
  server_options o;
  o.identity = shared_pki().identity("server");
  o.on_refused = [&](std::string_view, std::string_view why) {
    std::lock_guard lock(mutex);
    reason = why;
    ++told;
  };
  auto server = serve(std::move(o), [&](request&&, responder to) {
    ++handled;
    to({});
  });
  for (const std::string who : {"", "stranger", "expired"}) {
    INFO("certificate: " << who);
    https_client client(as(who));
    const auto r = client.send_and_wait({.method = "POST", .url = at(server), .body = std::string(100'000, 'x')}, patience_ms);
    REQUIRE_FALSE(r);
    CHECK(r.error().code() == "net.certificate_refused");
    CHECK_FALSE(may_have_been_processed(r.error()));
    // The client has its alert before the server tells its owner why.
    ++refused;
    for (int waited_ms = 0; waited_ms < 5'000; ++waited_ms) {
      {
        std::lock_guard lock(mutex);
        if (told == refused) break;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    std::lock_guard lock(mutex);
    if (who == "expired") CHECK(reason == "certificate has expired");
    if (who == "stranger") CHECK(reason == "unable to get local issuer certificate");
  }
  CHECK(handled == 0);
  CHECK(server.statistics().refused_handshakes == 3);
}

TEST_CASE("a certificate that ends while its connection lasts gets no further answer") {
  const auto& pki = shared_pki();
  const folder at_hand;
  const pki_files brief{at_hand / "brief.pem", at_hand / "brief.key"};
  const auto ends = dsf::base::system_clock_source().now().us + 3 * dsf::base::us_per_s;
  const dsf::base::manual_clock a_day_before({ends - 86'400 * dsf::base::us_per_s});
  must(issue_certificate({.common_name = "brief.example", .valid_days = 1}, pki.files("ca"), {}, brief, a_day_before));
  tls_files files = pki.tls("client");
  files.certificate = brief.certificate;
  files.key = brief.key;
  const auto server = serve_tls();
  https_client client({.identity = must(tls_identity::load(files))});
  REQUIRE(client.send_and_wait({.url = at(server)}, patience_ms));
  const auto left_us = ends - dsf::base::system_clock_source().now().us;
  std::this_thread::sleep_for(std::chrono::microseconds(left_us + 1'100'000));
  const auto r = client.send_and_wait({.url = at(server)}, patience_ms);
  REQUIRE_FALSE(r);
  CHECK(r.error().code() == "net.certificate_refused");
  CHECK(server.statistics().requests == 1);
}

TEST_CASE("the client refuses servers of an unknown CA, expired ones and ones of another name") {
  const auto check = [](const std::string& server_name, const std::string& trust, const std::string& code) {
    server_options o;
    o.identity = shared_pki().identity(server_name);
    std::atomic<int> handled = 0;
    const auto server = serve(std::move(o), [&](request&&, responder to) {
      ++handled;
      to({});
    });
    https_client client(as("client", trust));
    const auto r = client.send_and_wait({.url = at(server)}, patience_ms);
    REQUIRE_FALSE(r);
    CHECK(r.error().code() == code);
    CHECK_FALSE(may_have_been_processed(r.error()));
    CHECK(handled == 0);
  };
  check("server", "other-ca", "net.server_unknown_ca");
  check("expired-server", "ca", "net.server_expired");
  check("elsewhere-server", "ca", "net.server_host_mismatch");
}

TEST_CASE("with optional certificates a client without one is served, a stranger is not") {
  const auto server = serve_tls(echo_handler, client_certificate::optional);
  https_client nobody(as(""));
  const auto r = nobody.send_and_wait({.url = at(server)}, patience_ms);
  REQUIRE(r);
  CHECK(r->headers.value("X-Thumbprint").empty());
  https_client stranger(as("stranger"));
  CHECK_FALSE(stranger.send_and_wait({.url = at(server)}, patience_ms));
}

TEST_CASE("an answer may come later and from another thread, and a dropped responder answers 500") {
  std::vector<std::jthread> others;
  std::mutex mutex;
  const auto server = serve_tls([&](request&& r, responder to) {
    if (r.path() == "/drop") return;
    std::lock_guard lock(mutex);
    others.emplace_back([r = std::move(r), to = std::move(to)]() mutable {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      to(echo(r));
      to({.status = 404});  // without effect
    });
  });
  https_client client(as("client"));
  const auto later = client.send_and_wait({.method = "PUT", .url = at(server, "/x"), .body = "later"}, patience_ms);
  REQUIRE(later);
  CHECK(later->body == "PUT:later");
  const auto dropped = client.send_and_wait({.url = at(server, "/drop")}, patience_ms);
  REQUIRE(dropped);
  CHECK(dropped->status == 500);
  CHECK(dropped->body == "the request's handler gave no answer\n");
  CHECK(dropped->reused_connection);
}

TEST_CASE("1,000 requests over 8 connections all get their own answer") {
  server_options o;
  o.identity = shared_pki().identity("server");
  o.threads = 2;
  const auto server = serve(std::move(o));
  auto options = as("client");
  options.connections_per_host = 8;
  https_client client(std::move(options));
  std::mutex mutex;
  std::condition_variable all;
  int done = 0, right = 0;
  for (int i = 0; i < 1000; ++i) {
    const auto text = std::to_string(i);
    client.send({.method = "POST", .url = at(server, "/" + text), .body = text}, 30'000, [&, text](result<client_response> r) {
      std::lock_guard lock(mutex);
      if (r && r->body == "POST:" + text && r->headers.value("X-Path") == "/" + text) ++right;
      if (++done == 1000) all.notify_one();
    });
  }
  std::unique_lock lock(mutex);
  CHECK(all.wait_for(lock, std::chrono::seconds(30), [&] { return done == 1000; }));
  CHECK(right == 1000);
  CHECK(server.statistics().accepted == 8);
}

TEST_CASE("large bodies pass both ways over TLS, stored bytes without a copy") {
  const auto stored = std::make_shared<const std::string>(3'000'000, 's');
  const auto server = serve_tls([&](request&& r, responder to) {
    response out;
    out.headers.add("X-Length", std::to_string(r.body.size()));
    out.body = stored;
    to(std::move(out));
  });
  https_client client(as("client"));
  for (int i = 0; i < 2; ++i) {
    const auto r = client.send_and_wait({.method = "PUT", .url = at(server), .body = std::string(5'000'000, 'u')}, patience_ms);
    REQUIRE(r);
    CHECK(r->headers.value("X-Length") == "5000000");
    CHECK(r->body == *stored);
  }
  const auto little = client.send_and_wait({.url = at(server), .answer_bytes_at_most = 1000}, patience_ms);
  REQUIRE_FALSE(little);
  CHECK(little.error().code() == "net.answer_too_large");
  CHECK(may_have_been_processed(little.error()));
}

TEST_CASE("the client tells a time-out, a lost connection, a closed port and a wrong name apart") {
  std::vector<responder> kept;
  std::mutex mutex;
  auto server = serve_tls([&](request&&, responder to) {
    std::lock_guard lock(mutex);
    kept.push_back(std::move(to));
  });
  https_client client(as("client"));
  const auto slow = client.send_and_wait({.url = at(server)}, 150);
  REQUIRE_FALSE(slow);
  CHECK(slow.error().code() == "net.timeout");
  CHECK(may_have_been_processed(slow.error()));

  std::thread stopper([&] {
    for (;;) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      std::lock_guard lock(mutex);
      if (kept.size() == 2) break;
    }
    server.stop(0);
  });
  const auto lost = client.send_and_wait({.method = "POST", .url = at(server)}, patience_ms);
  stopper.join();
  REQUIRE_FALSE(lost);
  CHECK(lost.error().code() == "net.connection_lost");
  CHECK(may_have_been_processed(lost.error()));

  const auto closed = client.send_and_wait({.url = at(server)}, patience_ms);
  REQUIRE_FALSE(closed);
  CHECK(closed.error().code() == "net.connection_refused");
  CHECK_FALSE(may_have_been_processed(closed.error()));

  const auto unknown = client.send_and_wait({.url = "https://no-such-host.invalid/"}, patience_ms);
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().code() == "net.name_not_resolved");
}

TEST_CASE("a pooled connection that the server closed meanwhile is replaced without the caller noticing") {
  auto first = serve_tls();
  const auto port = first.port();
  https_client client(as("client"));
  const auto url = at(first);
  REQUIRE(client.send_and_wait({.url = url}, patience_ms));
  first.stop();
  server_options o;
  o.identity = shared_pki().identity("server");
  o.port = port;
  const auto second = serve(std::move(o));
  const auto r = client.send_and_wait({.method = "POST", .url = url}, patience_ms);
  REQUIRE(r);
  CHECK_FALSE(r->reused_connection);
}

TEST_CASE("a graceful stop finishes the running request, and takes no new one") {
  std::atomic<bool> running = false;
  std::jthread worker;
  auto server = serve_tls([&](request&&, responder to) {
    worker = std::jthread([&, to = std::move(to)]() mutable {
      running = true;
      std::this_thread::sleep_for(std::chrono::milliseconds(200));
      to(text_response(200, "finished"));
    });
  });
  https_client client(as("client"));
  std::thread stopper([&] {
    while (!running) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    server.stop(5'000);
  });
  const auto r = client.send_and_wait({.url = at(server)}, patience_ms);
  stopper.join();
  REQUIRE(r);
  CHECK(r->body == "finished\n");
  CHECK(r->headers.value("Connection") == "close");
  const auto after = client.send_and_wait({.url = at(server)}, patience_ms);
  REQUIRE_FALSE(after);
  CHECK(after.error().code() == "net.connection_refused");
}

TEST_CASE("a handler that throws answers 500 and is reported, and the server goes on") {
  std::mutex mutex;
  std::string fault;
  server_options o;
  o.identity = shared_pki().identity("server");
  o.on_exchange = [&](const exchange& e) {
    std::lock_guard lock(mutex);
    if (e.status == 500) fault = e.fault;
  };
  o.error_answer = [](int status, std::string text) {
    response r{.status = status};
    r.body = '<' + text + '>';
    return r;
  };
  auto server = serve(std::move(o), [](request&& r, responder to) {
    if (r.path() == "/bad") throw std::runtime_error("out of luck");
    to(echo(r));
  });
  https_client client(as("client"));
  const auto bad = client.send_and_wait({.url = at(server, "/bad")}, patience_ms);
  REQUIRE(bad);
  CHECK(bad->status == 500);
  CHECK(bad->body == "<the request's handler gave no answer>");
  const auto good = client.send_and_wait({.url = at(server)}, patience_ms);
  REQUIRE(good);
  CHECK(good->status == 200);
  CHECK(good->reused_connection);
  server.stop();
  CHECK(fault == "the handler threw: out of luck");
}

TEST_CASE("server and client may share io threads, in whatever order they end") {
  for (const bool threads_first : {false, true}) {
    const auto threads = io_threads::start(2);
    server_options o;
    o.identity = shared_pki().identity("server");
    o.shared_threads = threads;
    auto server = serve(std::move(o));
    auto options = as("client");
    options.shared_threads = threads;
    https_client client(std::move(options));
    for (int i = 0; i < 4; ++i) CHECK(client.send_and_wait({.url = at(server)}, patience_ms));
    if (threads_first) threads->stop();
  }
}

TEST_CASE("what is under way when a client ends is told so, once") {
  std::mutex mutex;
  std::vector<responder> held;
  const auto server = serve_tls([&](request&&, responder to) {
    std::lock_guard lock(mutex);
    held.push_back(std::move(to));
  });
  std::vector<std::string> told;
  {
    auto options = as("client");
    options.connections_per_host = 1;
    https_client client(std::move(options));
    for (int i = 0; i < 2; ++i)
      client.send({.url = at(server)}, patience_ms, [&](result<client_response> r) { told.push_back(r ? "answer" : r.error().code()); });
    for (;;) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      std::lock_guard lock(mutex);
      if (held.size() == 1) break;
    }
  }
  CHECK(told == std::vector<std::string>{"net.stopped", "net.connection_lost"});
}

TEST_CASE("the recorder's hook sees each exchange with its sender") {
  std::mutex mutex;
  std::vector<std::string> seen;
  bool sane = true;
  server_options o;
  o.identity = shared_pki().identity("server");
  o.on_exchange = [&](const exchange& e) {
    std::lock_guard lock(mutex);
    seen.push_back(std::string(e.method) + ' ' + std::string(e.target) + ' ' + std::to_string(e.status) + ' ' + e.who.common_name + ' ' +
                   std::to_string(e.request_body_bytes) + ' ' + std::to_string(e.response_body_bytes));
    sane = sane && e.delivered && e.handler_us >= 0 && e.read_us >= 0 && e.write_us >= 0;
  };
  auto server = serve(std::move(o));
  {
    https_client client(as("client"));
    REQUIRE(client.send_and_wait({.method = "POST", .url = at(server, "/a?b"), .body = "12345"}, patience_ms));
    REQUIRE(client.send_and_wait({.method = "HEAD", .url = at(server, "/h")}, patience_ms));
  }
  server.stop();
  CHECK(sane);
  CHECK(seen == std::vector<std::string>{"POST /a?b 200 dic-1.example 5 10", "HEAD /h 200 dic-1.example 0 0"});
}

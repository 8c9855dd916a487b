// WebSockets between server and client over real TLS on loopback; a raw socket plays the other ends that do not behave.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <future>
#include <mutex>
#include <thread>

#include "net/fed_stream.test.hpp"
#include "net/io_threads.hpp"
#include "net/testing_impl.hpp"
#include "net/websocket.hpp"
#include "net/websocket_session_impl.hpp"

using namespace dsf::net;
using namespace dsf::net::testing;
using namespace std::chrono_literals;

namespace {

// What one end was told.
class diary {
public:
  websocket_handlers handlers() {
    return {[this](std::string t) { note("text " + t); },
            [this](websocket_end e) { note("end " + std::to_string(e.code) + ' ' + e.reason); },
            [this](std::string t) { note("note " + t); }};
  }
  void note(std::string line) {
    const std::lock_guard lock{mutex_};
    lines_.push_back(std::move(line));
    changed_.notify_all();
  }
  bool wait_for(const std::string& line, std::chrono::milliseconds patience = 10s) {
    std::unique_lock lock{mutex_};
    return changed_.wait_for(lock, patience,
                             [&] { return std::ranges::any_of(lines_, [&](const auto& l) { return l.starts_with(line); }); });
  }
  std::vector<std::string> lines() {
    const std::lock_guard lock{mutex_};
    return lines_;
  }
  std::size_t count(const std::string& start) {
    const auto all = lines();
    return std::size_t(std::ranges::count_if(all, [&](const auto& l) { return l.starts_with(start); }));
  }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> lines_;
};

// Takes WebSockets under /ws from those with an organisation, and echoes.
struct echo_server {
  explicit echo_server(websocket_limits limits = {}, bool tls = true) {
    server_options o;
    o.threads = 1;
    if (tls) o.identity = shared_pki().identity("server");
    o.certificates = tls ? client_certificate::required : client_certificate::none;
    o.on_websocket = [this, limits](const request& r) {
      websocket_verdict v;
      v.limits = limits;
      v.refusal = text_response(403, "no");
      if (r.path() != "/ws" || r.peer->common_name == "Test User") return v;
      v.open = [this, who = r.peer->common_name](websocket w) {
        {
          const std::lock_guard lock{mutex};
          last = w;
        }
        log.note("open " + who);
        auto h = log.handlers();
        h.on_text = [this, w](std::string t) {
          log.note("text " + t.substr(0, 40));
          w.send("echo " + t);
        };
        return h;
      };
      return v;
    };
    server.emplace(must(https_server::start(std::move(o), [](request&&, responder to) { to({.status = 200, .body = "plain"}); })));
  }
  websocket socket() {
    const std::lock_guard lock{mutex};
    return last;
  }
  std::string url(const std::string& path = "/ws") const { return "https://localhost:" + std::to_string(server->port()) + path; }

  diary log;
  std::mutex mutex;
  websocket last;
  std::optional<https_server> server;  // ends first
};

struct caller {
  result<websocket> open(const std::string& url, const std::string& who = "client", websocket_limits limits = {}) {
    auto promise = std::make_shared<std::promise<result<websocket>>>();
    auto answer = promise->get_future();
    open_websocket(*threads, {.url = url, .headers = {}, .identity = shared_pki().identity(who), .limits = limits}, log.handlers(),
                   [promise](result<websocket> r) { promise->set_value(std::move(r)); });
    return answer.get();
  }
  ~caller() { threads->stop(); }
  diary log;
  std::shared_ptr<io_threads> threads = io_threads::start(1, "ws");
};

std::string upgrade_request(const std::string& more = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n") {
  return "GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n" + more + "\r\n";
}

// An unfragmented text below 126 bytes as a client sends it (RFC 6455 5.2).
std::string text_frame(std::string_view payload) {
  constexpr char mask[4] = {1, 2, 3, 4};
  std::string frame{'\x81', static_cast<char>(0x80 | payload.size())};
  frame.append(mask, 4);
  for (std::size_t i = 0; i < payload.size(); ++i) frame += static_cast<char>(payload[i] ^ mask[i % 4]);
  return frame;
}

}  // namespace

TEST_CASE("websocket: texts go both ways over mutual TLS, and the server knows who calls") {
  echo_server s;
  caller c;
  const auto w = must(c.open(s.url()));
  w.send("bind 1");
  const std::string large(200'000, 'x');
  w.send(large);
  CHECK(c.log.wait_for("text echo bind 1"));
  CHECK(c.log.wait_for("text echo " + large));
  CHECK(s.log.lines().front() == "open dic-1.example");
  w.close(1000, "done");
  CHECK(s.log.wait_for("end 1000 done"));
  CHECK(c.log.wait_for("end 1000"));
  CHECK(c.log.count("end") == 1);
}

TEST_CASE("websocket: a thousand messages keep their order") {
  echo_server s;
  caller c;
  const auto w = must(c.open(s.url(), "client", {.queued_messages = 2'000}));
  for (int i = 0; i < 900; ++i) w.send(std::to_string(i));
  CHECK(c.log.wait_for("text echo 899"));
  int next = 0;
  for (const auto& l : c.log.lines()) CHECK(l == "text echo " + std::to_string(next++));
}

TEST_CASE("websocket: refusals are answers, and the connection goes on") {
  echo_server s;
  caller c;
  auto r = c.open(s.url(), "practitioner");
  REQUIRE_FALSE(r);
  CHECK(r.error().text() == "the server refuses a WebSocket: HTTP 403 Forbidden");
  r = c.open(s.url("/elsewhere"));
  REQUIRE_FALSE(r);
  CHECK(r.error().text() == "the server refuses a WebSocket: HTTP 403 Forbidden");
  r = c.open(s.url(), "stranger");
  REQUIRE_FALSE(r);
  CHECK(r.error().is(errc::certificate_refused));
  r = c.open(s.url());
  REQUIRE(r);
  https_client plain({.identity = shared_pki().identity("client")});
  CHECK(must(plain.send_and_wait({.url = s.url()}, 5'000)).body == "plain");
}

TEST_CASE("websocket: nobody listens, or the server is another") {
  caller c;
  auto r = c.open("https://localhost:1/ws");
  REQUIRE_FALSE(r);
  CHECK(r.error().is(errc::connection_refused));
  echo_server s;
  std::promise<result<websocket>> promise;
  auto answer = promise.get_future();
  open_websocket(*c.threads, {.url = s.url(), .headers = {}, .identity = shared_pki().identity("client", "other-ca")}, {},
                 [&](result<websocket> w) { promise.set_value(std::move(w)); });
  const auto other = answer.get();
  REQUIRE_FALSE(other);
  CHECK(other.error().is(errc::server_unknown_ca));
}

TEST_CASE("websocket: the server's reason to close reaches the client") {
  echo_server s;
  caller c;
  must(c.open(s.url()));
  REQUIRE(s.log.wait_for("open"));
  s.socket().close(1003, "Subscription with 1 not found");
  CHECK(c.log.wait_for("end 1003 Subscription with 1 not found"));
  CHECK(s.log.wait_for("end"));
}

TEST_CASE("websocket: a server that stops leaves no close frame, so that the client knows to come back") {
  echo_server s;
  caller c;
  must(c.open(s.url()));
  REQUIRE(s.log.wait_for("open"));
  s.server->stop(1'000);
  CHECK(c.log.wait_for("end 1006"));
}

TEST_CASE("websocket: a client that is gone, and messages to it, do no harm") {
  echo_server s;
  websocket kept;
  {
    caller c;
    must(c.open(s.url())).abort();
    CHECK(c.log.wait_for("end 1006"));
  }
  CHECK(s.log.wait_for("end 1006"));
  s.socket().send("nobody hears this");
  s.socket().close(1000, "");
  kept.send("never connected");
}

TEST_CASE("websocket: pings are sent and answered; silence ends the connection") {
  websocket_limits quick;
  quick.ping_every_ms = 300;
  quick.idle_timeout_ms = 1'200;
  echo_server s(quick);
  caller c;
  websocket_limits calm;
  calm.idle_timeout_ms = 60'000;
  must(c.open(s.url(), "client", calm));
  REQUIRE(s.log.wait_for("open"));
  // The client's pongs keep it open well beyond the idle time-out.
  CHECK_FALSE(s.log.wait_for("end", 2'500ms));
  CHECK(s.log.count("note") == 0);

  echo_server plain(quick, false);
  raw_socket mute(plain.server->port());
  mute.send(upgrade_request());
  CHECK(mute.receive("\r\n\r\n").find("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") != std::string::npos);
  // dsf-fhir-server 5.1: every 28 s a ping frame with 32 bytes, each time others.
  CHECK(websocket_limits{}.ping_every_ms == 28'000);
  const auto frames = mute.receive();
  REQUIRE(frames.size() >= 2 * 34);
  CHECK(frames.substr(0, 2) == "\x89\x20");
  CHECK(frames.substr(34, 2) == "\x89\x20");
  CHECK(frames.substr(2, 32) != frames.substr(36, 32));
  CHECK(plain.log.wait_for("end 1006 nothing came for 1 s"));

  // A pong that answers no ping of ours is only noted.
  echo_server noting({.ping_every_ms = 300}, false);
  raw_socket wrong(noting.server->port());
  wrong.send(upgrade_request());
  CHECK(wrong.receive("\r\n\r\n").find("HTTP/1.1 101 ") == 0);
  wrong.send(std::string("\x8a\x82\0\0\0\0xy", 8));
  CHECK(noting.log.wait_for("note a pong answers no ping of ours"));
  CHECK(noting.log.count("end") == 0);
}

TEST_CASE("websocket: a client that does not read is cut off, others are not held up") {
  websocket_limits small;
  small.queued_bytes = 1'000'000;
  echo_server s(small, false);
  raw_socket lazy(s.server->port());
  lazy.send(upgrade_request());
  REQUIRE(s.log.wait_for("open"));
  const auto w = s.socket();
  for (int i = 0; i < 400; ++i) w.send(std::string(100'000, 'x'));  // far beyond what the kernel's buffers hold
  CHECK(s.log.wait_for("end 1006 the other side does not read"));
}

TEST_CASE("websocket: faults of the handshake and of frames") {
  echo_server s({.message_bytes = 100}, false);
  {
    raw_socket old(s.server->port());
    old.send(upgrade_request("Sec-WebSocket-Version: 8\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"));
    const auto answer = old.receive("\r\n\r\n");
    CHECK(answer.starts_with("HTTP/1.1 426 "));
    CHECK(answer.find("Sec-WebSocket-Version: 13\r\n") != std::string::npos);
  }
  {
    raw_socket keyless(s.server->port());
    keyless.send(upgrade_request("Sec-WebSocket-Version: 13\r\n"));
    CHECK(keyless.receive("\r\n\r\n").starts_with("HTTP/1.1 400 "));
  }
  {
    // The first frame may come together with the request.
    raw_socket big(s.server->port());
    big.send(upgrade_request() + text_frame("hi"));
    CHECK(big.receive("echo hi").find("HTTP/1.1 101 Switching Protocols\r\n") == 0);
    big.send(text_frame(std::string(101, 'x')));
    CHECK(big.receive().find("\x88\x02\x03\xf1") != std::string::npos);
    CHECK(s.log.wait_for("end 1009 a message is larger than the limit of 100 bytes"));
  }
  {
    raw_socket broken(s.server->port());
    broken.send(upgrade_request() + std::string(16, '\xff'));
    CHECK(s.log.wait_for("end 1002"));
  }
}

// Beast's operations of both closes wait for each other then, and would keep the session for ever.
TEST_CASE("websocket: a fault of the other side while we close leaves nothing behind") {
  const auto fault = std::string("\xa0\x86\x01\x02\x03\x04\x84\x01\xeb\x66\xfd\x67", 12);  // a reserved bit
  // The fault comes before our close frame is written, beside it, or behind it.
  for (const std::size_t step : {std::size_t{1}, std::size_t{4}, std::size_t{8}, std::size_t{11}, std::size_t{100}}) {
    INFO("pieces of " << step);
    asio::io_context loop{1};
    int ends = 0, gone = 0;
    const request asked{.method = "GET",
                        .target = "/ws",
                        .headers = {{"Host", "a.example"},
                                    {"Connection", "Upgrade"},
                                    {"Upgrade", "websocket"},
                                    {"Sec-WebSocket-Version", "13"},
                                    {"Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA=="}}};
    const auto open = [&](websocket back) {
      return websocket_handlers{.on_text = [back](const std::string&) mutable { back.close(1003, "enough"); },
                                .on_end = [&](const websocket_end&) { ++ends; },
                                .on_note = nullptr};
    };
    const std::weak_ptr<websocket_session> session = accept_websocket(std::make_unique<fed_stream>(loop, text_frame("close") + fault, step),
                                                                      asked, "", websocket_limits{}, open, [&] { ++gone; });
    loop.run_for(10s);
    CHECK(ends == 1);
    CHECK(gone == 1);
    CHECK(session.expired());
    CHECK(loop.stopped());  // nothing is under way any more
  }
}

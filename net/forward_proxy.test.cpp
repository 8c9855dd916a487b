// Calls through a forward proxy: which ones, and what is said when the proxy will not, can't, or says nothing.
#include "net/forward_proxy.hpp"

#include <signal.h>
#include <sys/wait.h>

#include <future>
#include <thread>

#include "base/bytes.hpp"
#include "net/io_threads.hpp"
#include "net/testing_impl.hpp"

using namespace dsf::net;
using namespace dsf::net::testing;
using dsf::base::secret;

namespace {

constexpr int timeout_ms = 5'000;

int listen_on_any_port(std::uint16_t& port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t n = sizeof at;
  REQUIRE(::bind(fd, reinterpret_cast<sockaddr*>(&at), n) == 0);
  REQUIRE(::listen(fd, 16) == 0);
  REQUIRE(::getsockname(fd, reinterpret_cast<sockaddr*>(&at), &n) == 0);
  port = ntohs(at.sin_port);
  return fd;
}

// Answers each request for a tunnel with the same words; silent when there are none.
class scripted_proxy {
public:
  explicit scripted_proxy(std::string answer) : answer_(std::move(answer)), listening_(listen_on_any_port(port)) {
    thread_ = std::thread([this] {
      for (;;) {
        const int c = ::accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC);
        if (c < 0) return;
        char buffer[4096];
        const auto n = ::recv(c, buffer, sizeof buffer, 0);
        {
          const std::lock_guard lock{mutex_};
          if (n > 0) heard_.assign(buffer, std::size_t(n));
        }
        if (!answer_.empty()) {
          (void)::send(c, answer_.data(), answer_.size(), MSG_NOSIGNAL);
          ::close(c);
        } else {
          silent_.push_back(c);
        }
      }
    });
  }
  ~scripted_proxy() {
    ::shutdown(listening_, SHUT_RDWR);
    thread_.join();
    ::close(listening_);
    for (const int c : silent_) ::close(c);
  }
  std::string heard() {
    const std::lock_guard lock{mutex_};
    return heard_;
  }
  [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port); }
  std::uint16_t port = 0;

private:
  std::string answer_, heard_;
  std::mutex mutex_;
  std::vector<int> silent_;
  int listening_;
  std::thread thread_;
};

https_client client_by(const proxy_settings& s, std::int64_t connect_timeout_ms = timeout_ms) {
  client_options o;
  o.identity = shared_pki().identity("client");
  o.connect_timeout_ms = connect_timeout_ms;
  o.proxy = std::make_shared<const forward_proxy>(must(forward_proxy::make(s)));
  return https_client(std::move(o));
}

error failure_by(const proxy_settings& s, const std::string& url, std::int64_t connect_timeout_ms = timeout_ms) {
  auto client = client_by(s, connect_timeout_ms);
  const auto answer = client.send_and_wait({.url = url, .headers = {}, .body = {}}, timeout_ms);
  REQUIRE_FALSE(answer);
  CHECK_FALSE(may_have_been_processed(answer.error()));
  return answer.error();
}

https_server echo_server() {
  server_options o;
  o.identity = shared_pki().identity("server");
  o.threads = 1;
  o.on_websocket = [](const request&) {
    websocket_verdict v;
    v.open = [](websocket socket) {
      return websocket_handlers{[socket](std::string text) { socket.send("heard " + text); }, nullptr, nullptr};
    };
    return v;
  };
  return must(https_server::start(std::move(o), [](request&& r, responder a) { a(text_response(200, r.peer->common_name)); }));
}

}  // namespace

TEST_CASE("forward proxy: which calls go through it") {
  const auto p =
      must(forward_proxy::make({.url = "http://proxy.example:3128",
                                .no_proxy = {"inside.example", "10.0.0.7:8443", "::1"},
                                .targets = {{"site-b.example", "direct"}, {"x.inside.example:444", "http://other.example:8080"}}}));
  const auto by = [&](std::string_view host, std::uint16_t port) {
    const auto* r = p.route_to(host, port);
    return r ? r->name : std::string("direct");
  };
  CHECK(by("site-a.example", 443) == "http://proxy.example:3128");
  CHECK(by("site-b.example", 443) == "direct");
  CHECK(by("inside.example", 443) == "direct");
  CHECK(by("a.inside.example", 443) == "direct");
  CHECK(by("b.a.inside.example", 443) == "http://proxy.example:3128");
  CHECK(by("outinside.example", 443) == "http://proxy.example:3128");
  CHECK(by("10.0.0.7", 8443) == "direct");
  CHECK(by("10.0.0.7", 443) == "http://proxy.example:3128");
  CHECK(by("::1", 443) == "direct");
  CHECK(by("x.inside.example", 444) == "http://other.example:8080");
  CHECK(by("x.inside.example", 443) == "direct");
}

TEST_CASE("forward proxy: settings that make no sense are named") {
  for (const auto* url : {"proxy:3128", "https://proxy.example:3128", "http://proxy.example/path"})
    CHECK(forward_proxy::make({.url = url}).error().text().starts_with("'" + std::string(url) + "' is no address of a proxy"));
  for (const auto* host : {"*.example", "", "host:0", "host:x", "http://host"}) CHECK_FALSE(forward_proxy::make({.no_proxy = {host}}));
  CHECK_FALSE(forward_proxy::make({.targets = {{"host", "dircet"}}}));
}

TEST_CASE("forward proxy: refusals name proxy and target, and how to mend them") {
  const std::string target = "https://site-b.example:9443/fhir/Task";
  const auto say = [&](const std::string& answer, const proxy_settings& more = {}) {
    scripted_proxy p(answer);
    auto s = more;
    s.url = p.url();
    auto e = failure_by(s, target);
    CHECK(e.text().find("http://127.0.0.1:" + std::to_string(p.port)) != std::string::npos);
    CHECK(e.text().find("site-b.example:9443") != std::string::npos);
    CHECK(p.heard().starts_with("CONNECT site-b.example:9443 HTTP/1.1\r\nHost: site-b.example:9443\r\n"));
    CHECK((p.heard().find("\r\nProxy-Authorization: Basic " + dsf::base::to_base64("dsf:s3cret")) != std::string::npos) ==
          !s.username.empty());
    return e;
  };
  CHECK(say("HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n").text().find("set proxy.username") !=
        std::string::npos);
  const auto wrong = say("HTTP/1.1 407 no\r\n\r\n", {.username = "dsf", .password = secret("s3cret")});
  CHECK(wrong.is(errc::proxy_refused));
  CHECK(wrong.text().find("check proxy.username") != std::string::npos);
  CHECK(wrong.text().find("s3cret") == std::string::npos);
  CHECK(say("HTTP/1.0 502 Bad Gateway\r\n\r\n").is(errc::proxy_failed));
  CHECK(say("HTTP/1.1 403 Forbidden\r\n\r\n").text().find("has to allow CONNECT") != std::string::npos);
  CHECK(say("SSH-2.0-OpenSSH_9.2\r\n").text().find("does not speak HTTP") != std::string::npos);
  CHECK(say("HTTP/1.1 200 OK\r\n\r\nmore").text().find("sends bytes that nobody asked for") != std::string::npos);
}

TEST_CASE("forward proxy: one that hangs, is not there or has no name is told with its name") {
  scripted_proxy silent("");
  const auto hung = failure_by({.url = silent.url()}, "https://site-b.example/fhir", 300);
  CHECK(hung.is(errc::connect_timeout));
  CHECK(hung.to_string() == "https://site-b.example: no connection within 300 ms through the proxy " + silent.url());
  std::uint16_t port = 0;
  ::close(listen_on_any_port(port));
  const auto none = failure_by({.url = "http://127.0.0.1:" + std::to_string(port)}, "https://site-b.example/fhir");
  CHECK(none.is(errc::proxy_failed));
  CHECK(none.text().starts_with("can't connect to the proxy http://127.0.0.1:" + std::to_string(port)));
  CHECK(failure_by({.url = "http://no-such-proxy.invalid:1"}, "https://site-b.example/fhir").text().find("name of the proxy") !=
        std::string::npos);
}

TEST_CASE("forward proxy: no byte goes to it for whom no_proxy names") {
  auto server = echo_server();
  scripted_proxy p("HTTP/1.1 502 Bad Gateway\r\n\r\n");
  auto client = client_by({.url = p.url(), .no_proxy = {"localhost"}});
  const auto answer =
      client.send_and_wait({.url = "https://localhost:" + std::to_string(server.port()) + "/", .headers = {}, .body = {}}, timeout_ms);
  REQUIRE(answer);
  CHECK(answer->body == "dic-1.example\n");
  CHECK(p.heard().empty());
}

TEST_CASE("forward proxy: Debian's tinyproxy carries requests and WebSockets, with credentials") {
  if (::access("/usr/bin/tinyproxy", X_OK) != 0) {
    WARN("skipped: /usr/bin/tinyproxy is not installed (scripts/setup)");
    return;
  }
  auto server = echo_server();
  const folder at;
  std::uint16_t port = 0;
  ::close(listen_on_any_port(port));
  const auto configuration = at / "tinyproxy.conf";
  std::ofstream(configuration) << "Port " << port << "\nListen 127.0.0.1\nAllow 127.0.0.1\nBasicAuth dsf s3cret\nConnectPort "
                               << server.port() << "\nLogFile \"" << at / "log" << "\"\n";
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::execl("/usr/bin/tinyproxy", "tinyproxy", "-d", "-c", configuration.c_str(), nullptr);
    ::_exit(127);
  }
  for (int waited = 0; waited < 100; ++waited) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const bool there = ::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0;
    ::close(fd);
    if (there) break;
    ::usleep(50'000);
  }
  const auto proxy = "http://127.0.0.1:" + std::to_string(port);
  const auto target = "https://localhost:" + std::to_string(server.port()) + "/";
  {
    auto client = client_by({.url = proxy, .username = "dsf", .password = secret("s3cret")});
    for (int i = 0; i < 3; ++i) {
      const auto answer = client.send_and_wait({.url = target, .headers = {}, .body = {}}, timeout_ms);
      REQUIRE(answer);
      CHECK(answer->body == "dic-1.example\n");
    }
    CHECK(client.statistics().opened == 1);
  }
  CHECK(failure_by({.url = proxy, .username = "dsf", .password = secret("no")}, target).is(errc::proxy_refused));
  CHECK(failure_by({.url = proxy}, target).is(errc::proxy_refused));
  CHECK(failure_by({.url = proxy, .username = "dsf", .password = secret("s3cret")}, "https://localhost:1/").is(errc::proxy_refused));
  {
    const auto threads = io_threads::start(1, "test");
    auto heard = std::make_shared<std::promise<std::string>>();
    websocket_request r;
    r.url = target;
    r.identity = shared_pki().identity("client");
    r.proxy =
        std::make_shared<const forward_proxy>(must(forward_proxy::make({.url = proxy, .username = "dsf", .password = secret("s3cret")})));
    open_websocket(*threads, std::move(r), {[heard](std::string text) { heard->set_value(std::move(text)); }, nullptr, nullptr},
                   [](result<websocket> w) {
                     if (w) w->send("hello");
                   });
    auto answer = heard->get_future();
    REQUIRE(answer.wait_for(std::chrono::seconds(5)) == std::future_status::ready);
    CHECK(answer.get() == "heard hello");
    threads->stop();
  }
  ::kill(child, SIGTERM);
  ::waitpid(child, nullptr, 0);
}

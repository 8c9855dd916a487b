#include "bench/listeners.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <deque>
#include <thread>

#include "bench/tls_client.hpp"

namespace dsf::bench {
namespace {

using base::fail;
using base::result;

constexpr int patience_ms = 10'000;
constexpr std::size_t read_at_once = 4 * 1024;
// RFC 6455 5.2
constexpr unsigned char text_frame = 0x81, ping_frame = 0x89, pong_frame = 0x8a;

struct ear {
  int fd = -1;
  tls_session ssl;
  std::string in;
  bool gone = false;

  ear() = default;
  ear(const ear&) = delete;
  ear& operator=(const ear&) = delete;
  ~ear() {
    if (ssl) ::SSL_shutdown(ssl.get());
    if (fd >= 0) ::close(fd);
  }
  // Small; a socket takes it at once.
  bool say(std::string_view bytes) {
    return ::SSL_write(ssl.get(), bytes.data(), static_cast<int>(bytes.size())) == static_cast<int>(bytes.size());
  }
  // A client masks what it sends; a mask of zeros changes nothing.
  bool say_frame(unsigned char kind, std::string_view text) {
    std::string frame{static_cast<char>(kind), static_cast<char>(0x80 | text.size()), '\0', '\0', '\0', '\0'};
    frame += text;
    return say(frame);
  }
  // False: the connection is over.
  bool take() {
    for (;;) {
      const auto had = in.size();
      in.resize(had + read_at_once);
      const auto n = ::SSL_read(ssl.get(), in.data() + had, read_at_once);
      in.resize(had + static_cast<std::size_t>(std::max(0, n)));
      if (n <= 0) return ::SSL_get_error(ssl.get(), n) == SSL_ERROR_WANT_READ;
      if (::SSL_pending(ssl.get()) == 0) return true;
    }
  }
  // The next whole frame, taken out of `in`; false: there is none yet.
  bool frame(unsigned char& kind, std::string& text) {
    if (in.size() < 2) return false;
    const auto at = [&](std::size_t i) { return static_cast<unsigned char>(in[i]); };
    std::size_t head = 2, length = at(1) & 0x7f;
    const std::size_t wide = length == 126 ? 2 : length == 127 ? 8 : 0;
    if (in.size() < head + wide) return false;
    if (wide > 0) length = 0;
    for (std::size_t i = 0; i < wide; ++i) length = length << 8 | at(head + i);
    head += wide;
    if (in.size() < head + length) return false;
    kind = at(0);
    text.assign(in, head, length);
    in.erase(0, head + length);
    return true;
  }
  // Before there are many: waits for bytes.
  result<> await(const std::function<bool()>& enough) {
    while (!enough()) {
      pollfd p{fd, POLLIN, 0};
      if (::SSL_pending(ssl.get()) == 0 && ::poll(&p, 1, patience_ms) != 1) return fail(base::errc::io, "a WebSocket was not answered");
      if (!take()) return fail(base::errc::io, "a WebSocket was closed: " + in.substr(0, 200));
    }
    return {};
  }
  result<> open(SSL_CTX* context, const load_target& to, const std::string& subscription) {
    auto link = TRY(tls_connect(context, to));
    fd = link.fd;
    ssl = std::move(link.ssl);
    if (!say(
            fmt::format("GET /fhir/ws HTTP/1.1\r\nHost: {}:{}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
                        to.host, to.port)))
      return fail(base::errc::io, "a WebSocket could not be asked for: " + tls_reason());
    TRY(await([&] { return in.find("\r\n\r\n") != std::string::npos; }));
    if (!in.starts_with("HTTP/1.1 101")) return fail(base::errc::io, "a WebSocket was refused: " + in.substr(0, 200));
    in.erase(0, in.find("\r\n\r\n") + 4);
    if (!say_frame(text_frame, "bind " + subscription)) return fail(base::errc::io, "a Subscription could not be bound: " + tls_reason());
    unsigned char kind = 0;
    std::string text;
    TRY(await([&] { return frame(kind, text); }));
    if (kind != text_frame || text != "bound " + subscription)
      return fail(base::errc::io, "a Subscription was not bound: " + text, subscription);
    return {};
  }
};

}  // namespace

struct listeners::impl {
  tls_context context;
  std::deque<ear> ears;
  std::function<void(std::string_view)> heard;
  int epoll = -1;
  std::atomic<bool> over = false;
  std::atomic<unsigned> lost = 0;
  std::thread thread;

  ~impl() {
    over = true;
    if (thread.joinable()) thread.join();
    if (epoll >= 0) ::close(epoll);
  }
  void loop() {
    epoll_event events[64];
    while (!over) {
      const int n = ::epoll_wait(epoll, events, 64, 100);
      for (int i = 0; i < n; ++i) listen(ears[events[i].data.u32]);
    }
  }
  void listen(ear& e) {
    bool good = e.take();
    unsigned char kind = 0;
    std::string text;
    while (e.frame(kind, text)) {
      if (kind == text_frame)
        heard(text);
      else
        good = good && kind == ping_frame && e.say_frame(pong_frame, text);
    }
    if (good) return;
    ::epoll_ctl(epoll, EPOLL_CTL_DEL, e.fd, nullptr);
    ++lost;
  }
};

listeners::listeners(std::unique_ptr<impl> i) : impl_(std::move(i)) {}
listeners::~listeners() = default;
unsigned listeners::lost() const { return impl_->lost; }

result<std::unique_ptr<listeners>> listeners::open(const load_target& to, const std::string& subscription, unsigned count,
                                                   std::function<void(std::string_view)> heard) {
  auto i = std::make_unique<impl>();
  i->context = TRY(tls_context_of(to));
  i->heard = std::move(heard);
  i->epoll = ::epoll_create1(EPOLL_CLOEXEC);
  for (unsigned n = 0; n < count; ++n) {
    auto& e = i->ears.emplace_back();
    TRY(e.open(i->context.get(), to, subscription));
    epoll_event wanted{};
    wanted.events = EPOLLIN;
    wanted.data.u32 = n;
    ::epoll_ctl(i->epoll, EPOLL_CTL_ADD, e.fd, &wanted);
  }
  i->thread = std::thread([all = i.get()] { all->loop(); });
  return std::unique_ptr<listeners>(new listeners(std::move(i)));
}

}  // namespace dsf::bench

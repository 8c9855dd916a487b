#include "bench/load_client.hpp"

#include <fmt/format.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstring>
#include <deque>
#include <optional>
#include <thread>

#include "base/clock.hpp"
#include "bench/machine.hpp"
#include "bench/tls_client.hpp"

namespace dsf::bench {
namespace {

using base::fail;
using base::result;

constexpr std::int64_t patience_us = 30'000'000;

std::size_t content_length(std::string_view head) {
  constexpr std::string_view name = "\r\ncontent-length:";
  for (std::size_t at = head.find("\r\n"); at != std::string_view::npos; at = head.find("\r\n", at + 2)) {
    if (head.size() - at < name.size() || ::strncasecmp(head.data() + at, name.data(), name.size()) != 0) continue;
    auto from = at + name.size();
    while (from < head.size() && head[from] == ' ') ++from;
    std::size_t n = 0;
    std::from_chars(head.data() + from, head.data() + head.size(), n);
    return n;
  }
  return 0;
}

// "Connection: close": the server wants no further request on this connection.
bool says_close(std::string_view head) {
  constexpr std::string_view name = "\r\nconnection:", word = "close";
  for (std::size_t at = head.find("\r\n"); at != std::string_view::npos; at = head.find("\r\n", at + 2)) {
    if (head.size() - at < name.size() || ::strncasecmp(head.data() + at, name.data(), name.size()) != 0) continue;
    const auto value = head.substr(at + name.size(), head.find("\r\n", at + 2) - at - name.size());
    return std::ranges::search(value, word, [](char x, char y) { return std::tolower(static_cast<unsigned char>(x)) == y; }).begin() !=
           value.end();
  }
  return false;
}

struct connection {
  int fd = -1;
  tls_session ssl;
  std::unique_ptr<conversation> talk;
  std::string out, in;
  std::size_t sent = 0;
  std::int64_t began = 0;
  std::int64_t resume_at = 0;  // pausing until then; 0: not
  bool waiting = false;        // for an answer
  std::uint32_t number = 0;

  connection() = default;
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;
  ~connection() {
    if (ssl) ::SSL_shutdown(ssl.get());
    if (fd >= 0) ::close(fd);
  }
};

// One thread's connections.
class worker {
public:
  worker(const load_plan& plan, SSL_CTX* context) : plan_(&plan), context_(context), clock_(&base::system_clock_source()) {}
  ~worker() {
    if (epoll_ >= 0) ::close(epoll_);
  }

  result<> open(unsigned first, unsigned count) {
    epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
    for (unsigned i = 0; i < count; ++i) {
      auto& c = connections_.emplace_back();
      c.number = i;
      TRY(connect(c));
      c.talk = plan_->make(first + i);
    }
    return {};
  }
  std::string cipher() const {
    return fmt::format("{} {}", ::SSL_get_version(connections_.front().ssl.get()), ::SSL_get_cipher_name(connections_.front().ssl.get()));
  }

  // At `rate` requests a second from the first one on.
  void run_open(std::int64_t first, std::int64_t until, double rate) {
    open_loop_ = true;
    const double gap = 1e6 / rate;
    double due = static_cast<double>(first);
    for (auto& c : connections_) idle_.push_back(&c);
    std::int64_t last = clock_->steady_us();
    while (!failure && (open_ > 0 || due < static_cast<double>(until))) {
      const auto now = static_cast<double>(clock_->steady_us());
      for (; due < static_cast<double>(until) && due <= now && !idle_.empty() && !failure; due += gap) {
        auto& c = *idle_.back();
        idle_.pop_back();
        begin_at(c, static_cast<std::int64_t>(due));
      }
      const bool next = due < static_cast<double>(until) && !idle_.empty();
      wait(next ? static_cast<std::int64_t>(std::clamp(due - now, 0.0, 1e6)) : 1'000'000, last);
    }
  }

  void run(std::int64_t until) {
    until_ = until;
    for (auto& c : connections_) begin(c);
    std::int64_t last = clock_->steady_us();
    while (!failure && open_ > 0) {
      const auto now = clock_->steady_us();
      std::int64_t wait_us = 1'000'000;
      for (auto& c : connections_) {
        if (c.resume_at == 0) continue;
        if (c.resume_at <= now) {
          c.resume_at = 0;
          --open_;
          begin(c);
        } else {
          wait_us = std::min(wait_us, c.resume_at - now);
        }
      }
      wait(wait_us, last);
    }
  }

  load_result got;
  std::optional<base::error> failure;

private:
  result<> connect(connection& c) {
    auto link = TRY(tls_connect(context_, plan_->target));
    c.fd = link.fd;
    c.ssl = std::move(link.ssl);
    epoll_event e{};
    e.events = EPOLLIN;
    e.data.u32 = c.number;
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, c.fd, &e);
    return {};
  }
  // A server may close a connection that nobody waits on.
  void connect_again(connection& c) {
    c.ssl.reset();
    ::close(c.fd);
    c.fd = -1;
    ++got.reconnects;
    if (auto done = connect(c); !done) failure = done.error();
  }

  void wait(std::int64_t us, std::int64_t& last) {
    epoll_event events[64];
    timespec pause{us / 1'000'000, us % 1'000'000 * 1'000};
    const int n = ::epoll_pwait2(epoll_, events, 64, &pause, nullptr);
    for (int i = 0; i < n && !failure; ++i) readable(connections_[events[i].data.u32]);
    if (n > 0 || open_ == 0) last = clock_->steady_us();
    if (clock_->steady_us() - last > patience_us) failure = base::error(base::errc::io, "the server gave no answer for 30 s");
  }

  // Sends the next request of a connection, or lets it rest.
  void begin(connection& c) {
    if (open_loop_) return idle_.push_back(&c);
    if (const auto now = clock_->steady_us(); now < until_) begin_at(c, now);
  }
  void begin_at(connection& c, std::int64_t now) {
    c.out.clear();
    const auto next = c.talk->request(c.out, now);
    if (next.what == conversation::next::kind::finished) return;
    ++open_;
    if (next.what == conversation::next::kind::pause) {
      c.resume_at = now + next.pause_us;
      return;
    }
    c.began = now;
    c.sent = 0;
    c.in.clear();
    c.waiting = true;
    write(c);
  }

  void write(connection& c) {
    while (c.sent < c.out.size()) {
      const auto n = ::SSL_write(c.ssl.get(), c.out.data() + c.sent, static_cast<int>(c.out.size() - c.sent));
      if (n <= 0) {
        if (const auto e = ::SSL_get_error(c.ssl.get(), n); e != SSL_ERROR_WANT_WRITE)
          return lost("a request could not be sent: " + tls_reason());
        // A request is far smaller than the socket's buffer; when it does not fit, waiting here is right.
        pollfd p{c.fd, POLLOUT, 0};
        ::poll(&p, 1, 1'000);
        continue;
      }
      c.sent += static_cast<std::size_t>(n);
    }
    got.bytes_out += c.out.size();
  }

  void readable(connection& c) {
    for (;;) {
      const auto had = c.in.size();
      c.in.resize(had + 16 * 1024);
      const auto n = ::SSL_read(c.ssl.get(), c.in.data() + had, 16 * 1024);
      c.in.resize(had + static_cast<std::size_t>(std::max(0, n)));
      if (n <= 0) {
        if (::SSL_get_error(c.ssl.get(), n) == SSL_ERROR_WANT_READ) return;
        if (!c.waiting) return connect_again(c);
        return lost("the server closed a connection: " + tls_reason());
      }
      if (!c.waiting) return lost("the server sent what nobody asked for");
      const auto head_end = c.in.find("\r\n\r\n");
      if (head_end == std::string::npos) continue;
      const std::string_view head(c.in.data(), head_end);
      const auto body_at = head_end + 4;
      const auto length = c.talk->head_only() ? 0 : content_length(head);
      if (c.in.size() < body_at + length) continue;
      int status = 0;
      if (head.size() > 12) std::from_chars(head.data() + 9, head.data() + 12, status);
      const auto now = clock_->steady_us();
      got.samples_us.push_back(now - c.began);
      got.bytes_in += c.in.size();
      ++got.exchanges;
      c.waiting = false;
      --open_;
      if (!c.talk->answer(status, head, std::string_view(c.in).substr(body_at, length), now))
        return lost(fmt::format("a wrong answer: {}", c.in.substr(0, 800)));
      if (says_close(head)) {
        connect_again(c);
        if (!failure) begin(c);
        return;
      }
      begin(c);
      if (::SSL_pending(c.ssl.get()) == 0) return;
    }
  }

  void lost(std::string why) { failure = base::error(base::errc::io, std::move(why)); }

  const load_plan* plan_;
  SSL_CTX* context_;
  base::clock* clock_;
  int epoll_ = -1;
  std::deque<connection> connections_;
  std::int64_t until_ = 0;
  int open_ = 0;  // requests and pauses under way
  bool open_loop_ = false;
  std::vector<connection*> idle_;  // of an open loop
};

}  // namespace

result<load_result> run_load(const load_plan& plan) {
  const auto context = TRY(tls_context_of(plan.target));
  const auto threads = std::min(plan.threads, plan.connections);
  std::vector<std::unique_ptr<worker>> workers;
  unsigned first = 0;
  for (unsigned i = 0; i < threads; ++i) {
    const auto count = (plan.connections - first) / (threads - i);
    workers.push_back(std::make_unique<worker>(plan, context.get()));
    TRY(workers.back()->open(first, count));
    first += count;
  }
  auto& clock = base::system_clock_source();
  const auto cpu = own_cpu_us();
  const auto from = clock.steady_us();
  const auto until = from + static_cast<std::int64_t>(plan.seconds * 1e6);
  std::vector<std::thread> running;
  const auto run = [&](std::size_t i) {
    if (plan.rate <= 0) return workers[i]->run(until);
    // The threads take turns.
    const auto turn = static_cast<std::int64_t>(1e6 / plan.rate * static_cast<double>(i));
    workers[i]->run_open(from + turn, until, plan.rate / static_cast<double>(workers.size()));
  };
  for (std::size_t i = 1; i < workers.size(); ++i) running.emplace_back([&run, i] { run(i); });
  run(0);
  for (auto& t : running) t.join();
  load_result out;
  out.seconds = static_cast<double>(clock.steady_us() - from) / 1e6;
  out.cpu_us = own_cpu_us() - cpu;
  out.cipher = workers.front()->cipher();
  for (auto& w : workers) {
    if (w->failure) return base::failure(*w->failure);
    out.exchanges += w->got.exchanges;
    out.bytes_in += w->got.bytes_in;
    out.reconnects += w->got.reconnects;
    out.bytes_out += w->got.bytes_out;
    out.samples_us.insert(out.samples_us.end(), w->got.samples_us.begin(), w->got.samples_us.end());
  }
  if (out.exchanges == 0) return fail(base::errc::io, "no request was answered");
  return out;
}

}  // namespace dsf::bench

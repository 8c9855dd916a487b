// Bodies that pass by piece by piece, both ways, over real TLS on loopback. Would find: bytes that are lost, doubled or held, a limit that does not hold, a
// call that never ends or is sent twice.
#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <future>
#include <mutex>
#include <optional>
#include <thread>

#include "net/streaming.hpp"
#include "net/testing_impl.hpp"

using namespace dsf::net;
using namespace dsf::net::testing;
namespace base = dsf::base;

namespace {

constexpr std::int64_t patience_ms = 20'000;

char byte_at(std::uint64_t n) { return static_cast<char>((n * 2'654'435'761U) >> 13); }
std::string bytes_from(std::uint64_t first, std::size_t size) {
  std::string out(size, '\0');
  for (std::size_t i = 0; i < size; ++i) out[i] = byte_at(first + i);
  return out;
}

// A thread that is none of the transport's.
class other_thread {
public:
  ~other_thread() {
    run({});
    thread_.join();
  }
  void run(std::function<void()> one) {
    const std::lock_guard lock(mutex_);
    list_.push_back(std::move(one));
    more_.notify_one();
  }

private:
  void loop() {
    for (;;) {
      std::unique_lock lock(mutex_);
      more_.wait(lock, [&] { return !list_.empty(); });
      const auto one = std::move(list_.front());
      list_.pop_front();
      lock.unlock();
      if (!one) return;
      one();
    }
  }
  std::mutex mutex_;
  std::condition_variable more_;
  std::deque<std::function<void()>> list_;
  std::thread thread_{[this] { loop(); }};
};

// Gives `size` bytes from another thread. From `breaks_at` on there is an error, or, with `ends`, nothing more.
class given final : public body_source, public std::enable_shared_from_this<given> {
public:
  explicit given(std::uint64_t size, std::uint64_t breaks_at = UINT64_MAX, bool ends = false)
      : size_(size), breaks_at_(breaks_at), ends_(ends) {}
  [[nodiscard]] std::uint64_t size() const override { return size_; }
  void next(std::function<void(base::result<std::string>)> done) override {
    static other_thread elsewhere;
    elsewhere.run([this, self = shared_from_this(), done = std::move(done)] {
      if (at_ >= breaks_at_) return ends_ ? done(std::string()) : done(base::fail(base::errc::io, "the disk is gone"));
      const auto first = at_;
      at_ += std::min<std::uint64_t>(100'000, size_ - at_);
      done(bytes_from(first, static_cast<std::size_t>(at_ - first)));
    });
  }

private:
  std::uint64_t size_, breaks_at_, at_ = 0;
  bool ends_;
};

// Checks each byte as it comes; wants no more than `wanted`.
class checked final : public body_sink {
public:
  explicit checked(std::uint64_t wanted = UINT64_MAX) : wanted_(wanted) {}
  void take(std::string piece, std::function<void(std::shared_ptr<response>)> done) override {
    largest = std::max(largest.load(), piece.size());
    if (piece != bytes_from(bytes, piece.size())) wrong = true;
    bytes += piece.size();
    done(bytes < wanted_ ? nullptr : std::make_shared<response>());
  }
  std::atomic<std::uint64_t> bytes = 0;
  std::atomic<std::size_t> largest = 0;
  std::atomic<bool> wrong = false;

private:
  std::uint64_t wanted_;
};

result<client_response> send(https_client& client, client_request r, body_streams bodies, std::int64_t timeout_ms = patience_ms) {
  auto promise = std::make_shared<std::promise<result<client_response>>>();
  auto answer = promise->get_future();
  client.send_streams(std::move(r), std::move(bodies), timeout_ms,
                      [promise](result<client_response> got) { promise->set_value(std::move(got)); });
  return answer.get();
}

struct server_of_bytes {
  explicit server_of_bytes(std::uint64_t limit = 1 << 30) {
    server_options o;
    o.threads = 1;
    o.identity = shared_pki().identity("server");
    o.on_body = [this, limit](const request& head) {
      body_verdict v;
      if (head.target == "/refuse") {
        v.refusal = std::make_shared<response>();
        v.refusal->status = 403;
        v.refusal->body = "no";
        return v;
      }
      v.sink = std::make_shared<checked>();
      const std::lock_guard lock(mutex);
      got = std::static_pointer_cast<checked>(v.sink);
      v.limit = limit;
      return v;
    };
    server.emplace(must(https_server::start(std::move(o), [this](request&& r, responder to) {
      ++handled;
      response a;
      if (r.target.starts_with("/bytes/")) a.source = std::make_shared<given>(std::stoull(r.target.substr(7)));
      if (r.target == "/breaks") a.source = std::make_shared<given>(1'000'000, 500'000);
      if (r.target == "/missing") a.status = 404, a.body = "there is none";
      if (r.target == "/never") return waiting.push_back(std::move(to));
      to(std::move(a));
    })));
  }
  std::string at(const std::string& path) const { return "https://localhost:" + std::to_string(server->port()) + path; }
  // Of the last request.
  std::shared_ptr<checked> taken() {
    const std::lock_guard lock(mutex);
    return std::exchange(got, nullptr);
  }
  std::mutex mutex;
  std::shared_ptr<checked> got;  // under the mutex
  std::atomic<int> handled = 0;
  std::vector<responder> waiting;
  std::optional<https_server> server;
};

client_options one_connection() {
  client_options o{.identity = shared_pki().identity("client")};
  o.connections_per_host = 1;
  return o;
}

}  // namespace

TEST_CASE("a request's body goes up piece by piece, whole and in order, and the connection is used again") {
  server_of_bytes s;
  https_client client(one_connection());
  for (const std::uint64_t size : {std::uint64_t{3'000'001}, std::uint64_t{1}, std::uint64_t{0}, std::uint64_t{20'000'000}}) {
    INFO(size);
    const auto r = send(client, {.method = "POST", .url = s.at("/")}, {std::make_shared<given>(size), nullptr});
    REQUIRE(r);
    CHECK(r->status == 200);
    const auto got = s.taken();
    CHECK((got ? got->bytes.load() : 0) == size);
    CHECK((!got || !got->wrong));
    CHECK((!got || got->largest < 1'000'000));
  }
  // An upload begins on a connection of its own, in the place of an idle one; what comes after may use that.
  CHECK(client.statistics().opened == 4);
  CHECK(must(client.send_and_wait({.url = s.at("/")}, patience_ms)).reused_connection);
}

TEST_CASE("an answer's body comes down piece by piece, up to where its taker wants it, beyond the limit of an answer") {
  server_of_bytes s;
  auto o = one_connection();
  o.answer_bytes = 200'000;
  https_client client(std::move(o));
  for (const std::uint64_t size : {20'000'003, 65'536, 1, 0}) {
    INFO(size);
    const auto into = std::make_shared<checked>();
    const auto r = send(client, {.url = s.at("/bytes/" + std::to_string(size))}, {nullptr, into});
    REQUIRE(r);
    CHECK(r->headers.value("Content-Length") == std::to_string(size));
    CHECK(r->body.empty());
    CHECK(into->bytes == size);
    CHECK_FALSE(into->wrong);
    CHECK(into->largest < 200'000);
  }
  CHECK(client.statistics().opened == 1);

  const auto first = std::make_shared<checked>(1'000'000);
  REQUIRE(send(client, {.url = s.at("/bytes/20000000")}, {nullptr, first}));
  CHECK(first->bytes >= 1'000'000);
  CHECK(first->bytes < 2'000'000);

  // Without a sink, and for what is no success, the limit of an answer holds.
  CHECK(client.send_and_wait({.url = s.at("/bytes/300000")}, patience_ms).error().is(errc::answer_too_large));
  const auto none = std::make_shared<checked>();
  const auto missing = must(send(client, {.url = s.at("/missing")}, {nullptr, none}));
  CHECK(missing.status == 404);
  CHECK(missing.body == "there is none");
  CHECK(none->bytes == 0);
}

TEST_CASE("a body that breaks off, in either direction, is an error and never a short success") {
  server_of_bytes s;
  https_client client(one_connection());
  auto r = send(client, {.method = "POST", .url = s.at("/")}, {std::make_shared<given>(1'000'000, 300'000), nullptr});
  REQUIRE_FALSE(r);
  CHECK(r.error().to_string().find("the disk is gone") != std::string::npos);
  r = send(client, {.method = "POST", .url = s.at("/")}, {std::make_shared<given>(1'000'000, 300'000, true), nullptr});
  REQUIRE_FALSE(r);
  CHECK(r.error().to_string().find("1000000 bytes") != std::string::npos);
  CHECK(s.handled == 0);

  const auto into = std::make_shared<checked>();
  r = send(client, {.url = s.at("/breaks")}, {nullptr, into});
  REQUIRE_FALSE(r);
  CHECK(r.error().is(errc::connection_lost));
  CHECK(into->bytes < 1'000'000);
}

TEST_CASE("an upload that is refused early ends with the refusal, and one that nobody answers with a time-out") {
  server_of_bytes s(1'000'000);
  https_client client(one_connection());
  const auto refused = must(send(client, {.method = "POST", .url = s.at("/refuse")}, {std::make_shared<given>(30'000'000), nullptr}));
  CHECK(refused.status == 403);
  CHECK(refused.body == "no");
  CHECK(must(send(client, {.method = "POST", .url = s.at("/")}, {std::make_shared<given>(30'000'000), nullptr})).status == 413);
  CHECK(s.handled == 0);
  const auto late = send(client, {.method = "POST", .url = s.at("/never")}, {std::make_shared<given>(10'000), nullptr}, 300);
  REQUIRE_FALSE(late);
  CHECK(late.error().is(errc::timeout));
  CHECK(may_have_been_processed(late.error()));
  CHECK(s.handled == 1);
}

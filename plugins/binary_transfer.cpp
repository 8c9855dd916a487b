#include "plugins/binary_transfer.hpp"

#include <fmt/format.h>

#include <condition_variable>
#include <deque>
#include <future>
#include <mutex>
#include <optional>
#include <utility>

#include "base/json.hpp"
#include "net/streaming.hpp"
#include "plugins/errc.hpp"

namespace dsf::plugins {
namespace {

using base::fail;
using base::result;

std::string diagnostics(std::string_view body) {
  const auto outcome = base::json::parse(body);
  if (!outcome) return {};
  for (const auto& issue : (*outcome)["issue"])
    if (!issue["diagnostics"].str().empty()) return ": " + issue["diagnostics"].str().substr(0, 300);
  return {};
}

net::client_request request(const remote_options& to, std::string method, std::string path) {
  net::client_request r;
  r.method = std::move(method);
  r.url = to.base_url + "/" + std::move(path);
  if (!to.authorization.empty()) r.headers.set("Authorization", to.authorization.reveal());
  return r;
}

net::result<net::client_response> send(net::transport& transport, net::client_request r, std::int64_t timeout_ms) {
  std::promise<net::result<net::client_response>> promise;
  auto answer = promise.get_future();
  transport.send(std::move(r), timeout_ms, [&](net::result<net::client_response> got) { promise.set_value(std::move(got)); });
  return answer.get();
}

// The thread that waits for a transfer does what the transport asks for meanwhile.
class errands {
public:
  void add(std::function<void()> one) {
    const std::lock_guard lock{mutex_};
    if (answer_) return;
    list_.push_back(std::move(one));
    wake_.notify_one();
  }
  void ended(net::result<net::client_response> r) {
    const std::lock_guard lock{mutex_};
    answer_ = std::move(r);
    wake_.notify_one();
  }
  // What is asked for after the end is of no use to anybody.
  net::result<net::client_response> run() {
    std::unique_lock lock{mutex_};
    for (;;) {
      wake_.wait(lock, [&] { return answer_ || !list_.empty(); });
      if (answer_) {
        // They hold the call, and that holds this.
        const auto rest = std::exchange(list_, {});
        lock.unlock();
        return std::move(*answer_);
      }
      auto one = std::move(list_.front());
      list_.pop_front();
      lock.unlock();
      one();
      one = nullptr;
      lock.lock();
    }
  }

private:
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> list_;
  std::optional<net::result<net::client_response>> answer_;
};

class content_out final : public net::body_source, public std::enable_shared_from_this<content_out> {
public:
  content_out(std::shared_ptr<errands> by, const binary_upload& what) : by_(std::move(by)), size_(what.size), content_(what.content) {}
  [[nodiscard]] std::uint64_t size() const override { return size_; }
  void next(std::function<void(base::result<std::string>)> done) override {
    by_->add([this, self = shared_from_this(), done = std::move(done)] { done(content_()); });
  }

private:
  std::shared_ptr<errands> by_;
  std::uint64_t size_;
  byte_source content_;
};

class content_in final : public net::body_sink, public std::enable_shared_from_this<content_in> {
public:
  content_in(std::shared_ptr<errands> by, const byte_sink& to) : by_(std::move(by)), to_(to) {}
  void take(std::string piece, std::function<void(std::shared_ptr<net::response>)> done) override {
    by_->add([this, self = shared_from_this(), piece = std::move(piece), done = std::move(done)] {
      bytes_ += piece.size();
      done(to_(piece) ? nullptr : std::make_shared<net::response>());
    });
  }
  // For the thread that ran the errands.
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

private:
  std::shared_ptr<errands> by_;
  byte_sink to_;
  std::uint64_t bytes_ = 0;
};

// Blocks. The streams live as long as the call does, and that may be longer than this waits for it.
net::result<net::client_response> send(net::streaming_transport& transport, net::client_request r, net::body_streams bodies,
                                       const std::shared_ptr<errands>& by, std::int64_t timeout_ms) {
  transport.send_streams(std::move(r), std::move(bodies), timeout_ms,
                         [by](net::result<net::client_response> got) { by->ended(std::move(got)); });
  return by->run();
}

result<net::streaming_transport*> streaming(net::transport& transport, const std::string& what) {
  if (auto* out = dynamic_cast<net::streaming_transport*>(&transport)) return out;
  return fail(errc::not_configured, "bodies can't be passed on piece by piece on this way", what);
}

result<> expect(const net::client_response& r, const std::string& what) {
  if (r.status >= 200 && r.status < 300) return {};
  return fail(errc::http_status, "HTTP " + std::to_string(r.status) + diagnostics(r.body), what);
}

// ".../Binary/<id>/_history/1", or without the version.
result<std::string> id_at(std::string_view location, const std::string& what) {
  constexpr std::string_view before = "/Binary/";
  const auto at = location.rfind(before);
  const auto id = at == location.npos ? std::string_view{} : location.substr(at + before.size());
  if (id.empty()) return fail(errc::bad_answer, "the answer does not say where the new Binary is", what);
  return std::string(id.substr(0, id.find('/')));
}

}  // namespace

byte_source checked_content(const binary_upload& what) {
  return [content = what.content, size = what.size, given = std::uint64_t{0}]() mutable -> result<std::string> {
    auto piece = TRY(content());
    given += piece.size();
    if (given > size || (piece.empty() && given < size))
      return fail(errc::bad_answer, fmt::format("the content does not have the {} bytes that it has to have", size), "Binary");
    return piece;
  };
}

result<std::string> upload_binary(net::transport& transport, const remote_options& to, const binary_upload& what) {
  auto r = request(to, "POST", "Binary");
  r.headers.set("Content-Type", what.content_type);
  r.headers.set("Accept", "application/fhir+json");
  r.headers.set("X-Security-Context", what.security_context);
  r.headers.set("Prefer", "return=minimal");
  const auto url = r.url;
  auto* streams = TRY(streaming(transport, url));
  const auto by = std::make_shared<errands>();
  const auto answer = TRY(send(*streams, std::move(r), {std::make_shared<content_out>(by, what), nullptr}, by, to.request_timeout_ms));
  TRY(expect(answer, url));
  return id_at(answer.headers.value("Location"), url);
}

result<binary_download> download_binary(net::transport& transport, const remote_options& from, std::string_view id, const byte_sink& to) {
  auto r = request(from, "GET", "Binary/" + std::string(id));
  // Not */*: that would be the resource.
  r.headers.set("Accept", "application/octet-stream");
  const auto url = r.url;
  auto* streams = TRY(streaming(transport, url));
  const auto by = std::make_shared<errands>();
  const auto into = std::make_shared<content_in>(by, to);
  const auto answer = TRY(send(*streams, std::move(r), {nullptr, into}, by, from.request_timeout_ms));
  TRY(expect(answer, url));
  return binary_download{into->bytes(), std::string(answer.headers.value("Content-Type"))};
}

result<> delete_binary(net::transport& transport, const remote_options& at, std::string_view id) {
  auto r = request(at, "DELETE", "Binary/" + std::string(id));
  const auto url = r.url;
  const auto deleted = TRY(send(transport, std::move(r), at.request_timeout_ms));
  if (deleted.status == 404) return {};
  if (deleted.status != 410) TRY(expect(deleted, url));
  // Who may not do this leaves a Binary that nobody can read.
  auto purge = request(at, "POST", "Binary/" + std::string(id) + "/$permanent-delete");
  const auto purged = TRY(send(transport, std::move(purge), at.request_timeout_ms));
  if (purged.status != 403 && purged.status != 404 && purged.status != 405 && purged.status != 410) TRY(expect(purged, url));
  return {};
}

}  // namespace dsf::plugins

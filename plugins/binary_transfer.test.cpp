#include "plugins/binary_transfer.hpp"

#include <catch2/catch.hpp>
#include <future>
#include <map>
#include <thread>
#include <vector>

#include "net/streaming.hpp"
#include "plugins/errc.hpp"

namespace dsf::plugins {
namespace {

// A server of one Binary, behind a thread of its own as a real transport has.
class far_away final : public net::transport, public net::streaming_transport {
public:
  ~far_away() override {
    if (thread_.joinable()) thread_.join();
  }
  std::vector<std::string> asked;
  net::client_request seen;
  std::string stored;
  std::map<std::string, int> status;  // by method
  std::size_t taken_at_most = SIZE_MAX;
  bool asks_too_late = false;

  void send(net::client_request request, std::int64_t, net::client_callback done) override {
    asked.push_back(request.method + " " + request.url);
    const auto at = status.find(request.method);
    done(net::client_response{.status = at == status.end() ? 200 : at->second, .headers = {}, .body = {}});
  }
  void send_streams(net::client_request request, net::body_streams bodies, std::int64_t, net::client_callback done) override {
    asked.push_back(request.method + " " + request.url);
    seen = std::move(request);
    if (thread_.joinable()) thread_.join();
    thread_ = std::thread([this, bodies = std::move(bodies), done = std::move(done)] {
      net::client_response answer;
      answer.status = bodies.source ? 201 : 200;
      if (const auto at = status.find(seen.method); at != status.end()) answer.status = at->second;
      if (bodies.source) {
        stored.clear();
        while (stored.size() < std::min<std::uint64_t>(bodies.source->size(), taken_at_most)) {
          auto piece = next(*bodies.source);
          if (!piece) return done(net::fail(net::errc::invalid_argument, piece.error().to_string()));
          stored += *piece;
        }
        answer.headers.add("Location", "https://far.example/fhir/Binary/b-1/_history/1");
      } else if (answer.status == 200) {
        answer.headers.add("Content-Type", "image/png");
        for (std::size_t at = 0; at < stored.size(); at += 3)
          if (!take(*bodies.sink, stored.substr(at, 3))) break;
      } else {
        answer.body = R"({"resourceType":"OperationOutcome","issue":[{"diagnostics":"not for you"}]})";
      }
      done(std::move(answer));
      if (asks_too_late && bodies.source) bodies.source->next([](const base::result<std::string>&) { FAIL("after the end"); });
    });
  }

private:
  static base::result<std::string> next(net::body_source& source) {
    std::promise<base::result<std::string>> promise;
    auto piece = promise.get_future();
    source.next([&](base::result<std::string> got) { promise.set_value(std::move(got)); });
    return piece.get();
  }
  static bool take(net::body_sink& sink, std::string piece) {
    std::promise<bool> promise;
    auto more = promise.get_future();
    sink.take(std::move(piece), [&](const std::shared_ptr<net::response>& refusal) { promise.set_value(!refusal); });
    return more.get();
  }
  std::thread thread_;
};

const remote_options far{"https://far.example/fhir", 5'000, base::secret("Bearer t")};

binary_upload upload_of(std::vector<std::string> pieces, std::uint64_t size) {
  return {.content_type = "image/png",
          .security_context = "Organization/o-1",
          .size = size,
          .content = [pieces = std::move(pieces), at = std::size_t{0},
                      self = std::this_thread::get_id()]() mutable -> base::result<std::string> {
            CHECK(std::this_thread::get_id() == self);
            if (at == pieces.size()) return std::string();
            return pieces[at++];
          },
          .key = "k"};
}

}  // namespace

// Would find: content that is asked for on a thread of the network, an id that is read wrongly, an upload without its headers, a call that outlives its answer.
TEST_CASE("binary transfer: an upload gives its pieces on the caller's thread, and the new id") {
  far_away site;
  site.asks_too_late = true;
  auto id = upload_binary(site, far, upload_of({"abc", "defgh"}, 8));
  REQUIRE(id);
  CHECK(*id == "b-1");
  CHECK(site.seen.headers.value("Content-Type") == "image/png");
  CHECK(site.seen.headers.value("X-Security-Context") == "Organization/o-1");
  CHECK(site.seen.headers.value("Authorization") == "Bearer t");
  site.asks_too_late = false;
  REQUIRE(upload_binary(site, far, upload_of({"abc", "defgh"}, 8)));
  CHECK(site.stored == "abcdefgh");
  site.status["POST"] = 413;
  site.taken_at_most = 1;
  id = upload_binary(site, far, upload_of({"abc", "defgh"}, 8));
  REQUIRE_FALSE(id);
  CHECK(id.error().is(errc::http_status));
  CHECK(id.error().to_string().find("HTTP 413") != std::string::npos);
}

TEST_CASE("binary transfer: a download ends where its taker says, and a refusal has the server's words") {
  far_away site;
  site.stored = "0123456789";
  std::string got;
  const auto all = download_binary(site, far, "b-1", [&](std::string_view piece) {
    got += piece;
    return true;
  });
  REQUIRE(all);
  CHECK(all->bytes == 10);
  CHECK(all->content_type == "image/png");
  CHECK(got == "0123456789");
  // Another type than bytes would be the resource.
  CHECK(site.seen.headers.value("Accept") == "application/octet-stream");
  const auto some = download_binary(site, far, "b-1", [&](std::string_view) { return false; });
  REQUIRE(some);
  CHECK(some->bytes == 3);
  site.status["GET"] = 403;
  const auto none = download_binary(site, far, "b-1", [&](std::string_view) { return true; });
  REQUIRE_FALSE(none);
  CHECK(none.error().to_string().find("HTTP 403: not for you") != std::string::npos);
}

// Would find: a Binary that stays because it was deleted before, an error that nobody hears of.
TEST_CASE("binary transfer: a Binary is deleted, and for good where that is allowed") {
  far_away site;
  REQUIRE(delete_binary(site, far, "b-1"));
  CHECK(site.asked == std::vector<std::string>{"DELETE https://far.example/fhir/Binary/b-1",
                                               "POST https://far.example/fhir/Binary/b-1/$permanent-delete"});
  site.status = {{"DELETE", 410}, {"POST", 403}};
  CHECK(delete_binary(site, far, "b-1"));
  site.status = {{"DELETE", 404}};
  CHECK(delete_binary(site, far, "b-1"));
  site.status = {{"DELETE", 500}};
  CHECK_FALSE(delete_binary(site, far, "b-1"));
}

// Would find: a Binary that is shorter than what its resource was announced with.
TEST_CASE("binary transfer: content has the length that it says") {
  auto whole = checked_content(upload_of({"abc", "de"}, 5));
  CHECK(*whole() == "abc");
  CHECK(*whole() == "de");
  CHECK(whole()->empty());
  auto less = checked_content(upload_of({"abc"}, 5));
  CHECK(less());
  CHECK_FALSE(less());
  auto more = checked_content(upload_of({"abc", "def"}, 5));
  CHECK(more());
  CHECK_FALSE(more());
}

}  // namespace dsf::plugins

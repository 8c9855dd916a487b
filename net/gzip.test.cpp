// Would find: bytes that change on their way through gzip, a bomb that is unpacked, a client that gets what it can't read.
#include "net/gzip.hpp"

#include <catch2/catch.hpp>

#include "base/entropy.hpp"

using namespace dsf::net;

namespace {

std::string random_bytes(std::size_t size, std::uint64_t seed) {
  dsf::base::seeded_entropy e(seed);
  std::string out(size, '\0');
  e.fill({reinterpret_cast<std::uint8_t*>(out.data()), out.size()});
  return out;
}

response answer(std::string body, const char* type = "application/fhir+json;charset=UTF-8") {
  response r;
  r.headers.add("Content-Type", type);
  r.headers.add("Vary", "Accept");
  r.body = std::move(body);
  return r;
}

const std::string large(5'000, 'x');

}  // namespace

TEST_CASE("gzip: who takes it") {
  for (const auto* yes :
       {"gzip", "GZIP", "x-gzip", "deflate, gzip;q=1.0, *;q=0.5", "*", "gzip;q=0.001", " br ,gzip ", "identity;q=0, *;q=0.1"}) {
    INFO(yes);
    CHECK(accepts_gzip(yes));
  }
  for (const auto* no : {"", "identity", "gzip;q=0", "gzip;q=0.000", "gzip; Q=0, *", "*;q=0", "deflate", "gzipped", ",;,", "gzip;q="}) {
    INFO(no);
    CHECK_FALSE(accepts_gzip(no));
  }
}

TEST_CASE("gzip: what went through it is the same, up to the limit") {
  for (const std::size_t size : {0UL, 1UL, 65'535UL, 65'536UL, 65'537UL, 1'000'000UL}) {
    for (const auto& bytes : {random_bytes(size, size + 1), std::string(size, 'a')}) {
      const auto small = gzip(bytes);
      CHECK(gunzip(small, size).value() == bytes);
      if (size > 0) CHECK(gunzip(small, size - 1).error().is(errc::coding_too_large));
      CHECK(gunzip(small.substr(0, small.size() - 1), size).error().is(errc::coding_invalid));
      CHECK(gunzip(small + "x", size).error().is(errc::coding_invalid));
      CHECK(gunzip(small + small, 2 * size).value() == bytes + bytes);
    }
  }
  CHECK(gunzip("", 10).error().is(errc::coding_invalid));
  CHECK(gunzip("{\"resourceType\":\"Task\"}", 100).error().is(errc::coding_invalid));
  auto broken = gzip(large);
  broken[broken.size() - 6] ^= 1;  // in the check sum
  CHECK(gunzip(broken, 10'000).error().is(errc::coding_invalid));
  // A thousand times as large as it came: nothing of it is kept.
  CHECK(gunzip(gzip(std::string(50'000'000, '\0')), 1'000'000).error().is(errc::coding_too_large));
}

TEST_CASE("gzip: FHIR of some size is compressed, and what must stay as it is stays") {
  auto r = answer(large);
  compress(r, false, 1'024);
  CHECK(r.headers.value("Content-Encoding") == "gzip");
  CHECK(r.headers.value("Vary") == "Accept, Accept-Encoding");
  CHECK(gunzip(r.body.view(), 10'000).value() == large);

  const auto stays = [](response given, std::uint64_t from = 1'024) {
    const auto before = given;
    compress(given, false, from);
    return given.headers == before.headers && given.body.view() == before.body.view();
  };
  CHECK(stays(answer(large), 5'001));
  CHECK(stays(answer(large, "text/html;charset=UTF-8")));
  CHECK(stays(answer(large, "application/octet-stream")));
  CHECK(stays(answer(random_bytes(5'000, 1))));
  for (const auto& [name, value] : {std::pair{"Accept-Ranges", "bytes"}, {"Content-Range", "bytes 0-1/2"}, {"Content-Encoding", "br"}}) {
    auto marked = answer(large);
    marked.headers.add(name, value);
    INFO(name);
    CHECK(stays(marked));
  }
  for (const int status : {204, 206, 304}) {
    auto other = answer(large);
    other.status = status;
    CHECK(stays(other));
  }
}

TEST_CASE("gzip: HEAD says what GET would, but for the length") {
  auto r = answer({});
  r.headers.add("Content-Length", "5000");
  compress(r, true, 1'024);
  CHECK(r.headers.value("Content-Encoding") == "gzip");
  CHECK_FALSE(r.headers.has("Content-Length"));
  auto small = answer({});
  small.headers.add("Content-Length", "500");
  compress(small, true, 1'024);
  CHECK_FALSE(small.headers.has("Content-Encoding"));
  CHECK(small.headers.value("Content-Length") == "500");
}

TEST_CASE("gzip: bodies of requests") {
  const auto sent = [](std::string body, std::vector<std::string> codings) {
    request r{.method = "POST", .target = "/fhir/Task", .headers = {}, .body = std::move(body)};
    for (auto& c : codings) r.headers.add("Content-Encoding", std::move(c));
    return r;
  };
  auto packed = sent(gzip(large), {"gzip"});
  CHECK_FALSE(is_plain(packed));
  REQUIRE_FALSE(decode_body(packed, 5'000));
  CHECK(packed.body == large);
  CHECK_FALSE(packed.headers.has("Content-Encoding"));

  auto plain = sent(large, {"identity"});
  CHECK(is_plain(plain));
  REQUIRE_FALSE(decode_body(plain, 5'000));
  CHECK(plain.body == large);

  struct wrong {
    std::string body;
    std::vector<std::string> codings;
    int status;
  };
  for (const auto& w : {wrong{large, {"br"}, 415},
                        {gzip(large), {"gzip, gzip"}, 415},
                        {gzip(large), {"gzip", "gzip"}, 415},
                        {large, {"gzip"}, 400},
                        {gzip(large + "x"), {"gzip"}, 413}}) {
    auto r = sent(w.body, w.codings);
    const auto refused = decode_body(r, 5'000);
    REQUIRE(refused);
    CHECK(refused->status == w.status);
    CHECK_FALSE(refused->text.empty());
    CHECK(r.body == w.body);
  }
}

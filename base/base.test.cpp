#include <catch2/catch.hpp>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/entropy.hpp"
#include "base/json.hpp"
#include "base/uuid.hpp"

using namespace dsf::base;

TEST_CASE("json keeps member order and the digits of numbers") {
  const std::string text = R"({"b":1.10,"a":[1e3,-0,"x\n\u00e9",null,true],"c":{"d":12345678901234567890123}})";
  // The 23-digit integer is out of simdjson's range, so it is refused rather than rounded.
  CHECK_FALSE(json::parse(text).has_value());
  const auto j = json::parse(R"({"b":1.10,"a":[1e3,-0,"x\n\u00e9 7",null,true]})");
  REQUIRE(j);
  CHECK(j->dump() == "{\"b\":1.10,\"a\":[1e3,-0,\"x\\n\xc3\xa9 7\",null,true]}");
}

TEST_CASE("json refuses duplicate members, deep nesting and trailing text") {
  const auto twice = json::parse(R"({"x":{"a":1,"a":2}})");
  REQUIRE_FALSE(twice);
  CHECK(twice.error().place() == "x");
  CHECK(twice.error().text().find("'a' occurs twice") != std::string::npos);
  std::string deep(101, '[');
  deep += std::string(101, ']');
  const auto d = json::parse(deep);
  REQUIRE_FALSE(d);
  CHECK(d.error().kind() == error_kind::too_large);
  CHECK_FALSE(json::parse("{} x"));
  CHECK_FALSE(json::parse(""));
  CHECK_FALSE(json::parse("\"\xff\""));
}

TEST_CASE("durations and instants follow ISO 8601") {
  CHECK(parse_duration("PT20S")->us == 20 * us_per_s);
  CHECK(parse_duration("P1DT2H")->us == (24 + 2) * 3600 * us_per_s);
  CHECK(parse_duration("P3W")->us == 21 * 86400 * us_per_s);
  CHECK(parse_duration("P1Y2M")->months == 14);
  for (const auto* bad : {"", "P", "PT", "20S", "PT20", "P1S", "PT1.5H"}) CHECK_FALSE(parse_duration(bad));
  const auto t = parse_iso("2026-05-01T10:00:00.5+02:00");
  REQUIRE(t);
  CHECK(to_iso(*t) == "2026-05-01T08:00:00.500Z");
  CHECK(to_http_date(*t) == "Fri, 01 May 2026 08:00:00 GMT");
  CHECK(to_iso(add(*parse_iso("2026-01-31T00:00:00Z"), {1, 0})) == "2026-02-28T00:00:00.000Z");
  for (const auto* bad : {"2026-13-01", "2026-02-30", "2026-05-01T10:00:00", "2026-05-01T25:00:00Z"}) CHECK_FALSE(parse_iso(bad));
}

TEST_CASE("ordered strings sort as tuples do and read back") {
  const auto key = [](std::string_view a, std::string_view b) {
    std::string k;
    put_ordered(k, a);
    put_ordered(k, b);
    return k;
  };
  CHECK(key("a", "z") < key("aa", "a"));
  CHECK(key(std::string_view("a\0b", 3), "") > key("a", "zzz"));
  const auto k = key(std::string_view("a\0b", 3), "x");
  byte_reader r{k};
  CHECK(r.ordered() == std::string("a\0b", 3));
  CHECK(r.ordered() == "x");
  CHECK(r.at_end());
  CHECK(r.u32() == 0);
  CHECK_FALSE(r.ok());
}

TEST_CASE("base64, hex and uuid read what they write") {
  seeded_entropy e{7};
  for (std::size_t n = 0; n < 20; ++n) {
    std::string bytes(n, '\0');
    e.fill({reinterpret_cast<std::uint8_t*>(bytes.data()), n});
    CHECK(*from_base64(to_base64(bytes)) == bytes);
    CHECK(*from_hex(to_hex(bytes)) == bytes);
  }
  CHECK_FALSE(from_base64("a"));
  CHECK_FALSE(from_base64("ab=c"));
  const auto id = uuid::random(e);
  CHECK(*uuid::parse(id.to_string()) == id);
  CHECK(id.to_string()[14] == '4');
  CHECK_FALSE(uuid::is_valid("not-a-uuid"));
}

// Whether the comparison sees what it is there to see.
#include <catch2/catch.hpp>

#include "tests/corpus/expect.hpp"

namespace dsf::tests {
namespace {

const std::string key = "4540db25-6e18-40ab-a827-b994ba7f94db", other_key = "d8814500-2f75-481d-8872-cbe14a11a4b5";

std::size_t differences(const std::string& expected, const std::string& actual) {
  expectation e;
  e.know("site", "a.b").know("known", key);
  const auto want = base::json::parse(expected), have = base::json::parse(actual);
  REQUIRE(want);
  REQUIRE(have);
  return e.differences(*want, *have).size();
}

}  // namespace

// Would find: a comparison that lets a missing, further, other or misplaced field pass.
TEST_CASE("corpus: the comparison of documents") {
  CHECK(differences(R"({"a":[1,{"b":true}]})", R"({"a":[1,{"b":true}]})") == 0);
  CHECK(differences(R"({"a":1,"b":2})", R"({"a":1})") == 1);
  CHECK(differences(R"({"a":1})", R"({"a":1,"b":2})") == 1);
  CHECK(differences(R"({"a":1})", R"({"a":"1"})") == 1);
  CHECK(differences(R"({"a":[1,2]})", R"({"a":[2,1]})") == 2);
  CHECK(differences(R"({"a":[1]})", R"({"a":[1,2]})") == 1);
  CHECK(differences(R"({"a":{}})", R"({"a":[]})") == 1);
  // Places: literal text around and in them, kinds, and that a value is the same wherever its name stands.
  CHECK(differences(R"(["x/{{site}}/y"])", R"(["x/a.b/y"])") == 0);
  CHECK(differences(R"(["x/{{site}}/y"])", R"(["x/aXb/y"])") == 1);
  CHECK(differences(R"(["{{new:uuid}}","{{new:uuid}}"])", R"([")" + key + R"(",")" + key + R"("])") == 0);
  CHECK(differences(R"(["{{new:uuid}}","{{new:uuid}}"])", R"([")" + key + R"(",")" + other_key + R"("])") == 1);
  CHECK(differences(R"(["{{:uuid}}","{{:uuid}}"])", R"([")" + key + R"(",")" + other_key + R"("])") == 0);
  CHECK(differences(R"(["{{known:uuid}}"])", R"([")" + other_key + R"("])") == 1);
  CHECK(differences(R"(["{{:uuid}}"])", R"(["5"])") == 1);
  CHECK(differences(R"(["{{:instant}}"])", R"(["2026-05-01T10:00:00.000Z"])") == 0);
  CHECK(differences(R"(["{{:instant}}"])", R"(["2026-05-01"])") == 1);
  CHECK(differences(R"(["{{:tens}}"])", "[50]") == 0);
  CHECK(differences(R"(["{{:tens}}"])", "[57]") == 1);
  CHECK(differences(R"(["{{:tens}}"])", "[0]") == 0);
  CHECK_THROWS(differences(R"(["{{nobody-knows}}"])", R"([""])"));
}

}  // namespace dsf::tests

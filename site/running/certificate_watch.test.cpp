// Certificates that end soon are told of at 30, 14 and 3 days and at their end: once each, and again only for another certificate.
#include "site/running/certificate_watch.hpp"

#include <catch2/catch.hpp>

using namespace dsf::site;
using dsf::base::timestamp;

namespace {
constexpr std::int64_t day_us = 86'400'000'000;
timestamp day(std::int64_t n, std::int64_t us = 0) { return {n * day_us + us}; }
}  // namespace

TEST_CASE("certificate watch: the stages begin to the microsecond") {
  const auto ends = day(100);
  CHECK(stage_of(ends, day(70, -1)) == expiry_stage::fine);
  CHECK(stage_of(ends, day(70)) == expiry_stage::month);
  CHECK(stage_of(ends, day(86, -1)) == expiry_stage::month);
  CHECK(stage_of(ends, day(86)) == expiry_stage::fortnight);
  CHECK(stage_of(ends, day(97)) == expiry_stage::days);
  CHECK(stage_of(ends, day(100, -1)) == expiry_stage::days);
  CHECK(stage_of(ends, day(100)) == expiry_stage::over);
}

TEST_CASE("certificate watch: each stage is told once, another certificate begins anew") {
  certificate_watch w;
  w.note({{"client", "client.pem", day(100)}, {"server", "server.pem", day(500)}});
  CHECK(w.due(day(10)).empty());
  REQUIRE(w.due(day(75)).size() == 1);
  CHECK(w.due(day(76)).empty());
  // Read again, the same files: nothing new to say.
  w.note({{"client", "client.pem", day(100)}, {"server", "server.pem", day(500)}});
  CHECK(w.due(day(77)).empty());
  CHECK(w.due(day(90)).size() == 1);
  CHECK(w.due(day(98)).size() == 1);
  CHECK(w.due(day(101)).size() == 1);
  CHECK(w.due(day(102)).empty());
  w.note({{"client", "client.pem", day(120)}});
  REQUIRE(w.due(day(102)).size() == 1);
  CHECK(w.report(day(102))[std::size_t{0}]["days"].int_or(0) == 18);
  CHECK(w.report(day(102))[std::size_t{0}]["stage"].str() == "30 days");
}

TEST_CASE("certificate watch: the warning names file, day and cure") {
  CHECK(
      warning_of({"client", "/etc/dsfd/client.pem", {86'400LL * 1'000'000}}, {0}) ==
      "the certificate in /etc/dsfd/client.pem ends on 1970-01-02T00:00:00Z, in 1 day; replace it and send SIGHUP (its new thumbprint has "
      "to be on the allow-list before)");
  CHECK(warning_of({"server_trust", "cas", {0}}, {5}) ==
        "an authority in cas is over since 1970-01-01T00:00:00Z; replace it in that file and send SIGHUP");
}

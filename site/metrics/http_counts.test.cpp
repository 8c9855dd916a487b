// What an id in a path would do to Prometheus, and whether counts and names agree.
#include "site/metrics/http_counts.hpp"

#include <catch2/catch.hpp>
#include <thread>
#include <vector>

using namespace dsf::site;

TEST_CASE("requests are counted by route, never by id", "[metrics]") {
  const http_counts c("/fhir");
  CHECK(c.route_of("/fhir/Task/6f0a5c1e-0000-4000-8000-000000000001?_format=json") == "/Task/{id}");
  CHECK(c.route_of("/fhir/Task?status=requested&identifier=a|b") == "/Task");
  CHECK(c.route_of("/fhir/Task/") == "/Task");
  CHECK(c.route_of("/fhir/Task/1/_history/2") == "/Task/{id}/_history/{version}");
  CHECK(c.route_of("/fhir/Task/1/_history") == "/Task/{id}/_history/{version}");
  CHECK(c.route_of("/fhir/Task/_search") == "/Task/${operation}");
  CHECK(c.route_of("/fhir/Task/1/$permanent-delete") == "/Task/${operation}");
  CHECK(c.route_of("/fhir/StructureDefinition/$snapshot") == "/StructureDefinition/${operation}");
  CHECK(c.route_of("/fhir") == "/");
  CHECK(c.route_of("/fhir/") == "/");
  CHECK(c.route_of("/fhir/metadata") == "/metadata");
  CHECK(c.route_of("/fhir/_history") == "/_history");
  for (const auto* strange : {"/", "", "/fhirs/Task", "/other/Task/1", "/fhir/Observation/1", "/fhir/Mueller-1970-01-01", "/fhir/Task/1/2",
                              "/fhir/Task/1/_history/2/3", "/fhir/Task/1/2/3/4/5/6"})
    CHECK(c.route_of(strange) == "other");
}

TEST_CASE("counts of requests come out with labels and none is lost", "[metrics]") {
  http_counts c("/fhir");
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 1'000; ++i) c.answered("GET", "/fhir/Task/secret-" + std::to_string(i), 200, 150);
    });
  for (auto& t : threads) t.join();
  c.answered("POST", "/fhir/Task", 201, 2'000);
  c.answered("BREW", "/fhir/Task", 418, 20'000'000);
  metrics_page page;
  c.add_to(page);
  const auto text = page.text();
  INFO(text);
  const auto has = [&](const std::string& line) { return text.find("\n" + line + "\n") != text.npos; };
  CHECK(has(R"(dsfd_http_requests_total{route="/Task/{id}",method="GET",status="200"} 4000)"));
  CHECK(has(R"(dsfd_http_requests_total{route="/Task",method="POST",status="201"} 1)"));
  CHECK(has(R"(dsfd_http_requests_total{route="/Task",method="other",status="400"} 1)"));
  CHECK(has(R"(dsfd_http_request_seconds_bucket{route="/Task/{id}",le="0.0001"} 0)"));
  CHECK(has(R"(dsfd_http_request_seconds_bucket{route="/Task/{id}",le="0.00025"} 4000)"));
  CHECK(has(R"(dsfd_http_request_seconds_bucket{route="/Task",le="5"} 1)"));
  CHECK(has(R"(dsfd_http_request_seconds_bucket{route="/Task",le="+Inf"} 2)"));
  CHECK(has(R"(dsfd_http_request_seconds_count{route="/Task"} 2)"));
  CHECK(text.find("secret") == text.npos);
}

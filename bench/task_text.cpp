#include "bench/task_text.hpp"

#include <fmt/format.h>

#include <iterator>

#include "base/clock.hpp"

namespace dsf::bench {
namespace {

struct form {
  std::string_view profile;
  std::string_view process;
  std::string_view message;
};

form form_of(task_kind kind) {
  switch (kind) {
    case task_kind::start_one_task:
      return {"http://bench.example/fhir/StructureDefinition/task-start-one-task|1.0", "http://bench.example/bpe/Process/oneTask|1.0",
              "startOneTask"};
    case task_kind::start_one_wait:
      return {"http://bench.example/fhir/StructureDefinition/task-start-one-wait|1.0", "http://bench.example/bpe/Process/oneWait|1.0",
              "startOneWait"};
    case task_kind::go_on:
      return {"http://bench.example/fhir/StructureDefinition/task-go-on|1.0", "http://bench.example/bpe/Process/oneWait|1.0", "goOn"};
    case task_kind::start_ping: break;
  }
  return {"http://dsf.dev/fhir/StructureDefinition/task-start-ping|1.0", "http://dsf.dev/bpe/Process/ping|1.0", "startPing"};
}

// splitmix64's finaliser: one to one on 64 bits.
std::uint64_t scattered(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

}  // namespace

std::string business_key(std::uint64_t n) {
  const auto x = scattered(n + 0x9e3779b97f4a7c15ULL);
  return fmt::format("{:08x}-{:04x}-4000-8000-{:04x}00000000", x >> 32, x >> 16 & 0xffff, x & 0xffff);
}

std::string task_text(task_kind kind, std::string_view key, std::string_view from_and_to) {
  const auto f = form_of(kind);
  const auto party = fmt::format(
      R"({{"type":"Organization","identifier":{{"system":"http://dsf.dev/sid/organization-identifier","value":"{}"}}}})", from_and_to);
  std::string out;
  out.reserve(1'400);
  const auto input = [&](std::string_view code, std::string_view value) {
    fmt::format_to(std::back_inserter(out),
                   R"({{"type":{{"coding":[{{"system":"http://dsf.dev/fhir/CodeSystem/bpmn-message","code":"{}"}}]}},"valueString":"{}"}})",
                   code, value);
  };
  fmt::format_to(
      std::back_inserter(out),
      R"({{"resourceType":"Task","meta":{{"profile":["{}"]}},"instantiatesCanonical":"{}","status":"requested","intent":"order","authoredOn":"{}",)"
      R"("requester":{},"restriction":{{"recipient":[{}]}},"input":[)",
      f.profile, f.process, base::to_iso(base::system_clock_source().now()), party, party);
  input("message-name", f.message);
  if (!key.empty()) {
    out += ',';
    input("business-key", key);
  }
  out += "]}";
  return out;
}

}  // namespace dsf::bench

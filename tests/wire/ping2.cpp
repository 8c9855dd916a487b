// Ping and pong in the 2.x form between real sites, both versions deployed side by side (dsf-bpe 9.2). Would find: a Binary that the other site may
// not read, that is cut or stays; speeds or errors that get lost on the way; a message that the other version's profile refuses.
#include <fmt/format.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "base/entropy.hpp"
#include "base/uuid.hpp"
#include "tests/wire/split_pair.hpp"
#include "tests/wire/wire_site.hpp"

using namespace dsf;
using namespace dsf::tests;

namespace {

const std::string ping_codes = "http://dsf.dev/fhir/CodeSystem/ping";

std::string start(split_pair::program& from, std::int64_t bytes) {
  site::start_request r;
  r.process = "dsfdev_ping|2.0";
  r.message = "startPing";
  r.inputs.push_back({ping_codes, "download-resource-size-bytes", "decimal", std::to_string(bytes)});
  return must(from.admin->start_task(r)).task.substr(5);
}

// Looks until the Task has ended.
template <class Read>
base::json ended(const Read& read, const std::string& task) {
  base::json now;
  for (int waited = 0; waited < 3600; ++waited) {
    now = read("Task/" + task);
    if (now["status"].str() == "completed" || now["status"].str() == "failed") break;
    ::usleep(50'000);
  }
  return now;
}

// The parts of the extension about one target, by name.
const base::json& part(const base::json& output, const std::string& name) {
  static const base::json none;
  for (const auto& p : output["extension"][std::size_t{0}]["extension"])
    if (p["url"].str() == name) return p;
  return none;
}

std::vector<base::json> statuses(const base::json& task, const std::string& code) {
  std::vector<base::json> out;
  for (const auto& o : task["output"])
    if (o["type"]["coding"][std::size_t{0}]["code"].str() == code) out.push_back(o);
  return out;
}

void check_status(const base::json& output, const std::string& status, std::int64_t bytes) {
  CHECK(output["valueCoding"]["code"].str() == status);
  CHECK(part(output, "errors").is_null());
  CHECK(part(output, "download-speed-from-remote").is_null() == (bytes < 0));
  CHECK(part(output, "upload-speed-to-remote").is_null() == (bytes < 0));
}

template <class Read>
std::string ping_received(const Read& read, const std::string& key) {
  for (int waited = 0; waited < 200; ++waited) {
    const auto tasks = read("Task?_count=200");
    for (const auto& e : tasks["entry"])
      for (const auto& in : e["resource"]["input"])
        if (in["valueString"].str() == key && e["resource"]["instantiatesCanonical"].str() == "http://dsf.dev/bpe/Process/pong|2.0" &&
            e["resource"]["input"][std::size_t{0}]["valueString"].str() == "ping")
          return e["resource"]["id"].str();
    ::usleep(50'000);
  }
  return {};
}

template <class Read>
std::int64_t binaries_left(const Read& read) {
  std::int64_t n = -1;
  for (int waited = 0; waited < 200 && n != 0; ++waited, ::usleep(50'000)) n = read("Binary?_count=1")["total"].int_or(-1);
  return n;
}

// The sweep of a Binary that was removed for good comes after the answer.
std::size_t blob_files(const std::filesystem::path& store) {
  std::size_t n = 1;
  for (int waited = 0; waited < 200 && n != 0; ++waited, ::usleep(50'000)) {
    n = 0;
    if (!std::filesystem::exists(store / "blobs")) break;
    for (const auto& f : std::filesystem::recursive_directory_iterator(store / "blobs")) n += f.is_regular_file();
    if (n == 0) break;
  }
  return n;
}

std::string business_key(const base::json& task) {
  for (const auto& in : task["input"])
    if (in["type"]["coding"][std::size_t{0}]["code"].str() == "business-key") return in["valueString"].str();
  return {};
}

// One ping and all that belongs to it, at both sites.
void ping(split_pair& s, bool from_split, std::int64_t bytes) {
  const auto here = [&](const std::string& path) { return s.read(path); };
  const auto there = [&](const std::string& path) { return s.read_other(path); };
  INFO(bytes << " bytes from " << (from_split ? "the engine of its own" : "the site in one program"));
  const auto task = start(from_split ? s.engine : s.other, bytes);
  const auto done = from_split ? ended(here, task) : ended(there, task);
  INFO(done.dump());
  REQUIRE(done["status"].str() == "completed");
  const auto outputs = statuses(done, "ping-status");
  REQUIRE(outputs.size() == 1);
  check_status(outputs[0], "pong-received", bytes);

  const auto asked = from_split ? ping_received(there, business_key(done)) : ping_received(here, business_key(done));
  REQUIRE(asked != "");
  const auto answered = from_split ? ended(there, asked) : ended(here, asked);
  INFO(answered.dump());
  REQUIRE(answered["status"].str() == "completed");
  const auto replies = statuses(answered, "pong-status");
  REQUIRE(replies.size() == 1);
  check_status(replies[0], "pong-send", bytes);
  CHECK(binaries_left(here) == 0);
  CHECK(binaries_left(there) == 0);
  for (const auto* store : {"endpoint", "engine", "other"}) CHECK(blob_files(s.folder / store) == 0);
}

// A number of /proc/<pid>/status, in bytes.
std::int64_t memory(const split_pair::program& p, const std::string& name) {
  std::istringstream lines(read_text(std::filesystem::path("/proc") / std::to_string(p.process.pid()) / "status"));
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with(name + ":")) return std::stoll(line.substr(name.size() + 1)) * 1'024;
  return 0;
}

// From now on VmHWM is the peak.
void forget_peak(const split_pair::program& p) {
  std::ofstream(std::filesystem::path("/proc") / std::to_string(p.process.pid()) / "clear_refs") << "5";
}

// The tools that watch memory keep what was freed, and are slow.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool memory_is_watched = true;
#else
constexpr bool memory_is_watched = false;
#endif

}  // namespace

TEST_CASE("ping 2.x: slim, with few bytes and with a megabyte, from an engine of its own and from a site in one program", "[ping2]") {
  split_pair s;
  s.start_all();
  for (const bool from_split : {false, true})
    for (const std::int64_t bytes : {-1, 50'000, 1'000'000}) ping(s, from_split, bytes);
  // The 1.x form goes on beside it.
  CHECK(s.outcome_of(s.other, s.ping(s.other)) == "");
}

// Would find: a Binary that stands in the memory of one of the three programs as a whole, as bytes, text or variable.
TEST_CASE("ping 2.x: a hundred megabytes pass through all programs in constant memory", "[ping2]") {
  split_pair s;
  s.start_all();
  ping(s, true, 1'000'000);
  std::map<std::string, std::int64_t> before;
  for (auto* p : {&s.endpoint, &s.engine, &s.other}) {
    before[p->name] = memory(*p, "VmRSS");
    forget_peak(*p);
  }
  ping(s, true, memory_is_watched ? 10'000'000 : 100'000'000);
  constexpr std::int64_t more_at_most = 48 << 20;
  for (auto* p : {&s.endpoint, &s.engine, &s.other}) {
    const auto peak = memory(*p, "VmHWM");
    INFO(p->name << ": " << before[p->name] << " bytes before, at most " << peak);
    CHECK(peak > 0);
    CHECK((memory_is_watched || peak - before[p->name] < more_at_most));
  }
}

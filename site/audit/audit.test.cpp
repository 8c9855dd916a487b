// The security audit log. Faults these find: a line that is no valid AuditEvent, a stranger's text that breaks a line or gets in whole, a full disk
// or queue that loses events without a word, a rotation that cuts a line, a filter that shows too much.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <thread>

#include "fhir/codec/json.hpp"
#include "site/audit/audit_log.hpp"
#include "site/audit/file.hpp"
#include "site/audit/reader.hpp"

using namespace dsf;
using namespace dsf::site;

namespace {

struct folder {
  folder() {
    std::string name = (std::filesystem::temp_directory_path() / "dsf-audit-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  [[nodiscard]] std::string file(const std::string& name = "audit.jsonl") const { return (path / name).string(); }
  std::filesystem::path path;
};

struct heard final : base::log_sink {
  void line(std::string_view text) override {
    const std::lock_guard lock{mutex};
    lines += std::string(text) + '\n';
  }
  [[nodiscard]] bool has(std::string_view text) {
    const std::lock_guard lock{mutex};
    return lines.find(text) != std::string::npos;
  }
  std::mutex mutex;
  std::string lines;
};

// No logger outlives its sink, and no test its logger.
struct fixture {
  folder f;
  std::shared_ptr<heard> sink = std::make_shared<heard>();
  base::logger log{base::system_clock_source(), "site-a", base::log_level::info, sink};
  audit_options options() {
    audit_options o;
    o.file = f.file();
    o.kinds.fill(true);
    o.sync = false;
    o.retry_us = 20'000;
    o.source = {"site-a.example", "Site A"};
    return o;
  }
};

template <class T>
T must(base::result<T> r) {
  if (!r) FAIL(r.error().to_string());
  return *std::move(r);
}

std::string text_of(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<base::json> read(const std::string& file, const audit_filter& filter = {}, std::uint64_t* damaged = nullptr) {
  std::vector<base::json> out;
  const auto r = must(read_audit_log(file, filter, [&](const base::json& e, std::string_view) { out.push_back(e); }));
  CHECK(r.found == out.size());
  if (damaged) *damaged = r.damaged;
  return out;
}

audit_event event_of(audit_kind kind, std::string organization = "site-b.example") {
  audit_event e;
  e.kind = kind;
  e.time = {1'700'000'000'000'000};
  e.action = 'E';
  e.interaction = "read";
  e.dicom = "110122";
  e.outcome = audit_outcome::minor_failure;
  e.why = "HTTP 403";
  e.agent = {std::move(organization), {}, std::string(128, 'a'), "CN=site-b", "10.1.2.3:4711"};
  e.reference = "Task/00000000-0000-4000-8000-000000000001";
  e.what = "GET Task/{id}";
  return e;
}

void check_valid(const audit_event& e, const audit_source& source) {
  const auto line = to_fhir(e, source).dump();
  INFO(line);
  CHECK(line.find('\n') == std::string::npos);
  const auto parsed = base::json::parse(line);
  REQUIRE(parsed);
  const auto issues = fhir::check(*parsed);
  for (const auto& i : issues) UNSCOPED_INFO(i.text);
  CHECK(issues.empty());
}

}  // namespace

TEST_CASE("every kind of event is a valid AuditEvent, whatever its texts are") {
  const audit_source source{"site-a.example", "Site A"};
  std::string everything;
  for (int c = 0; c < 256; ++c) everything += static_cast<char>(c);
  const std::string hostile[] = {"",
                                 " ",
                                 "\"},{\"resourceType\":\"AuditEvent\"}\n",
                                 std::string("\0\x1b[2J", 5),
                                 "\xff\xfe",
                                 "\xed\xa0\x80",
                                 "\xc2\x85",
                                 "\xe2\x80",
                                 everything,
                                 std::string(100'000, '\xf0')};
  for (std::size_t k = 0; k < audit_kinds; ++k) {
    auto e = event_of(static_cast<audit_kind>(k));
    check_valid(e, source);
    for (const auto& text : hostile) {
      e.agent = {text, text, text, text, text};
      e.why = e.what = text;
      check_valid(e, {text, text});
      CHECK(to_fhir(e, source).dump().size() < 8'000);
    }
    audit_event bare;
    bare.kind = e.kind;
    check_valid(bare, {});
  }
}

TEST_CASE("an AuditEvent says who, what, when, from where and with what outcome") {
  const auto e = to_fhir(event_of(audit_kind::denied), {"site-a.example", "Site A"});
  CHECK(e["recorded"].str() == "2023-11-14T22:13:20.000000Z");
  CHECK(e["outcome"].str() == "4");
  CHECK(e["type"]["code"].str() == "rest");
  CHECK(audit_kind_of(e) == "denied");
  CHECK(e["agent"][0]["who"]["identifier"]["value"].str() == "site-b.example");
  CHECK(e["agent"][0]["altId"].str() == std::string(128, 'a'));
  CHECK(e["agent"][0]["network"]["address"].str() == "10.1.2.3");
  CHECK(e["source"]["observer"]["identifier"]["value"].str() == "site-a.example");
  CHECK(e["entity"][0]["what"]["reference"].str() == "Task/00000000-0000-4000-8000-000000000001");
  // A terminal that shows the line is not told to do anything.
  auto hostile = event_of(audit_kind::denied);
  hostile.agent.name =
      "a\x1b[2Jb\xc2\x9b"
      "c";
  CHECK(to_fhir(hostile, {})["agent"][0]["name"].str() == "a [2Jb c");
  auto six = event_of(audit_kind::handshake);
  six.agent.address = "[2001:db8::1]:443";
  CHECK(to_fhir(six, {})["agent"][0]["network"]["address"].str() == "2001:db8::1");
}

TEST_CASE("interactions have their codes") {
  const std::tuple<const char*, const char*, const char*, bool> rows[] = {{"GET", "Task/{id}", "read", true},
                                                                          {"HEAD", "Task/{id}", "read", true},
                                                                          {"GET", "Task/{id}/_history/{version}", "vread", true},
                                                                          {"GET", "Task/{id}/_history", "history-instance", true},
                                                                          {"GET", "Task/_history", "history-type", true},
                                                                          {"GET", "_history", "history-system", true},
                                                                          {"GET", "Task", "search-type", true},
                                                                          {"POST", "Task/_search", "search-type", true},
                                                                          {"POST", "Task", "create", false},
                                                                          {"POST", "", "transaction", false},
                                                                          {"PUT", "Task/{id}", "update", false},
                                                                          {"PATCH", "Task/{id}", "patch", false},
                                                                          {"DELETE", "Task/{id}", "delete", false},
                                                                          {"POST", "Task/{id}/$permanent-delete", "operation", false},
                                                                          {"GET", "metadata", "capabilities", true},
                                                                          {"BREW", "other", "", false}};
  for (const auto& [method, route, code, reads] : rows) {
    INFO(method << ' ' << route);
    CHECK(interaction_of(method, route).code == code);
    CHECK(interaction_of(method, route).reads == reads);
  }
}

TEST_CASE("only the kinds that were chosen are written, its own ones always; the file is its owner's alone") {
  fixture x;
  auto o = x.options();
  o.kinds.fill(false);
  o.kinds[static_cast<std::size_t>(audit_kind::denied)] = true;
  {
    auto log = must(audit_log::open(o, x.log));
    for (std::size_t k = 0; k < audit_kinds; ++k) log->record(event_of(static_cast<audit_kind>(k)));
    log->stop();
    CHECK(log->statistics().written == 5);
    CHECK(log->statistics().lost == 0);
  }
  std::vector<std::string> kinds;
  for (const auto& e : read(x.f.file())) kinds.push_back(audit_kind_of(e));
  CHECK(kinds == std::vector<std::string>{"denied", "started", "stopped", "lost", "summed"});
  struct stat found{};
  REQUIRE(::stat(x.f.file().c_str(), &found) == 0);
  CHECK((found.st_mode & 0777) == 0600);
}

TEST_CASE("a file that has grown is put aside with the time in its name, no line is cut, and all are read in order") {
  fixture x;
  auto o = x.options();
  o.max_bytes = 2'000;
  auto log = must(audit_log::open(o, x.log));
  for (int i = 0; i < 40; ++i) {
    log->record(event_of(audit_kind::denied, "site-" + std::to_string(i)));
    // One stretch each, so that there are many files.
    while (log->statistics().written <= static_cast<std::uint64_t>(i)) std::this_thread::yield();
  }
  log->stop();
  CHECK(audit_files(x.f.file()).size() > 3);
  std::uint64_t damaged = 1;
  const auto all = read(x.f.file(), {}, &damaged);
  CHECK(damaged == 0);
  REQUIRE(all.size() == 40);
  for (int i = 0; i < 40; ++i)
    CHECK(all[static_cast<std::size_t>(i)]["agent"][0]["who"]["identifier"]["value"].str() == "site-" + std::to_string(i));
}

TEST_CASE("a line that a crash cut off is one damaged line, and the next event is whole") {
  fixture x;
  std::ofstream(x.f.file()) << to_fhir(event_of(audit_kind::denied), {}).dump() << "\n{\"resourceType\":\"Audit";
  auto log = must(audit_log::open(x.options(), x.log));
  log->record(event_of(audit_kind::session));
  log->stop();
  std::uint64_t damaged = 0;
  const auto all = read(x.f.file(), {}, &damaged);
  CHECK(damaged == 1);
  REQUIRE(all.size() == 2);
  CHECK(audit_kind_of(all[1]) == "session");
}

TEST_CASE("after a rotation from outside, reopen() goes on in a new file") {
  fixture x;
  auto log = must(audit_log::open(x.options(), x.log));
  log->record(event_of(audit_kind::denied));
  while (log->statistics().written < 1) std::this_thread::yield();
  std::filesystem::rename(x.f.file(), x.f.file("audit.jsonl.1"));
  log->reopen();
  log->record(event_of(audit_kind::session));
  log->stop();
  CHECK(read(x.f.file()).size() == 1);
  CHECK(text_of(x.f.file("audit.jsonl.1")).find("denied") != std::string::npos);
}

TEST_CASE("a disk that does not take lines holds nobody up: the queue fills, what is lost is counted, told in the log and in the file") {
  fixture x;
  // A pipe that nobody reads is a disk that hangs; its reader is the disk coming back.
  REQUIRE(::mkfifo(x.f.file().c_str(), 0600) == 0);
  const int reader = ::open(x.f.file().c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  REQUIRE(reader >= 0);
  auto o = x.options();
  o.queue = 50;
  auto log = must(audit_log::open(o, x.log));
  std::uint64_t recorded = 0;
  // The pipe holds 64 KiB; then the writer stands, and 50 wait. Nobody who records stands.
  while (log->statistics().lost < 10 && recorded < 100'000) log->record(event_of(audit_kind::denied)), ++recorded;
  const auto s = log->statistics();
  CHECK(s.lost == 10);
  CHECK(s.waiting <= 50);
  CHECK(x.sink->has("the audit log's queue is full"));

  std::string got;
  std::thread disk([&] {
    for (;;) {
      char bytes[4096];
      const auto n = ::read(reader, bytes, sizeof bytes);
      if (n > 0) got.append(bytes, static_cast<std::size_t>(n));
      if (got.find("\"lost\"") != std::string::npos && got.ends_with('\n')) return;
      if (n <= 0) std::this_thread::yield();
    }
  });
  disk.join();
  log->stop();
  ::close(reader);
  std::uint64_t lines = 0, lost = 0;
  for (std::size_t at = 0; at < got.size(); at = got.find('\n', at) + 1) {
    const auto e = base::json::parse(got.substr(at, got.find('\n', at) - at));
    REQUIRE(e);
    ++lines;
    if (audit_kind_of(*e) == "lost") lost += std::stoull((*e)["outcomeDesc"].str());
  }
  CHECK(lost == 10);
  CHECK(lines == recorded - 10 + 1);
}

TEST_CASE("refusals beyond those of a minute are told in one line; what is no refusal is always told") {
  fixture x;
  base::manual_clock clock;
  auto o = x.options();
  o.refusals_per_minute = 10;
  {
    auto log = must(audit_log::open(o, x.log, clock));
    auto login = event_of(audit_kind::session);
    for (int i = 0; i < 25; ++i) {
      log->record(event_of(audit_kind::handshake));
      log->record(i % 2 == 0 ? login : event_of(audit_kind::denied));
      log->record(event_of(audit_kind::allow_list));
    }
    login.outcome = audit_outcome::success;
    for (int i = 0; i < 25; ++i) log->record(login);
    log->stop();
    CHECK(log->statistics().summed == 40);
    CHECK(log->statistics().lost == 0);
  }
  CHECK(read(x.f.file(), {.kind = "handshake"}).size() == 5);
  CHECK(read(x.f.file(), {.kind = "allow-list"}).size() == 25);
  CHECK(read(x.f.file(), {.kind = "session", .outcome = "success"}).size() == 25);
  const auto sums = read(x.f.file(), {.kind = "summed"});
  REQUIRE(sums.size() == 1);
  CHECK(sums[0]["outcomeDesc"].str().starts_with("40 refusals"));
}

TEST_CASE("a new minute has its own refusals, and those of the one before are told while the site runs") {
  class two_threads_clock final : public base::clock {
  public:
    base::timestamp now() const override { return {us.load()}; }
    std::int64_t steady_us() const override { return us.load(); }
    std::atomic<std::int64_t> us = 1'700'000'000LL * base::us_per_s;
  } clock;
  fixture x;
  auto o = x.options();
  o.refusals_per_minute = 3;
  auto log = must(audit_log::open(o, x.log, clock));
  for (int i = 0; i < 8; ++i) log->record(event_of(audit_kind::denied));
  clock.us += 61 * base::us_per_s;
  for (int i = 0; i < 2; ++i) log->record(event_of(audit_kind::denied));
  while (log->statistics().written < 6) std::this_thread::yield();
  CHECK(read(x.f.file(), {.kind = "summed"}).size() == 1);
  log->stop();
  CHECK(read(x.f.file(), {.kind = "denied"}).size() == 5);
  CHECK(log->statistics().summed == 5);
}

TEST_CASE("what was put aside long enough ago is deleted, nothing else") {
  fixture x;
  base::manual_clock clock;
  const auto aside = [&](std::int64_t days) { return name_put_aside(x.f.file(), {clock.now().us - days * 86'400 * base::us_per_s}); };
  const std::string others[] = {x.f.file("audit.jsonl.1"), x.f.file("audit.20001123T101500.jsonl"),
                                x.f.file("other.20001123T101500.000123Z.jsonl"), x.f.file("audit.20009923T101500.000123Z.jsonl")};
  for (const auto& name : others) std::ofstream(name) << "{}\n";
  for (const std::int64_t days : {400, 31, 29}) std::ofstream(aside(days)) << "{}\n";
  auto o = x.options();
  SECTION("never") { must(audit_log::open(o, x.log, clock))->stop(); }
  SECTION("after thirty days") {
    o.keep = must(base::parse_duration("P30D"));
    must(audit_log::open(o, x.log, clock))->stop();
    CHECK_FALSE(std::filesystem::exists(aside(400)));
    CHECK_FALSE(std::filesystem::exists(aside(31)));
  }
  CHECK(std::filesystem::exists(aside(400)) == !o.keep);
  CHECK(std::filesystem::exists(aside(29)));
  CHECK(std::filesystem::exists(x.f.file()));
  for (const auto& name : others) CHECK(std::filesystem::exists(name));
}

TEST_CASE("the reader filters by time, kind, outcome and organisation") {
  fixture x;
  {
    std::ofstream out(x.f.file());
    for (int i = 0; i < 10; ++i) {
      auto e = event_of(i % 2 == 0 ? audit_kind::denied : audit_kind::allow_list, "site-" + std::to_string(i));
      e.time = {1'700'000'000'000'000 + i * base::us_per_s};
      e.outcome = i % 2 == 0 ? audit_outcome::minor_failure : audit_outcome::success;
      out << to_fhir(e, {}).dump() << '\n';
    }
  }
  CHECK(read(x.f.file()).size() == 10);
  CHECK(read(x.f.file(), {.since = base::timestamp{1'700'000'004'000'000}}).size() == 6);
  CHECK(read(x.f.file(), {.since = base::timestamp{1'700'000'004'000'000}, .until = base::timestamp{1'700'000'006'000'000}}).size() == 2);
  CHECK(read(x.f.file(), {.kind = "allow-list"}).size() == 5);
  CHECK(read(x.f.file(), {.outcome = "failure"}).size() == 5);
  CHECK(read(x.f.file(), {.outcome = "0"}).size() == 5);
  CHECK(read(x.f.file(), {.organization = "site-3"}).size() == 1);
  CHECK_FALSE(read_audit_log(x.f.file("none.jsonl"), {}, [](const base::json&, std::string_view) {}));
}

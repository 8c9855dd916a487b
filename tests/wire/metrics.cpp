// /metrics of two sites before, during and after pings: right numbers, and nothing in the labels that should not leave the site.
#include <fmt/format.h>
#include <re2/re2.h>
#include <unistd.h>
#include <catch2/catch.hpp>

#include <cmath>
#include <functional>
#include <map>
#include <sstream>

#include "site/ctl/demo/consortium.hpp"
#include "tests/wire/wire_site.hpp"

using namespace dsf;
using namespace dsf::tests;

namespace {

constexpr std::int64_t work_timeout_ms = 60'000;
constexpr std::uint16_t first_port = 18'800;

// Name with labels, as it stands there, to value. Throws at a line that is not of the format.
using samples = std::map<std::string, double>;
samples parse(const std::string& text) {
  static const re2::RE2 sample(R"re(([a-z_][a-z0-9_]*(?:\{[a-z]+="(?:[^"\\]|\\.)*"(?:,[a-z]+="(?:[^"\\]|\\.)*")*\})?) (\S+))re");
  samples out;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("# HELP ") || line.starts_with("# TYPE ")) continue;
    std::string name, value;
    if (!RE2::FullMatch(line, sample, &name, &value)) throw std::runtime_error("not a sample: " + line);
    if (!out.emplace(name, std::stod(value)).second) throw std::runtime_error("twice: " + name);
  }
  return out;
}

class pages {
public:
  explicit pages(const site::ctl::demo_site& s) : url_(fmt::format("http://localhost:{}/metrics", s.port + 100)) {}

  std::string text() {
    net::client_request q;
    q.url = url_;
    auto answer = must(client_.send_and_wait(std::move(q), 10'000));
    if (answer.status != 200) throw std::runtime_error(fmt::format("{} answered {}", url_, answer.status));
    return std::move(answer.body);
  }
  samples read() { return parse(text()); }
  // The first page on which it is so.
  samples wait(const std::function<bool(const samples&)>& so) {
    for (std::int64_t waited = 0; waited < work_timeout_ms; waited += 50) {
      auto now = read();
      if (so(now)) return now;
      ::usleep(50'000);
    }
    throw std::runtime_error("it did not come to that: " + text());
  }

private:
  std::string url_;
  net::https_client client_{net::client_options{}};
};

double value(const samples& s, const std::string& name) {
  const auto at = s.find(name);
  return at == s.end() ? std::nan("") : at->second;
}
std::string event(const char* kind) { return fmt::format(R"(dsfd_events_total{{event="{}"}})", kind); }

const std::string post_task = R"(dsfd_http_requests_total{route="/Task",method="POST",status="201"})";
const std::string running_pings = R"(dsfd_process_instances{process="dsfdev_ping|1.0",state="running"})";
const std::string handlers_running = R"(dsfd_handlers{state="running"})";
const std::string to_hospital = R"({partner="hospital-a.example"})";

}  // namespace

TEST_CASE("metrics count what sites do, without saying for whom", "[metrics]") {
  temp_folder folder("metrics");
  site::ctl::demo_options d;
  d.folder = folder.path().string();
  d.hospitals = 1;
  d.first_port = first_port;
  d.program = dsfd_program();
  d.processes = (std::filesystem::path(DSF_SOURCE_DIR) / "processes").string();
  auto sites = must(site::ctl::consortium::prepare(d));
  for (auto& s : sites->sites) must(sites->start(*s));
  for (auto& s : sites->sites) must(sites->wait_until_ready(*s, work_timeout_ms));
  auto &hrp = *sites->sites[0], &dic = *sites->sites[1];
  pages at_hrp(hrp), at_dic(dic);

  const auto before = at_hrp.read(), before_dic = at_dic.read();
  CHECK(value(before, "dsfd_ready") == 1);
  CHECK(value(before, "dsfd_store_read_only") == 0);
  CHECK(value(before, R"(dsfd_build_info{version="0.1.0",roles="fhir,bpe"})") == 1);
  CHECK(value(before, event("instance-started")) == 0);
  for (const auto* which : {"server", "client", "server_trust", "client_trust"}) {
    INFO(which);
    CHECK(value(before, fmt::format(R"(dsfd_certificate_days{{certificate="{}"}})", which)) > 300);
    CHECK(value(before, fmt::format(R"(dsfd_certificate_days{{certificate="{}"}})", which)) < 4'000);
  }
  CHECK(value(before, "dsfd_outbox" + to_hospital) == 0);

  // While it works: the handler is held.
  const std::string held = "dev.dsf.bpe.service.SelectPingTargets";
  must(hrp.admin->hold_handler(held, true));
  const auto ping = must(hrp.admin->start_task({.process = "dsfdev_ping|1.0", .message = "startPing"}));
  auto now = at_hrp.wait([](const samples& s) { return value(s, handlers_running) == 1 && value(s, running_pings) == 1; });
  CHECK(value(now, R"(dsfd_process_instances{process="dsfdev_ping|1.0",state="incident"})") == 0);
  CHECK(value(now, R"(dsfd_handlers{state="queued"})") == 0);
  CHECK(value(now, "dsfd_live_instances") == 1);
  CHECK(value(now, R"(dsfd_actors{kind="instance"})") == 1);
  CHECK(value(now, event("instance-ended")) == 0);
  must(hrp.admin->hold_handler(held, false));

  // After it.
  now = at_hrp.wait([](const samples& s) { return value(s, event("instance-ended")) == 1; });
  const auto now_dic = at_dic.wait([](const samples& s) { return value(s, event("instance-ended")) == 1; });
  CHECK(std::isnan(value(now, running_pings)));
  CHECK(value(now, handlers_running) == 0);
  CHECK(value(now, "dsfd_incidents") == 0);
  CHECK(value(now, "dsfd_inbox") == 0);
  CHECK(value(now, event("instance-started")) == 1);
  CHECK(value(now, event("task-received")) == 2);  // the start and the pong
  CHECK(value(now, event("task-sent")) == 1);
  CHECK(value(now, post_task) == 1);  // the pong; the start came by the admin socket
  CHECK(value(now, "dsfd_outbox_sent_total" + to_hospital) == 1);
  CHECK(value(now, "dsfd_outbox_refused_total" + to_hospital) == 0);
  CHECK(value(now, "dsfd_outbox" + to_hospital) == 0);
  CHECK(value(now_dic, event("task-received")) == 1);
  CHECK(value(now_dic, event("task-sent")) == 1);
  CHECK(value(now_dic, post_task) == 1);
  CHECK(value(now_dic, R"(dsfd_http_request_seconds_count{route="/Task"})") == 1);
  for (const auto& [page, earlier] : {std::pair<const samples*, const samples*>{&now, &before}, {&now_dic, &before_dic}}) {
    const auto commits = value(*page, "dsfd_commits_total");
    CHECK(commits > value(*earlier, "dsfd_commits_total") + 3);
    // Some may have been counted in one and not yet in the other.
    CHECK(value(*page, "dsfd_commit_seconds_count") <= commits + 2);
    CHECK(value(*page, "dsfd_commit_seconds_count") >= commits - 2);
    CHECK(value(*page, R"(dsfd_commit_seconds_bucket{le="+Inf"})") == value(*page, "dsfd_commit_seconds_count"));
    CHECK(value(*page, "dsfd_commit_seconds_sum") > 0);
    CHECK(value(*page, "dsfd_commit_batch_sum") >= commits - 2);
    CHECK(value(*page, "dsfd_commit_batch_count") <= value(*page, "dsfd_commit_batch_sum"));
    CHECK(value(*page, "dsfd_commit_sync_seconds_count") >= value(*page, "dsfd_commit_batch_count"));
    CHECK(value(*page, "dsfd_store_sequence") > 0);
    CHECK(value(*page, "process_resident_memory_bytes") > 1e6);
  }

  // A partner that is away.
  dic.process.kill_hard();
  const auto again = must(hrp.admin->start_task({.process = "dsfdev_ping|1.0", .message = "startPing"}));
  now = at_hrp.wait([](const samples& s) {
    return value(s, "dsfd_outbox" + to_hospital) == 1 && value(s, "dsfd_outbox_retries_total" + to_hospital) > 0 &&
           value(s, "dsfd_outbox_oldest_seconds" + to_hospital) > 0.1;
  });
  CHECK(value(now, "dsfd_outbox_oldest_seconds" + to_hospital) < work_timeout_ms / 1000.0);
  CHECK(value(now, running_pings) == 1);

  // Names of Tasks, instances and business keys are nobody's business; the only partner is the allow-list's.
  const auto text = at_hrp.text();
  CHECK_FALSE(RE2::PartialMatch(text, R"([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4})"));
  for (const auto& secret : {ping.business_key, ping.task, again.business_key, hrp.thumbprint}) CHECK(text.find(secret) == text.npos);
  re2::StringPiece rest(text);
  for (std::string partner; RE2::FindAndConsume(&rest, R"re(partner="([^"]*)")re", &partner);)
    CHECK((partner == "hospital-a.example" || partner == "research.example"));
  sites->stop_all();
}

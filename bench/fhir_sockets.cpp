// fhir.subscribers_500: Tasks come on a timetable, and each is told to every WebSocket that has bound the Subscription.
#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <map>
#include <mutex>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "bench/conversations.hpp"
#include "bench/fhir_run.hpp"
#include "bench/listeners.hpp"
#include "bench/machine.hpp"
#include "bench/task_text.hpp"

namespace dsf::bench {
namespace {

using base::fail;
using base::json;
using base::result;

constexpr double delivery_p99_ms = 10;
constexpr unsigned sending_connections = 4;
constexpr std::int64_t patience_us = 30'000'000;

// What all connections hear.
class hall {
public:
  void sent(std::string key, std::int64_t due_us) {
    const std::lock_guard lock{mutex_};
    sent_at_.emplace(std::move(key), due_us);
  }
  void heard(std::string_view text) {
    const auto now = base::system_clock_source().steady_us();
    // business_key() ends each key so.
    const auto end = text.rfind("00000000\"");
    if (end == std::string_view::npos || end < 28) return;
    const std::lock_guard lock{mutex_};
    const auto at = sent_at_.find(std::string(text.substr(end - 28, 36)));
    if (at == sent_at_.end()) return;
    samples_us_.push_back(now - at->second);
    ++told;
  }
  std::vector<std::int64_t> take() {
    const std::lock_guard lock{mutex_};
    told = 0;
    sent_at_.clear();
    return std::exchange(samples_us_, {});
  }
  std::atomic<std::uint64_t> told{0};

private:
  std::mutex mutex_;
  std::map<std::string, std::int64_t> sent_at_;
  std::vector<std::int64_t> samples_us_;
};

// Creates Tasks, and writes down when each was to be sent.
class event_sender final : public conversation {
public:
  event_sender(std::shared_ptr<hall> to, std::shared_ptr<task_sender::shared_state> tasks)
      : hall_(std::move(to)), tasks_(std::move(tasks)) {}
  next request(std::string& out, std::int64_t due_us) override {
    const auto key = business_key(tasks_->next.fetch_add(1));
    hall_->sent(key, due_us);
    const auto body = task_text(task_kind::start_one_wait, key, tasks_->organization);
    out +=
        fmt::format("POST /fhir/Task HTTP/1.1\r\nHost: localhost:{}\r\nContent-Type: application/fhir+json\r\nContent-Length: {}\r\n\r\n{}",
                    tasks_->port, body.size(), body);
    return {};
  }
  bool answer(int status, std::string_view, std::string_view, std::int64_t) override { return status == 201; }

private:
  std::shared_ptr<hall> hall_;
  std::shared_ptr<task_sender::shared_state> tasks_;
};

result<> wait_until(const std::atomic<std::uint64_t>& count, std::uint64_t enough, const char* what) {
  auto& clock = base::system_clock_source();
  const auto until = clock.steady_us() + patience_us;
  while (count < enough) {
    if (clock.steady_us() > until)
      return fail(base::errc::io, fmt::format("{} of {} {} after {} s", count.load(), enough, what, patience_us / 1'000'000));
    ::usleep(5'000);
  }
  return {};
}

}  // namespace

result<> fhir_run::subscribers() {
  // The one that a DSF engine binds.
  const auto answer =
      TRY(answer_to(site(), "GET", "/fhir/Subscription?criteria:exact=Task%3Fstatus%3Drequested&status=active&type=websocket"));
  const auto found = TRY(json::parse(std::string_view(answer).substr(answer.find("\r\n\r\n") + 4)));
  const auto id = found["entry"][std::size_t{0}]["resource"]["id"].str();
  if (id.empty()) return fail(base::errc::invalid_argument, "the site has no Subscription for requested Tasks");

  const auto ears = std::make_shared<hall>();
  const auto all = TRY(listeners::open(sites_->target(site()), id, o_.subscribers, [ears](std::string_view text) { ears->heard(text); }));

  auto tasks = std::make_shared<task_sender::shared_state>();
  tasks->organization = site().organization;
  tasks->port = site().port;
  tasks->next = next_key_;
  auto sending = plan(
      sites_->target(site()), [&](std::uint16_t, unsigned) { return std::make_unique<event_sender>(ears, tasks); }, sending_connections);
  sending.rate = o_.events;
  sending.threads = 1;
  sending.seconds = std::max(o_.seconds, 2.0);
  std::vector<figure> runs;
  for (unsigned run = 0; run < o_.common.runs; ++run) {
    const auto got = TRY(timed(sending, {site().process.pid()}));
    const auto wanted = got.load.exchanges * o_.subscribers;
    TRY(wait_until(ears->told, wanted, "events are delivered"));
    if (all->lost() > 0) return fail(base::errc::io, fmt::format("{} WebSockets were cut", all->lost()));
    auto samples = ears->take();
    figure f;
    f.name = "fhir.subscribers_500";
    f.unit = "ms";
    set_latencies(f, samples);
    f.value = f.p99 / 1'000;
    f.limit = delivery_p99_ms;
    f.ratio = f.value / f.limit;
    f.must = floor{.value_at_most = delivery_p99_ms};
    f.server_cpu_us = static_cast<double>(got.server_cpu_us) / static_cast<double>(wanted);
    auto creates = got.load.samples_us;
    f.more = {{"subscribers", o_.subscribers},
              {"events_per_second", static_cast<double>(got.load.exchanges) / got.load.seconds},
              {"delivered", static_cast<double>(wanted)},
              {"create_p50", percentile(creates, 0.5)},
              {"client_cpu_us", static_cast<double>(got.load.cpu_us) / static_cast<double>(wanted)}};
    runs.push_back(std::move(f));
  }
  out_->add(median_of(runs));
  return {};
}

}  // namespace dsf::bench

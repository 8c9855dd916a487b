#include "bench/waiting.hpp"

#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <condition_variable>
#include <csignal>
#include <cstdio>
#include <set>
#include <thread>

#include "base/entropy.hpp"
#include "base/json.hpp"
#include "bench/instance_load.hpp"
#include "bench/machine.hpp"

namespace dsf::bench {
namespace {

using base::fail;
using base::json;
using base::result;

// Runs this program with other arguments and returns the first line it prints, together with when it came.
struct said {
  json line;
  std::int64_t after_us = 0;  // since just before the start
};
result<said> run_self(const std::vector<std::string>& arguments) {
  std::error_code ec;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", ec).string();
  std::vector<std::string> words{self};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (auto& w : words) argv.push_back(w.data());
  argv.push_back(nullptr);
  int pipe_ends[2];
  if (::pipe(pipe_ends) != 0) return fail(base::errc::io, "no pipe can be made");
  auto& clock = base::system_clock_source();
  const auto from = clock.steady_us();
  const auto parent = ::getpid();
  const auto pid = ::fork();
  if (pid == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(127);
    ::dup2(pipe_ends[1], STDOUT_FILENO);
    ::close(pipe_ends[0]);
    ::close(pipe_ends[1]);
    ::execv(self.c_str(), argv.data());
    ::_exit(127);
  }
  ::close(pipe_ends[1]);
  std::string text;
  std::int64_t came = 0;
  char buffer[4096];
  for (ssize_t n; pid > 0 && (n = ::read(pipe_ends[0], buffer, sizeof buffer)) > 0;) {
    text.append(buffer, static_cast<std::size_t>(n));
    if (came == 0 && text.find('\n') != std::string::npos) came = clock.steady_us() - from;
  }
  ::close(pipe_ends[0]);
  int status = 0;
  if (pid < 0 || ::waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
    return fail(base::errc::io, fmt::format("dsf-bench {} failed; what it printed on standard error says why", arguments.front()));
  return said{TRY(json::parse(text.substr(0, text.find('\n')))), came};
}

// The one that is ended after this one.
std::uint64_t following(std::uint64_t which, std::uint64_t instances) { return (which + 7'919) % instances; }

// One from which `more` can be ended that were not ended yet; they are taken down as ended.
std::uint64_t choose(std::set<std::uint64_t>& ended, std::uint64_t instances, std::uint64_t more) {
  for (;;) {
    const auto first = base::system_entropy().below(instances);
    std::set<std::uint64_t> these;
    for (auto [i, at] = std::pair{std::uint64_t{0}, first}; i <= more; ++i, at = following(at, instances))
      if (!ended.contains(at)) these.insert(at);
    if (these.size() != more + 1) continue;
    ended.merge(these);
    return first;
  }
}

void say(const json& j) {
  std::puts(j.dump().c_str());
  std::fflush(stdout);
}

double number(const json& j, std::string_view name) {
  const auto* n = j[name].if_number();
  return n ? std::atof(n->text.c_str()) : 0;
}

}  // namespace

result<> make_waiting(const waiting_options& o) {
  const auto site = TRY(engine_site::open({o.folder, true, o.models}));
  instance_load load;
  load.what = life::until_wait;
  load.count = o.instances;
  load.in_flight = o.in_flight;
  load.threads = o.threads;
  load.keep_samples = false;
  const auto got = TRY(run_instances(*site, load));
  const auto waiting = TRY(site->store().view()->rows(storage::table::subscription, {}, 2));
  json j;
  j.set("seconds", got.seconds);
  j.set("cpu_us", got.cpu_us);
  j.set("commits", got.commits);
  j.set("peak_kib", peak_kib_of(::getpid()));
  j.set("any_subscription", !waiting.empty());
  say(j);
  // Not closed: what comes next is a restart after a crash.
  ::_exit(0);
}

result<> end_waiting(const waiting_options& o) {
  const auto site = TRY(engine_site::open({o.folder, true, o.models}));
  auto& clock = base::system_clock_source();
  std::mutex mutex;
  std::condition_variable changed;
  std::uint64_t ended = 0;
  site->watch([&](std::span<const storage::feed_entry> entries) {
    const std::lock_guard lock{mutex};
    for (const auto& e : entries)
      for (const auto& i : e.instances)
        if (i.what == storage::instance_change::kind::ended) ++ended;
    changed.notify_all();
  });
  std::vector<std::int64_t> samples;
  json j;
  std::uint64_t which = o.first;
  for (unsigned i = 0; i <= o.more; ++i) {
    const auto from = clock.steady_us();
    const auto reply = site->post_task_and_wait(task_text(task_kind::go_on, business_key(which)));
    if (reply.status != 201) return fail(base::errc::io, "the second Task was refused: " + describe(reply));
    {
      std::unique_lock lock{mutex};
      if (!changed.wait_for(lock, std::chrono::seconds(30), [&] { return ended == i + 1; }))
        return fail(base::errc::io, fmt::format("instance {} of {} did not end after its message", which, o.instances));
    }
    which = following(which, o.instances);
    if (i == 0) {
      // The parent takes the time of this line.
      say(j.set("ended", true));
      continue;
    }
    samples.push_back(clock.steady_us() - from);
  }
  json more;
  more.set("p50", percentile(samples, 0.5));
  more.set("p99", percentile(samples, 0.99));
  more.set("peak_kib", peak_kib_of(::getpid()));
  std::FILE* f = std::fopen((o.folder / "ended.json").c_str(), "w");
  if (f == nullptr) return fail(base::errc::io, "the result can't be written", (o.folder / "ended.json").string());
  std::fputs(more.dump().c_str(), f);
  std::fclose(f);
  site->watch(nullptr);
  return {};
}

result<> measure_waiting(const engine_options& o, const std::filesystem::path& parent, report& out) {
  const auto folder = parent / "waiting";
  const auto threads = o.threads != 0 ? o.threads : std::max(1u, std::thread::hardware_concurrency() - 1);
  const std::vector<std::string> common{"--folder",    folder.string(),           "--models",    o.common.models.string(),
                                        "--instances", std::to_string(o.waiting), "--in-flight", std::to_string(o.in_flight),
                                        "--threads",   std::to_string(threads)};
  auto words = common;
  words.insert(words.begin(), "make-waiting");
  const auto made = TRY(run_self(words));
  if (!made.line["any_subscription"].bool_or(false)) return fail(base::errc::io, "no instance waits");

  figure restart;
  restart.name = "engine.waiting_1m_restart";
  restart.unit = "ms";
  restart.limit = 1'500;
  restart.must = floor{.value_at_most = 1'500};
  std::vector<figure> runs;
  double peak_after = 0;
  std::set<std::uint64_t> ended_before;
  const auto following_ones = std::min<std::uint64_t>(100, o.waiting / 1'000);
  for (unsigned run = 0; run < o.common.runs; ++run) {
    const auto first = choose(ended_before, o.waiting, following_ones);
    words = common;
    words.insert(words.begin(), "end-waiting");
    words.insert(words.end(), {"--first", std::to_string(first), "--more", std::to_string(following_ones)});
    const auto ended = TRY(run_self(words));
    std::FILE* f = std::fopen((folder / "ended.json").c_str(), "r");
    char text[512] = {};
    if (f != nullptr) {
      if (std::fread(text, 1, sizeof text - 1, f) == 0) text[0] = '\0';
      std::fclose(f);
    }
    const auto more = TRY(json::parse(text));
    peak_after = std::max(peak_after, number(more, "peak_kib"));
    restart.value = static_cast<double>(ended.after_us) / 1000;
    restart.ratio = restart.value / restart.limit;
    restart.p50 = number(more, "p50");
    restart.p99 = number(more, "p99");
    runs.push_back(restart);
  }
  figure memory;
  memory.name = "engine.waiting_1m";
  memory.unit = "MB";
  memory.value = std::max(number(made.line, "peak_kib"), peak_after) / 1024;
  memory.limit = 200;
  memory.ratio = memory.value / memory.limit;
  memory.server_cpu_us = number(made.line, "cpu_us") / static_cast<double>(o.waiting);
  memory.must = floor{.value_at_most = 200};
  memory.more = {{"instances", static_cast<double>(o.waiting)},
                 {"started_per_second", static_cast<double>(o.waiting) / number(made.line, "seconds")},
                 {"peak_after_restart_mb", peak_after / 1024}};
  out.add(memory);
  out.add(median_of(runs));
  out.note(fmt::format("{} instances wait, begun at {:.0f}/s; the program ended without closing its store before each first restart",
                       o.waiting, static_cast<double>(o.waiting) / number(made.line, "seconds")));
  return {};
}

}  // namespace dsf::bench

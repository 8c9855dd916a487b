// Each attempt of a handler is a line in its site's log, which outlives the site. Between two starts of a site no job may begin twice.
#include <fmt/format.h>

#include <fstream>
#include <map>
#include <set>

#include "tests/crash/crash.hpp"

namespace dsf::tests {

void judge_handlers(crash_run& run, verdict& v) {
  for (const auto& s : run.sites->sites) {
    std::ifstream in(s->folder / "log.jsonl");
    std::string line, twice;
    std::set<std::string> begun;       // in this life of the site
    std::map<std::string, int> open;   // begun and not finished, over all lives
    std::uint64_t lives = 0, attempts = 0, interrupted = 0;
    while (std::getline(in, line)) {
      const bool life = line.find("\"starting\"") != line.npos;
      // After an I/O error another engine goes on from the store, which is like a start for its jobs.
      const bool engine = line.find("the engine goes on with what it holds") != line.npos;
      if (!life && !engine && line.find("\"handler-") == line.npos) continue;
      const auto read = base::json::parse(line);
      if (!read) continue;  // cut off by a kill
      if ((*read)["component"].str() == "site") {
        lives += life;
        for (const auto& [job, n] : open) interrupted += n > 0;
        open.clear();
        begun.clear();
        continue;
      }
      const auto& job = (*read)["job"].str();
      if (job.empty()) continue;
      if ((*read)["message"].str() == "handler-started") {
        ++attempts;
        ++open[job];
        if (!begun.insert(job).second && twice.empty()) twice = (*read)["class"].str() + " " + job;
      } else {
        open.erase(job);
        // What failed is tried again by its retry cycle.
        if ((*read)["failed"].bool_or(false)) begun.erase(job);
      }
    }
    v.check(twice.empty(), fmt::format("{}: one job was begun twice without a restart between: {}", s->name, twice));
    v.check(attempts > 0, s->name + ": the log has no handlers");
    std::uint64_t kills = 0, while_starting = 0, running = 0, outbox = 0;
    double slowest = 0;
    for (const auto& k : run.kills) {
      if (k.site != s->name) continue;
      ++kills;
      while_starting += k.while_starting;
      running += k.running;
      outbox += k.outbox;
      slowest = std::max(slowest, k.back_after_s);
    }
    fmt::print(
        "{:12} {} kills ({} more while it started) hit {} running instances, {} messages to send and {} handlers; {} lives, {} handler "
        "attempts, slowest recovery {:.1f} s\n",
        s->name, kills, while_starting, running, outbox, interrupted, lives, attempts, slowest);
  }
}

}  // namespace dsf::tests

// The third ledger: what the stores hold once all sites have stopped, opened for reading only, against what the recorders saw on the wire and what
// the handlers wrote into the logs.
#include <fmt/format.h>

#include <fstream>
#include <map>
#include <set>

#include "bpmn/execution/event.hpp"
#include "storage/index_check.hpp"
#include "storage/instances/instance_codec.hpp"
#include "storage/store.hpp"
#include "tests/crash/crash.hpp"

namespace dsf::tests {
namespace {

using base::result;
using site::ctl::demo_site;

constexpr std::size_t page_size = 500;
constexpr std::size_t tasks_at_most = 1'000'000, versions_at_most = 1'000;

struct sent_message {
  bool settled = false, delivered = false;
};

struct store_facts {
  std::map<std::string, std::string> tasks;  // outbox entry of the sender, by id; empty: made here
  std::map<std::string, std::string> sender;  // organization, by id
  std::map<std::string, std::string> status;  // by id
  std::map<std::string, sent_message> messages;  // by outbox entry
  std::set<std::string> jobs;  // "<instance>/<job>" of handlers
  std::set<std::string> jobs_done;  // of them, those that a later commit says ended
  std::uint64_t instances = 0, events = 0, versions = 0;
  std::vector<std::string> wrong;
};

int rank_of(const std::string& status) {
  const std::map<std::string, int> order{{"draft", 0}, {"requested", 1}, {"in-progress", 2}, {"completed", 3}, {"failed", 3}};
  const auto at = order.find(status);
  return at == order.end() ? -1 : at->second;
}

class reader {
public:
  // Of a split site: the Tasks that its endpoint holds, and what its engine has made of its copies.
  static result<store_facts> read(const demo_site& s) {
    auto engine = TRY(read(s.folder / "store"));
    if (!s.split) return engine;
    auto facts = TRY(read(s.folder / "endpoint/store"));
    if (facts.instances > 0) facts.wrong.push_back("the endpoint's store has instances");
    for (const auto& [id, status] : engine.status) {
      const auto at = facts.status.find(id);
      if (at == facts.status.end())
        facts.wrong.push_back("the engine has a copy of Task/" + id + ", which its endpoint does not know");
      else if (at->second != status)
        facts.wrong.push_back(fmt::format("the engine's copy of Task/{} is {}, the endpoint's {}", id, status, at->second));
    }
    facts.wrong.insert(facts.wrong.end(), engine.wrong.begin(), engine.wrong.end());
    facts.messages = std::move(engine.messages);
    facts.jobs = std::move(engine.jobs);
    facts.jobs_done = std::move(engine.jobs_done);
    facts.instances = engine.instances;
    facts.events = engine.events;
    return facts;
  }

private:
  static result<store_facts> read(const std::filesystem::path& folder) {
    storage::store_options o;
    o.path = folder;
    o.create = false;
    o.read_only = true;
    reader r;
    r.store_ = TRY(storage::store::open(std::move(o)));
    r.view_ = r.store_->view();
    const auto index = TRY(storage::check_index(*r.view_, {}, [](std::uint64_t) { return true; }));
    for (const auto& e : index.examples) r.wrong("its index: " + e);
    TRY(r.tasks());
    TRY(r.instances());
    TRY(r.left_over());
    return std::move(r.facts_);
  }

  result<> tasks() {
    const auto ids = TRY(view_->all_ids("Task", tasks_at_most));
    for (const auto& id : ids) {
      const auto versions = TRY(view_->history("Task", id, versions_at_most));
      const auto name = "Task/" + id.to_string();
      std::string status;
      for (std::size_t i = 0; i < versions.size(); ++i) {
        ++facts_.versions;
        if (versions[i].deleted) continue;
        const auto task = TRY(base::json::parse(*versions[i].bytes));
        if (versions[i].version != i + 1) wrong(fmt::format("{} lacks version {}", name, i + 1));
        const auto& next = task["status"].str();
        // Completed and failed are for good.
        if (rank_of(next) < rank_of(status) || rank_of(status) == 3) wrong(fmt::format("{} went from {} to {}", name, status, next));
        status = next;
        facts_.status[id.to_string()] = status;
        if (i > 0) continue;
        std::string entry;
        for (const auto& identifier : task["identifier"])
          if (identifier["system"].str().ends_with("/sid/outbox-entry")) entry = identifier["value"].str();
        facts_.tasks.emplace(id.to_string(), entry);
        facts_.sender.emplace(id.to_string(), task["requester"]["identifier"]["value"].str());
      }
    }
    return {};
  }

  result<> instances() {
    for (std::uint64_t from = 0;;) {
      const auto page = TRY(view_->instances(from, page_size));
      for (const auto& i : page) TRY(instance(i));
      if (page.size() < page_size) return {};
      from = page.back().instance + 1;
    }
  }

  result<> instance(const storage::instance_info& i) {
    const auto name = store_->external_id(i.instance);
    ++facts_.instances;
    if (i.is_live()) wrong("instance " + name + " has not ended");
    std::uint64_t row = 0, next = 1, ends = 0;
    const auto rows = TRY(view_->instance_events(i.instance));
    for (const auto& stored : rows) {
      if (stored.number != ++row) wrong(fmt::format("instance {}: row {} of its events is missing", name, row));
      const auto batch = TRY(storage::decode_batch_outline(stored.bytes));
      if (batch.first_number != next)
        wrong(fmt::format("instance {}: events {} to {} are missing or doubled", name, next, batch.first_number));
      next = batch.first_number + batch.events.size();
      facts_.events += batch.events.size();
      if (ends > 0) wrong("instance " + name + " goes on after its end");
      for (const auto& e : batch.events) {
        const auto job = [&](bpmn::local_id id) { return name + "/" + std::to_string(id); };
        if (const auto* made = std::get_if<bpmn::events::job_created>(&e.what); made && made->content.kind == bpmn::job_kind::handler)
          facts_.jobs.insert(job(made->content.id));
        if (const auto* gone = std::get_if<bpmn::events::job_removed>(&e.what)) facts_.jobs_done.insert(job(gone->job));
        if (const auto* queued = std::get_if<bpmn::events::message_queued>(&e.what))
          facts_.messages.emplace(store_->external_id(i.instance, queued->content.id), sent_message{});
        if (const auto* settled = std::get_if<bpmn::events::message_settled>(&e.what))
          facts_.messages[store_->external_id(i.instance, settled->message)] = {true, settled->delivered};
        ends += std::holds_alternative<bpmn::events::instance_finished>(e.what);
      }
    }
    if (ends != 1) wrong(fmt::format("instance {} ended {} times", name, ends));
    return {};
  }

  // Nothing waits, so nothing may be left that makes somebody act.
  result<> left_over() {
    for (const auto& [table, what] : {std::pair{storage::table::inbox, "inbox"}, std::pair{storage::table::outbox, "outbox"},
                                      std::pair{storage::table::timer, "timer"}, std::pair{storage::table::subscription, "subscription"}})
      if (const auto rows = TRY(view_->rows(table, {}, page_size)); !rows.empty())
        wrong(fmt::format("{} {} rows are left", rows.size(), what));
    return {};
  }

  void wrong(std::string what) { facts_.wrong.push_back(std::move(what)); }

  std::unique_ptr<storage::store> store_;
  std::shared_ptr<const storage::store_view> view_;
  store_facts facts_;
};

// Jobs that the handlers' lines say have begun.
std::set<std::string> begun_jobs(const demo_site& s) {
  std::set<std::string> out;
  std::ifstream in(s.folder / "log.jsonl");
  std::string line;
  while (std::getline(in, line)) {
    if (line.find("\"handler-started\"") == line.npos) continue;
    const auto read = base::json::parse(line);
    if (!read) continue;
    auto job = (*read)["job"].str();
    // <instance>/<job>[/<event>]
    if (const auto end = job.find('/', job.find('/') + 1); end != job.npos) job.resize(end);
    out.insert(job);
  }
  return out;
}

std::string some_of(const std::vector<std::string>& all) {
  return all.empty() ? "" : fmt::format("{} in all, e.g. {}", all.size(), all.front());
}

}  // namespace

void judge_stores(crash_run& run, verdict& v) {
  std::map<std::string, store_facts> facts;
  for (const auto& s : run.sites->sites) {
    auto read = reader::read(*s);
    if (!read) return v.check(false, fmt::format("{}: its store can't be read: {}", s->name, read.error().to_string()));
    facts[s->organization] = std::move(*read);
  }
  std::map<std::string, unsigned> arrived;  // Tasks by outbox entry, over all stores
  for (std::size_t n = 0; n < run.sites->sites.size(); ++n) {
    const auto& s = *run.sites->sites[n];
    const auto& f = facts[s.organization];
    v.check(f.wrong.empty(), fmt::format("{}: its store: {}", s.name, some_of(f.wrong)));
    // Wire and store.
    std::vector<std::string> lost, unknown;
    for (const auto& p : run.recorders[n]->posts()) {
      const auto at = p.location.find("/Task/");
      if ((p.status == 200 || p.status == 201) && at != p.location.npos && !f.tasks.contains(p.location.substr(at + 6, 36)))
        lost.push_back(p.location);
    }
    v.check(lost.empty(), fmt::format("{}: Tasks that the wire saw confirmed are not in the store: {}", s.name, some_of(lost)));
    for (const auto& [id, entry] : f.tasks) {
      if (entry.empty()) continue;
      ++arrived[entry];
      const auto from = facts.find(f.sender.at(id));
      if (from == facts.end() || !from->second.messages.contains(entry)) unknown.push_back("Task/" + id);
    }
    v.check(unknown.empty(), fmt::format("{}: Tasks whose sender's store never sent them: {}", s.name, some_of(unknown)));
    // Handlers and store. A job that ran without being in the store was started before its commit was durable.
    const auto begun = begun_jobs(s);
    std::vector<std::string> early, never;
    for (const auto& job : begun) {
      if (!f.jobs.contains(job)) early.push_back(job);
      if (!f.jobs_done.contains(job)) never.push_back(job);
    }
    v.check(early.empty(), fmt::format("{}: handlers ran for jobs that its store does not know: {}", s.name, some_of(early)));
    v.check(never.empty(), fmt::format("{}: handlers ran for jobs that never ended in its store: {}", s.name, some_of(never)));
    fmt::print("{:12} store: {} Tasks in {} versions, {} instances, {} events, {} messages, {} jobs\n", s.name, f.tasks.size(), f.versions,
               f.instances, f.events, f.messages.size(), f.jobs.size());
  }
  for (const auto& [organization, f] : facts) {
    std::vector<std::string> open, lost, twice;
    for (const auto& [entry, m] : f.messages) {
      const auto n = arrived.contains(entry) ? arrived.at(entry) : 0U;
      if (!m.settled) open.push_back(entry);
      if (m.delivered && n == 0) lost.push_back(entry);
      if (n > 1) twice.push_back(entry);
    }
    v.check(open.empty(), fmt::format("{}: messages that its store still has to send: {}", organization, some_of(open)));
    v.check(lost.empty(),
            fmt::format("{}: messages that its store calls delivered are in no other store: {}", organization, some_of(lost)));
    v.check(twice.empty(), fmt::format("{}: messages that arrived more than once: {}", organization, some_of(twice)));
  }
}

}  // namespace dsf::tests

// Counting, from outside: FHIR search at each receiver, the recorders' list, and each site's own instances.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <set>
#include <tuple>

#include "privacy/demo_data.hpp"
#include "tests/crash/crash.hpp"

namespace dsf::tests {
namespace {

using base::json;
using base::result;
using site::ctl::demo_site;
using message_id = std::tuple<std::string, std::string, std::string>;  // business key, message, correlation key

constexpr int page_size = 200;
constexpr int pages_at_most = 1'000;

struct task_facts {
  std::string id, status, business_key, message, correlation_key, reason;
  std::map<std::string, int> outputs;  // "<output>=<code>", or "<output>"
  [[nodiscard]] message_id identity() const { return {business_key, message, correlation_key}; }
};

struct site_facts {
  std::vector<task_facts> tasks;
  std::multimap<std::string, const task_facts*> by_key;
  std::multimap<std::string, site::instance_summary> instances;  // by business key
};

const std::string& code_of(const json& type) { return type["coding"][std::size_t{0}]["code"].str(); }

task_facts read_task(const json& t) {
  task_facts f;
  f.id = t["id"].str();
  f.status = t["status"].str();
  for (const auto& in : t["input"]) {
    const auto& code = code_of(in["type"]);
    if (code == "message-name") f.message = in["valueString"].str();
    if (code == "business-key") f.business_key = in["valueString"].str();
    if (code == "correlation-key") f.correlation_key = in["valueString"].str();
  }
  for (const auto& out : t["output"]) {
    const auto& code = code_of(out["type"]);
    const auto& value = out["valueCoding"]["code"].str();
    ++f.outputs[value.empty() ? code : code + "=" + value];
    if (code == "error") f.reason = out["valueString"].str();
  }
  return f;
}

result<site_facts> collect(crash_run& run, demo_site& s) {
  site_facts f;
  for (int page = 1; page <= pages_at_most; ++page) {
    const auto found = TRY(run.sites->read(s, fmt::format("Task?_count={}&_page={}&_sort=_lastUpdated", page_size, page)));
    std::size_t here = 0;
    for (const auto& e : found["entry"])
      if (e["resource"]["resourceType"].str() == "Task") {
        f.tasks.push_back(read_task(e["resource"]));
        ++here;
      }
    if (here == 0 || f.tasks.size() >= static_cast<std::size_t>(found["total"].int_or(0))) break;
  }
  std::erase_if(f.tasks, [](const task_facts& t) { return t.status == "draft"; });
  for (const auto& t : f.tasks) f.by_key.emplace(t.business_key, &t);
  site::instance_filter filter;
  filter.limit = 500;
  do {
    const auto page = TRY(s.admin->list_instances(filter));
    for (const auto& i : page.instances) f.instances.emplace(i.business_key, i);
    filter.after = page.next;
  } while (!filter.after.empty());
  return f;
}

class judge_of {
public:
  judge_of(crash_run& run, verdict& v) : run_(run), v_(v) {}

  result<> judge() {
    for (auto& s : run_.sites->sites) facts_[s->name] = TRY(collect(run_, *s));
    for (const auto& q : privacy::demo_queries())
      if (q.ccdl == privacy::demo_ccdl()) query_ = std::string(q.name);
    for (const auto& w : run_.work) work(w);
    for (std::size_t i = 0; i < run_.sites->sites.size(); ++i) {
      receiver(*run_.sites->sites[i]);
      recorded(*run_.sites->sites[i], run_.recorders[i]->posts());
    }
    return {};
  }

private:
  // Everything that should have come of one start; the first thing that is not so.
  void work(const started_work& w) {
    auto& f = facts_[w.site->name];
    const std::string start = w.feasibility ? "feasibilityRequestMessage" : "startPing";
    const auto [from, to] = f.by_key.equal_range(w.business_key);
    const bool took_place = std::any_of(from, to, [&](const auto& t) { return t.second->message == start; });
    if (!w.certain && !took_place) {
      // Then nobody may have heard of it.
      for (auto& [name, other] : facts_)
        if (other.by_key.contains(w.business_key) || other.instances.contains(w.business_key))
          return v_.check(false, fmt::format("{} of {}: its start left no Task, but {} knows it", w.business_key, w.site->name, name));
      return;
    }
    std::string wrong;
    const auto expect = [&](demo_site& at, const std::string& message, std::size_t count, const std::string& output, int outputs) {
      if (!wrong.empty()) return;
      const auto [a, b] = facts_[at.name].by_key.equal_range(w.business_key);
      std::size_t n = 0;
      for (auto t = a; t != b; ++t) {
        if (t->second->message != message) continue;
        ++n;
        if (t->second->status != "completed")
          wrong = fmt::format("Task/{} ({}) at {} is {}{}{}", t->second->id, message, at.name, t->second->status,
                              t->second->reason.empty() ? "" : ": ", t->second->reason);
        const auto has = t->second->outputs.find(output);
        if (wrong.empty() && !output.empty() && (has == t->second->outputs.end() ? 0 : has->second) != outputs)
          wrong = fmt::format("Task/{} ({}) at {} has {} outputs {}, not {}", t->second->id, message, at.name,
                              has == t->second->outputs.end() ? 0 : has->second, output, outputs);
      }
      if (wrong.empty() && n != count) wrong = fmt::format("{} has {} Tasks {}, not {}", at.name, n, message, count);
    };
    const auto instance = [&](demo_site& at, const std::string& process) {
      if (!wrong.empty()) return;
      const auto [a, b] = facts_[at.name].instances.equal_range(w.business_key);
      if (std::distance(a, b) != 1)
        wrong = fmt::format("{} has {} instances", at.name, std::distance(a, b));
      else if (!a->second.process.starts_with(process + "|"))
        wrong = fmt::format("{} has an instance of {}, not {}", at.name, a->second.process, process);
      else if (a->second.state != "completed")
        wrong = fmt::format("the instance at {} is {}: {}", at.name, a->second.state, a->second.reason);
    };
    if (w.feasibility) {
      expect(*w.site, start, 1, "error", 0);
      expect(*w.site, "feasibilitySingleDicResultMessage", 3, "measure-report-reference", 1);
      instance(*w.site, "medizininformatik-initiativede_feasibilityRequest");
    } else {
      expect(*w.site, start, 1, "ping-status=pong-received", 3);
      expect(*w.site, "pong", 3, "", 0);
      instance(*w.site, "dsfdev_ping");
    }
    for (auto& other : run_.sites->sites) {
      if (other.get() == w.site) continue;
      if (w.feasibility) {
        expect(*other, "feasibilityExecuteMessage", 1, "measure-report-reference", 1);
        instance(*other, "medizininformatik-initiativede_feasibilityExecute");
        if (wrong.empty()) wrong = wrong_count(*other, w.business_key);
      } else {
        expect(*other, "ping", 1, "pong-status=pong-send", 1);
        instance(*other, "dsfdev_pong");
      }
    }
    v_.check(wrong.empty(), fmt::format("{} {} of {}: {}", w.feasibility ? "feasibility" : "ping", w.business_key, w.site->name, wrong));
  }

  std::string wrong_count(demo_site& at, const std::string& key) {
    const auto detail = at.admin->show_instance(key);
    if (!detail) return at.name + ": " + detail.error().to_string();
    for (const auto& v : detail->variables) {
      if (v.name != "measure-result-ccdl") continue;
      std::string_view text = v.text;
      if (text.size() > 1 && text.front() == '"') text = text.substr(1, text.size() - 2);
      std::uint64_t n = 0;
      const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), n);
      if (ec == std::errc() && end == text.data() + text.size() && n == at.ledger.counts.at(query_)) return {};
      return fmt::format("{} counted {}, the ledger {}", at.name, v.text, at.ledger.counts.at(query_));
    }
    return at.name + " has no count before noise";
  }

  void receiver(demo_site& s) {
    std::map<message_id, std::vector<std::string>> seen;
    std::size_t open = 0;
    std::set<std::string> known;
    for (const auto& w : run_.work) known.insert(w.business_key);
    std::vector<std::string> strangers;
    for (const auto& t : facts_[s.name].tasks) {
      seen[t.identity()].push_back(t.id);
      open += t.status == "requested" || t.status == "in-progress";
      if (!known.contains(t.business_key)) strangers.push_back(t.id);
    }
    for (const auto& [id, tasks] : seen)
      if (tasks.size() > 1)
        v_.check(false, fmt::format("{} has {} Tasks of business key {}, message {}, correlation key {}: Task/{} and Task/{}", s.name,
                                    tasks.size(), std::get<0>(id), std::get<1>(id), std::get<2>(id), tasks[0], tasks[1]));
    v_.check(open == 0, fmt::format("{} has {} Tasks that are requested or in-progress", s.name, open));
    v_.check(strangers.empty(), fmt::format("{} has {} Tasks that nobody started, e.g. Task/{}", s.name, strangers.size(),
                                            strangers.empty() ? "" : strangers[0]));
    std::size_t running = 0;
    for (const auto& [key, i] : facts_[s.name].instances) running += i.state != "completed";
    v_.check(running == 0, fmt::format("{} has {} instances that did not complete", s.name, running));
    fmt::print("{:12} {} Tasks, {} instances\n", s.name, facts_[s.name].tasks.size(), facts_[s.name].instances.size());
  }

  // What the recorder saw must be what the site has: every Task a sender was told of is there, once, and nothing else came.
  void recorded(demo_site& s, const std::vector<recorded_post>& posts) {
    std::map<message_id, std::set<std::string>> ids;
    std::map<int, int> answers;
    std::map<message_id, int> created;
    int kept_back = 0;
    for (const auto& p : posts) {
      if (!p.path.ends_with("/Task")) continue;
      ++answers[p.status];
      kept_back += p.kept_back;
      const message_id id{p.business_key, p.message, p.correlation_key};
      if (p.status == 201) ++created[id];
      if (p.status != 200 && p.status != 201) {
        if (p.status >= 400 && p.status < 500 && !p.temporary)
          v_.check(false, fmt::format("{} answered a message {} of {} with {}", s.name, p.message, p.from, p.status));
        continue;
      }
      const auto at = p.location.find("/Task/");
      if (at != p.location.npos) ids[id].insert(p.location.substr(at + 6, 36));
    }
    std::set<std::string> there;
    for (const auto& t : facts_[s.name].tasks) there.insert(t.id);
    std::size_t lost = 0, twice = 0, unseen = 0;
    for (const auto& [id, tasks] : ids) {
      twice += tasks.size() > 1;
      for (const auto& t : tasks) lost += !there.contains(t);
    }
    for (const auto& [id, n] : created) twice += n > 1;
    for (const auto& t : facts_[s.name].tasks)
      if (t.message != "startPing" && t.message != "feasibilityRequestMessage") unseen += !ids.contains(t.identity());
    v_.check(lost == 0, fmt::format("{}: {} Tasks that senders were told of are not there", s.name, lost));
    v_.check(twice == 0, fmt::format("{}: {} messages made more than one Task", s.name, twice));
    v_.check(unseen == 0, fmt::format("{}: {} Tasks whose sender was never told", s.name, unseen));
    std::string list;
    for (const auto& [status, n] : answers) list += fmt::format(" {}: {}", status == 0 ? "none" : std::to_string(status), n);
    fmt::print("{:12} answers to POST Task:{}; kept back: {}\n", s.name, list, kept_back);
  }

  crash_run& run_;
  verdict& v_;
  std::map<std::string, site_facts> facts_;
  std::string query_;
};

}  // namespace

void judge(crash_run& run, verdict& v) {
  if (const auto done = judge_of(run, v).judge(); !done) v.check(false, "the sites can't be asked: " + done.error().to_string());
}

}  // namespace dsf::tests

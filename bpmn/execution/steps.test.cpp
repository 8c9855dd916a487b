// Runs tests/data/bpmn/*.steps: readable behaviour tests, one line a step (tests/data/bpmn/README.md has the words).
#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "bpmn/execution/testing/test_host.hpp"

using namespace dsf;
using namespace dsf::bpmn;

namespace {

// "a" "b c" d='x y' -> words; quotes group.
std::vector<std::string> words_of(const std::string& line) {
  std::vector<std::string> out;
  std::string word;
  bool quoted = false, any = false;
  for (const char c : line) {
    if (c == '"') {
      quoted = !quoted;
      any = true;
    } else if (c == ' ' && !quoted) {
      if (any) out.push_back(std::exchange(word, {}));
      any = false;
    } else {
      word += c;
      any = true;
    }
  }
  if (any) out.push_back(word);
  return out;
}

value value_of(const std::string& text) {
  if (text == "null") return {};
  if (text == "true" || text == "false") return value(text == "true");
  if (text.starts_with("targets:")) {
    targets t;
    std::istringstream in(text.substr(8));
    for (std::string key; std::getline(in, key, ',');)
      t.entries.push_back({"org-" + key, "endpoint-" + key, "https://" + key + "/fhir", key});
    return value(std::move(t));
  }
  if (text.starts_with("list:")) {
    value_list l;
    std::istringstream in(text.substr(5));
    for (std::string item; std::getline(in, item, ',');) l.push_back(value_of(item));
    return value(std::move(l));
  }
  if (!text.empty() && text.size() < 9 && text.find_first_not_of("0123456789") == std::string::npos)
    return value(static_cast<std::int32_t>(std::stoi(text)));
  return value(text);
}

std::string text_of(const value& v) {
  if (const auto* s = v.as<std::string>()) return *s;
  return to_display(v).dump();
}

class runner {
public:
  explicit runner(std::filesystem::path folder) : folder_(std::move(folder)) {}

  void line(const std::string& text) {
    auto w = words_of(text);
    if (w.empty() || w[0].starts_with('#')) return;
    const bool refused = w[0] == "!";
    if (refused) w.erase(w.begin());
    if (w[0] == "process") return load(w);
    REQUIRE(host_);
    if (w[0] == "expect") return expect(w);
    auto done = command_of(w);
    if (refused) {
      REQUIRE_FALSE(done);
      CHECK(done.error().is(errc::not_waiting));
    } else if (!done) {
      FAIL(done.error().to_string());
    }
    REQUIRE(host_->broken == "");
  }

private:
  void load(const std::vector<std::string>& w) {
    std::ifstream in(folder_ / w.at(1), std::ios::binary);
    std::stringstream text;
    text << in.rdbuf();
    auto models = read_bpmn(text.str(), w[1]);
    if (!models) FAIL(models.error().to_string());
    for (const auto& m : *models)
      if (w.size() < 3 || m->key == w[2]) {
        host_.emplace(m);
        return;
      }
    FAIL("no process " << w.at(2));
  }

  std::vector<std::pair<std::string, value>> pairs(const std::vector<std::string>& w, std::size_t from) {
    std::vector<std::pair<std::string, value>> out;
    for (std::size_t i = from; i < w.size(); ++i)
      if (const auto eq = w[i].find('='); eq != std::string::npos && !option(w[i]))
        out.emplace_back(w[i].substr(0, eq), value_of(w[i].substr(eq + 1)));
    return out;
  }
  static bool option(const std::string& word) {
    return word.starts_with("task:") || word.starts_with("key:") || word.starts_with("send:") || word.starts_with("note:");
  }
  static std::string option(const std::vector<std::string>& w, const std::string& name) {
    for (const auto& word : w)
      if (word.starts_with(name + ":")) return word.substr(name.size() + 1);
    return {};
  }
  static std::string rest(const std::vector<std::string>& w, std::size_t from) {
    std::string out;
    for (std::size_t i = from; i < w.size(); ++i) out += (i > from ? " " : "") + w[i];
    return out;
  }

  std::string name_of_node(node_index n) const { return n == no_node ? host_->model->key : host_->model->nodes[n].id; }
  std::string name_of_call(const run_handler& c) const { return name_of_node(c.activity) + (c.event.empty() ? "" : "/" + c.event); }

  // The oldest open handler job of that activity ("task", "task/start"); "task#2": the second oldest.
  local_id job(std::string name) const {
    int nth = 1;
    if (const auto hash = name.find('#'); hash != std::string::npos) {
      nth = std::stoi(name.substr(hash + 1));
      name.resize(hash);
    }
    for (const auto& [id, call] : host_->handlers)
      if (name_of_call(call) == name && --nth == 0) return id;
    FAIL("no handler job " << name << "; there are: " << waiting());
    return 0;
  }
  template <class Rows>
  local_id by_activity(const Rows& rows, std::string name, const char* what) const {
    int nth = 1;
    if (const auto hash = name.find('#'); hash != std::string::npos) {
      nth = std::stoi(name.substr(hash + 1));
      name.resize(hash);
    }
    for (const auto& [id, row] : rows) {
      const auto* j = host_->state.jobs.find(id);
      if (j && name_of_node(j->node) == name && --nth == 0) return id;
    }
    FAIL("no " << what << " " << name << "; there are: " << waiting());
    return 0;
  }
  local_id message(const std::string& key) const {
    for (const auto& [id, m] : host_->messages)
      if (m.content.to.correlation_key == key) return id;
    FAIL("no message to " << key);
    return 0;
  }

  base::result<> command_of(const std::vector<std::string>& w) {
    auto& h = *host_;
    const std::string& verb = w[0];
    if (verb == "start") {
      start_instance s;
      s.business_key = "bk";
      s.start_event = h.model->starts.front();
      if (w.size() > 1 && w[1].find('=') == std::string::npos && !option(w[1])) s.start_event = h.model->find(w[1]);
      if (const auto id = option(w, "task"); !id.empty()) s.task = received_task{{"Task", id, 2}};
      s.variables = pairs(w, 1);
      return h.perform(std::move(s));
    }
    if (verb == "job") return outcome(w);
    if (verb == "message") {
      message_received m;
      m.name = w.at(1);
      m.correlation_key = option(w, "key");
      m.has_correlation_key = !m.correlation_key.empty();
      if (const auto id = option(w, "task"); !id.empty()) m.task = received_task{{"Task", id, 2}};
      return h.perform(std::move(m));
    }
    if (verb == "signal") return h.perform(signal_received{w.at(1), pairs(w, 2)});
    if (verb == "wait") {
      h.now = base::add(h.now, *base::parse_duration(w.at(1)));
      return {};
    }
    if (verb == "timer") {
      const local_id id = by_activity(h.timers, w.at(1), "timer");
      h.now = std::max(h.now, h.timers.at(id).due);
      return h.perform(timer_due{id});
    }
    if (verb == "continue") return h.perform(continue_job{by_activity(h.continuations, w.at(1), "continuation")});
    if (verb == "retry") return h.perform(retry_incident{by_activity(h.incidents, w.at(1), "incident")});
    if (verb == "cancel") return h.perform(cancel_instance{rest(w, 1)});
    if (verb == "delivered" || verb == "refused") {
      const local_id id = message(w.at(1));
      h.messages.erase(id);
      if (verb == "delivered") return h.perform(message_delivered{id});
      return h.perform(message_refused{id, rest(w, 3), std::stoi(w.at(2))});
    }
    if (verb == "user_task") {
      for (const auto& t : h.state.user_tasks)
        if (name_of_node(t.node) == w.at(1)) return h.perform(complete_user_task{t.id, pairs(w, 2)});
      return h.perform(complete_user_task{99999, {}});
    }
    FAIL("unknown step " << verb);
    return {};
  }

  base::result<> outcome(const std::vector<std::string>& w) {
    const local_id id = w.at(1) == "none" ? 99999 : job(w.at(1));
    const std::string& how = w.at(2);
    std::vector<variable_change> changes;
    for (auto& [name, v] : pairs(w, 3)) {
      variable_change c{variable_change::scope::nearest, name, std::move(v), false};
      if (name.starts_with("local.")) c = {variable_change::scope::local, name.substr(6), c.new_value, false};
      changes.push_back(std::move(c));
    }
    std::vector<task_change> notes;
    if (const auto note = option(w, "note"); !note.empty()) {
      const auto colon = note.find(':');
      notes.push_back({note.substr(0, colon), {}, note.substr(colon + 1) == "failed" ? "failed" : "", "", note.substr(colon + 1) == "now"});
      if (notes.back().status.empty()) notes.back().add_outputs.push_back("{\"valueString\":\"" + note.substr(colon + 1) + "\"}");
    }
    if (how == "done") {
      handler_completed c{id, std::move(changes), std::move(notes), {}};
      std::istringstream keys(option(w, "send"));
      for (std::string key; std::getline(keys, key, ',');)
        c.messages.push_back(
            {{"org-" + key, "endpoint-" + key, "https://" + key, key}, "http://a/p|1.0", "m", "profile", "bk", {}, "", {}});
      return host_->perform(std::move(c));
    }
    if (how == "error") return host_->perform(handler_bpmn_error{id, w.at(3), rest(w, 4), {}, {}});
    if (how == "failed") return host_->perform(handler_failed{id, rest(w, 3), true, false});
    if (how == "lost") return host_->perform(handler_failed{id, rest(w, 3), true, true});
    if (how == "ended") return host_->perform(handler_ended_instance{id, rest(w, 3)});
    FAIL("unknown outcome " << how);
    return {};
  }

  std::string waiting() const {
    std::vector<std::string> all;
    const auto key = [](const auto& s) { return s.has_correlation_key ? "[" + s.correlation_key + "]" : std::string(); };
    for (const auto& [id, c] : host_->handlers) all.push_back("job:" + name_of_call(c));
    for (const auto& [id, t] : host_->timers) all.push_back("timer:" + name_of_node(host_->state.jobs.find(id)->node));
    for (const auto& [id, t] : host_->continuations) all.push_back("continue:" + name_of_node(host_->state.jobs.find(id)->node));
    for (const auto& [id, t] : host_->incidents) all.push_back("incident:" + name_of_node(t.activity));
    for (const auto& [id, m] : host_->messages) all.push_back("delivery:" + m.content.to.correlation_key);
    for (const auto& s : host_->state.subscriptions) {
      const char* kind = s.kind == subscription_kind::message ? "message:" : s.kind == subscription_kind::signal ? "signal:" : "condition:";
      all.push_back(kind + (s.kind == subscription_kind::conditional ? name_of_node(s.node) : s.name) + key(s));
    }
    for (const auto& t : host_->state.user_tasks) all.push_back("user:" + name_of_node(t.node));
    for (const auto& e : host_->state.executions)
      if (e.at == phase::join) all.push_back("join:" + name_of_node(e.node));
    std::ranges::sort(all);
    std::string out;
    for (const auto& a : all) out += (out.empty() ? "" : " ") + a;
    return out;
  }

  void expect(const std::vector<std::string>& w) {
    const std::string& what = w.at(1);
    if (what == "waiting") {
      std::vector<std::string> wanted(w.begin() + 2, w.end());
      std::ranges::sort(wanted);
      CHECK(waiting() == rest(wanted, 0));
    } else if (what == "ended") {
      REQUIRE(host_->ended);
      CHECK((host_->ended->failed ? "failed" : "completed") == w.at(2));
      if (w.size() > 3) CHECK(host_->ended->reason == rest(w, 3));
    } else if (what == "task") {  // expect task T1 completed|failed|open [error text]
      const auto at = host_->task_status.find(w.at(2));
      CHECK((at == host_->task_status.end() ? "open" : at->second.status) == w.at(3));
      if (w.size() > 4) {
        REQUIRE(at != host_->task_status.end());
        CHECK(at->second.error == rest(w, 4));
      }
    } else if (what == "pending") {  // outputs that the final version of a Task gets
      const auto& f = host_->task_status.at(w.at(2));
      std::size_t outputs = 0;
      for (const auto& c : f.pending) outputs += c.add_outputs.size();
      CHECK(std::to_string(outputs) == w.at(3));
    } else if (what == "var") {  // expect var name value: as the process instance sees it; "none": there is none
      const auto* e = host_->state.executions.find(root_execution);
      REQUIRE(e);
      const auto* v = local_variable(*e, w.at(2));
      CHECK((v ? text_of(v->get()) : "none") == w.at(3));
    } else if (what == "sees") {  // expect sees <job> name value: as the handler of that job sees it
      const auto vars = visible_variables(host_->state, host_->handlers.at(job(w.at(2))).execution);
      const auto at = std::ranges::find_if(vars, [&](const auto& v) { return v.first == w.at(3); });
      CHECK((at == vars.end() ? "none" : text_of(at->second)) == w.at(4));
    } else if (what == "field") {  // expect field <job> name value
      const auto& fields = host_->handlers.at(job(w.at(2))).fields;
      const auto at = std::ranges::find_if(fields, [&](const auto& f) { return f.first == w.at(3); });
      CHECK((at == fields.end() ? "none" : text_of(at->second)) == w.at(4));
    } else if (what == "due") {  // expect due <activity> PT10S: how long from now
      base::timestamp due;
      for (const auto& [id, t] : host_->due)
        if (const auto* j = host_->state.jobs.find(id); j && name_of_node(j->node) == w.at(2)) due = t;
      CHECK(due == base::add(host_->now, *base::parse_duration(w.at(3))));
    } else if (what == "signals") {
      CHECK(rest(host_->signals, 0) == rest(w, 2));
    } else if (what == "executions") {
      CHECK(std::to_string(host_->state.executions.size()) == w.at(2));
    } else {
      FAIL("unknown expectation " << what);
    }
  }

  std::filesystem::path folder_;
  std::optional<bpmn::testing::test_host> host_;
};

}  // namespace

TEST_CASE("processes behave as their steps say") {
  const std::filesystem::path folder = std::filesystem::path(DSF_SOURCE_DIR) / "tests/data/bpmn";
  std::vector<std::filesystem::path> files;
  for (const auto& f : std::filesystem::directory_iterator(folder))
    if (f.path().extension() == ".steps") files.push_back(f.path());
  std::ranges::sort(files);
  REQUIRE(files.size() >= 10);
  for (const auto& file : files) {
    DYNAMIC_SECTION(file.filename().string()) {
      runner run(folder);
      std::ifstream in(file);
      int number = 0;
      for (std::string line; std::getline(in, line);) {
        ++number;
        INFO(file.filename().string() << ":" << number << ": " << line);
        run.line(line);
      }
    }
  }
}

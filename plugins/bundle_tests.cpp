#include "plugins/bundle_tests.hpp"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <set>

#include "plugins/archive.hpp"
#include "plugins/bundle_files.hpp"

namespace dsf::plugins {
namespace {

using base::json;

constexpr int depth_at_most = 20;
constexpr std::string_view bpmn_message = "http://dsf.dev/fhir/CodeSystem/bpmn-message";

// What each step may say.
const std::map<std::string, std::set<std::string>, std::less<>>& known_steps() {
  static const std::map<std::string, std::set<std::string>, std::less<>> all{
      {"start", {"start", "process", "business_key", "inputs"}},
      {"receive", {"receive", "from", "answers", "process", "business_key", "correlation_key", "inputs"}},
      {"advance", {"advance"}},
      {"script", {"script", "answers"}},
      {"serve", {"serve", "resource"}},
      {"expect", {"expect"}}};
  return all;
}
const std::set<std::string> known_expectations{"task", "error", "outputs", "state", "at", "sent"};

class reader {
public:
  reader(std::string place, bundle_tests& out) : place_(std::move(place)), out_(out) {}

  void read(const YAML::Node& root) {
    bundle_test t;
    t.name = place_;
    if (!root.IsMap()) return wrong(root, "a test must be a map with steps");
    known(root, {"description", "worker", "plugin", "partners", "settings", "steps"});
    if (const auto n = root["worker"]) {
      if (n.IsScalar()) t.worker.push_back(n.Scalar());
      for (const auto& part : n) t.worker.push_back(part.IsScalar() ? part.Scalar() : std::string());
      if (t.worker.empty() || t.worker.front().empty()) wrong(n, "'worker' must be a command: a text, or a list of texts");
    }
    if (const auto n = root["plugin"]) t.plugin = n.IsScalar() ? n.Scalar() : std::string();
    for (const auto& p : root["partners"]) {
      if (p.IsScalar())
        t.partners.push_back(json::object{{"organization", p.Scalar()}});
      else if (p.IsMap() && p["organization"])
        t.partners.push_back(to_json(p, 0));
      else
        wrong(p, "a partner is an organisation's identifier, or {organization, role}");
    }
    for (const auto& s : root["settings"]) t.settings[s.first.Scalar()] = s.second.IsScalar() ? s.second.Scalar() : std::string();
    const auto steps = root["steps"];
    if (!steps || !steps.IsSequence() || steps.size() == 0) return wrong(root, "a test must have a list of steps");
    for (const auto& s : steps) step(s, t);
    out_.tests.push_back(std::move(t));
  }

private:
  void step(const YAML::Node& n, bundle_test& t) {
    if (!n.IsMap()) return wrong(n, "a step must be a map");
    std::string what;
    for (const auto& [name, members] : known_steps())
      if (n[name] && (what.empty() || name != "answers")) what = name;
    if (what.empty()) return wrong(n, "a step is one of start, receive, advance, script, serve, expect");
    known(n, known_steps().at(what));
    if (what == "expect") {
      if (!n["expect"].IsMap()) return wrong(n, "'expect' must be a map");
      known(n["expect"], known_expectations);
    } else if (!n[what].IsScalar() || n[what].Scalar().empty()) {
      return wrong(n, fmt::format("'{}' must be a text", what));
    }
    t.steps.push_back({line_of(n), what, to_json(n, 0)});
  }

  void known(const YAML::Node& n, const std::set<std::string>& members) {
    for (const auto& m : n)
      if (const auto name = m.first.IsScalar() ? m.first.Scalar() : std::string(); !members.contains(name))
        wrong(m.first, fmt::format("'{}' is not known here; known are {}", name, fmt::join(members, ", ")));
  }

  json to_json(const YAML::Node& n, int depth) {
    if (depth > depth_at_most) {
      wrong(n, fmt::format("it is nested deeper than {}", depth_at_most));
      return {};
    }
    if (n.IsScalar()) return n.Scalar();
    if (n.IsSequence()) {
      json::array out;
      for (const auto& e : n) out.push_back(to_json(e, depth + 1));
      return out;
    }
    if (!n.IsMap()) return {};
    json out = json::object{};
    for (const auto& m : n) out.set(m.first.Scalar(), to_json(m.second, depth + 1));
    return out;
  }

  std::string line_of(const YAML::Node& n) const { return place_ + ":" + std::to_string(n.Mark().line + 1); }
  void wrong(const YAML::Node& n, std::string text) { out_.faults.push_back({line_of(n), std::move(text)}); }

  const std::string place_;
  bundle_tests& out_;
};

}  // namespace

bundle_tests read_bundle_tests(const std::map<std::string, std::string>& files) {
  bundle_tests out;
  for (const auto& [place, text] : files) {
    try {
      reader(place, out).read(YAML::Load(text));
    } catch (const YAML::Exception& e) {
      out.faults.push_back({place + ":" + std::to_string(std::max(0, e.mark.line) + 1), "not valid YAML: " + e.msg});
    }
  }
  return out;
}

base::result<std::map<std::string, std::string>> find_bundle_tests(const std::filesystem::path& path) {
  namespace fs = std::filesystem;
  std::map<std::string, std::string> out;
  const auto is_test = [](const std::string& name) {
    return name.starts_with("tests/") && name.ends_with(".yaml") && name.find('/', 6) == name.npos;
  };
  std::error_code ec;
  const auto files = TRY(bundle_files::open(path));
  if (fs::is_directory(path, ec)) {
    for (const auto& f : fs::directory_iterator(path / "tests", ec))
      if (const auto name = "tests/" + f.path().filename().string(); is_test(name)) out[name] = TRY(files.read(name));
    return out;
  }
  const auto zip = TRY(archive::open(path));
  for (const auto& name : zip.names()) {
    const auto at = name.find("tests/");
    if (at == name.npos || (at != 0 && name.find('/') + 1 != at)) continue;  // below the zip's only folder, or at its root
    if (const auto own = name.substr(at); is_test(own)) out[own] = TRY(files.read(own));
  }
  return out;
}

bundle_test test_of_draft(const bundle_resource& draft, const std::string& process_key) {
  bundle_test t;
  t.name = draft.file;
  bundle_test_step start{draft.file, "start", json::object{}};
  start.with.set("process", process_key);
  json::array inputs;
  for (const auto& in : draft.content["input"]) {
    const auto& coding = in["type"]["coding"][0];
    const auto& code = coding["code"].str();
    if (coding["system"].str() == bpmn_message && code == "message-name")
      start.with.set("start", in["valueString"]);
    else if (coding["system"].str() != bpmn_message || (code != "business-key" && code != "correlation-key"))
      inputs.push_back(in);
  }
  start.with.set("inputs", std::move(inputs));
  t.steps.push_back(std::move(start));
  return t;
}

}  // namespace dsf::plugins

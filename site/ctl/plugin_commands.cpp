#include "site/ctl/plugin_commands.hpp"

#include <fmt/format.h>

#include "site/ctl/render.hpp"
#include "site/ctl/text_table.hpp"

namespace dsf::site::ctl {
namespace {

using base::json;
using base::result;

json to_json(const std::vector<std::string>& list) {
  json out = json::array{};
  for (const auto& s : list) out.push_back(s);
  return out;
}

json to_json(const process_state_line& p) { return json::object{{"process", p.process}, {"state", p.state}, {"because", p.because}}; }

std::string text_of(const process_state_line& p) { return p.because.empty() ? p.state : fmt::format("{}: {}", p.state, p.because); }

}  // namespace

result<> plugin_deploy(ctl_output& o, admin_calls& site, const std::string& path) {
  const auto d = TRY(site.deploy_plugin(path));
  if (o.json) {
    o.out << site::to_json(d).dump() << "\n";
    return {};
  }
  std::string processes;
  for (const auto& p : d.processes) processes += (processes.empty() ? "" : ", ") + p;
  o.out << fmt::format("{} {} is deployed: processes {}; {} resources\n", d.plugin, d.version, processes, d.resources);
  for (const auto& w : d.warnings) o.err << "warning: " << w << "\n";
  return {};
}

result<> plugin_remove(ctl_output& o, admin_calls& site, const std::string& name, const std::string& version) {
  const auto d = TRY(site.remove_plugin(name, version));
  if (o.json)
    o.out << site::to_json(d).dump() << "\n";
  else
    o.out << fmt::format("{} {} is removed; {} resources changed\n", d.plugin, d.version, d.resources);
  return {};
}

result<> plugin_list(ctl_output& o, admin_calls& site) {
  const auto list = TRY(site.plugins());
  if (o.json) {
    json plugins = json::array{}, without = json::array{};
    for (const auto& p : list.plugins) {
      json processes = json::array{};
      for (const auto& process : p.processes) processes.push_back(to_json(process));
      plugins.push_back(json::object{{"name", p.name},
                                     {"version", p.version},
                                     {"source", p.source},
                                     {"by_operator", p.by_operator},
                                     {"processes", std::move(processes)},
                                     {"quarantined", !p.reasons.empty()},
                                     {"reasons", to_json(p.reasons)},
                                     {"warnings", to_json(p.warnings)},
                                     {"since", json_time(p.since)}});
    }
    for (const auto& process : list.without) without.push_back(to_json(process));
    o.out << json(json::object{{"plugins", std::move(plugins)}, {"without_plugin", std::move(without)}}).dump() << "\n";
    return {};
  }
  text_table t({"PLUGIN", "VERSION", "PROCESS", "STATE", "FROM"});
  for (const auto& p : list.plugins) {
    if (!p.reasons.empty()) continue;
    for (const auto& process : p.processes)
      t.add({p.name, p.version, process.process, text_of(process), (p.by_operator ? "deployed from " : "") + p.source});
  }
  for (const auto& process : list.without) t.add({"-", "", process.process, text_of(process), ""});
  if (t.empty()) o.err << "no plugin is deployed\n";
  if (!t.empty()) o.out << t.str(o.width);
  for (const auto& p : list.plugins) {
    if (p.reasons.empty()) continue;
    o.out << fmt::format("\nin quarantine since {}: {} {}\n", relative_time(p.since, o.clock.now()),
                         p.name.empty() ? p.source : fmt::format("{} {}", p.name, p.version), p.name.empty() ? "" : "(" + p.source + ")");
    for (const auto& r : p.reasons) o.out << "  " << r << "\n";
  }
  return {};
}

result<> plugin_state(ctl_output& o, admin_calls& site, const std::string& process, const std::string& state) {
  const auto now = TRY(site.set_process_state(process, state));
  if (o.json)
    o.out << to_json(now).dump() << "\n";
  else
    o.out << fmt::format("{} is {}{}\n", now.process, now.state, now.because.empty() ? "" : " (" + now.because + ")");
  return {};
}

}  // namespace dsf::site::ctl

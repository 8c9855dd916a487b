// What authors of plugins need without a running site: lint, new, inspect.
#include <fmt/format.h>

#include <filesystem>
#include <fstream>

#include "plugins/bundle.hpp"
#include "plugins/bundle_template.hpp"
#include "plugins/inspection.hpp"
#include "processes/register.hpp"
#include "site/ctl/demo.hpp"
#include "site/ctl/plugin_commands.hpp"
#include "site/ctl/text_table.hpp"

namespace dsf::site::ctl {
namespace {

namespace fs = std::filesystem;
using base::fail;
using base::json;
using base::result;

const plugins::handler_registry& shipped_handlers() {
  static const auto registry = [] {
    plugins::handler_registry r;
    processes::register_handlers(r);
    return r;
  }();
  return registry;
}

json to_json(const std::vector<plugins::bundle_fault>& list) {
  json out = json::array{};
  for (const auto& f : list) out.push_back(json::object{{"place", f.place}, {"text", f.text}});
  return out;
}

}  // namespace

result<> plugin_lint(ctl_output& o, const plugin_options& options) {
  plugins::bundle_context context;
  context.organization = "organization.invalid";
  context.handlers = &shipped_handlers();
  context.offline = true;
  plugins::bundle_reading reading;
  if (auto files = plugins::bundle_files::open(options.path))
    reading = plugins::read_bundle(*files, context);
  else
    reading.faults.push_back({files.error().place(), files.error().text()});
  const auto& b = reading.content;
  if (o.json) {
    json classes = json::array{};
    for (const auto& c : b.classes)
      classes.push_back(json::object{{"class", c.class_name},
                                     {"process", c.process},
                                     {"place", c.place},
                                     {"runtime", plugins::to_string(c.runtime)},
                                     {"found", c.runtime == plugins::handler_runtime::worker ? json() : json(c.found)}});
    o.out << json(json::object{{"name", b.name},
                               {"version", b.version},
                               {"draft", b.draft},
                               {"faults", to_json(reading.faults)},
                               {"warnings", to_json(reading.warnings)},
                               {"classes", std::move(classes)}})
                 .dump()
          << "\n";
  } else {
    for (const auto& f : reading.faults) o.out << "fault: " << f.line() << "\n";
    for (const auto& w : reading.warnings) o.out << "warning: " << w.line() << "\n";
    text_table t({"CLASS", "PROCESS", "RUNS IN"});
    for (const auto& c : b.classes)
      t.add({c.class_name, c.process, c.runtime == plugins::handler_runtime::worker ? "worker" : c.found ? "this program" : "nothing"});
    if (!t.empty()) o.out << t.str(o.width);
    if (reading.ok())
      o.out << fmt::format("{} {}{}: {} processes, no faults, {} warnings\n", b.name, b.version, b.draft ? " (draft)" : "",
                           b.processes.size(), reading.warnings.size());
  }
  if (reading.ok()) return {};
  return fail(admin_errc::invalid, fmt::format("{} faults; a site would put the bundle into quarantine", reading.faults.size()),
              options.path);
}

result<> plugin_new(ctl_output& o, const plugin_options& options) {
  const fs::path folder(options.path);
  std::error_code ec;
  if (fs::exists(folder, ec))
    return fail(admin_errc::conflict, "it is there already; nothing was changed, choose another name", folder.string());
  const auto name = (folder.has_filename() ? folder : folder.parent_path()).filename().string();
  const auto today = base::to_iso(o.clock.now()).substr(0, 10);
  const auto files = TRY(plugins::bundle_template({name, options.process, options.domain, today}));
  for (const auto& [file, text] : files) {
    fs::create_directories((folder / file).parent_path(), ec);
    std::ofstream out(folder / file, std::ios::binary);
    out << text;
    out.close();
    if (!out) return fail(base::errc::io, "the file can't be written", (folder / file).string());
  }
  if (o.json)
    o.out << json(json::object{{"folder", folder.string()}, {"process", options.process}}).dump() << "\n";
  else
    o.out << fmt::format("{0} has a bundle with process {1}; next: dsfctl plugin lint {0}, dsfctl plugin test {0}\n", folder.string(),
                         options.process);
  return {};
}

result<> plugin_inspect(ctl_output& o, const plugin_options& options) {
  const auto found = TRY(plugins::inspect(options.path, shipped_handlers()));
  if (o.json) {
    json definitions = json::array{}, processes = json::array{}, resources = json::array{}, classes = json::array{},
         unreadable = json::array{};
    for (const auto& d : found.definitions) definitions.push_back(d);
    for (const auto& p : found.processes)
      processes.push_back(json::object{{"key", p.key}, {"version_tag", p.version_tag}, {"file", p.file}});
    for (const auto& r : found.resources) resources.push_back(json::object{{"type", r.type}, {"identity", r.identity}, {"file", r.file}});
    for (const auto& c : found.classes)
      classes.push_back(json::object{{"class", c.name}, {"process", c.process}, {"runs_in", c.here ? "this program" : "jvm"}});
    for (const auto& u : found.unreadable) unreadable.push_back(u);
    o.out << json(json::object{{"jar", found.jar},
                               {"name", found.name},
                               {"version", found.version},
                               {"draft", found.draft},
                               {"definitions", std::move(definitions)},
                               {"processes", std::move(processes)},
                               {"resources", std::move(resources)},
                               {"classes", std::move(classes)},
                               {"unreadable", std::move(unreadable)}})
                 .dump()
          << "\n";
    return {};
  }
  o.out << fmt::format("{}{}{}{}\n", found.jar ? "DSF plugin JAR" : "bundle", found.name.empty() ? "" : " " + found.name,
                       found.version.empty() ? "" : " " + found.version, found.draft ? " (draft)" : "");
  for (const auto& d : found.definitions) o.out << "definition  " << d << "\n";
  text_table processes({"PROCESS", "VERSION TAG", "FILE"}), resources({"TYPE", "IDENTITY", "FILE"}),
      classes({"CLASS", "PROCESS", "RUNS IN"});
  for (const auto& p : found.processes) processes.add({p.key, p.version_tag, p.file});
  for (const auto& r : found.resources) resources.add({r.type, r.identity, r.file});
  for (const auto& c : found.classes) classes.add({c.name, c.process, c.here ? "this program" : "the JVM host"});
  for (const auto* t : {&processes, &resources, &classes})
    if (!t->empty()) o.out << "\n" << t->str(o.width);
  for (const auto& u : found.unreadable) o.out << "\nnot readable: " << u;
  if (!found.unreadable.empty()) o.out << "\n";
  return {};
}

}  // namespace dsf::site::ctl

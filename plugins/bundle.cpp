#include "plugins/bundle.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "actors/task_document.hpp"
#include "bpmn/lint.hpp"
#include "bpmn/placeholder.hpp"
#include "plugins/errc.hpp"

namespace dsf::plugins {
namespace {

using base::fail;
using base::json;
using base::result;

// Stands for a required setting where there is no site to ask.
std::string sample(setting_type t) {
  switch (t) {
    case setting_type::integer: return "1";
    case setting_type::boolean: return "true";
    case setting_type::duration: return "PT1S";
    case setting_type::url: return "https://sample.invalid";
    case setting_type::file: return "sample";
    case setting_type::text:
    case setting_type::secret: return "sample";
  }
  return {};
}

class reader {
public:
  reader(const bundle_files& files, const bundle_context& context) : files_(files), context_(context) {}

  bundle_reading read() {
    std::string yaml;
    if (!file("plugin.yaml", "", yaml)) return std::move(out_);
    manifest_ = read_manifest(yaml, files_.place("plugin.yaml"), out_.faults);
    auto& b = out_.content;
    b.name = manifest_.name;
    b.version = manifest_.version;
    b.resource_version = manifest_.resource_version;
    b.release_date = manifest_.release_date;
    b.draft = manifest_.draft || names_a_draft(files_.file_name());
    b.settings = manifest_.settings;
    b.configuration = manifest_.configuration;
    b.handlers = manifest_.handlers;
    b.permissions = manifest_.permissions;
    settings();
    // Without a version every placeholder and resource would be a fault of its own.
    if (!b.resource_version.empty())
      for (const auto& p : manifest_.processes) process(p);
    same_key_twice();
    if (out_.ok())
      for (auto& w : contradictions(b)) {
        w.place = files_.place(w.place);
        out_.warnings.push_back(std::move(w));
      }
    return std::move(out_);
  }

private:
  void wrong(std::string place, std::string text) { out_.faults.push_back({std::move(place), std::move(text)}); }
  std::string manifest_line(int line) const { return fmt::format("{}:{}", files_.place("plugin.yaml"), line); }
  template <class T>
  bool take(result<T>&& r, const std::string& place, T& into) {
    if (r) {
      into = std::move(*r);
      return true;
    }
    const auto& e = r.error();
    // "bpe/x.bpmn: line 7" and the like come from readers that know the file's name only.
    wrong(e.place().empty() ? place : e.place(), e.text());
    return false;
  }
  bool file(const std::string& name, const std::string& place, std::string& into) {
    auto text = files_.read(name);
    if (!text) {
      wrong(place.empty() ? text.error().place() : place, place.empty() ? text.error().text() : name + ": " + text.error().text());
      return false;
    }
    out_.content.files.emplace(name, *text);
    into = std::move(*text);
    return true;
  }

  void settings() {
    for (const auto& s : manifest_.configuration) {
      if (s.default_value) out_.content.settings[s.name] = *s.default_value;
      const auto set = context_.environment.find(s.name);
      if (set != context_.environment.end()) {
        if (const auto bad = fault_of_value(s.type, set->second); !bad.empty()) {
          const bool secret = s.type == setting_type::secret;
          wrong(manifest_line(s.line),
                fmt::format("the site's process_environment.{} {}", s.name, secret ? "is no secret of its form" : bad));
        } else if (std::error_code ec;
                   s.type == setting_type::file && !context_.offline && !std::filesystem::is_regular_file(set->second, ec)) {
          wrong(manifest_line(s.line),
                fmt::format("the site's process_environment.{} names {}, and there is no such file", s.name, set->second));
        }
      } else if (s.required && context_.offline) {
        if (s.type != setting_type::secret) out_.content.settings[s.name] = sample(s.type);
      } else if (s.required) {
        wrong(manifest_line(s.line), fmt::format("the site has no value for '{}' ({}); set process_environment.{}", s.name, s.doc, s.name));
      }
    }
  }

  bool replace(const std::string& raw, const std::string& place, bpmn::placeholder_file kind, std::string& into) {
    std::string secret;
    bpmn::placeholder_values v;
    v.version = out_.content.resource_version;
    v.date = out_.content.release_date;
    if (!context_.organization.empty()) v.organization = context_.organization;
    v.property = [&](std::string_view name) -> std::optional<std::string> {
      const std::string key{name};
      // A placeholder's value is stored with the model or resource, where everybody reads it.
      if (const auto* s = manifest_.setting(name); s && s->type == setting_type::secret) {
        secret = key;
        return std::string{};
      }
      if (const auto e = context_.environment.find(key); e != context_.environment.end()) return e->second;
      if (const auto s = out_.content.settings.find(key); s != out_.content.settings.end()) return s->second;
      return std::nullopt;
    };
    const bool done = take(bpmn::replace_placeholders(raw, place, kind, v), place, into);
    if (done && !secret.empty())
      wrong(place, fmt::format("'{}' is a secret and can't be a placeholder; let the handler ask for it (permissions.secrets)", secret));
    return done;
  }

  void process(const manifest_process& m) {
    bundle_process p;
    p.model = m.model;
    const auto place = files_.place(m.model);
    if (!m.send_deadline.empty() && replace(m.send_deadline, manifest_line(m.line), bpmn::placeholder_file::bpmn, p.send_deadline))
      if (auto d = base::parse_duration(p.send_deadline); !d)
        wrong(manifest_line(m.line), fmt::format("send_deadline is '{}'; it must be an ISO 8601 duration, as PT20S", p.send_deadline));
    std::string raw;
    const bool readable = file(m.model, manifest_line(m.line), raw) && replace(raw, place, bpmn::placeholder_file::bpmn, p.xml);
    std::vector<std::shared_ptr<const bpmn::definition>> read;
    if (readable && take(bpmn::read_bpmn(p.xml, place), place, read)) {
      for (const auto& f : bpmn::lint(read, out_.content.resource_version))
        (f.level == bpmn::finding_level::error ? out_.faults : out_.warnings)
            .push_back({f.line ? fmt::format("{}:{}", place, f.line) : place, f.text});
      if (read.size() == 1) p.definition = read.front();
    }
    if (p.definition) classes(place, *p.definition);

    std::size_t activity_definitions = 0;
    for (const auto& [name, line] : m.resources) {
      auto resource = this->resource(name, line);
      if (!resource) continue;
      if (resource->type == "ActivityDefinition") {
        ++activity_definitions;
        const auto process = actors::parse_canonical(resource->content["url"].str() + "|" + resource->content["version"].str());
        if (p.definition && (!process || process->key != p.definition->key))
          wrong(files_.place(name), fmt::format("its url does not belong to process {}; it must end in /bpe/Process/{}", p.definition->key,
                                                p.definition->key.substr(p.definition->key.find('_') + 1)));
      }
      p.resources.push_back(std::move(*resource));
    }
    if (p.definition && activity_definitions != 1 && out_.ok())
      wrong(manifest_line(m.line),
            fmt::format("{} needs exactly one ActivityDefinition among its resources, has {}", m.model, activity_definitions));
    if (p.definition) out_.content.processes.push_back(std::move(p));
  }

  std::optional<bundle_resource> resource(const std::string& name, int line) {
    std::string raw, replaced;
    const auto place = files_.place(name);
    const auto known = out_.content.files.contains(name);  // told once what is wrong with it
    const auto before = out_.faults.size();
    std::optional<bundle_resource> out;
    if (file(name, manifest_line(line), raw) && replace(raw, place, bpmn::placeholder_file::fhir, replaced))
      out = read_resource(name, replaced, place, out_.content.resource_version, context_.offline || !context_.organization.empty(),
                          out_.faults);
    if (known) out_.faults.resize(std::min(before, out_.faults.size()));
    return out;
  }

  void classes(const std::string& place, const bpmn::definition& d) {
    const auto process = d.key + "|" + d.version_tag;
    std::map<std::string, int> uses;
    const auto need = [&](const bpmn::delegate& run, int line) {
      if (!run.class_name.empty()) uses.emplace(run.class_name, line);
    };
    for (const auto& n : d.nodes) {
      need(n.run, n.line);
      need(n.event.run, n.line);
      for (const auto& l : n.listeners) need(l.run, n.line);
      for (const auto& l : n.task_listeners) need(l.run, n.line);
    }
    for (const auto& f : d.flows)
      for (const auto& l : f.listeners) need(l.run, f.source == bpmn::no_node ? 1 : d.nodes[f.source].line);
    for (const auto& l : d.listeners) need(l.run, 1);
    for (const auto& [name, line] : uses) {
      handler_use use{process, name, fmt::format("{}:{}", place, line), manifest_.runtime_of(name), false};
      use.found = context_.handlers && context_.handlers->find(d.key, d.version_tag, name);
      if (context_.handlers && !use.found) {
        if (use.runtime == handler_runtime::builtin)
          wrong(use.place, fmt::format("there is no handler for class {} in this program; correct the name, or let it run in a worker "
                                       "(handlers: {{{}: worker}})",
                                       name, name));
        else if (!context_.offline)
          wrong(use.place, fmt::format("class {} runs in a worker, and this site has no workers for process {}; name the process in the "
                                       "settings of workers.plugins",
                                       name, d.key));
      }
      out_.content.classes.push_back(std::move(use));
    }
  }

  void same_key_twice() {
    std::map<std::string, std::string> seen;
    for (const auto& p : out_.content.processes)
      if (const auto [at, fresh] = seen.emplace(p.definition->key, p.model); !fresh)
        wrong(files_.place(p.model),
              fmt::format("process {} stands in {} too; a bundle has a process once", p.definition->key, at->second));
  }

  const bundle_files& files_;
  const bundle_context& context_;
  manifest manifest_;
  bundle_reading out_;
};

}  // namespace

bundle_reading read_bundle(const bundle_files& files, const bundle_context& context) {
  auto out = reader(files, context).read();
  out.content.source = files.place("");
  while (out.content.source.ends_with('/') || out.content.source.ends_with('!')) out.content.source.pop_back();
  return out;
}

result<bundle> read_bundle(const std::filesystem::path& path, const bundle_context& context) {
  auto reading = read_bundle(TRY(bundle_files::open(path)), context);
  if (reading.ok()) return std::move(reading.content);
  std::string all;
  for (const auto& f : reading.faults) all += (all.empty() ? "" : "\n") + f.line();
  return fail(errc::bad_bundle, all);
}

}  // namespace dsf::plugins

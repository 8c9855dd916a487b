#include "plugins/bundle.hpp"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>

#include "actors/task_document.hpp"
#include "bpmn/lint.hpp"
#include "bpmn/placeholder.hpp"
#include "fhir/codec/json.hpp"
#include "fhir/codec/xml.hpp"
#include "plugins/errc.hpp"

namespace dsf::plugins {
namespace {

using base::fail;
using base::json;
using base::result;

constexpr std::size_t file_limit = 16u << 20;
constexpr std::string_view profile_base = "http://dsf.dev/fhir/StructureDefinition/";

result<std::string> read_file(const std::filesystem::path& path) {
  std::error_code ec;
  const auto size = std::filesystem::file_size(path, ec);
  if (ec) return fail(errc::bad_bundle, "the file is missing or can't be read", path.string());
  if (size > file_limit) return fail(errc::bad_bundle, "the file is larger than 16 MiB", path.string());
  std::ifstream in{path, std::ios::binary};
  std::ostringstream text;
  text << in.rdbuf();
  if (!in) return fail(errc::bad_bundle, "the file can't be read", path.string());
  return std::move(text).str();
}

// Collects faults, so that one look tells all.
struct faults {
  std::vector<std::string> lines;
  void add(const std::string& place, const std::string& text) { lines.push_back(place + ": " + text); }
  template <class T>
  bool take(result<T>&& r, T& into) {
    if (r) {
      into = std::move(*r);
      return true;
    }
    lines.push_back(r.error().to_string());
    return false;
  }
};

struct reader {
  std::filesystem::path folder;
  const bundle_context& context;
  bundle out;
  faults wrong;

  std::string at(const YAML::Mark& mark) const { return (folder / "plugin.yaml").string() + ":" + std::to_string(mark.line + 1); }

  std::string text(const YAML::Node& map, const char* name, bool required) {
    const auto n = map[name];
    if (n && n.IsScalar()) return n.as<std::string>();
    if (n || required) wrong.add(at(n ? n.Mark() : map.Mark()), std::string("'") + name + "' must be given as a text");
    return {};
  }

  bpmn::placeholder_values placeholders() const {
    bpmn::placeholder_values v;
    v.version = out.resource_version;
    v.date = out.release_date;
    if (!context.organization.empty()) v.organization = context.organization;
    v.property = [this](std::string_view name) -> std::optional<std::string> {
      const std::string key{name};
      if (const auto e = context.environment.find(key); e != context.environment.end()) return e->second;
      if (const auto s = out.settings.find(key); s != out.settings.end()) return s->second;
      return std::nullopt;
    };
    return v;
  }

  void head(const YAML::Node& root) {
    static const std::set<std::string> known{"name", "version", "release_date", "settings", "processes"};
    for (const auto& member : root)
      if (const auto name = member.first.as<std::string>(""); !known.contains(name))
        wrong.add(at(member.first.Mark()), "'" + name + "' is not known here");
    out.name = text(root, "name", true);
    out.version = text(root, "version", true);
    out.release_date = text(root, "release_date", true);
    if (std::ranges::count(out.version, '.') != 3)
      wrong.add(at(root.Mark()), "the version '" + out.version + "' must have four parts, as 1.0.1.0");
    else
      out.resource_version = out.version.substr(0, out.version.find('.', out.version.find('.') + 1));
    if (const auto s = root["settings"]) {
      if (!s.IsMap())
        wrong.add(at(s.Mark()), "'settings' must be a map of texts");
      else
        for (const auto& m : s) out.settings[m.first.as<std::string>()] = m.second.as<std::string>("");
    }
  }

  void process(const YAML::Node& n) {
    if (!n.IsMap()) return wrong.add(at(n.Mark()), "a process is a map with 'model' and 'resources'");
    const auto model = text(n, "model", true);
    bundle_process p;
    p.send_deadline = text(n, "send_deadline", false);
    if (!p.send_deadline.empty()) {
      std::string replaced;
      if (!wrong.take(bpmn::replace_placeholders(p.send_deadline, "plugin.yaml", bpmn::placeholder_file::bpmn, placeholders()), replaced))
        return;
      p.send_deadline = std::move(replaced);
    }
    if (!p.send_deadline.empty())
      if (auto d = base::parse_duration(p.send_deadline); !d) wrong.add(at(n.Mark()), d.error().text());
    std::string raw;
    if (!wrong.take(read_file(folder / model), raw)) return;
    if (!wrong.take(bpmn::replace_placeholders(raw, model, bpmn::placeholder_file::bpmn, placeholders()), p.xml)) return;
    std::vector<std::shared_ptr<const bpmn::definition>> read;
    if (!wrong.take(bpmn::read_bpmn(p.xml, model), read)) return;
    for (const auto& finding : bpmn::lint(read, out.resource_version)) wrong.add(model, finding.text);
    if (read.size() != 1) return;
    p.definition = read.front();
    check_handlers(model, *p.definition);

    std::size_t activity_definitions = 0;
    for (const auto& r : n["resources"]) {
      const auto file = r.as<std::string>("");
      auto resource = this->resource(file);
      if (!resource) continue;
      if (resource->type == "ActivityDefinition") {
        ++activity_definitions;
        const auto name = actors::parse_canonical(resource->content["url"].str() + "|" + resource->content["version"].str());
        if (!name || name->key != p.definition->key) wrong.add(file, "its url does not belong to process " + p.definition->key);
      }
      p.resources.push_back(std::move(*resource));
    }
    if (activity_definitions != 1)
      wrong.add(model, "needs exactly one ActivityDefinition among its resources, has " + std::to_string(activity_definitions));
    out.processes.push_back(std::move(p));
  }

  void check_handlers(const std::string& model, const bpmn::definition& d) {
    if (!context.handlers) return;
    std::set<std::string> missing;
    const auto need = [&](const bpmn::delegate& run) {
      if (!run.class_name.empty() && !context.handlers->find(d.key, d.version_tag, run.class_name)) missing.insert(run.class_name);
    };
    for (const auto& n : d.nodes) {
      need(n.run);
      need(n.event.run);
      for (const auto& l : n.listeners) need(l.run);
      for (const auto& l : n.task_listeners) need(l.run);
    }
    for (const auto& f : d.flows)
      for (const auto& l : f.listeners) need(l.run);
    for (const auto& l : d.listeners) need(l.run);
    for (const auto& name : missing) wrong.add(model, "there is no handler for class " + name);
  }

  std::optional<bundle_resource> resource(const std::string& file) {
    std::string raw, replaced;
    if (!wrong.take(read_file(folder / file), raw)) return std::nullopt;
    if (!wrong.take(bpmn::replace_placeholders(raw, file, bpmn::placeholder_file::fhir, placeholders()), replaced)) return std::nullopt;
    auto reading = file.ends_with(".json") ? fhir::read_json(replaced) : fhir::read_xml(replaced);
    // A draft of a resource may leave out what the deployment sets; everything else must be in order.
    if (!reading.ok()) {
      for (const auto& i : reading.issues) wrong.add(file, (i.expression.empty() ? "" : i.expression + ": ") + i.text);
      return std::nullopt;
    }
    bundle_resource r{file, reading.resource["resourceType"].str(), std::move(reading.resource), {}};
    return adapt(std::move(r));
  }

  // What the reference does to the resources of a v1 plugin (dsf-bpe 3.6).
  std::optional<bundle_resource> adapt(bundle_resource r) {
    static const std::map<std::string, std::string, std::less<>> profiles{{"ActivityDefinition", "activity-definition"},
                                                                          {"CodeSystem", "code-system"},
                                                                          {"Library", "library"},
                                                                          {"Measure", "measure"},
                                                                          {"NamingSystem", "naming-system"},
                                                                          {"Questionnaire", "questionnaire"},
                                                                          {"StructureDefinition", "structure-definition"},
                                                                          {"Task", ""},
                                                                          {"ValueSet", "value-set"}};
    const auto profile = profiles.find(r.type);
    if (profile == profiles.end()) {
      wrong.add(r.file, "a plugin can't bring a " + r.type);
      return std::nullopt;
    }
    auto& c = r.content;
    c.erase("id");
    if (r.type == "Task") {
      const auto& id = c["identifier"][0];
      if (c["status"].str() != "draft" || id["system"].str() != "http://dsf.dev/sid/task-identifier" || id["value"].str().empty()) {
        wrong.add(r.file, "a Task of a plugin must be a draft with an identifier of system http://dsf.dev/sid/task-identifier");
        return std::nullopt;
      }
      if (context.organization.empty()) return std::nullopt;
      r.criteria = "identifier=http://dsf.dev/sid/task-identifier|" + id["value"].str() + "&status=draft";
      return r;
    }
    if (r.type == "NamingSystem") {
      r.criteria = "name=" + c["name"].str();
      return r;
    }
    if (c["url"].str().empty() || c["version"].str() != out.resource_version) {
      wrong.add(r.file, "needs a url, and the version " + out.resource_version);
      return std::nullopt;
    }
    r.criteria = "url=" + c["url"].str() + "&version=" + c["version"].str();
    add_profile(c, std::string(profile_base) + profile->second);
    if (r.type == "StructureDefinition") {
      if (c["differential"].is_null()) wrong.add(r.file, "a StructureDefinition needs a differential");
      const auto& base_definition = c["baseDefinition"].str();
      if (base_definition == std::string(profile_base) + "task-base" || base_definition == std::string(profile_base) + "task-base|1.0.0")
        c.set("baseDefinition", std::string(profile_base) + "task");
    }
    return r;
  }

  static void add_profile(json& c, const std::string& profile) {
    auto* meta = c.find("meta");
    if (!meta) meta = &c.set("meta", json::object{});
    auto* list = meta->find("profile");
    if (!list) list = &meta->set("profile", json::array{});
    for (auto& p : *list->if_array())
      if (p.str() == profile || p.str().starts_with(profile + "|")) {
        p = json(profile);
        return;
      }
    list->push_back(profile);
  }
};

}  // namespace

base::result<bundle> read_bundle(const std::filesystem::path& folder, const bundle_context& context) {
  reader r{folder, context, {}, {}};
  const auto yaml = TRY(read_file(folder / "plugin.yaml"));
  try {
    const auto root = YAML::Load(yaml);
    if (!root.IsMap())
      return fail(errc::bad_bundle, "must be a map with name, version, release_date and processes", (folder / "plugin.yaml").string());
    r.head(root);
    if (r.wrong.lines.empty())
      for (const auto& p : root["processes"]) r.process(p);
    if (r.wrong.lines.empty() && r.out.processes.empty()) r.wrong.add(r.at(root.Mark()), "the bundle has no processes");
  } catch (const YAML::Exception& e) {
    return fail(errc::bad_bundle, std::string("not valid YAML: ") + e.msg,
                (folder / "plugin.yaml").string() + ":" + std::to_string(e.mark.line + 1));
  }
  if (!r.wrong.lines.empty()) {
    std::string all;
    for (const auto& line : r.wrong.lines) all += (all.empty() ? "" : "\n") + line;
    return fail(errc::bad_bundle, all);
  }
  return std::move(r.out);
}

}  // namespace dsf::plugins

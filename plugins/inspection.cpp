#include "plugins/inspection.hpp"

#include <algorithm>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <sstream>

#include "bpmn/model.hpp"
#include "bpmn/placeholder.hpp"
#include "fhir/codec/json.hpp"
#include "fhir/codec/xml.hpp"
#include "plugins/archive.hpp"
#include "plugins/errc.hpp"
#include "plugins/manifest.hpp"

namespace dsf::plugins {
namespace {

namespace fs = std::filesystem;
using base::fail;
using base::result;

constexpr std::size_t files_limit = 65'000;
constexpr std::string_view service_prefix = "META-INF/services/dev.dsf.bpe.";

struct opened {
  std::vector<std::string> names;
  std::function<result<std::string>(const std::string&)> read;
};

result<opened> open(const fs::path& path) {
  opened out;
  std::error_code ec;
  if (fs::is_directory(path, ec)) {
    for (fs::recursive_directory_iterator it(path, ec), end; !ec && it != end; it.increment(ec)) {
      if (it->is_regular_file(ec)) out.names.push_back(fs::relative(it->path(), path, ec).generic_string());
      if (out.names.size() > files_limit) return fail(errc::bad_bundle, "the folder has more than 65000 files", path.string());
    }
    std::ranges::sort(out.names);
    out.read = [path](const std::string& name) -> result<std::string> {
      std::error_code e;
      if (fs::file_size(path / name, e) > jar_limits.entry_bytes || e)
        return fail(errc::bad_bundle, "it is larger than 16 MiB, or can't be read", name);
      std::ifstream in{path / name, std::ios::binary};
      std::ostringstream text;
      text << in.rdbuf();
      if (!in) return fail(errc::bad_bundle, "it can't be read", name);
      return std::move(text).str();
    };
    return out;
  }
  auto zip = std::make_shared<archive>(TRY(archive::open(path, jar_limits)));
  out.names = zip->names();
  std::ranges::sort(out.names);
  out.read = [zip](const std::string& name) { return zip->read(name); };
  return out;
}

// key=value or key: value lines (java.util.Properties, without its escapes).
std::string property(const std::string& text, std::string_view key) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const auto split = line.find_first_of("=:");
    if (split == line.npos || line.starts_with('#')) continue;
    const auto trim = [](std::string s) {
      s.erase(0, std::min(s.find_first_not_of(" \t"), s.size()));
      s.erase(s.find_last_not_of(" \t\r") + 1);
      return s;
    };
    if (trim(line.substr(0, split)) == key) return trim(line.substr(split + 1));
  }
  return {};
}

class inspector {
public:
  inspector(const handler_registry& handlers, opened& files) : handlers_(handlers), files_(files) {}

  inspection run(const fs::path& path) {
    auto file_name = path.lexically_normal();
    if (!file_name.has_filename()) file_name = file_name.parent_path();
    out_.draft = names_a_draft(file_name.filename().string());
    head();
    for (const auto& name : files_.names) {
      if (name.ends_with(".bpmn")) model(name);
      const auto fhir = name.find("fhir/");
      if ((fhir == 0 || (fhir != name.npos && name[fhir - 1] == '/')) && (name.ends_with(".xml") || name.ends_with(".json")))
        resource(name);
    }
    for (const auto& [process, names] : classes_)
      for (const auto& name : names) {
        const auto bar = process.find('|');
        const bool here = handlers_.find(process.substr(0, bar), process.substr(bar + 1), name) != nullptr;
        out_.classes.push_back({name, process, here});
      }
    return std::move(out_);
  }

private:
  void unreadable(const std::string& name, const std::string& why) { out_.unreadable.push_back(name + ": " + why); }

  void head() {
    for (const auto& name : files_.names) {
      if (name.starts_with(service_prefix) && name.ends_with(".ProcessPluginDefinition")) {
        out_.jar = true;
        const auto text = files_.read(name);
        if (!text) {
          unreadable(name, text.error().to_string());
          continue;
        }
        std::istringstream lines(*text);
        for (std::string line; std::getline(lines, line);) {
          line.erase(std::min(line.find('#'), line.size()));
          line.erase(line.find_last_not_of(" \t\r") + 1);
          if (!line.empty()) out_.definitions.push_back(name.substr(name.rfind('/') + 1) + ": " + line);
        }
      }
      if (name == "plugin.properties")
        if (const auto text = files_.read(name)) {
          out_.name = property(*text, "name");
          // dsf-bpe 3.2: a "-..." suffix of the version is stripped; ${...} was to be filled in by a build.
          const auto version = property(*text, "version");
          if (version.find("${") == version.npos) out_.version = version.substr(0, version.find('-'));
          date_ = property(*text, "release-date").substr(0, 10);
        }
      if (name == "plugin.yaml")
        if (const auto text = files_.read(name)) {
          std::vector<bundle_fault> faults;
          const auto m = read_manifest(*text, name, faults);
          out_.name = m.name;
          out_.version = m.version;
          out_.draft = out_.draft || m.draft;
          date_ = m.release_date;
          for (const auto& [key, value] : m.settings) defaults_[key] = value;
          for (const auto& s : m.configuration)
            if (s.default_value) defaults_[s.name] = *s.default_value;
          for (const auto& f : faults) out_.unreadable.push_back(f.line());
        }
    }
  }

  std::optional<std::string> text_of(const std::string& name, bpmn::placeholder_file kind) {
    auto raw = files_.read(name);
    if (!raw) {
      unreadable(name, raw.error().to_string());
      return std::nullopt;
    }
    bpmn::placeholder_values v;
    const auto dot = out_.version.find('.');
    v.version = dot == out_.version.npos ? "#{version}" : out_.version.substr(0, out_.version.find('.', dot + 1));
    v.date = date_.empty() ? "2000-01-01" : date_;
    v.organization = "organization.invalid";
    v.property = [&](std::string_view key) -> std::optional<std::string> {
      if (const auto at = defaults_.find(std::string(key)); at != defaults_.end()) return at->second;
      // A name with a default is tried without it first.
      return raw->find(std::string(key) + ":") == raw->npos ? std::optional<std::string>("PT0S") : std::nullopt;
    };
    auto text = bpmn::replace_placeholders(*raw, name, kind, v);
    if (!text) {
      unreadable(name, text.error().text());
      return std::nullopt;
    }
    return std::move(*text);
  }

  void model(const std::string& name) {
    const auto text = text_of(name, bpmn::placeholder_file::bpmn);
    if (!text) return;
    const auto read = bpmn::read_bpmn(*text, name);
    if (!read) return unreadable(name, read.error().to_string());
    for (const auto& d : *read) {
      out_.processes.push_back({d->key, d->version_tag, name});
      auto& names = classes_[d->key + "|" + d->version_tag];
      const auto need = [&](const bpmn::delegate& run) {
        if (!run.class_name.empty()) names.insert(run.class_name);
      };
      for (const auto& n : d->nodes) {
        need(n.run);
        need(n.event.run);
        for (const auto& l : n.listeners) need(l.run);
        for (const auto& l : n.task_listeners) need(l.run);
      }
      for (const auto& f : d->flows)
        for (const auto& l : f.listeners) need(l.run);
      for (const auto& l : d->listeners) need(l.run);
    }
  }

  void resource(const std::string& name) {
    const auto text = text_of(name, bpmn::placeholder_file::fhir);
    if (!text) return;
    const auto reading = name.ends_with(".json") ? fhir::read_json(*text) : fhir::read_xml(*text);
    const auto& r = reading.resource;
    for (const auto& i : reading.issues) unreadable(name, (i.expression.empty() ? "" : i.expression + ": ") + i.text);
    const auto& type = r["resourceType"].str();
    if (type.empty()) return;
    const auto identity = type == "Task"           ? r["identifier"][0]["value"].str()
                          : type == "NamingSystem" ? r["name"].str()
                                                   : r["url"].str() + "|" + r["version"].str();
    out_.resources.push_back({type, identity, name});
  }

  const handler_registry& handlers_;
  opened& files_;
  inspection out_;
  std::string date_;
  std::map<std::string, std::string> defaults_;
  std::map<std::string, std::set<std::string>> classes_;
};

}  // namespace

result<inspection> inspect(const fs::path& path, const handler_registry& handlers) {
  std::error_code ec;
  if (!fs::exists(path, ec)) return fail(errc::bad_bundle, "there is no such file or folder", path.string());
  auto files = TRY(open(path));
  return inspector(handlers, files).run(path);
}

}  // namespace dsf::plugins

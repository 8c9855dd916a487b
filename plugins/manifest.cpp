#include "plugins/manifest.hpp"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "base/clock.hpp"

namespace dsf::plugins {
namespace {

constexpr std::size_t manifest_limit = 1u << 20;

constexpr std::pair<std::string_view, setting_type> types[] = {{"text", setting_type::text},       {"integer", setting_type::integer},
                                                               {"boolean", setting_type::boolean}, {"duration", setting_type::duration},
                                                               {"url", setting_type::url},         {"file", setting_type::file},
                                                               {"secret", setting_type::secret}};

std::string joined(const auto& list) {
  std::string out;
  for (const auto& item : list) out += (out.empty() ? "" : ", ") + std::string(item);
  return out;
}

bool digits(std::string_view s) {
  return !s.empty() && s.size() <= 9 && std::ranges::all_of(s, [](char c) { return c >= '0' && c <= '9'; });
}

bool is_version(std::string_view s) {
  int parts = 0;
  for (std::size_t from = 0; from <= s.size(); ++parts) {
    const auto end = std::min(s.find('.', from), s.size());
    if (!digits(s.substr(from, end - from))) return false;
    from = end + 1;
  }
  return parts == 4;
}

bool is_date(std::string_view s) {
  if (s.size() != 10 || s[4] != '-' || s[7] != '-' || !digits(s.substr(0, 4)) || !digits(s.substr(5, 2)) || !digits(s.substr(8)))
    return false;
  return base::parse_iso(s).has_value();
}

// '*' stands for any characters. Linear in both lengths but for the restart after the last star.
bool fits(std::string_view pattern, std::string_view text) {
  std::size_t p = 0, t = 0, star = std::string_view::npos, mark = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      mark = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p, ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++mark;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

class manifest_reader {
public:
  manifest_reader(const std::string& place, std::vector<bundle_fault>& faults) : place_(place), faults_(faults) {}

  manifest read(const YAML::Node& root) {
    if (!root.IsMap()) {
      wrong(root, "must be a map with name, version, release_date and processes");
      return {};
    }
    members(root, "plugin.yaml",
            {"name", "version", "release_date", "draft", "settings", "configuration", "handlers", "permissions", "processes"});
    head(root);
    if (const auto n = root["settings"]) settings(n);
    if (const auto n = root["configuration"]) configuration(n);
    if (const auto n = root["handlers"]) handlers(n);
    if (const auto n = root["permissions"]) permissions(n);
    processes(root);
    return std::move(out_);
  }

private:
  void wrong(const YAML::Node& at, std::string text) {
    faults_.push_back({fmt::format("{}:{}", place_, at.Mark().line + 1), std::move(text)});
  }

  // Unknown and repeated members of a map.
  void members(const YAML::Node& map, std::string_view what, const std::vector<std::string>& known) {
    std::set<std::string> seen;
    for (const auto& m : map) {
      const auto name = m.first.as<std::string>("");
      if (!known.empty() && std::ranges::find(known, name) == known.end())
        wrong(m.first, fmt::format("'{}' is not known in {}; known are {}", name, what, joined(known)));
      else if (!seen.insert(name).second)
        wrong(m.first, fmt::format("'{}' is given twice; remove one", name));
    }
  }

  std::string text(const YAML::Node& map, const char* name, bool required) {
    const auto n = map[name];
    if (n && n.IsScalar()) return n.as<std::string>();
    if (n || required) wrong(n ? n : map, fmt::format("'{}' must be given as a text", name));
    return {};
  }

  bool flag(const YAML::Node& map, const char* name) {
    const auto n = map[name];
    if (!n) return false;
    const auto v = n.IsScalar() ? n.as<std::string>() : std::string{};
    if (v != "true" && v != "false") wrong(n, fmt::format("'{}' must be true or false", name));
    return v == "true";
  }

  std::vector<std::string> texts(const YAML::Node& map, const char* name) {
    std::vector<std::string> out;
    const auto n = map[name];
    if (!n) return out;
    if (!n.IsSequence()) {
      wrong(n, fmt::format("'{}' must be a list of texts", name));
      return out;
    }
    for (const auto& item : n) {
      if (item.IsScalar())
        out.push_back(item.as<std::string>());
      else
        wrong(item, fmt::format("an item of '{}' must be a text", name));
    }
    return out;
  }

  void head(const YAML::Node& root) {
    out_.name = text(root, "name", true);
    out_.version = text(root, "version", true);
    out_.release_date = text(root, "release_date", true);
    out_.draft = flag(root, "draft");
    if (!out_.name.empty() && !std::ranges::all_of(out_.name, [](char c) {
          return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
        }))
      wrong(root["name"], fmt::format("the name '{}' may have letters, digits, '-', '_' and '.' only", out_.name));
    if (!is_version(out_.version)) {
      if (!out_.version.empty())
        wrong(root["version"], fmt::format("the version '{}' must have four parts, all numbers, as 1.0.1.0", out_.version));
    } else {
      out_.resource_version = out_.version.substr(0, out_.version.find('.', out_.version.find('.') + 1));
    }
    if (!out_.release_date.empty() && !is_date(out_.release_date))
      wrong(root["release_date"], fmt::format("the release date '{}' must be a day, as 2026-05-01", out_.release_date));
  }

  void settings(const YAML::Node& n) {
    if (!n.IsMap()) return wrong(n, "'settings' must be a map of texts");
    members(n, "settings", {});
    for (const auto& m : n) {
      if (!m.second.IsScalar()) wrong(m.second, fmt::format("the default of '{}' must be a text", m.first.as<std::string>("")));
      out_.settings[m.first.as<std::string>("")] = m.second.as<std::string>("");
    }
  }

  void configuration(const YAML::Node& n) {
    if (!n.IsMap()) return wrong(n, "'configuration' must be a map: name, then type, default, required and doc");
    members(n, "configuration", {});
    for (const auto& m : n) {
      bundle_setting s;
      s.name = m.first.as<std::string>("");
      s.line = m.first.Mark().line + 1;
      if (!m.second.IsMap()) {
        wrong(m.second.IsNull() ? m.first : m.second, fmt::format("'{}' must be a map with type, default, required and doc", s.name));
        continue;
      }
      members(m.second, "a configuration key", {"type", "default", "required", "doc"});
      if (s.name.empty() || s.name.find_first_of(" \t#{}:") != s.name.npos)
        wrong(m.first, fmt::format("the name '{}' is empty, or has a blank or one of # {{ }} :", s.name));
      const auto type = text(m.second, "type", true);
      const auto known = std::ranges::find(types, type, [](const auto& t) { return t.first; });
      if (known != std::end(types))
        s.type = known->second;
      else if (!type.empty())
        wrong(m.second["type"],
              fmt::format("the type '{}' is not known; known are text, integer, boolean, duration, url, file, secret", type));
      s.required = flag(m.second, "required");
      s.doc = text(m.second, "doc", true);
      if (const auto d = m.second["default"]) {
        if (!d.IsScalar())
          wrong(d, fmt::format("the default of '{}' must be a text", s.name));
        else if (s.type == setting_type::secret)
          wrong(d, fmt::format("'{}' is a secret and can't have a default: it would stand in the bundle", s.name));
        else if (const auto bad = known == std::end(types) ? "" : fault_of_value(s.type, d.as<std::string>()); !bad.empty())
          wrong(d, fmt::format("the default of '{}' {}", s.name, bad));
        else
          s.default_value = d.as<std::string>();
        if (s.required) wrong(d, fmt::format("'{}' has a default, so it is never missing; remove 'required' or the default", s.name));
      }
      if (out_.settings.contains(s.name)) wrong(m.first, fmt::format("'{}' stands in 'settings' too; remove it there", s.name));
      out_.configuration.push_back(std::move(s));
    }
  }

  void handlers(const YAML::Node& n) {
    if (!n.IsMap()) return wrong(n, "'handlers' must be a map: class name or pattern with *, then builtin or worker");
    members(n, "handlers", {});
    for (const auto& m : n) {
      handler_rule rule{m.first.as<std::string>(""), handler_runtime::builtin, m.first.Mark().line + 1};
      const auto runtime = m.second.IsScalar() ? m.second.as<std::string>() : std::string{};
      if (runtime == "worker")
        rule.runtime = handler_runtime::worker;
      else if (runtime != "builtin")
        wrong(m.second.IsNull() ? m.first : m.second,
              fmt::format("the runtime of '{}' is '{}'; it must be builtin or worker", rule.pattern, runtime));
      if (rule.pattern.empty()) wrong(m.first, "the class name is empty");
      out_.handlers.push_back(std::move(rule));
    }
  }

  void permissions(const YAML::Node& n) {
    if (!n.IsMap()) return wrong(n, "'permissions' must be a map with services, settings, secrets, stores and connections");
    members(n, "permissions", {"services", "settings", "secrets", "stores", "connections"});
    auto& p = out_.permissions;
    p.services = texts(n, "services");
    p.settings = texts(n, "settings");
    p.secrets = texts(n, "secrets");
    p.stores = texts(n, "stores");
    p.connections = texts(n, "connections");
    for (const auto& s : p.services)
      if (std::ranges::find(known_services(), s) == known_services().end())
        wrong(n["services"], fmt::format("there is no service '{}'; known are {}", s, joined(known_services())));
    for (const auto& s : p.settings) {
      const auto* c = out_.setting(s);
      if (!c && !out_.settings.contains(s)) wrong(n["settings"], fmt::format("'{}' is no key of configuration; add it there", s));
      if (c && c->type == setting_type::secret) wrong(n["settings"], fmt::format("'{}' is a secret; list it in secrets", s));
    }
    for (const auto& s : p.secrets)
      if (const auto* c = out_.setting(s); !c || c->type != setting_type::secret)
        wrong(n["secrets"], fmt::format("'{}' is no key of configuration with type secret; add it there", s));
  }

  void processes(const YAML::Node& root) {
    const auto n = root["processes"];
    if (!n || !n.IsSequence() || n.size() == 0)
      return wrong(n ? n : root, "the bundle has no processes; list each with 'model' and 'resources'");
    for (const auto& item : n) {
      if (!item.IsMap()) {
        wrong(item, "a process is a map with 'model' and 'resources'");
        continue;
      }
      members(item, "a process", {"model", "send_deadline", "resources"});
      manifest_process p;
      p.line = item.Mark().line + 1;
      p.model = text(item, "model", true);
      p.send_deadline = text(item, "send_deadline", false);
      std::set<std::string> seen;
      if (const auto list = item["resources"]; list && !list.IsSequence())
        wrong(list, "'resources' must be a list of files");
      else if (list)
        for (const auto& r : list) {
          const auto file = r.IsScalar() ? r.as<std::string>() : std::string{};
          if (file.empty())
            wrong(r, "a resource must be the name of a file");
          else if (!seen.insert(file).second)
            wrong(r, fmt::format("'{}' is listed twice; remove one", file));
          else
            p.resources.emplace_back(file, r.Mark().line + 1);
        }
      if (!p.model.empty()) out_.processes.push_back(std::move(p));
    }
  }

  const std::string& place_;
  std::vector<bundle_fault>& faults_;
  manifest out_;
};

}  // namespace

std::string_view to_string(handler_runtime r) noexcept { return r == handler_runtime::worker ? "worker" : "builtin"; }
std::string_view to_string(setting_type t) noexcept {
  return std::ranges::find(types, t, [](const auto& row) { return row.second; })->first;
}

const std::vector<std::string>& known_services() {
  static const std::vector<std::string> list{"configuration", "crypto", "directory",   "fhir-local", "fhir-remote",     "fhir-stores",
                                             "cohort-count",  "state",  "read-access", "mail",       "fhir-connections"};
  return list;
}

const bundle_setting* manifest::setting(std::string_view name) const {
  const auto at = std::ranges::find(configuration, name, &bundle_setting::name);
  return at == configuration.end() ? nullptr : &*at;
}

handler_runtime manifest::runtime_of(std::string_view class_name) const {
  const auto at = std::ranges::find_if(handlers, [&](const handler_rule& r) { return fits(r.pattern, class_name); });
  return at == handlers.end() ? handler_runtime::builtin : at->runtime;
}

manifest read_manifest(const std::string& yaml, const std::string& place, std::vector<bundle_fault>& faults) {
  if (yaml.size() > manifest_limit) {
    faults.push_back({place, "the file is larger than 1 MiB"});
    return {};
  }
  try {
    return manifest_reader(place, faults).read(YAML::Load(yaml));
  } catch (const YAML::Exception& e) {
    faults.push_back({fmt::format("{}:{}", place, e.mark.line + 1), "not valid YAML: " + e.msg});
    return {};
  }
}

std::string fault_of_value(setting_type type, const std::string& text) {
  switch (type) {
    case setting_type::text:
    case setting_type::secret: return {};
    case setting_type::integer: {
      std::int64_t n = 0;
      const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), n);
      return ec == std::errc{} && end == text.data() + text.size() ? "" : fmt::format("is '{}'; it must be a whole number", text);
    }
    case setting_type::boolean: return text == "true" || text == "false" ? "" : fmt::format("is '{}'; it must be true or false", text);
    case setting_type::duration:
      return base::parse_duration(text) ? "" : fmt::format("is '{}'; it must be an ISO 8601 duration, as PT20S", text);
    case setting_type::url: {
      const auto host = text.starts_with("https://") ? 8u : text.starts_with("http://") ? 7u : 0u;
      const bool good = host && text.size() > host && text[host] != '/' && text.find_first_of(" \t\r\n") == text.npos;
      return good ? "" : fmt::format("is '{}'; it must be a URL with http:// or https:// and a host", text);
    }
    case setting_type::file: return text.empty() ? "is empty; it must be a file's path" : "";
  }
  return {};
}

bool names_a_draft(std::string_view name) {
  for (const std::string_view end : {".zip", ".jar"})
    if (name.ends_with(end)) name.remove_suffix(end.size());
  if (name.ends_with("-SNAPSHOT")) return true;
  const auto dash = name.rfind('-');
  if (dash == std::string_view::npos) return false;
  auto tail = name.substr(dash + 1);
  if (tail.starts_with("RC"))
    tail.remove_prefix(2);
  else if (tail.starts_with("M"))
    tail.remove_prefix(1);
  else
    return false;
  return digits(tail);
}

}  // namespace dsf::plugins

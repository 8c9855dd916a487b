#include "site/settings/load.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "site/settings/dsf_environment.hpp"
#include "site/settings/layers.hpp"

namespace dsf::site {
namespace {

constexpr std::uintmax_t max_file_bytes = 4 * 1024 * 1024;

result<std::string> read_file(const std::string& path) {
  std::error_code ec;
  const auto bytes = std::filesystem::file_size(path, ec);
  if (ec)
    return fail(settings_errc::unreadable, fmt::format("the settings file can't be read: {}; `dsfctl site init` makes one", ec.message()),
                path);
  if (bytes > max_file_bytes) return fail(settings_errc::unreadable, "the settings file is larger than 4 MiB", path);
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  if (!in) return fail(settings_errc::unreadable, "the settings file can't be read", path);
  return std::move(text).str();
}

// Lays the assignments of one layer over those of the layers below it.
void overlay(std::map<std::string, assignment>& all, layer&& from, std::vector<error>& problems) {
  std::set<std::string> here;
  for (auto& a : from.assignments) {
    if (!here.insert(a.name).second)
      problems.emplace_back(settings_errc::duplicate, fmt::format("{0} and {0}_file are both set; leave one out", a.name), a.place);
    all[a.name] = std::move(a);
  }
  for (auto& p : from.problems) problems.push_back(std::move(p));
}

std::string concrete(const setting& row, const std::string& key) {
  std::string name(row.name);
  if (const auto star = name.find('*'); star != std::string::npos) name.replace(star, 1, key);
  return name;
}

std::string_view group_of(std::string_view name) { return name.substr(0, name.find('*')); }

// One assignment a row, and one for each name the user chose, defaults included; in the table's order.
std::vector<assignment> complete(std::map<std::string, assignment> set) {
  std::map<std::string, std::set<std::string>> keys;  // "feasibility.networks." -> names
  for (const auto& [name, a] : set)
    if (!a.key.empty()) keys[std::string(group_of(a.row->name))].insert(a.key);
  if (keys["feasibility.networks."].empty()) keys["feasibility.networks."].insert("all");

  std::vector<assignment> out;
  for (const auto& row : settings_table()) {
    std::set<std::string> chosen{""};
    if (row.name.find('*') != std::string_view::npos) chosen = keys[std::string(group_of(row.name))];
    for (const auto& key : chosen) {
      auto name = concrete(row, key);
      if (auto found = set.find(name); found != set.end()) {
        out.push_back(std::move(found->second));
        continue;
      }
      assignment a;
      a.name = std::move(name);
      a.row = &row;
      a.key = key;
      if (!row.fallback.empty()) a.texts = {std::string(row.fallback)};
      out.push_back(std::move(a));
    }
  }
  return out;
}

}  // namespace

loaded_settings load_settings(const settings_sources& sources) {
  loaded_settings out;
  std::map<std::string, assignment> set;
  auto dsf = dsf_environment_layer(sources.environment);
  overlay(set, {std::move(dsf.implied), {}}, out.problems);
  if (!sources.file.empty() || sources.file_text) {
    auto text = sources.file_text ? result<std::string>(*sources.file_text) : read_file(sources.file);
    if (!text) {
      out.problems.push_back(std::move(text).error());
      return out;
    }
    overlay(set, yaml_layer(*text, sources.file), out.problems);
  }
  overlay(set, std::move(dsf.given), out.problems);
  overlay(set, environment_layer(sources.environment), out.problems);
  overlay(set, command_line_layer(sources.command_line), out.problems);

  const auto file_folder = std::filesystem::path(sources.file).parent_path().string();
  out.assignments = complete(std::move(set));
  for (const auto& a : out.assignments) {
    if (a.texts.empty() || (a.texts.size() == 1 && a.texts[0].empty())) continue;  // nothing set: the field keeps its empty value
    const bool from_file = !sources.file.empty() && a.place.starts_with(sources.file + ":");
    auto value = parse_setting(*a.row, a.name, a.texts, from_file ? file_folder : std::string());
    if (!value) {
      out.problems.push_back(std::move(value).error().at(a.place));
      continue;
    }
    value->rules = a.rules;
    a.row->apply(out.config, a.key, *value);
  }
  out.notes = std::move(dsf.notes);
  for (const auto& n : out.notes) out.config.notes.emplace_back(n.variable, n.text);
  // What is missing or does not fit together can only be told when every single value is right.
  if (out.problems.empty()) out.problems = check_together(out.config, out.assignments);
  return out;
}

std::map<std::string, std::string> dsfd_environment(char** environment) {
  std::map<std::string, std::string> out;
  for (char** e = environment; e && *e; ++e) {
    const std::string_view entry(*e);
    const auto equals = entry.find('=');
    const auto name = entry.substr(0, equals);
    if (equals != std::string_view::npos && (name.starts_with("DSFD_") || name.starts_with("DEV_DSF_")) && name != "DSFD_CONFIG")
      out.emplace(name, entry.substr(equals + 1));
  }
  return out;
}

}  // namespace dsf::site

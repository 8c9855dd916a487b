#include "site/settings/layers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "site/settings/role_config.hpp"

namespace dsf::site {
namespace {

constexpr std::string_view file_suffix = "_file";
constexpr std::size_t max_secret_bytes = 64 * 1024;

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substituted = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
    }
  }
  return row[b.size()];
}

std::vector<std::string> known_names(std::string_view asked) {
  std::vector<std::string> out;
  for (const auto& row : settings_table()) {
    std::string name(row.name);
    if (const auto star = name.find('*'); star != std::string::npos) {
      // feasibility.networks.<key>.<rest>: compare the rest with what was written after the key.
      const auto prefix = name.substr(0, star);
      if (!asked.starts_with(prefix)) continue;
      const auto dot = asked.find('.', star);
      name = prefix + std::string(asked.substr(star, dot == std::string_view::npos ? dot : dot - star)) + name.substr(star + 1);
    }
    out.push_back(std::move(name));
  }
  return out;
}

// The first line of a file, as DSF reads secrets (dsf-bpe 6.1).
result<std::string> first_line(const std::string& path, std::string_view name) {
  std::ifstream in(path, std::ios::binary);
  std::string line;
  if (!in) return fail(settings_errc::unreadable, fmt::format("{} is '{}'; this file can't be read", name, path));
  std::getline(in, line);
  if (line.ends_with('\r')) line.pop_back();
  if (line.empty()) return fail(settings_errc::wrong, fmt::format("{} is '{}'; the first line of this file is empty", name, path));
  if (line.size() > max_secret_bytes)
    return fail(settings_errc::wrong, fmt::format("{} is '{}'; the first line of this file is longer than 64 KiB", name, path));
  return line;
}

bool is_list(const setting& row) {
  return row.kind == setting_kind::text_list || row.kind == setting_kind::choice_list || row.kind == setting_kind::path_list;
}

}  // namespace

std::optional<std::string> nearest_name(std::string_view name, std::span<const std::string> names) {
  std::optional<std::string> best;
  std::size_t best_distance = std::max<std::size_t>(2, name.size() / 3) + 1;
  if (name.size() > 200) return best;
  for (const auto& candidate : names) {
    const auto d = edit_distance(name, candidate);
    if (d < best_distance) {
      best_distance = d;
      best = candidate;
    }
  }
  if (best) return best;
  // The right name at the wrong place: certificate -> tls.server.certificate
  const auto last = name.substr(name.rfind('.') + 1);
  for (const auto& candidate : names)
    if (candidate.ends_with("." + std::string(last))) return candidate;
  return best;
}

result<assignment> name_assignment(std::string name, std::vector<std::string> texts, std::string place, const std::string& base_folder) {
  assignment a;
  a.place = place;
  if (const setting* row = find_setting(name, &a.key)) {
    a.row = row;
    a.name = std::move(name);
    a.texts = std::move(texts);
    if (row->kind == setting_kind::roles) {
      if (a.texts.size() != 1) return fail(settings_errc::wrong, fmt::format("{} must be a list of rules", a.name), std::move(place));
      a.rules = TRY(parse_role_config(a.texts[0], place));
    }
    return a;
  }
  if (name.ends_with(file_suffix)) {
    auto without = name.substr(0, name.size() - file_suffix.size());
    const setting* row = find_setting(without, &a.key);
    if (row && row->kind == setting_kind::secret) {
      static constexpr setting as_path{.name = "", .kind = setting_kind::existing_path};
      auto path = parse_setting(as_path, name, texts, base_folder);
      if (!path) return failure(std::move(path).error().at(std::move(place)));
      auto line = first_line(path->text, name);
      if (!line) return failure(std::move(line).error().at(std::move(place)));
      a.row = row;
      a.name = std::move(without);
      a.texts = {*std::move(line)};
      a.from_file_form = true;
      return a;
    }
  }
  const auto names = known_names(name);
  const auto near = nearest_name(name, names);
  return fail(
      settings_errc::unknown,
      fmt::format("unknown setting '{}'{}", name, near ? fmt::format("; did you mean '{}'?", *near) : "; `dsfd config docs` lists all"),
      std::move(place));
}

layer environment_layer(const std::map<std::string, std::string>& environment) {
  layer out;
  std::map<std::string, std::string> names;  // variable -> setting
  std::vector<std::string> variables;
  for (const auto& row : settings_table()) {
    auto variable = environment_name(row);
    if (variable.empty()) continue;
    if (row.kind == setting_kind::secret) names[variable + "_FILE"] = std::string(row.name) + std::string(file_suffix);
    variables.push_back(variable);
    names[std::move(variable)] = row.name;
  }
  for (const auto& [variable, text] : environment) {
    if (!variable.starts_with("DSFD_")) continue;
    const auto found = names.find(variable);
    if (found == names.end()) {
      const auto near = nearest_name(variable, variables);
      out.problems.emplace_back(settings_errc::unknown,
                                fmt::format("unknown variable{}", near ? fmt::format("; did you mean {}?", *near)
                                                                       : "; settings with a name of your own in them are set in the file"),
                                variable);
      continue;
    }
    auto a = name_assignment(found->second, {text}, variable, {});
    if (a) {
      out.assignments.push_back(*std::move(a));
    } else {
      out.problems.push_back(std::move(a).error());
    }
  }
  return out;
}

layer command_line_layer(const std::vector<std::pair<std::string, std::string>>& options) {
  layer out;
  for (const auto& [name, text] : options) {
    auto a = name_assignment(name, {text}, "--" + name, {});
    if (!a) {
      out.problems.push_back(std::move(a).error());
      continue;
    }
    // A list may be given by repeating the option.
    const auto same =
        std::find_if(out.assignments.begin(), out.assignments.end(), [&](const assignment& other) { return other.name == a->name; });
    if (same == out.assignments.end()) {
      out.assignments.push_back(*std::move(a));
    } else if (is_list(*a->row)) {
      same->texts.push_back(text);
    } else {
      out.problems.emplace_back(settings_errc::duplicate, fmt::format("{} is given twice", a->name), a->place);
    }
  }
  return out;
}

}  // namespace dsf::site

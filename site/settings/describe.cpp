#include "site/settings/describe.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/mutant.hpp"

namespace dsf::site {
namespace {

bool is_hidden(const assignment& a) {
  return a.row->kind == setting_kind::secret ||
         (a.name.starts_with("process_environment.") && (a.name.ends_with("PASSWORD") || a.name.ends_with("SECRET")));
}

std::string shown_value(const assignment& a) {
  if (a.texts.empty()) return "-";
  if (is_hidden(a) && !DSF_MUTANT("site.explain_shows_secret")) return "(hidden)";
  auto text = fmt::format("{}", fmt::join(a.texts, ", "));
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text.empty() ? "-" : text;
}

std::string wrapped(std::string_view text, std::size_t indent, std::size_t width) {
  std::string out;
  const std::size_t room = width > indent + 20 ? width - indent : 20;
  while (!text.empty()) {
    std::size_t n = text.size();
    if (n > room) {
      n = text.rfind(' ', room);
      if (n == std::string_view::npos || n == 0) n = std::min(text.find(' '), text.size());
    }
    out += std::string(indent, ' ') + std::string(text.substr(0, n)) + "\n";
    text.remove_prefix(std::min(n + 1, text.size()));
  }
  return out;
}

std::string type_text(const setting& row) {
  std::string out(to_string(row.kind));
  if (!row.range.empty()) out += fmt::format(" ({})", row.range);
  return out;
}

}  // namespace

std::string explain_settings(const loaded_settings& settings) {
  std::size_t name_width = 0, value_width = 0;
  for (const auto& a : settings.assignments) {
    name_width = std::max(name_width, a.name.size());
    value_width = std::max(value_width, std::min<std::size_t>(48, shown_value(a).size()));
  }
  std::string out;
  for (const auto& a : settings.assignments)
    out += fmt::format("{:<{}}  {:<{}}  {}{}\n", a.name, name_width, shown_value(a), value_width, a.place.empty() ? "default" : a.place,
                       a.from_file_form ? " (_file)" : "");
  if (!settings.notes.empty()) out += "\nVariables of DSF without a meaning here:\n";
  for (const auto& n : settings.notes) out += fmt::format("{}: {}\n", n.variable, n.text);
  return out;
}

std::string settings_help(std::size_t width) {
  std::string out;
  for (const auto& row : settings_table()) {
    out += fmt::format("  {}  {}{}\n", row.name, type_text(row), row.fallback.empty() ? "" : fmt::format(", default {}", row.fallback));
    out += wrapped(row.help, 6, width);
  }
  return out;
}

std::string settings_markdown() {
  std::string out =
      "# Settings\n\n"
      "Made by `dsfd config docs` from the table in `site/settings/table.cpp`; a test compares them.\n\n"
      "A setting's dotted name is its path in the YAML file. It can also be set by the environment variable named here and by `--<name> "
      "VALUE` on the command\n"
      "line; command line > environment > file > default. `*` stands for a name of your own; such settings are set in the file or on the "
      "command line.\n"
      "A secret has a second form, `<name>_file` (`..._FILE`): the first line of that file. Paths in the file are relative to the file's "
      "folder. Durations:\n"
      "500ms, 10s, 5m, 1h, 7d or ISO 8601 (PT10S). Sizes: 4096, 64KiB, 16MiB, 1GiB. Lists: a YAML list, or one text with commas or "
      "blanks.\n"
      "`dsfd config explain --config FILE` shows each value and where it comes from.\n\n"
      "| setting | type | default | what it does | environment |\n|---|---|---|---|---|\n";
  auto cell = [](std::string_view text) {
    std::string escaped;
    for (char c : text) {
      if (c == '|') escaped += '\\';
      escaped += c;
    }
    return escaped;
  };
  for (const auto& row : settings_table()) {
    const auto variable = environment_name(row);
    out += fmt::format("| `{}` | {} | {} | {} | {} |\n", row.name, cell(type_text(row)),
                       row.fallback.empty() ? "" : fmt::format("`{}`", cell(row.fallback)), cell(row.help),
                       variable.empty() ? "" : fmt::format("`{}`", variable));
  }
  return out;
}

}  // namespace dsf::site

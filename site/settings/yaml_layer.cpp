// The settings file: nested maps, whose paths are the settings' names.
#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <filesystem>
#include <map>

#include "site/settings/layers.hpp"
#include "site/settings/role_config_impl.hpp"

namespace dsf::site {
namespace {

constexpr std::size_t max_nodes = 100'000;  // aliases can make a small file large

bool is_group(std::string_view name) {
  for (const auto& row : settings_table())
    if (row.name.size() > name.size() && row.name.starts_with(name) && row.name[name.size()] == '.') return true;
  return false;
}

class flattener {
public:
  flattener(std::string file, layer& out)
      : file_(std::move(file)), folder_(std::filesystem::path(file_).parent_path().string()), out_(out) {}

  void read(const YAML::Node& root) {
    std::vector<std::pair<std::string, YAML::Node>> work{{"", root}};
    while (!work.empty()) {
      auto [prefix, node] = std::move(work.back());
      work.pop_back();
      for (const auto& entry : node) {
        if (++visited_ > max_nodes) {
          out_.problems.emplace_back(settings_errc::wrong, fmt::format("more than {} values", max_nodes), file_);
          return;
        }
        if (!entry.first.IsScalar()) {
          problem(settings_errc::wrong, entry.first, "the name of a setting must be a plain text");
          continue;
        }
        auto name = prefix.empty() ? entry.first.Scalar() : prefix + "." + entry.first.Scalar();
        if (!seen_.emplace(name, entry.first.Mark().line + 1).second) {
          problem(settings_errc::duplicate, entry.first, fmt::format("{} is set twice; it was set in line {} already", name, seen_[name]));
          continue;
        }
        const setting* row = find_setting(name);
        if (row && row->kind == setting_kind::roles) {
          roles(*row, entry.first, entry.second);
        } else if (entry.second.IsMap() && !row) {
          work.emplace_back(std::move(name), entry.second);
        } else {
          value(std::move(name), entry.first, entry.second);
        }
      }
    }
  }

private:
  std::string place(const YAML::Node& at) const { return fmt::format("{}:{}", file_, at.Mark().line + 1); }
  void problem(settings_errc code, const YAML::Node& at, std::string text) { out_.problems.emplace_back(code, std::move(text), place(at)); }

  void roles(const setting& row, const YAML::Node& at, const YAML::Node& node) {
    auto rules = read_role_config(node, file_, 0);
    if (!rules) {
      out_.problems.push_back(std::move(rules).error());
      return;
    }
    assignment a;
    a.name = row.name;
    a.row = &row;
    a.place = place(at);
    a.texts = {fmt::format("{} rule{}", rules->size(), rules->size() == 1 ? "" : "s")};
    a.rules = *std::move(rules);
    out_.assignments.push_back(std::move(a));
  }

  void value(std::string name, const YAML::Node& at, const YAML::Node& node) {
    std::vector<std::string> texts;
    // `name:` with nothing behind it is the default; so is a group with nothing below it.
    if (node.IsNull() && (find_setting(name) || is_group(name))) return;
    if (node.IsScalar() || node.IsNull()) {
      texts.push_back(node.IsNull() ? std::string() : node.Scalar());
    } else if (node.IsSequence()) {
      for (const auto& item : node) {
        if (++visited_ > max_nodes || !item.IsScalar())
          return problem(settings_errc::wrong, at, fmt::format("{} must be a list of plain texts", name));
        texts.push_back(item.Scalar());
      }
    } else {
      return problem(settings_errc::wrong, at, fmt::format("{} is one value; there must be no names below it", name));
    }
    auto a = name_assignment(std::move(name), std::move(texts), place(at), folder_);
    if (a) {
      out_.assignments.push_back(*std::move(a));
    } else {
      out_.problems.push_back(std::move(a).error());
    }
  }

  std::string file_, folder_;
  layer& out_;
  std::map<std::string, int> seen_;
  std::size_t visited_ = 0;
};

}  // namespace

layer yaml_layer(const std::string& text, const std::string& file) {
  layer out;
  try {
    const auto root = YAML::Load(text);
    if (root.IsNull()) return out;
    if (!root.IsMap()) {
      out.problems.emplace_back(settings_errc::not_yaml, "the file must hold settings as `name: value` lines",
                                fmt::format("{}:{}", file, root.Mark().line + 1));
      return out;
    }
    flattener(file, out).read(root);
  } catch (const YAML::Exception& e) {
    const bool tab = text.find("\n\t") != std::string::npos;
    out.problems.emplace_back(settings_errc::not_yaml,
                              fmt::format("not YAML: {}{}", e.msg, tab ? " (YAML indents with blanks, not tabs)" : ""),
                              fmt::format("{}:{}", file, e.mark.line + 1));
  }
  return out;
}

}  // namespace dsf::site

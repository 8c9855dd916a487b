#include "plugins/bundle_files.hpp"

#include <fstream>
#include <set>
#include <sstream>

#include "plugins/archive.hpp"
#include "plugins/errc.hpp"

namespace dsf::plugins {
namespace {

namespace fs = std::filesystem;
using base::fail;
using base::result;

constexpr std::size_t file_limit = 16u << 20;

// "" or "folder/": where plugin.yaml is.
result<std::string> root_of(const archive& zip, const std::string& place) {
  if (zip.has("plugin.yaml")) return std::string{};
  std::set<std::string> folders;
  for (const auto& name : zip.names()) folders.insert(name.substr(0, name.find('/') == name.npos ? 0 : name.find('/') + 1));
  if (folders.size() == 1 && zip.has(*folders.begin() + "plugin.yaml")) return *folders.begin();
  return fail(errc::bad_bundle, "the zip has no plugin.yaml at its root; `dsfctl plugin inspect` shows what a JAR holds", place);
}

}  // namespace

result<bundle_files> bundle_files::open(const fs::path& path) {
  bundle_files out;
  out.root_ = path.string();
  while (out.root_.size() > 1 && out.root_.ends_with('/')) out.root_.pop_back();
  out.file_name_ = fs::path(out.root_).filename().string();
  std::error_code ec;
  if (fs::is_directory(path, ec)) {
    out.folder_ = true;
    return out;
  }
  if (!fs::exists(path, ec)) return fail(errc::bad_bundle, "there is no such folder or zip", path.string());
  auto zip = TRY(archive::open(path));
  const auto root = TRY(root_of(zip, path.string()));
  for (const auto& name : zip.names())
    if (name.starts_with(root)) out.files_[name.substr(root.size())] = TRY(zip.read(name));
  return out;
}

bundle_files bundle_files::in_memory(std::string place, std::map<std::string, std::string> files) {
  bundle_files out;
  out.file_name_ = fs::path(place).filename().string();
  out.root_ = std::move(place);
  for (auto& [name, text] : files) out.files_.emplace(name, std::move(text));
  return out;
}

std::string bundle_files::place(std::string_view name) const { return root_ + (folder_ ? "/" : "!") + std::string(name); }

result<std::string> bundle_files::read(std::string_view name) const {
  if (const auto bad = fault_of_name(name); !bad.empty()) return fail(errc::bad_bundle, bad, place(name));
  if (!folder_) {
    const auto at = files_.find(name);
    if (at == files_.end()) return fail(errc::bad_bundle, "the file is missing", place(name));
    return at->second;
  }
  const auto path = fs::path(root_) / name;
  std::error_code ec;
  if (!fs::is_regular_file(path, ec)) return fail(errc::bad_bundle, "the file is missing or can't be read", path.string());
  const auto size = fs::file_size(path, ec);
  if (ec) return fail(errc::bad_bundle, "the file is missing or can't be read", path.string());
  if (size > file_limit) return fail(errc::bad_bundle, "the file is larger than 16 MiB", path.string());
  std::ifstream in{path, std::ios::binary};
  std::ostringstream text;
  text << in.rdbuf();
  if (!in) return fail(errc::bad_bundle, "the file can't be read", path.string());
  return std::move(text).str();
}

}  // namespace dsf::plugins

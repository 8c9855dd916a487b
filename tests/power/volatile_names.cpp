#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "tests/power/volatile_names_impl.hpp"

namespace dsf::tests {
namespace {

using rocksdb::IOStatus;
namespace fs = std::filesystem;

constexpr std::string_view mark = ".volatile-";

bool on_disk(const std::string& name) { return ::access(name.c_str(), F_OK) == 0; }
std::string folder_of(const std::string& name) { return fs::path(name).parent_path().string(); }

}  // namespace

void volatile_names::enter(const std::string& folder) {
  if (!entered_.insert(folder).second) return;
  std::error_code ec;
  for (const auto& e : fs::directory_iterator(folder, ec))
    if (e.path().filename().string().find(mark) != std::string::npos) ::unlink(e.path().c_str());
}

bool volatile_names::moved_away(const std::string& name) const {
  return std::any_of(entries_.begin(), entries_.end(), [&](const auto& e) { return e.first != name && e.second.on_disk == name; });
}

void volatile_names::drop(const std::string& name) {
  const auto at = entries_.find(name);
  if (at == entries_.end()) return;
  if (at->second.on_disk != name) ::unlink(at->second.on_disk.c_str());
  entries_.erase(at);
}

std::shared_ptr<volatile_file> volatile_names::find(const std::string& name) {
  const std::lock_guard lock(mutex_);
  enter(folder_of(name));
  const auto at = entries_.find(name);
  return at == entries_.end() ? nullptr : at->second.file;
}

IOStatus volatile_names::open_locked(const std::string& name, std::shared_ptr<volatile_file>& out) {
  enter(folder_of(name));
  if (const auto at = entries_.find(name); at != entries_.end()) {
    out = at->second.file;
    return IOStatus::OK();
  }
  if (!on_disk(name) || moved_away(name)) return IOStatus::PathNotFound(name);
  if (const auto s = volatile_file::open(name, false, out); !s.ok()) return s;
  entries_[name] = {name, out, 0};
  return IOStatus::OK();
}

IOStatus volatile_names::open_existing(const std::string& name, std::shared_ptr<volatile_file>& out) {
  const std::lock_guard lock(mutex_);
  return open_locked(name, out);
}

IOStatus volatile_names::create(const std::string& name, std::shared_ptr<volatile_file>& out) {
  const std::lock_guard lock(mutex_);
  if (const auto s = open_locked(name, out); s.ok()) return out->truncate(0);
  const auto real = name + std::string(mark) + std::to_string(next_);
  if (const auto s = volatile_file::open(real, true, out); !s.ok()) return s;
  entries_[name] = {real, out, next_++};
  return IOStatus::OK();
}

IOStatus volatile_names::rename(const std::string& from, const std::string& to) {
  const std::lock_guard lock(mutex_);
  std::shared_ptr<volatile_file> file;
  if (const auto s = open_locked(from, file); !s.ok()) return s;
  if (from == to) return IOStatus::OK();
  enter(folder_of(to));
  drop(to);
  entries_[to] = std::move(entries_[from]);
  entries_[to].changed = next_++;
  entries_.erase(from);
  return IOStatus::OK();
}

IOStatus volatile_names::remove(const std::string& name) {
  const std::lock_guard lock(mutex_);
  enter(folder_of(name));
  const bool known = entries_.contains(name);
  const bool durable = on_disk(name) && !moved_away(name);
  if (!known && !durable) return IOStatus::PathNotFound(name);
  drop(name);
  if (durable && ::unlink(name.c_str()) != 0) return errno_status("remove", name);
  return IOStatus::OK();
}

IOStatus volatile_names::publish(const std::string& folder) {
  const std::lock_guard lock(mutex_);
  enter(folder);
  for (;;) {
    // One that stands in the way of another goes first: after a -> b and c -> a, b's file is still called a.
    auto first = entries_.end();
    for (auto e = entries_.begin(); e != entries_.end(); ++e)
      if (e->second.on_disk != e->first && folder_of(e->first) == folder && !moved_away(e->first) &&
          (first == entries_.end() || e->second.changed < first->second.changed))
        first = e;
    if (first == entries_.end()) return IOStatus::OK();
    if (std::rename(first->second.on_disk.c_str(), first->first.c_str()) != 0) return errno_status("rename", first->second.on_disk);
    first->second.on_disk = first->first;
  }
}

bool volatile_names::exists(const std::string& name) {
  const std::lock_guard lock(mutex_);
  enter(folder_of(name));
  return entries_.contains(name) || (on_disk(name) && !moved_away(name));
}

void volatile_names::correct_listing(const std::string& folder, std::vector<std::string>& names) {
  const std::lock_guard lock(mutex_);
  enter(folder);
  std::erase_if(names,
                [&](const std::string& n) { return n.find(mark) != std::string::npos || moved_away((fs::path(folder) / n).string()); });
  for (const auto& [name, e] : entries_) {
    if (folder_of(name) != folder) continue;
    const auto own = fs::path(name).filename().string();
    if (std::find(names.begin(), names.end(), own) == names.end()) names.push_back(own);
  }
}

}  // namespace dsf::tests

#include "actors/boards.hpp"

#include "actors/engine_figures.hpp"

namespace dsf::actors {

std::shared_ptr<actor_record> actor_board::add(std::string name, std::string parent) {
  const std::lock_guard lock{mutex_};
  if (records_.size() >= sweep_at_) {
    std::erase_if(records_, [](const auto& r) { return r.second.expired(); });
    sweep_at_ = std::max<std::size_t>(1024, records_.size() * 2);
  }
  auto& slot = records_[name];
  if (auto existing = slot.lock()) return existing;
  auto record = std::make_shared<actor_record>();
  record->name = std::move(name);
  record->parent = std::move(parent);
  slot = record;
  return record;
}

std::vector<actor_line> actor_board::lines(std::size_t limit) const {
  const std::lock_guard lock{mutex_};
  std::vector<actor_line> out;
  for (const auto& [name, weak] : records_) {
    if (out.size() >= limit) break;
    if (const auto r = weak.lock()) out.push_back({r->name, r->parent, r->mailbox.load(), r->handled.load(), r->restarts.load()});
  }
  return out;
}

std::uint32_t actor_board::conflicts_of(const std::string& name) const {
  const std::lock_guard lock{mutex_};
  const auto at = records_.find(name);
  const auto r = at != records_.end() ? at->second.lock() : nullptr;
  return r ? r->conflicts.load() : 0;
}

std::map<std::string, actor_kind_figures> actor_board::kinds() const {
  std::map<std::string, actor_kind_figures> out;
  const std::lock_guard lock{mutex_};
  for (const auto& [name, weak] : records_) {
    const auto r = weak.lock();
    if (!r) continue;
    auto& kind = out[name.substr(0, name.find('/'))];
    ++kind.actors;
    kind.mailbox += r->mailbox.load();
    kind.restarts += r->restarts.load();
  }
  return out;
}

void partner_board::update(const partner_line& line) {
  const std::lock_guard lock{mutex_};
  lines_[line.endpoint_url] = line;
}

std::vector<partner_line> partner_board::lines() const {
  const std::lock_guard lock{mutex_};
  std::vector<partner_line> out;
  for (const auto& [url, line] : lines_) out.push_back(line);
  return out;
}

}  // namespace dsf::actors

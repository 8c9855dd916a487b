#include "actors/definitions.hpp"

namespace dsf::actors {

std::shared_ptr<const definitions::tables> definitions::current() const {
  const std::lock_guard lock{mutex_};
  return tables_;
}

std::shared_ptr<const deployed_process> definitions::find(std::string_view key, std::string_view version) const {
  const auto t = current();
  const auto at = t->by_name.find(std::string(key) + "|" + std::string(version));
  if (at == t->by_name.end()) return nullptr;
  const auto state = at->second->state;
  return state == process_state::active || state == process_state::draft ? at->second : nullptr;
}

std::shared_ptr<const deployed_process> definitions::by_hash(std::string_view sha256) const {
  const auto t = current();
  const auto at = t->by_hash.find(sha256);
  return at == t->by_hash.end() ? nullptr : at->second;
}

std::vector<std::shared_ptr<const deployed_process>> definitions::all() const {
  const auto t = current();
  std::vector<std::shared_ptr<const deployed_process>> out;
  for (const auto& [name, process] : t->by_name) out.push_back(process);
  return out;
}

void definitions::add(deployed_process process) {
  auto shared = std::make_shared<const deployed_process>(std::move(process));
  const std::lock_guard lock{mutex_};
  auto next = std::make_shared<tables>(*tables_);
  next->by_name[shared->definition->key + "|" + shared->definition->version_tag] = shared;
  next->by_hash[shared->definition->sha256] = shared;
  tables_ = std::move(next);
}

void definitions::remember(std::shared_ptr<const bpmn::definition> definition) {
  const std::lock_guard lock{mutex_};
  if (tables_->by_hash.contains(definition->sha256)) return;
  auto next = std::make_shared<tables>(*tables_);
  auto sha = definition->sha256;
  next->by_hash[sha] = std::make_shared<const deployed_process>(deployed_process{std::move(definition), process_state::retired, {}});
  tables_ = std::move(next);
}

}  // namespace dsf::actors

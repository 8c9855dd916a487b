#include "plugins/handler.hpp"

#include <algorithm>

#include "plugins/errc.hpp"

namespace dsf::plugins {
namespace {

std::string joined(std::string_view process_key, std::string_view version_tag, std::string_view class_name) {
  std::string key{process_key};
  key += '|';
  key += version_tag;
  key += '|';
  key += class_name;
  return key;
}

const bpmn::value* find_in(const std::vector<std::pair<std::string, bpmn::value>>& list, std::string_view name) {
  for (const auto& [n, v] : list)
    if (n == name) return &v;
  return nullptr;
}

std::string text_of(const bpmn::value* v) {
  const auto* text = v ? v->as<std::string>() : nullptr;
  return text ? *text : std::string{};
}

}  // namespace

const bpmn::value* activation::variable(std::string_view name) const { return find_in(variables, name); }
std::string activation::field_text(std::string_view name) const { return text_of(find_in(fields, name)); }
std::string activation::variable_text(std::string_view name) const { return text_of(find_in(variables, name)); }

base::result<std::shared_ptr<fhir_client>> services::store(std::string_view name) {
  return base::fail(errc::not_configured, "the site has no store of this name", "feasibility.stores." + std::string(name));
}

void handler_registry::add(std::string process_key, std::string version_tag, std::string class_name, handler_trait trait, handler run) {
  auto key = joined(process_key, version_tag, class_name);
  const auto at = std::ranges::lower_bound(entries_, key, {}, &std::pair<std::string, entry>::first);
  if (at != entries_.end() && at->first == key)
    at->second = {trait, std::move(run), {}};
  else
    entries_.insert(at, {std::move(key), {trait, std::move(run), {}}});
}

void handler_registry::add_process(std::string process_key, remote_handler start) {
  processes_[std::move(process_key)] = {handler_trait::blocking, {}, std::move(start)};
}

const handler_registry::entry* handler_registry::find(std::string_view process_key, std::string_view version_tag,
                                                      std::string_view class_name) const {
  if (const auto at = processes_.find(process_key); at != processes_.end()) return &at->second;
  for (const auto tag : {version_tag, std::string_view{}}) {
    const auto key = joined(process_key, tag, class_name);
    const auto at = std::ranges::lower_bound(entries_, key, {}, &std::pair<std::string, entry>::first);
    if (at != entries_.end() && at->first == key) return &at->second;
  }
  return nullptr;
}

}  // namespace dsf::plugins

#include "fhir/semantics/profiles/codes.hpp"

#include <algorithm>

namespace dsf::fhir {

void code_set::add(std::string_view system, std::string_view code) {
  auto at = systems_.find(code);
  if (at == systems_.end()) at = systems_.emplace(code, std::vector<std::string>{}).first;
  if (std::ranges::find(at->second, system) == at->second.end()) at->second.emplace_back(system);
}
void code_set::each(const std::function<void(const std::string&, const std::string&)>& visit) const {
  for (const auto& [code, systems] : systems_)
    for (const auto& system : systems) visit(system, code);
}
bool code_set::contains(std::string_view system, std::string_view code) const {
  const auto at = systems_.find(code);
  return at != systems_.end() && std::ranges::find(at->second, system) != at->second.end();
}
bool code_set::contains_code(std::string_view code) const { return systems_.find(code) != systems_.end(); }
std::size_t code_set::size() const {
  std::size_t out = 0;
  for (const auto& [code, systems] : systems_) out += systems.size();
  return out;
}

terminology::terminology(const canonical_map& code_systems, const canonical_map& value_sets)
    : lister_([&](std::string_view type, std::string_view canonical) -> base::result<const base::json*> {
        return (type == "CodeSystem" ? code_systems : value_sets).find(canonical);
      }) {}

std::shared_ptr<const code_set> terminology::expand(std::string_view canonical) {
  if (const auto at = done_.find(canonical); at != done_.end()) return at->second;
  std::shared_ptr<code_set> out;
  if (const auto concepts = lister_.expand(canonical)) {
    out = std::make_shared<code_set>();
    for (const auto& c : **concepts) out->add(c.system, c.code);
  }
  done_.emplace(canonical, out);
  return out;
}

}  // namespace dsf::fhir

#include "fhir/semantics/profiles/canonicals.hpp"

#include "fhir/semantics/element.hpp"

namespace dsf::fhir {
namespace {

// "10.0" is newer than "9.1": runs of digits compare as numbers.
bool older(std::string_view a, std::string_view b) {
  const auto take = [](std::string_view& text) {
    const auto dot = text.find('.');
    const auto part = text.substr(0, dot);
    text = dot == text.npos ? std::string_view{} : text.substr(dot + 1);
    return part;
  };
  while (!a.empty() || !b.empty()) {
    const auto x = take(a), y = take(b);
    if (x == y) continue;
    return x.size() != y.size() ? x.size() < y.size() : x < y;
  }
  return false;
}

}  // namespace

std::string_view canonical_map::current_name(std::string_view url) {
  return url == "http://dsf.dev/fhir/StructureDefinition/task-base" ? "http://dsf.dev/fhir/StructureDefinition/task" : url;
}

void canonical_map::add(base::json resource) {
  auto key = resource["url"].str() + "|" + resource["version"].str();
  all_.insert_or_assign(std::move(key), std::move(resource));
}

void canonical_map::remove(const base::json& resource) { all_.erase(resource["url"].str() + "|" + resource["version"].str()); }

const base::json* canonical_map::find(std::string_view canonical) const {
  auto [url, version] = split_canonical(canonical);
  const bool renamed = current_name(url) != url;
  url = current_name(url);
  if (!version.empty() && !renamed) {
    const auto exact = all_.find(canonical);
    return exact == all_.end() ? nullptr : &exact->second;
  }
  const base::json* newest = nullptr;
  const auto prefix = std::string(url) + "|";
  for (auto i = all_.lower_bound(prefix); i != all_.end() && i->first.starts_with(prefix); ++i)
    if (!newest || older((*newest)["version"].str(), i->second["version"].str())) newest = &i->second;
  return newest;
}

void canonical_map::names_of(const std::string& key, const std::function<void(const std::string&)>& put) const {
  put(key);
  const auto url = std::string(split_canonical(key).first);
  const auto at = all_.find(key);
  if (at != all_.end() && find(url) == &at->second) put(url);
}

}  // namespace dsf::fhir

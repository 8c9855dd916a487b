#include "fhir/semantics/interactions/conformance_lookup.hpp"

#include "base/mutant.hpp"
#include "fhir/conformance/bundled.hpp"
#include "fhir/semantics/element.hpp"

namespace dsf::fhir {
namespace {

const std::vector<base::json>& brought_along() {
  static const auto all = [] {
    std::vector<base::json> out;
    for (const auto text : bundled_resources())
      if (auto resource = base::json::parse(text)) out.push_back(*std::move(resource));
    return out;
  }();
  return all;
}

}  // namespace

base::result<const base::json*> conformance_lookup::find(std::string_view type, std::string_view canonical) {
  const auto url = canonical_map::current_name(split_canonical(canonical).first);
  auto& kind = kinds_[std::string(type)];
  if (!kind.asked.insert(std::string(url)).second) return kind.known.find(canonical);
  for (const auto& r : brought_along())
    if (r["resourceType"].str() == type && r["url"].str() == url) kind.known.add(r);
  const auto query = parse_search(type, {{"url", std::string(url)}}, scope_.context.config.base_url);
  for (const auto& stored : TRY(find_matches(query, scope_.searching(!DSF_MUTANT("fhir.lookup_ignores_readers"))))) {
    auto resource = TRY(base::json::parse(*stored.bytes));
    if (resource["status"].str() == "retired")
      kind.known.remove(resource);
    else
      kind.known.add(std::move(resource));
  }
  return kind.known.find(canonical);
}

}  // namespace dsf::fhir

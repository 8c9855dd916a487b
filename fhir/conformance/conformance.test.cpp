// The conformance resources that the endpoint brings along, as others read them.
#include <catch2/catch.hpp>

#include <algorithm>

#include "base/json.hpp"
#include "fhir/conformance/bundled.hpp"
#include "fhir/model/model.hpp"

namespace dsf::fhir {
namespace {

using base::json;

// Where the element of the path stands in the definition of its type: one position a level; nothing for a path that leads elsewhere.
std::vector<int> place_of(std::string_view path) {
  std::vector<int> out;
  auto dot = path.find('.');
  const auto* type = find_type(path.substr(0, dot));
  while (type && dot != path.npos) {
    path.remove_prefix(dot + 1);
    dot = path.find('.');
    auto name = path.substr(0, dot);
    const auto choice = name.ends_with("[x]") ? name.substr(0, name.size() - 3) : std::string_view("-");
    const auto it = std::ranges::find_if(type->elements, [&](const element_info& e) { return e.name == name || e.choice == choice; });
    if (it == type->elements.end()) return {};
    out.push_back(it->position);
    type = it->type;
  }
  return out;
}

}  // namespace

// Finds: a profile that other implementations can't make a snapshot of, because an element stands behind one of its children or of its followers.
// R4 profiling.html: a differential keeps the order of the definition.
TEST_CASE("the elements of our differentials stand in the order of the definition", "[fhir][conformance]") {
  std::size_t looked_at = 0;
  for (const auto& text : bundled_resources()) {
    const auto r = json::parse(text).value();
    if (r["resourceType"].str() != "StructureDefinition") continue;
    INFO(r["url"].str());
    std::vector<int> before;
    for (const auto& e : r["differential"]["element"]) {
      // Slices of one element stand one behind the other, each with its children.
      if (e["id"].str().find(':') != std::string::npos) continue;
      INFO(e["path"].str());
      const auto place = place_of(e["path"].str());
      // What stands below value[x] depends on the variant.
      if (place.empty() && e["path"].str().find("[x].") != std::string::npos) continue;
      CHECK(before <= place);
      before = place;
      ++looked_at;
    }
  }
  CHECK(looked_at > 100);
}

}  // namespace dsf::fhir

#include "storage/repository/bundle.hpp"

#include <fmt/format.h>

#include <unordered_map>

#include "privacy/error.hpp"

namespace dsf::storage {
namespace {

using base::json;

constexpr std::string_view uuid_prefix = "urn:uuid:";

// Every `reference` in the resource that names a fullUrl of the Bundle. The depth is that of the parsed document, which is limited;
// the list of work is explicit all the same.
void rewrite_references(json& resource, const std::unordered_map<std::string, std::string>& targets) {
  std::vector<json*> work{&resource};
  while (!work.empty()) {
    json* at = work.back();
    work.pop_back();
    if (auto* a = at->if_array()) {
      for (auto& child : *a) work.push_back(&child);
    } else if (auto* o = at->if_object()) {
      for (auto& [name, value] : *o) {
        auto* text = name == "reference" ? value.if_string() : nullptr;
        if (!text) {
          work.push_back(&value);
        } else if (const auto found = targets.find(*text); found != targets.end()) {
          *text = found->second;
        }
      }
    }
  }
}

}  // namespace

result<std::vector<json>> resources_of(json document) {
  std::vector<json> out;
  if (document["resourceType"].str() != "Bundle") {
    out.push_back(std::move(document));
    return out;
  }
  auto* entries = document.find("entry");
  if (!entries) return out;
  if (!entries->is_array()) return fail(privacy::errc::resource, "must be an array", "entry");
  std::unordered_map<std::string, std::string> targets;
  std::size_t i = 0;
  for (auto& entry : *entries->if_array()) {
    auto* resource = entry.find("resource");
    if (!resource || !resource->is_object())
      return fail(privacy::errc::resource, "has no resource; a repository imports Bundles that carry their resources",
                  fmt::format("entry[{}]", i));
    const auto& url = entry["fullUrl"].str();
    if ((*resource)["id"].is_null() && url.starts_with(uuid_prefix)) resource->set("id", json(url.substr(uuid_prefix.size())));
    if (!url.empty()) targets.emplace(url, (*resource)["resourceType"].str() + "/" + (*resource)["id"].str());
    out.push_back(std::move(*resource));
    ++i;
  }
  for (auto& r : out) rewrite_references(r, targets);
  return out;
}

}  // namespace dsf::storage

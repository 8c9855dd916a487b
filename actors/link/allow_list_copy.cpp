#include "actors/link/allow_list_copy.hpp"

#include <map>

#include "actors/link/rows.hpp"
#include "fhir/storable.hpp"

namespace dsf::actors {
namespace {

using base::json;
using base::result;

constexpr std::size_t page_entries = 100;
constexpr int pages_at_most = 1'000;

// By id. Pages that shift while they are read give a resource twice or, until the next time, not at all.
result<std::map<std::string, json>> all_of(plugins::fhir_client& endpoint, const std::string& type) {
  std::map<std::string, json> out;
  for (int page = 1; page <= pages_at_most; ++page) {
    const auto bundle = TRY(endpoint.search(type + "?_sort=_id&_count=" + std::to_string(page_entries) + "&_page=" + std::to_string(page)));
    std::size_t matches = 0;
    for (const auto& e : bundle["entry"]) {
      if (e["search"]["mode"].str() != "match") continue;
      ++matches;
      out.insert_or_assign(e["resource"]["id"].str(), e["resource"]);
    }
    if (matches < page_entries) return out;
  }
  return base::fail(base::errc::limit, "the endpoint has too many resources of the type", type);
}

}  // namespace

result<std::size_t> copy_allow_list(plugins::fhir_client& endpoint, storage::store& store) {
  // All is read before anything is written: a half-read list must not make partners vanish.
  std::map<std::string, std::map<std::string, json>> there;
  for (const std::string type : {"Organization", "Endpoint", "OrganizationAffiliation"}) there[type] = TRY(all_of(endpoint, type));
  const auto view = store.view();
  if (!view) return base::fail(storage::errc::closed, "the store is closed");
  storage::commit c;
  std::size_t changes = 0;
  for (const auto& [type, resources] : there) {
    for (const auto& [name, resource] : resources) {
      const auto id = TRY(base::uuid::parse(name));
      const auto state = encode_text(resource["meta"]["versionId"].str() + " " + resource["meta"]["lastUpdated"].str());
      if (const auto row = TRY(view->row_value(storage::table::meta, copy_key(type, name))); row && *row == state) continue;
      auto body = TRY(fhir::make_storable(resource, id));
      storage::put_resource put;
      put.type = type;
      put.id = id;
      put.meta_at = body.meta_at;
      put.body = std::move(body.bytes);
      // Versions of the list are the endpoint's to keep.
      if (TRY(view->current(type, id))) c.operations.emplace_back(storage::purge_resource{type, id});
      c.operations.emplace_back(std::move(put));
      c.operations.emplace_back(storage::put_row{storage::table::meta, copy_key(type, name), state});
      ++changes;
    }
    for (const auto id : TRY(view->all_ids(type, SIZE_MAX))) {
      const auto name = id.to_string();
      if (resources.contains(name)) continue;
      c.operations.emplace_back(storage::purge_resource{type, id});
      c.operations.emplace_back(storage::delete_row{storage::table::meta, copy_key(type, name)});
      ++changes;
    }
  }
  if (changes > 0) TRY(store.submit_wait(std::move(c)));
  return changes;
}

}  // namespace dsf::actors

#include "fhir/semantics/interactions/overlay.hpp"

#include <algorithm>

namespace dsf::fhir {

void overlay_view::put(const resource_write& w) {
  const address at{w.type, w.id};
  std::erase_if(owners_, [&](const auto& o) { return o.second == w.id; });
  row r;
  r.stored = {w.type, w.id, w.expected_version + 1, now_, w.what == resource_write::kind::remove, nullptr, w.access_class};
  if (!r.stored.deleted) {
    r.stored.bytes = std::make_shared<const std::string>(splice(w.body, r.stored.version, now_));
    r.index = w.index;
    for (const auto& key : w.unique) owners_.emplace(key, w.id);
  }
  rows_.insert_or_assign(at, std::move(r));
}

const overlay_view::row* overlay_view::find(std::string_view type, base::uuid id) const {
  const auto found = rows_.find(address{std::string(type), id});
  return found == rows_.end() ? nullptr : &found->second;
}

base::result<std::optional<stored_resource>> overlay_view::current(std::string_view type, base::uuid id) const {
  if (const auto* r = find(type, id)) return std::optional(r->stored);
  return under_.current(type, id);
}

base::result<std::optional<stored_resource>> overlay_view::version(std::string_view type, base::uuid id, std::uint64_t version) const {
  if (const auto* r = find(type, id); r && r->stored.version == version) return std::optional(r->stored);
  return under_.version(type, id, version);
}

base::result<std::vector<stored_resource>> overlay_view::history(std::string_view type, base::uuid id, std::size_t limit) const {
  auto out = TRY(under_.history(type, id, limit));
  if (const auto* r = find(type, id); r && out.size() < limit) out.push_back(r->stored);
  return out;
}

base::result<std::vector<base::uuid>> overlay_view::ids_in(std::string_view type, std::string_view parameter, std::string_view from,
                                                           std::string_view to, std::size_t limit) const {
  auto out = TRY(under_.ids_in(type, parameter, from, to, limit + rows_.size()));
  std::erase_if(out, [&](base::uuid id) { return find(type, id) != nullptr; });
  for (const auto& [at, r] : rows_) {
    if (at.first != type || r.stored.deleted) continue;
    if (std::ranges::any_of(
            r.index, [&](const index_entry& e) { return e.parameter == parameter && e.value >= from && (to.empty() || e.value < to); }))
      out.push_back(at.second);
  }
  if (out.size() > limit) out.resize(limit);
  return out;
}

base::result<std::vector<base::uuid>> overlay_view::all_ids(std::string_view type, std::size_t limit) const {
  auto out = TRY(under_.all_ids(type, limit + rows_.size()));
  std::erase_if(out, [&](base::uuid id) { return find(type, id) != nullptr; });
  for (const auto& [at, r] : rows_)
    if (at.first == type && !r.stored.deleted) out.push_back(at.second);
  if (out.size() > limit) out.resize(limit);
  return out;
}

base::result<std::optional<base::uuid>> overlay_view::unique_owner(std::string_view rule, std::string_view key) const {
  if (const auto found = owners_.find(unique_key{std::string(rule), std::string(key)}); found != owners_.end())
    return std::optional(found->second);
  const auto under = TRY(under_.unique_owner(rule, key));
  // A resource that this bundle writes holds the keys of its new version only. Ids are unique over all types.
  if (under && std::ranges::any_of(rows_, [&](const auto& r) { return r.first.second == *under; })) return std::optional<base::uuid>{};
  return under;
}

}  // namespace dsf::fhir

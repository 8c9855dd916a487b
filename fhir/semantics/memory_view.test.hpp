// A store in memory for the tests of the rules: commits as the real one does, and refuses as it does.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "fhir/semantics/view.hpp"
#include "fhir/semantics/write.hpp"

namespace dsf::fhir {

class memory_view final : public resource_view {
public:
  using address = std::pair<std::string, base::uuid>;

  base::result<std::optional<stored_resource>> current(std::string_view type, base::uuid id) const override {
    const auto found = versions_.find({std::string(type), id});
    if (found == versions_.end()) return std::optional<stored_resource>{};
    return std::optional(found->second.back());
  }
  base::result<std::optional<stored_resource>> version(std::string_view type, base::uuid id, std::uint64_t version) const override {
    const auto found = versions_.find({std::string(type), id});
    if (found == versions_.end() || version == 0 || version > found->second.size()) return std::optional<stored_resource>{};
    return std::optional(found->second[version - 1]);
  }
  base::result<std::vector<stored_resource>> history(std::string_view type, base::uuid id, std::size_t) const override {
    const auto found = versions_.find({std::string(type), id});
    return found == versions_.end() ? std::vector<stored_resource>{} : found->second;
  }
  base::result<std::vector<base::uuid>> ids_in(std::string_view type, std::string_view parameter, std::string_view from,
                                               std::string_view to, std::size_t limit) const override {
    std::vector<base::uuid> out;
    for (const auto& [at, entries] : index_)
      if (at.first == type && out.size() < limit && std::ranges::any_of(entries, [&](const auto& e) {
            return e.parameter == parameter && e.value >= from && (to.empty() || e.value < to);
          }))
        out.push_back(at.second);
    return out;
  }
  base::result<std::vector<base::uuid>> all_ids(std::string_view type, std::size_t limit) const override {
    std::vector<base::uuid> out;
    for (const auto& [at, versions] : versions_)
      if (at.first == type && !versions.back().deleted && out.size() < limit) out.push_back(at.second);
    return out;
  }
  base::result<std::vector<dated_version>> dated(std::string_view type, base::timestamp after, std::size_t limit) const override {
    std::vector<dated_version> out;
    for (const auto& [at, versions] : versions_)
      for (const auto& v : versions)
        if (at.first == type && v.last_updated > after) out.push_back({v.last_updated, v.id, v.version, v.deleted, v.access_class});
    std::ranges::sort(out, {}, &dated_version::last_updated);
    if (out.size() > limit) out.resize(limit);
    return out;
  }
  base::result<std::optional<base::uuid>> unique_owner(std::string_view rule, std::string_view key) const override {
    const auto found = owners_.find({std::string(rule), std::string(key)});
    return found == owners_.end() ? std::optional<base::uuid>{} : std::optional(found->second);
  }
  std::uint64_t sequence() const override { return sequence_; }

  // Nothing: refused, and nothing was written.
  std::optional<std::vector<written>> commit(const write_set& set) {
    memory_view next = *this;
    std::vector<written> out;
    ++next.sequence_;
    for (const auto& w : set.writes) {
      const address at{w.type, w.id};
      auto& versions = next.versions_[at];
      if (versions.size() != w.expected_version) return {};
      if (w.what == resource_write::kind::purge) {
        next.versions_.erase(at);
        continue;
      }
      next.time_us_ += 1'000'000;
      std::erase_if(next.owners_, [&](const auto& o) { return o.second == w.id; });
      stored_resource s{w.type,  w.id,          versions.size() + 1, {next.time_us_}, w.what == resource_write::kind::remove,
                        nullptr, w.access_class};
      next.index_.erase(at);
      if (!s.deleted) {
        s.bytes = std::make_shared<const std::string>(splice(w.body, s.version, s.last_updated));
        next.index_[at] = w.index;
        for (const auto& key : w.unique)
          if (!next.owners_.emplace(std::pair(key.rule, key.key), w.id).second) return {};
      }
      out.push_back({w.type, w.id, s.version, s.last_updated});
      versions.push_back(std::move(s));
    }
    *this = std::move(next);
    return out;
  }

  std::size_t size() const { return versions_.size(); }

private:
  std::map<address, std::vector<stored_resource>> versions_;
  std::map<address, std::vector<index_entry>> index_;
  std::map<std::pair<std::string, std::string>, base::uuid> owners_;
  std::int64_t time_us_ = 1'780'000'000'000'000;
  std::uint64_t sequence_ = 0;
};

}  // namespace dsf::fhir

// A snapshot with the writes of one bundle laid over it (docs/design.md, decision 3). Private to the interactions.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "fhir/semantics/view.hpp"
#include "fhir/semantics/write.hpp"

namespace dsf::fhir {

class overlay_view final : public resource_view {
public:
  explicit overlay_view(const resource_view& under, base::timestamp now) : under_(under), now_(now) {}

  // Replaces what an earlier call said of this resource. A unique key that another write of the bundle holds stays with that one.
  void put(const resource_write& write);

  base::result<std::optional<stored_resource>> current(std::string_view type, base::uuid id) const override;
  base::result<std::optional<stored_resource>> version(std::string_view type, base::uuid id, std::uint64_t version) const override;
  base::result<std::vector<stored_resource>> history(std::string_view type, base::uuid id, std::size_t limit) const override;
  base::result<std::vector<base::uuid>> ids_in(std::string_view type, std::string_view parameter, std::string_view from,
                                               std::string_view to, std::size_t limit) const override;
  base::result<std::vector<base::uuid>> all_ids(std::string_view type, std::size_t limit) const override;
  // Entries of a bundle ask for no history but by version.
  base::result<std::vector<dated_version>> dated(std::string_view type, base::timestamp after, std::size_t limit) const override {
    return under_.dated(type, after, limit);
  }
  base::result<std::optional<base::uuid>> unique_owner(std::string_view rule, std::string_view key) const override;
  std::uint64_t sequence() const override { return under_.sequence(); }

private:
  using address = std::pair<std::string, base::uuid>;
  struct row {
    stored_resource stored;
    std::vector<index_entry> index;
  };
  const row* find(std::string_view type, base::uuid id) const;

  const resource_view& under_;
  base::timestamp now_;
  std::map<address, row> rows_;
  std::map<unique_key, base::uuid> owners_;
};

}  // namespace dsf::fhir

// What the FHIR rules see of the store: a consistent snapshot, and the index entries they ask for in it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/uuid.hpp"

namespace dsf::fhir {

// One version of a resource as the store holds it.
struct stored_resource {
  std::string type;
  base::uuid id;
  std::uint64_t version = 0;
  base::timestamp last_updated;
  bool deleted = false;                      // the deletion is a version of its own
  std::shared_ptr<const std::string> bytes;  // served JSON; null if deleted
  std::string access_class;                  // who may read this version, see access.hpp; of a deletion: that of the version before
};

// A version's place in the history of its type.
struct dated_version {
  base::timestamp last_updated;
  base::uuid id;
  std::uint64_t version = 0;
  bool deleted = false;
  std::string_view access_class;  // valid as long as the view
};

// The value is a byte string whose order is the order of the parameter's values, see search_index.hpp.
struct index_entry {
  std::string parameter;
  std::string value;
  auto operator<=>(const index_entry&) const = default;
};

// A key that at most one current resource may own, over all types: "Organization.identifier", "site-a.example".
struct unique_key {
  std::string rule;
  std::string key;
  auto operator<=>(const unique_key&) const = default;
};

// A consistent snapshot. All calls may fail with the store's errors.
class resource_view {
public:
  virtual ~resource_view() = default;

  // The newest version, a deletion too; nothing if the id was never used.
  virtual base::result<std::optional<stored_resource>> current(std::string_view type, base::uuid id) const = 0;
  virtual base::result<std::optional<stored_resource>> version(std::string_view type, base::uuid id, std::uint64_t version) const = 0;
  // All versions, deletions too, oldest first; at most `limit`.
  virtual base::result<std::vector<stored_resource>> history(std::string_view type, base::uuid id, std::size_t limit) const = 0;

  // Ids of current resources that have an entry with from <= value < to; an empty `to` means to the end of the parameter. Each id once, in the order
  // of its first value; at most `limit`.
  virtual base::result<std::vector<base::uuid>> ids_in(std::string_view type, std::string_view parameter, std::string_view from,
                                                       std::string_view to, std::size_t limit) const = 0;
  // Ids of all current (not deleted) resources of a type, in the order in which they were first created; at most `limit`.
  virtual base::result<std::vector<base::uuid>> all_ids(std::string_view type, std::size_t limit) const = 0;

  // Versions of a type, deletions too, that are newer than `after`, oldest first; at most `limit`. No two have the same time.
  virtual base::result<std::vector<dated_version>> dated(std::string_view type, base::timestamp after, std::size_t limit) const = 0;

  virtual base::result<std::optional<base::uuid>> unique_owner(std::string_view rule, std::string_view key) const = 0;

  // The newest commit that this snapshot contains.
  virtual std::uint64_t sequence() const = 0;
};

}  // namespace dsf::fhir

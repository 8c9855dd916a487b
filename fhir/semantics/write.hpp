// What an interaction wants written: a value that the store turns into one commit.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/uuid.hpp"
#include "fhir/semantics/view.hpp"
#include "fhir/storable.hpp"

namespace dsf::fhir {

struct resource_write {
  // purge: every version of a deleted resource goes; there is no `written` for it.
  enum class kind : std::uint8_t { create, update, remove, purge };
  kind what = kind::create;
  std::string type;
  base::uuid id;
  storable body;                        // empty for remove; the store puts version and time into its meta
  std::uint64_t expected_version = 0;   // of the current version; 0 for create
  std::vector<index_entry> index;       // replaces all entries of the version before; sorted, no duplicates
  std::vector<unique_key> unique;  // replaces all keys of the version before; the commit needs each to be free or owned by this resource
  std::string access_class;  // for remove: that of the version before
  bool requested_task = false;  // a Task of status requested: goes to the engine's inbox
};

// An index range as ids_in() takes it. Without a parameter: all resources of the type.
struct index_range {
  std::string type;
  std::string parameter;
  std::string from;
  std::string to;  // empty: to the end of the parameter
  bool operator==(const index_range&) const = default;
};

// All or nothing. A resource occurs at most once.
struct write_set {
  std::vector<resource_write> writes;  // in the order in which they take effect
  std::vector<index_range> unchanged;  // no entry in these ranges was added or removed since the snapshot (conditional interactions)
  std::uint64_t snapshot_sequence = 0;
};

// What the store answers for each write, in the order of write_set::writes.
struct written {
  std::string type;
  base::uuid id;
  std::uint64_t version = 0;
  base::timestamp last_updated;
};

}  // namespace dsf::fhir

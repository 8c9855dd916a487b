// A commit: what must hold, and what is written if it does. A value that carries all it needs; applying it is deterministic given sequence and time
// (docs/design.md, decision 1).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/clock.hpp"
#include "base/uuid.hpp"
#include "fhir/semantics/view.hpp"
#include "fhir/semantics/write.hpp"
#include "storage/errors.hpp"
#include "storage/tables.hpp"

namespace dsf::storage {

// ---- preconditions; checked in order, seeing all earlier commits ----

// The newest version, a deletion too; 0: the id was never used.
struct version_is {
  std::string type;
  base::uuid id;
  std::uint64_t version = 0;
  bool operator==(const version_is&) const = default;
};
// No current resource but `except` owns the key.
struct absent {
  std::string rule;
  std::string key;
  std::optional<base::uuid> except;
  bool operator==(const absent&) const = default;
};
// The number of the instance's last event; 0: it has none.
struct instance_at {
  std::uint64_t instance = 0;
  std::uint64_t event = 0;
  bool operator==(const instance_at&) const = default;
};
// No entry with from <= value < to was added or removed by commits after `since`. Empty `to`: to the end of the parameter; empty parameter: no resource
// of the type was written. The store may refuse when it can no longer tell.
struct unchanged {
  std::string type;
  std::string parameter;
  std::string from;
  std::string to;
  std::uint64_t since = 0;
  bool operator==(const unchanged&) const = default;
};
// A row put with put_row or put_inbox exists, or does not. `key` is what follows the table byte, see keys.hpp.
struct row_is {
  table in = table::meta;
  std::string key;
  bool exists = true;
  bool operator==(const row_is&) const = default;
};
using precondition = std::variant<version_is, absent, instance_at, unchanged, row_is>;

// ---- operations; in order ----

// The next version of the resource (its first, if the id was never used). Index entries, unique keys and references of the version before are removed.
struct put_resource {
  std::string type;
  base::uuid id;
  std::string body;  // JSON text; at meta_at the store splices versionId and lastUpdated in, see fhir/storable.hpp
  std::uint32_t meta_at = 0;
  std::vector<fhir::index_entry> index;  // sorted, none twice
  std::vector<fhir::unique_key> unique;  // the commit is refused if another resource owns one
  std::string access_class;  // canonical text; interned
  bool sealed = false;  // the store seals what may carry patient data when the commit is submitted; callers leave this alone
  std::string aside = {};  // blob::to_bytes() of a Binary; only of types that are sealed
  bool operator==(const put_resource&) const = default;
};
// A version of its own; refused if the resource does not exist or is deleted already.
struct delete_resource {
  std::string type;
  base::uuid id;
  bool operator==(const delete_resource&) const = default;
};
// Every trace of the resource goes, be it current or deleted: all versions, index entries, unique keys and its data key. No version is made; the id is
// as one that was never used. Refused if the id was never used; use version_is so that nothing newer is purged.
struct purge_resource {
  std::string type;
  base::uuid id;
  bool operator==(const purge_resource&) const = default;
};
// Events follow one another without a gap; the first of an instance is 1. The snapshot, if any, is the state after the last of these events.
struct append_events {
  std::uint64_t instance = 0;
  std::uint64_t first = 1;
  std::vector<std::string> events;
  std::optional<std::string> snapshot;
  bool operator==(const append_events&) const = default;
};
// The instance is over: events and snapshot stay to be read, its journal rows go.
struct end_instance {
  std::uint64_t instance = 0;
  bool operator==(const end_instance&) const = default;
};
// Events, snapshot, values, journal and data key go. The number is not used again.
struct forget_instance {
  std::uint64_t instance = 0;
  bool operator==(const forget_instance&) const = default;
};
// Tables M, K, V, J, B, C, T, X; in M only names that do not start with "store/".
struct put_row {
  table in = table::meta;
  std::string key;
  std::string value;
  bool sealed = false;  // the value is, under its owner's data key (sealing.hpp)
  bool operator==(const put_row&) const = default;
};
// As put_row, and N. No such row: nothing happens; use row_is to insist.
struct delete_row {
  table in = table::meta;
  std::string key;
  bool operator==(const delete_row&) const = default;
};
// A row of N under the partition and sequence of this commit.
struct put_inbox {
  std::string value;
  bool operator==(const put_inbox&) const = default;
};
using operation = std::variant<put_resource, delete_resource, append_events, end_instance, forget_instance, put_row, delete_row, put_inbox,
                               purge_resource>;

struct commit {
  std::uint16_t partition = 0;
  std::vector<precondition> preconditions;
  std::vector<operation> operations;
  bool operator==(const commit&) const = default;
};

struct receipt {
  std::uint64_t sequence = 0;
  base::timestamp time;
  std::vector<fhir::written> written;  // one for each put_resource and delete_resource, in order
};

// What counts against the limits of queue and group.
std::size_t size_bytes(const commit& c) noexcept;

// Appends preconditions and operations of a FHIR interaction's write set. What the engine's inbox gets for a requested Task is the caller's to add.
void append(commit& to, fhir::write_set writes);

// proto/commit.proto
std::string to_protobuf(const commit& c);
result<commit> commit_from_protobuf(std::string_view bytes);

}  // namespace dsf::storage

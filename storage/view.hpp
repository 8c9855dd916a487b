// A consistent snapshot of the store: resources for the FHIR rules, instances and rows for the engine and the tools.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "fhir/semantics/view.hpp"
#include "storage/blobs/blob.hpp"
#include "storage/feed.hpp"
#include "storage/keys.hpp"
#include "storage/kv.hpp"
#include "storage/sealing.hpp"
#include "storage/tables.hpp"

namespace dsf::storage {

struct row {
  std::string key;             // without the table byte
  std::string value;
  bool operator==(const row&) const = default;
};

struct stored_event {
  std::uint64_t number = 0;
  std::string bytes;
};

struct stored_snapshot {
  std::uint64_t event = 0;     // the last event it contains
  std::string bytes;
};

struct instance_info {
  std::uint64_t instance = 0;
  std::uint64_t last_event = 0;
  base::timestamp started;
  base::timestamp ended;       // 0 while it lives
  [[nodiscard]] bool is_live() const { return ended.us == 0; }
};

struct due_timer {
  keys::timer_key at;
  row entry;
};

class class_names;

// A row of V.
struct instance_value {
  instance_value(std::string b, bool s = false) : bytes(std::move(b)), sealed(s) {}
  std::string bytes;
  bool sealed;  // was stored so; its name then is its keyed_name()
};

// Immutable and thread-safe. Holding one keeps old versions of rows on the disk: hold it for a request, not for a day.
class store_view final : public fhir::resource_view {
public:
  // `master`: opens data keys; null where nothing is sealed.
  store_view(std::shared_ptr<const kv_reader> rows, std::uint64_t sequence, std::shared_ptr<class_names> classes,
             std::shared_ptr<const master_key> master = nullptr);

  // fhir::resource_view
  result<std::optional<fhir::stored_resource>> current(std::string_view type, base::uuid id) const override;
  result<std::optional<fhir::stored_resource>> version(std::string_view type, base::uuid id, std::uint64_t version) const override;
  result<std::vector<fhir::stored_resource>> history(std::string_view type, base::uuid id, std::size_t limit) const override;
  result<std::vector<base::uuid>> ids_in(std::string_view type, std::string_view parameter, std::string_view from, std::string_view to,
                                         std::size_t limit) const override;
  result<std::vector<base::uuid>> all_ids(std::string_view type, std::size_t limit) const override;
  result<std::vector<fhir::dated_version>> dated(std::string_view type, base::timestamp after, std::size_t limit) const override;
  result<std::optional<base::uuid>> unique_owner(std::string_view rule, std::string_view key) const override;
  std::uint64_t sequence() const override { return sequence_; }

  // As current(), but never reads the disk: `known` is false if the answer is not in memory.
  struct cached_resource {
    bool known = false;
    std::optional<fhir::stored_resource> resource;
  };
  result<cached_resource> current_cached(std::string_view type, base::uuid id) const;

  // Instances. Events from number `from` on; at most `limit`.
  result<std::vector<stored_event>> instance_events(std::uint64_t instance, std::uint64_t from = 1, std::size_t limit = SIZE_MAX) const;
  result<std::optional<stored_snapshot>> instance_snapshot(std::uint64_t instance) const;
  result<std::optional<instance_info>> instance(std::uint64_t instance) const;
  // In the order of their ids, from `from` on.
  result<std::vector<instance_info>> instances(std::uint64_t from, std::size_t limit) const;

  // Rows of a table whose key starts with `prefix` and is not below `from`; at most `limit`. Sealed rows of V come sealed.
  result<std::vector<row>> rows(table in, std::string_view prefix, std::size_t limit, std::string_view from = {}) const;
  result<std::optional<std::string>> row_value(table in, std::string_view key) const;
  // The data key in K's row `row` (keys::instance_data_key, resource_data_key); nothing if the owner has none, or none any more.
  result<std::optional<data_key>> data_key_at(std::string_view row) const;
  // Where the bytes of that version of a Binary lie, if not in its row; nothing too if they were erased or deleted.
  result<std::optional<blob>> blob_of(base::uuid binary, std::uint64_t version) const;
  // Of all its versions, each once.
  result<std::vector<blob>> blobs_of(base::uuid binary) const;
  // V, opened. erased if it is sealed and the instance's key is gone.
  result<std::optional<instance_value>> value_of(std::uint64_t instance, std::string_view name) const;
  // Timers of a partition with due <= until, earliest first.
  result<std::vector<due_timer>> due_timers(std::uint16_t partition, base::timestamp until, std::size_t limit) const;

  // Entries after sequence `after`, in order. feed_trimmed if the feed no longer reaches back that far.
  result<std::vector<feed_entry>> read_feed(std::uint64_t after, std::size_t limit) const;
  // Where a follower of the feed stands; 0 if it never said.
  result<std::uint64_t> cursor(std::string_view name) const;

  // What is stored, as it is stored; for backups. Valid as long as the view.
  [[nodiscard]] const kv_reader& below() const { return *rows_; }

  // Every row of the store in order, without what differs between two stores of equal content; for tests that compare two stores.
  result<std::string> dump() const;

private:
  result<std::optional<fhir::stored_resource>> decode(std::string_view type, base::uuid id, std::string_view record) const;
  result<std::optional<blob>> blob_in(base::uuid binary, std::string_view record) const;
  result<std::optional<base::uuid>> id_of(std::string_view type, std::uint32_t ordinal) const;

  std::shared_ptr<const kv_reader> rows_;
  std::uint64_t sequence_;
  std::shared_ptr<class_names> classes_;
  std::shared_ptr<const master_key> master_;
};

}  // namespace dsf::storage

// A site's clinical FHIR resources: a store of its own, apart from the FHIR endpoint's (docs/design.md, decision 15). It is filled by
// imports and asked for cohorts; no other site ever reaches it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <istream>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "privacy/cohort.hpp"
#include "storage/errors.hpp"

namespace dsf::storage {

struct repository_settings {
  std::size_t write_buffer_bytes = 8 << 20;
  std::size_t block_cache_bytes = 16 << 20;
  bool read_only = false;  // for tools beside a running site; imports are refused
};

struct import_progress {
  std::string_view source;
  std::uint64_t bytes_done = 0;
  std::uint64_t bytes_total = 0;  // 0: not known
  std::uint64_t resources = 0;
  std::uint64_t skipped = 0;
};

struct import_settings {
  bool resume = true;         // go on where an unfinished import of the same, unchanged file stopped
  bool stop_at_error = true;  // false: leave bad resources out, and report them
  std::size_t batch_resources = 1'000;
  std::size_t batch_bytes = 4 << 20;
  std::size_t line_bytes = 16 << 20;    // one resource
  std::size_t bundle_bytes = 64 << 20;  // a Bundle is read whole; split a larger one into NDJSON
  // Called after each batch; false stops the import, which can be resumed.
  std::function<bool(const import_progress&)> progress;
};

struct import_report {
  static constexpr std::size_t max_errors = 100;
  std::uint64_t resources = 0;  // written by this call
  std::uint64_t skipped = 0;
  std::uint64_t resumed_at = 0;  // byte (NDJSON) or entry (Bundle) that the import went on from
  bool finished = false;         // false: `progress` stopped it
  std::vector<base::error> errors;  // of skipped resources, the first hundred
};

struct stored_resource {
  std::string id;
  std::string json;  // as imported
};
struct resource_page {
  std::vector<stored_resource> resources;
  std::optional<std::string> next;  // `from` of the next page
};

// All functions may be called from any thread; imports run one after the other. Calls block on disk: for work threads only.
class repository {
public:
  // Makes the folder when it is not there. A folder of another kind, of a newer release, damaged or in use is refused.
  static result<std::unique_ptr<repository>> open(const std::filesystem::path& folder, const repository_settings& settings = {});
  ~repository();
  repository(const repository&) = delete;
  repository& operator=(const repository&) = delete;

  // NDJSON (one resource a line), or, when the name ends in .json, a Bundle or a single resource. A resource replaces an earlier one of
  // its type and id. A batch and the position behind it are one synced write; an error names file and line (or entry) and leaves the
  // batch it is in unwritten.
  result<import_report> import_file(const std::filesystem::path& file, const import_settings& settings = {});
  // NDJSON that can't be resumed, such as standard input; `name` is for messages.
  result<import_report> import_stream(std::istream& in, const std::string& name, const import_settings& settings = {});
  // One batch.
  result<void> put(std::span<const base::json> resources);

  // Exact, before any disclosure control. The index is loaded or built when it is needed first after an import.
  result<std::uint64_t> count(const privacy::ccdl_query& query, const privacy::mapping& map, const privacy::ontology_tree& tree,
                              privacy::day today);

  // In the order of ids, beginning with the first id not before `from`; at most `limit`.
  result<resource_page> resources(std::string_view type, std::string_view from = {}, std::size_t limit = 1'000) const;
  result<std::optional<std::string>> read(std::string_view type, std::string_view id) const;
  result<std::map<std::string, std::uint64_t>> count_by_type() const;

  // Builds or loads the index now, so that the first question does not wait.
  result<void> load_index();
  // Gives the index's memory back until the next question: for a site that has been idle.
  void release_index();
  std::size_t index_memory_bytes() const;

  struct impl;

private:
  explicit repository(std::unique_ptr<impl> i);
  std::unique_ptr<impl> impl_;
};

}  // namespace dsf::storage

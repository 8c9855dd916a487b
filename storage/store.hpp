// The store of a site: one commit thread orders all writes, everyone else reads snapshots (docs/design.md, decisions 1, 4, 17, 18).
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/entropy.hpp"
#include "base/log.hpp"
#include "storage/commit.hpp"
#include "storage/feed.hpp"
#include "storage/keys.hpp"
#include "storage/sealing.hpp"
#include "storage/view.hpp"

namespace dsf::storage {

inline constexpr std::uint32_t format_version = 1;

struct store_limits {
  std::size_t group_commits = 1'000;
  std::size_t group_bytes = 4 << 20;
  std::size_t queue_commits = 10'000;
  std::size_t queue_bytes = 64 << 20;
  std::size_t commit_bytes = 64 << 20;
  std::size_t row_cache_bytes = 8 << 20;          // what the commit thread remembers of current rows
  std::size_t changes_remembered = 100'000;       // index changes, for `unchanged`
  std::uint64_t feed_rows = 1'000'000;            // the feed is cut to this even if a follower is behind
  std::uint64_t verify_at_open_bytes = 256 << 20; // a store up to this size is read whole at opening; a larger one in the background
  std::uint64_t low_water_bytes = 512 << 20;      // free disk space below which status().low_space is set
  std::uint64_t reopen_free_bytes = 32 << 20;     // what opening again after a failed write needs: logs are written out
  std::uint64_t reopen_trial_bytes = 1 << 20;     // written and removed before anything is closed
  int view_wait_ms = 10'000;                      // how long closing waits for views in use
};

struct store_options {
  std::filesystem::path path;                     // folder of RocksDB; empty if `rows` is given
  std::shared_ptr<kv> rows;                       // tests and the simulation
  base::clock* clock = &base::system_clock_source();
  base::entropy* entropy = &base::system_entropy();
  const base::logger* log = nullptr;
  store_limits limits;
  bool by_hand = false;                           // no thread: run_one_group() does the commit thread's work; for the simulation
  bool create = true;                             // make the store if the folder is empty or missing
  bool read_only = false;                         // of a store that no program has open
  std::filesystem::path master_key_file;          // of a store in a folder; empty: master.key in it. A new store makes it
  std::size_t block_cache_bytes = 32 << 20;
  std::size_t write_buffers_bytes = 24 << 20;  // of all tables together
  std::string release = "0.1.0";                  // of this program; written into new stores
};

struct store_figures;  // store_figures.hpp

struct store_status {
  bool writable = false;
  std::string why_not;                            // a sentence, when not writable
  std::string why_not_in_short;                   // without places on this machine, for other sites
  bool may_recover = false;                       // a write or a read failed: reopen() may mend it; not after close() or damage
  std::uint64_t sequence = 0;
  std::uint64_t commits = 0;                      // accepted since opening
  std::uint64_t conflicts = 0;
  std::uint64_t groups = 0;                       // = syncs of the commit thread
  std::uint64_t largest_group = 0;
  std::uint64_t bytes_written = 0;
  std::size_t queued_commits = 0;
  std::size_t queued_bytes = 0;
  std::uint64_t feed_overruns = 0;                // followers that lost rows of the feed to feed_rows
  std::uint64_t disk_free_bytes = 0;              // 0 if unknown
  bool low_space = false;
  std::string site_id;                            // random, of this store
  std::string created_by;                         // release
};

class blob_store;

class store {
public:
  // Fails with not_a_store, damaged, newer_format, locked or io; never repairs.
  static result<std::unique_ptr<store>> open(store_options options);
  // Takes what is queued, then closes.
  ~store();
  store(const store&) = delete;
  store& operator=(const store&) = delete;

  using answer = std::function<void(result<receipt>)>;
  // Never blocks. `done` runs once: on the commit thread, in sequence order among the accepted commits, after the sync; or at once on the caller's thread
  // with overloaded, too_large, read_only or closed. It must be quick and must not throw.
  void submit(commit c, answer done);
  // Waits for the answer; for tools and tests. Never call it on the commit thread.
  result<receipt> submit_wait(commit c);

  // Of a store opened by_hand: takes what is queued as one group, as the commit thread would, on the caller's thread. False: nothing was queued.
  bool run_one_group();

  // Called on the commit thread after the answers, with the entries of one group, in order. Listeners can't be removed; register before traffic starts.
  using listener = std::function<void(std::span<const feed_entry>)>;
  void on_commit(listener l);

  // The newest snapshot; cheap, shared until the next commit. Null only after close(). While the store is opened again, one that answers every
  // question with read_only.
  [[nodiscard]] std::shared_ptr<const store_view> view() const;

  // The first of `n` (1 to 10,000) consecutive instance ids, never given before, not even before a crash. Waits for one commit when a block is used up.
  result<std::uint64_t> allocate_instance_ids(std::uint16_t partition, std::uint32_t n = 1);
  // Ids as the outside sees them: UUIDs made of the number and this store's salt, reversible. `activity` 0: the instance itself.
  [[nodiscard]] std::string external_id(std::uint64_t instance, std::uint32_t activity = 0) const;
  struct internal_id {
    std::uint64_t instance = 0;
    std::uint32_t activity = 0;
    bool operator==(const internal_id&) const = default;
  };
  result<internal_id> internal_id_of(std::string_view uuid) const;

  // Data keys (docs/decisions/erasure.md). Resources that may carry patient data are sealed by submit(); values of instances by who writes them:
  [[nodiscard]] data_key new_data_key() const;
  // Puts the key, wrapped, into K's row `row`.
  result<put_row> put_data_key(const data_key& key, std::string row) const;
  // Of V, under the instance's key.
  result<put_row> put_value(const data_key& key, std::uint64_t instance, std::string_view name, std::string_view bytes) const;
  // Any text that stands in a row of its own making.
  result<std::string> seal(const data_key& key, std::string_view text, std::string_view bound_to) const;
  // The files of Binaries with many bytes (blobs/blob_store.hpp); null for a store without a folder.
  [[nodiscard]] blob_store* blobs() const;
  // After keys or rows were deleted: their bytes leave files and log. Takes as long as it takes to write `range` of the table's family anew.
  result<void> flush_and_compact(family f, const key_range& range);

  // The operation that records how far a follower of the feed has come; belongs in the commit that holds what the follower did.
  static operation move_cursor(std::string_view name, std::uint64_t sequence);

  [[nodiscard]] store_status status() const;
  [[nodiscard]] store_figures figures() const;
  // Answers what is queued, then closes the files. Views must be given back first; waits up to 10 s for them.
  result<void> close();
  // After a failed write: tries whether the disk takes writes again, closes, and opens from what the disk holds, which must be what was answered and
  // nothing more. On failure the store stays read-only, or becomes it, and can be read. One call at a time, never together with close().
  result<void> reopen();

  class impl;

private:
  explicit store(std::unique_ptr<impl> i);
  std::unique_ptr<impl> impl_;
};

}  // namespace dsf::storage

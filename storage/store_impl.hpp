// The parts of an open store, and the thread that writes it.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>

#include "base/histogram.hpp"
#include "storage/blobs/blob_store.hpp"
#include "storage/row_memory.hpp"
#include "storage/store.hpp"
#include "storage/store_figures.hpp"
#include "storage/store_folder_impl.hpp"
#include "storage/store_rows_impl.hpp"

namespace dsf::storage {

class store::impl {
public:
  explicit impl(store_options options);
  ~impl() { (void)stop(); }

  result<void> start();
  result<void> stop();
  result<void> reopen();

  void submit(commit c, answer done, bool internal);
  result<receipt> submit_wait(commit c, bool internal);
  bool run_one_group();
  void add_listener(listener l);
  std::shared_ptr<const store_view> view();
  result<std::uint64_t> allocate(std::uint16_t partition, std::uint32_t n);
  store_status status();
  store_figures figures();
  const id_cipher& ids() const { return cipher_; }
  const master_key& master() const { return *master_; }
  base::entropy& entropy() const { return *options_.entropy; }
  blob_store* blobs() const { return blobs_.get(); }
  result<void> flush_and_compact(family f, const key_range& range);

private:
  struct item {
    commit c;
    answer done;
    std::size_t bytes = 0;
    std::int64_t submitted_us = 0;  // steady clock
  };

  result<void> open_rows(bool read_only);
  result<void> open_master_key();
  result<void> seal_resources(commit& c);
  enum class verification : std::uint8_t { at_opening, in_background, none };
  result<void> verify_rows(verification how);
  // Rows, then applier, counters and commit thread over them.
  result<void> begin(bool read_only, verification how);
  void start_thread();
  void end_threads();
  void drop_rows();
  result<void> wait_for_views();
  [[nodiscard]] std::optional<std::uint64_t> free_bytes() const;
  result<void> try_disk() const;
  result<void> open_again(std::uint64_t answered);
  result<void> cut_refused();
  void fall_back(const base::error& why);
  // The commit thread.
  void run();
  void take_group(std::vector<item>& group);
  void process(std::vector<item>& group);
  void deliver(std::vector<item>& group, std::vector<result<receipt>>& answers);
  void trim_feed();
  void note_cursors(const commit& c);
  void turn_read_only(const base::error& why, std::string_view doing);
  void break_off(const base::error& why, std::string text);
  base::failure refusal() const;

  store_options options_;

  // Open parts; set by start(), given back by stop().
  std::unique_ptr<store_folder> folder_;
  std::shared_ptr<kv> rows_;
  std::shared_ptr<kv> uncut_;  // rows that were closed after a failed write, whose log may still hold what was refused
  store_rows about_;
  id_cipher cipher_{{}};
  std::shared_ptr<const master_key> master_;
  std::shared_ptr<row_memory> memory_;        // of these rows
  std::unique_ptr<blob_store> blobs_;  // as long as the store, also while the rows are opened again
  std::unique_ptr<applier> applier_;
  std::thread thread_;
  std::thread verifier_;
  std::atomic<bool> stop_verifying_ = false;

  // Queue and state.
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<item> queue_;
  std::size_t queued_bytes_ = 0;
  bool open_ = false;
  bool reopening_ = false;
  bool waiting_ = false;                      // the commit thread sleeps
  std::optional<base::error> broken_;         // why the store takes no commits
  bool may_recover_ = false;                  // of broken_
  store_status counters_;

  base::histogram commit_us_, sync_us_, group_commits_;
  std::atomic<std::uint64_t> rows_written_ = 0;

  // Commit thread only.
  write_batch batch_;
  std::vector<feed_entry> entries_;
  std::vector<result<receipt>> answers_;
  std::uint64_t next_trim_ = 0;
  bool overrun_ = false;

  std::mutex listeners_mutex_;
  std::vector<listener> listeners_;

  std::mutex view_mutex_;
  std::shared_ptr<const store_view> view_;
  std::shared_ptr<const store_view> in_between_;  // what callers get while the rows are closed and opened again
  std::atomic<std::uint64_t> published_ = 0;

  std::mutex ids_mutex_;
  std::uint64_t next_instance_ = 0;
  std::uint64_t instances_end_ = 0;
};

}  // namespace dsf::storage

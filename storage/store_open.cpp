// Opening and closing; opening again is in store_reopen.cpp.
#include <fmt/format.h>
#include <pthread.h>

#include <chrono>

#include "storage/dated.hpp"
#include "storage/rocks_kv.hpp"
#include "storage/store_impl.hpp"

namespace dsf::storage {

namespace {

constexpr std::size_t remembered_bytes = 8 << 20;  // of resources that were read lately

}  // namespace

result<void> store::impl::verify_rows(verification how) {
  if (how == verification::none) return {};
  if (how == verification::at_opening && rows_->stored_bytes() <= options_.limits.verify_at_open_bytes)
    return rows_->verify(stop_verifying_);
  if (options_.by_hand) return rows_->verify(stop_verifying_);
  if (options_.read_only) return {};  // a tool looks at parts; what it reads is checked
  verifier_ = std::thread([this] {
    ::pthread_setname_np(::pthread_self(), "verify");
    if (auto found = rows_->verify(stop_verifying_); !found) turn_read_only(found.error(), "checking the store's files");
  });
  return {};
}

// The folder, with its lock, is kept when the rows are opened again.
result<void> store::impl::open_rows(bool read_only) {
  if (options_.rows) {
    rows_ = options_.rows;
  } else {
    if (!folder_) folder_ = TRY(store_folder::open(options_.path, options_.create, options_.read_only, options_.release));
    rocks_settings settings;
    settings.block_cache_bytes = options_.block_cache_bytes;
    settings.write_buffers_bytes = options_.write_buffers_bytes;
    if (!blobs_) blobs_ = TRY(blob_store::open(options_.path / "blobs", options_.read_only, *options_.entropy));
    rows_ = TRY(open_rocks_kv(folder_->rows(), settings, folder_->is_new(), read_only));
  }
  stop_verifying_ = false;
  const auto in_place = [&](base::error e) { return base::failure(std::move(e).at(options_.path.string())); };
  auto about = read_store_rows(*rows_);
  if (!about) return in_place(std::move(about).error());
  if (!*about) {
    if (read_only || !options_.create || (folder_ && !folder_->is_new()))
      return in_place(base::error(folder_ && !folder_->is_new() ? errc::damaged : errc::not_a_store, "the store has no rows about itself"));
    TRY(make_store_rows(*rows_, *options_.entropy, options_.release));
    about = TRY(read_store_rows(*rows_));
  }
  {
    const std::scoped_lock lock(mutex_, view_mutex_);
    about_ = std::move(**about);
    memory_ = std::make_shared<row_memory>(remembered_bytes);
  }
  TRY(open_master_key());
  if (folder_ && folder_->is_new()) TRY(folder_->finish(options_.release));
  return {};
}

result<void> store::impl::start() {
  auto opened = begin(options_.read_only, verification::at_opening);
  if (opened) {
    cipher_ = id_cipher(about_.salt);
    return opened;
  }
  stop_verifying_ = true;
  if (verifier_.joinable()) verifier_.join();
  rows_.reset();
  folder_.reset();
  return opened;
}

result<void> store::impl::begin(bool read_only, verification how) {
  TRY(open_rows(read_only));
  TRY(verify_rows(how));
  if (!read_only) TRY(date_old_versions(*rows_));
  auto made =
      std::make_unique<applier>(*rows_, about_.last, about_.classes, options_.limits.row_cache_bytes, options_.limits.changes_remembered);
  {
    const std::lock_guard lock(view_mutex_);
    applier_ = std::move(made);
    published_ = about_.last.sequence;
  }
  next_trim_ = about_.last.sequence;
  {
    const std::lock_guard lock(ids_mutex_);
    next_instance_ = instances_end_ = about_.instances_reserved;
  }
  {
    const std::lock_guard lock(mutex_);
    counters_ = {};
    broken_.reset();
    may_recover_ = false;
    if (options_.read_only) broken_.emplace(errc::read_only, "the store was opened for reading only");
  }
  start_thread();
  return {};
}

void store::impl::start_thread() {
  {
    const std::lock_guard lock(mutex_);
    open_ = true;
  }
  if (options_.by_hand) return;
  thread_ = std::thread([this] {
    ::pthread_setname_np(::pthread_self(), "commit");
    run();
  });
}

void store::impl::end_threads() {
  {
    const std::lock_guard lock(mutex_);
    open_ = false;
  }
  wake_.notify_all();
  // As the thread does: what is queued is answered.
  if (options_.by_hand)
    while (run_one_group()) {}
  if (thread_.joinable()) thread_.join();
  stop_verifying_ = true;
  if (verifier_.joinable()) verifier_.join();
}

void store::impl::drop_rows() {
  const std::lock_guard lock(view_mutex_);
  applier_.reset();
  rows_.reset();
}

// RocksDB can't be closed under a snapshot.
result<void> store::impl::wait_for_views() {
  const long ours = options_.rows ? LONG_MAX : 1;
  for (int waited = 0; rows_.use_count() > ours; ++waited) {
    if (waited == options_.limits.view_wait_ms)
      return fail(errc::locked, fmt::format("the store can't be closed: {} snapshots of it are still in use", rows_.use_count() - 1),
                  options_.path.string());
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return {};
}

result<void> store::impl::stop() {
  end_threads();
  {
    const std::lock_guard lock(view_mutex_);
    view_.reset();
    in_between_.reset();
    if (!rows_) return cut_refused();
    applier_.reset();
  }
  TRY(wait_for_views());
  bool failed = false;
  {
    const std::lock_guard lock(mutex_);
    failed = broken_ && may_recover_;
  }
  const auto closed = failed ? rows_->close_after_failure() : result<void>();
  drop_rows();
  folder_.reset();
  return closed;
}

result<std::unique_ptr<store>> store::open(store_options options) {
  auto made = std::make_unique<impl>(std::move(options));
  TRY(made->start());
  return std::unique_ptr<store>(new store(std::move(made)));
}

store::store(std::unique_ptr<impl> i) : impl_(std::move(i)) {}
store::~store() = default;

result<void> store::close() { return impl_->stop(); }
result<void> store::reopen() { return impl_->reopen(); }

}  // namespace dsf::storage

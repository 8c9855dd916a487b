// The way back after a failed write (docs/design.md, decision 18): RocksDB is closed and opened again, and what it then holds is compared with
// what was answered.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "storage/store_impl.hpp"

namespace dsf::storage {
namespace {

// Empty and deaf: what a caller can see while there are no rows.
class in_between_rows final : public kv_reader {
public:
  result<bool> find(family, std::string_view, std::string&) const override { return refused(); }
  result<cached> find_cached(family, std::string_view, std::string&) const override { return refused(); }
  result<void> scan(family, const key_range&, const row_visitor&) const override { return refused(); }

private:
  static base::failure refused() { return fail(errc::read_only, "the store is being opened again; ask again in a moment"); }
};

}  // namespace

// Whether it is worth while: a store that is closed in vain can't be read meanwhile. The free space of the file system does not tell of quotas and
// limits, so a file is written.
result<void> store::impl::try_disk() const {
  if (options_.rows || options_.read_only) return {};
  const auto free = free_bytes();
  if (free && *free < options_.limits.reopen_free_bytes)
    return fail(errc::io,
                fmt::format("{} MiB are free on the store's disk, {} MiB are needed to open it again", *free >> 20,
                            options_.limits.reopen_free_bytes >> 20),
                options_.path.string());
  const auto name = options_.path / "trial";
  const int file = ::open(name.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
  const auto failed = [&](int why) {
    return fail(errc::io, fmt::format("the store's disk does not take writes yet: {}", std::strerror(why)), name.string());
  };
  if (file < 0) return failed(errno);
  const std::string block(64 << 10, 't');
  int why = 0;
  for (std::uint64_t done = 0; done < options_.limits.reopen_trial_bytes && why == 0;) {
    const auto n = ::write(file, block.data(), block.size());
    if (n > 0)
      done += static_cast<std::uint64_t>(n);
    else if (n == 0 || errno != EINTR)
      why = n == 0 ? ENOSPC : errno;
  }
  if (why == 0 && ::fsync(file) != 0) why = errno;
  ::close(file);
  ::unlink(name.c_str());
  return why == 0 ? result<void>() : result<void>(failed(why));
}

result<void> store::impl::reopen() {
  TRY(try_disk());
  bool after_failure = false;
  {
    const std::lock_guard lock(mutex_);
    after_failure = broken_ && may_recover_;
    reopening_ = true;
  }
  end_threads();
  const std::uint64_t answered = published_;
  {
    const std::lock_guard lock(view_mutex_);
    in_between_ = std::make_shared<const store_view>(std::make_shared<in_between_rows>(), answered, about_.classes);
    view_.reset();
  }
  auto done = rows_ ? wait_for_views() : result<void>();
  if (!done) {
    // Nothing has been closed: it goes on as it was.
    start_thread();
  } else {
    if (rows_ && after_failure) uncut_ = rows_;
    drop_rows();
    done = cut_refused();
    if (done) done = open_again(answered);
    if (!done) fall_back(done.error());
  }
  const std::scoped_lock lock(mutex_, view_mutex_);
  open_ = true;
  reopening_ = false;
  if (rows_) in_between_.reset();
  return done;
}

result<void> store::impl::cut_refused() {
  if (!uncut_) return {};
  TRY(uncut_->close_after_failure());
  uncut_.reset();
  return {};
}

// Nobody can write before reopen() returns.
result<void> store::impl::open_again(std::uint64_t answered) {
  TRY(begin(options_.read_only, verification::in_background));
  if (about_.last.sequence == answered) return {};
  return fail(errc::damaged,
              fmt::format("the store ends with commit {}, but {} was the last one that was answered. Restore the store from a backup",
                          about_.last.sequence, answered),
              options_.path.string());
}

// For reading only, if it can be. Not while a refused commit stands in the log: it would be read, and be gone later.
void store::impl::fall_back(const base::error& why) {
  end_threads();
  drop_rows();
  const auto readable = uncut_ ? result<void>(base::failure(why)) : begin(true, verification::none);
  if (!readable) drop_rows();
  const std::lock_guard lock(mutex_);
  break_off(readable ? why : readable.error(), readable ? "opening the store again failed" : "the store can't even be read");
}

}  // namespace dsf::storage

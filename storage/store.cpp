// What callers see: submit, view, ids, status.
#include "storage/store.hpp"

#include <fmt/format.h>
#include <sys/statvfs.h>

#include <chrono>
#include <future>

#include "base/bytes.hpp"
#include "storage/record.hpp"
#include "storage/store_impl.hpp"

namespace dsf::storage {
namespace {

constexpr std::uint32_t ids_at_once = 10'000;

constexpr std::uint64_t duration_bounds_us[] = {100,    250,    500,     1'000,   2'500,   5'000,     10'000,
                                                25'000, 50'000, 100'000, 250'000, 500'000, 1'000'000, 5'000'000};
constexpr std::uint64_t group_bounds[] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512};

}  // namespace

store::impl::impl(store_options options)
    : options_(std::move(options)), commit_us_(duration_bounds_us), sync_us_(duration_bounds_us), group_commits_(group_bounds) {}

void store::impl::submit(commit c, answer done, bool internal) {
  const auto bytes = size_bytes(c);
  if (auto valid = validate(c, internal); !valid) return done(base::failure(std::move(valid).error()));
  if (bytes > options_.limits.commit_bytes)
    return done(fail(errc::too_large, fmt::format("a commit of {} bytes is above the limit of {}", bytes, options_.limits.commit_bytes)));
  if (auto sealed = seal_resources(c); !sealed) return done(base::failure(std::move(sealed).error()));
  const auto submitted_us = options_.clock->steady_us();
  bool wake = false;
  {
    std::unique_lock lock(mutex_);
    if (!open_ || broken_ || reopening_) {
      auto why = refusal();
      lock.unlock();
      return done(std::move(why));
    }
    if (!internal && (queue_.size() >= options_.limits.queue_commits || queued_bytes_ + bytes > options_.limits.queue_bytes)) {
      lock.unlock();
      return done(fail(errc::overloaded, "too many commits wait to be written; try again later"));
    }
    queue_.push_back({std::move(c), std::move(done), bytes, submitted_us});
    queued_bytes_ += bytes;
    wake = waiting_;
  }
  if (wake) wake_.notify_one();
}

result<receipt> store::impl::submit_wait(commit c, bool internal) {
  std::promise<result<receipt>> promise;
  auto answered = promise.get_future();
  submit(std::move(c), [&](result<receipt> r) { promise.set_value(std::move(r)); }, internal);
  if (options_.by_hand)
    while (answered.wait_for(std::chrono::seconds(0)) != std::future_status::ready && run_one_group()) {}
  return answered.get();
}

base::failure store::impl::refusal() const {
  if (reopening_) return fail(errc::read_only, "the store is being opened again");
  if (!open_) return fail(errc::closed, "the store is closed");
  auto e = base::error(errc::read_only, "the store takes no writes");
  return base::failure(std::move(e).because(*broken_));
}

void store::impl::add_listener(listener l) {
  const std::lock_guard lock(listeners_mutex_);
  listeners_.push_back(std::move(l));
}

std::shared_ptr<const store_view> store::impl::view() {
  const std::lock_guard lock(view_mutex_);
  if (in_between_) return in_between_;
  if (!rows_ || !applier_) return nullptr;
  if (view_ && view_->sequence() >= published_.load(std::memory_order_acquire)) return view_;
  // Read before the snapshot is taken: it holds at least that commit. The feed's last row names the newest one in it, which may be younger.
  std::uint64_t sequence = published_.load(std::memory_order_acquire);
  auto snapshot = rows_->snapshot();
  const auto all = key_range::prefix(std::string(1, static_cast<char>(table::feed)));
  const auto scanned = snapshot->scan(family::feed, {row_keys::feed(sequence), all.to, true}, [&](std::string_view key, std::string_view) {
    sequence = base::byte_reader(key.substr(1)).u64();
    return false;
  });
  // On a failed read the older number is safe: whoever compares with it sees too many changes rather than too few.
  (void)scanned;
  view_ = std::make_shared<const store_view>(remembering(std::move(snapshot), memory_, sequence), sequence, about_.classes, master_);
  return view_;
}

result<std::uint64_t> store::impl::allocate(std::uint16_t partition, std::uint32_t n) {
  if (n == 0 || n > ids_at_once)
    return fail(errc::too_large, fmt::format("1 to {} instance ids can be had at once, not {}", ids_at_once, n));
  const std::lock_guard lock(ids_mutex_);
  if (next_instance_ + n > instances_end_) {
    const auto end = instances_end_ + instance_block;
    if (end >> 48 != 0) return fail(errc::too_large, "there are no more instance ids");
    commit c;
    c.operations.emplace_back(put_row{table::meta, std::string(instances_row), to_number_value(end)});
    TRY(submit_wait(std::move(c), true));
    instances_end_ = end;
  }
  const auto first = next_instance_;
  next_instance_ += n;
  return make_instance(partition, first);
}

store_status store::impl::status() {
  store_status out;
  {
    const std::lock_guard lock(mutex_);
    out = counters_;
    out.writable = open_ && !broken_ && !reopening_;
    if (reopening_) {
      out.why_not = out.why_not_in_short = "it is being opened again";
    } else if (!open_) {
      out.why_not = out.why_not_in_short = "the store is closed";
    } else if (broken_) {
      out.why_not = broken_->to_string();
      out.may_recover = may_recover_;
      out.why_not_in_short = broken_->cause() ? broken_->cause()->text() : broken_->text();
    }
    out.queued_commits = queue_.size();
    out.queued_bytes = queued_bytes_;
    out.site_id = about_.site.to_string();
    out.created_by = about_.created_by;
  }
  out.sequence = published_.load(std::memory_order_acquire);
  if (const auto free = free_bytes()) {
    out.disk_free_bytes = *free;
    out.low_space = *free < options_.limits.low_water_bytes;
  }
  return out;
}

store_figures store::impl::figures() {
  store_figures out{commit_us_.read(), sync_us_.read(), group_commits_.read(), rows_written_.load(std::memory_order_relaxed), {}};
  // Under the lock of the views: the rows go away under it.
  const std::lock_guard lock(view_mutex_);
  if (rows_ && applier_ && !in_between_)
    for (std::size_t f = 0; f < family_count; ++f) out.family_bytes[f] = rows_->stored_bytes(static_cast<family>(f));
  return out;
}

std::optional<std::uint64_t> store::impl::free_bytes() const {
  struct statvfs disk{};
  if (options_.rows || ::statvfs(options_.path.c_str(), &disk) != 0) return std::nullopt;
  return std::uint64_t{disk.f_bavail} * disk.f_frsize;
}

void store::submit(commit c, answer done) { impl_->submit(std::move(c), std::move(done), false); }
result<receipt> store::submit_wait(commit c) { return impl_->submit_wait(std::move(c), false); }
bool store::run_one_group() { return impl_->run_one_group(); }
void store::on_commit(listener l) { impl_->add_listener(std::move(l)); }
std::shared_ptr<const store_view> store::view() const { return impl_->view(); }
result<std::uint64_t> store::allocate_instance_ids(std::uint16_t partition, std::uint32_t n) { return impl_->allocate(partition, n); }
store_status store::status() const { return impl_->status(); }
store_figures store::figures() const { return impl_->figures(); }

std::string store::external_id(std::uint64_t instance, std::uint32_t activity) const {
  return impl_->ids().encrypt({instance, activity}).to_string();
}

result<store::internal_id> store::internal_id_of(std::string_view uuid) const {
  const auto parsed = TRY(base::uuid::parse(uuid));
  const auto plain = impl_->ids().decrypt(parsed);
  if (!plain) return fail(errc::not_found, fmt::format("'{}' is not the id of an instance of this site", uuid));
  return internal_id{plain->instance, plain->activity};
}

operation store::move_cursor(std::string_view name, std::uint64_t sequence) {
  return put_row{table::meta, keys::cursor(name), to_number_value(sequence)};
}

}  // namespace dsf::storage

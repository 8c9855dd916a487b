#include "bench/fhir_store.hpp"

#include <fmt/format.h>

#include <condition_variable>
#include <mutex>
#include <optional>

#include "bench/task_text.hpp"
#include "fhir/semantics/access.hpp"
#include "fhir/semantics/directory.hpp"
#include "fhir/semantics/search/index.hpp"
#include "fhir/storable.hpp"
#include "storage/index_check.hpp"
#include "storage/store.hpp"

namespace dsf::bench {
namespace {

using base::fail;
using base::json;
using base::result;

constexpr std::uint64_t requesters = 50;    // so that each may see 2 %
constexpr std::uint64_t one_failed = 1'000;
constexpr std::size_t tasks_a_commit = 250;
constexpr unsigned commits_under_way = 8;
constexpr std::size_t ids_kept = 1'000;
constexpr std::uint64_t first_key = 0x7a5c'0000'0000ULL;  // no business key that a later create uses

// Keeps a few commits under way.
class feeder {
public:
  explicit feeder(storage::store& store) : store_(&store) {}
  ~feeder() { (void)wait(0); }

  result<> give(storage::commit c) {
    TRY(wait(commits_under_way - 1));
    {
      const std::lock_guard lock{mutex_};
      ++open_;
    }
    store_->submit(std::move(c), [this](storage::result<storage::receipt> r) {
      const std::lock_guard lock{mutex_};
      --open_;
      if (!r && !failure_) failure_ = r.error();
      changed_.notify_all();
    });
    return {};
  }
  result<> wait(unsigned at_most) {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [&] { return open_ <= at_most; });
    if (failure_) return base::failure(*failure_);
    return {};
  }

private:
  storage::store* store_;
  std::mutex mutex_;
  std::condition_variable changed_;
  unsigned open_ = 0;
  std::optional<base::error> failure_;
};

std::string replaced(std::string text, std::string_view from, const std::string& to) {
  const auto at = text.find(from);
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

std::string_view status_of(std::uint64_t turn) {
  if (turn % one_failed == 7) return "failed";
  return turn % 50 == 11 ? "in-progress" : "completed";
}

}  // namespace

result<crowd_made> make_crowd(const std::filesystem::path& folder, const task_crowd& what) {
  storage::store_options so;
  so.path = folder;
  so.create = false;
  const auto store = TRY(storage::store::open(std::move(so)));
  const auto allow_list = TRY(fhir::directory::build(*store->view(), what.base_url));
  auto& clock = base::system_clock_source();
  auto& entropy = base::system_entropy();
  const auto from = clock.steady_us();
  crowd_made out;
  feeder feed(*store);
  storage::commit c;
  const auto keep_each = std::max<std::uint64_t>(1, what.tasks / ids_kept);
  for (std::uint64_t i = 0; i < what.tasks; ++i) {
    const auto who = i % requesters, turn = i / requesters;
    const auto requester = who == 0 ? what.remote : fmt::format("other-{}.example", who);
    const auto status = status_of(turn);
    auto text = task_text(task_kind::start_one_wait, business_key(first_key + i), what.local);
    text = replaced(std::move(text), R"("status":"requested")", fmt::format(R"("status":"{}")", status));
    text = replaced(std::move(text), fmt::format(R"("value":"{}")", what.local), fmt::format(R"("value":"{}")", requester));
    const auto task = TRY(json::parse(text));
    storage::put_resource put;
    put.type = "Task";
    put.id = base::uuid::random(entropy);
    auto body = TRY(fhir::make_storable(task, put.id));
    put.meta_at = body.meta_at;
    put.body = std::move(body.bytes);
    put.index = fhir::index_entries(task, allow_list.get(), what.base_url);
    put.access_class = fhir::access_class_of(task, *allow_list, what.base_url);
    if (i % keep_each == 0) out.ids.push_back(put.id.to_string());
    (status == "failed" ? out.rare : out.common) += status == "in-progress" ? 0 : 1;
    if (who == 0) (status == "failed" ? out.remote_rare : out.remote_common) += status == "in-progress" ? 0 : 1;
    c.operations.emplace_back(std::move(put));
    if (c.operations.size() == tasks_a_commit) TRY(feed.give(std::exchange(c, {})));
  }
  if (!c.operations.empty()) TRY(feed.give(std::move(c)));
  TRY(feed.wait(0));
  TRY(store->close());
  out.seconds = static_cast<double>(clock.steady_us() - from) / 1e6;
  return out;
}

result<> verify_crowd(const std::filesystem::path& folder, const std::string& base_url) {
  storage::store_options so;
  so.path = folder;
  so.create = false;
  so.read_only = true;
  const auto store = TRY(storage::store::open(std::move(so)));
  const auto view = store->view();
  const auto allow_list = TRY(fhir::directory::build(*view, base_url));
  const auto r = TRY(storage::check_index(
      *view, [&](const json& resource) { return fhir::index_entries(resource, allow_list.get(), base_url); },
      [](std::uint64_t) { return true; }));
  if (r.whole()) return {};
  return fail(base::errc::invalid_argument,
              "the index is not the one that the resources give: " + (r.examples.empty() ? "" : r.examples.front()), folder.string());
}

}  // namespace dsf::bench

#include "actors/link/deliveries.hpp"

#include <algorithm>
#include <charconv>

#include "actors/retry_after.hpp"
#include "base/mutant.hpp"
#include "fhir/semantics/rules/rule.hpp"

namespace dsf::actors {
namespace {

using base::json;
using base::result;

constexpr std::size_t under_way_at_most = 16;
constexpr std::size_t rows_at_once = 256;
constexpr std::int64_t request_timeout_ms = 10'000;
constexpr std::int64_t first_pause_us = 200'000, longest_pause_us = 15'000'000;
constexpr int conflicts_at_most = 5;  // in a row, before it waits like after any other fault

// W/"3"
std::uint64_t version_of(std::string_view etag) {
  const auto from = etag.find('"');
  std::uint64_t out = 0;
  if (from != std::string_view::npos) std::from_chars(etag.data() + from + 1, etag.data() + etag.size(), out);
  return out;
}

std::string diagnostics_of(const net::client_response& r) {
  std::string out = "HTTP " + std::to_string(r.status);
  if (const auto body = json::parse(r.body))
    for (const auto& issue : (*body)["issue"])
      if (!issue["diagnostics"].str().empty()) return out + ": " + issue["diagnostics"].str().substr(0, 300);
  return out;
}

// dsf-fhir-server 1.7.2: from which status this one may be reached.
bool may_follow(const std::string& there, const std::string& ours) {
  if (ours == "in-progress") return there == "requested" || there == "in-progress";
  if (ours == "completed") return there == "in-progress";
  return ours == "failed" && (there == "requested" || there == "in-progress");
}

}  // namespace

struct deliveries::shared {
  std::mutex mutex;
  std::condition_variable wake;
  std::deque<answer> answers;
  bool grew = true;
  bool now = false;
  bool stopping = false;
};

deliveries::deliveries(storage::store& store, net::transport& transport, std::string base_url, base::clock& time, base::entropy& entropy,
                       const base::logger& log, thread_drive* drive)
    : store_(&store),
      transport_(&transport),
      base_url_(std::move(base_url)),
      clock_(&time),
      entropy_(&entropy),
      log_(&log),
      drive_(drive),
      shared_(std::make_shared<shared>()),
      thread_(run_on(drive, [this] { loop(); })) {}

deliveries::~deliveries() { stop(); }

void deliveries::changed() {
  const std::lock_guard lock{shared_->mutex};
  shared_->grew = true;
  shared_->wake.notify_one();
}

void deliveries::try_now() {
  const std::lock_guard lock{shared_->mutex};
  shared_->now = true;
  shared_->wake.notify_one();
}

void deliveries::stop() {
  {
    const std::lock_guard lock{shared_->mutex};
    if (std::exchange(shared_->stopping, true)) return;
    shared_->wake.notify_one();
  }
  thread_.reset();
}

void deliveries::loop() {
  for (;;) {
    std::deque<answer> answers;
    {
      std::unique_lock lock{shared_->mutex};
      const auto something = [&] {
        return shared_->stopping || shared_->now || !shared_->answers.empty() || (shared_->grew && paused_until_us_ == 0);
      };
      std::optional<std::int64_t> pause;
      if (paused_until_us_ != 0) pause = std::max<std::int64_t>(1, paused_until_us_ - clock_->steady_us());
      wait_on(drive_, lock, shared_->wake, pause, something);
      if (shared_->stopping) return;
      answers.swap(shared_->answers);
      if (std::exchange(shared_->now, false)) paused_until_us_ = pause_us_ = 0;
      if (paused_until_us_ != 0 && clock_->steady_us() >= paused_until_us_) paused_until_us_ = 0;
      if (paused_until_us_ == 0) shared_->grew = false;
    }
    for (auto& a : answers) answered(a);
    if (paused_until_us_ == 0) scan();
  }
}

// In the order of the Tasks' ids: which Task is first makes no difference, the versions of one Task follow each other.
void deliveries::scan() {
  const auto view = store_->view();
  std::string from;
  while (view && under_way_.size() < under_way_at_most) {
    const auto rows = view->rows(storage::table::meta, undelivered_prefix, rows_at_once, from);
    if (!rows) return back_off({}, "the store can't be read: " + rows.error().to_string());
    for (const auto& row : *rows) {
      from = row.key + '\0';
      const auto id = row.key.substr(undelivered_prefix.size());
      if (under_way_.contains(id)) continue;
      job j;
      const auto ready = prepare(id, j);
      if (!ready) return back_off(id, ready.error().to_string());
      if (!*ready) continue;
      under_way_.emplace(id, j);
      put(id, j);
      if (under_way_.size() >= under_way_at_most || paused_until_us_ != 0) return;
    }
    if (rows->size() < rows_at_once) return;
  }
}

result<bool> deliveries::prepare(const std::string& id, job& j) {
  const auto view = store_->view();
  if (!view) return base::fail(storage::errc::closed, "the store is closed");
  const auto uuid = TRY(base::uuid::parse(id));
  const auto row = TRY(view->row_value(storage::table::meta, task_key(id)));
  const auto current = TRY(view->current("Task", uuid));
  if (row) j.at = TRY(decode_task_position(*row));
  if (row && current && j.at.delivered < current->version) {
    j.version = j.at.delivered + 1;
    return true;
  }
  storage::commit c;
  if (current) c.preconditions.push_back(storage::version_is{"Task", uuid, current->version});
  c.operations.push_back(storage::delete_row{storage::table::meta, undelivered_key(id)});
  const auto done = store_->submit_wait(std::move(c));
  // A conflict: the engine has written the Task just now, and wakes this thread.
  if (!done && done.error().kind() != base::error_kind::conflict) return base::failure(done.error());
  return false;
}

void deliveries::put(const std::string& id, const job& j) {
  const auto view = store_->view();
  const auto uuid = base::uuid::parse(id);
  const auto stored =
      view && uuid ? view->version("Task", *uuid, j.version) : storage::result<std::optional<fhir::stored_resource>>{std::nullopt};
  if (!stored || !*stored || !(*stored)->bytes)
    return back_off(id, "version " + std::to_string(j.version) + " can't be read from the store");
  net::client_request r;
  r.method = "PUT";
  r.url = base_url_ + "/Task/" + id;
  r.headers = {{"Content-Type", "application/fhir+json"},
               {"Accept", "application/fhir+json"},
               {"Prefer", "return=minimal"},
               {"If-Match", "W/\"" + std::to_string(j.at.remote) + "\""}};
  r.body = net::body_bytes((*stored)->bytes);
  send(std::move(r), id);
}

void deliveries::ask(const std::string& id, job& j) {
  j.asking = true;
  net::client_request r;
  r.url = base_url_ + "/Task/" + id;
  r.headers = {{"Accept", "application/fhir+json"}};
  send(std::move(r), id);
}

void deliveries::send(net::client_request request, const std::string& id) {
  transport_->send(std::move(request), request_timeout_ms, [s = shared_, id](net::result<net::client_response> r) {
    const std::lock_guard lock{s->mutex};
    s->answers.push_back({id, std::move(r)});
    s->wake.notify_one();
  });
}

void deliveries::answered(answer& a) {
  const auto at = under_way_.find(a.id);
  if (at == under_way_.end()) return;
  auto& j = at->second;
  if (!a.response) return back_off(a.id, a.response.error().to_string());
  const auto& r = *a.response;
  if (r.status >= 200 && r.status < 300) {
    if (!std::exchange(j.asking, false)) return delivered(a.id, j, version_of(r.headers.value("ETag")));
    const auto there = json::parse(r.body);
    return there ? compare(a.id, j, *there) : back_off(a.id, "the answer is not JSON");
  }
  if (r.status == 404 || r.status == 410) return give_up(a.id, j, "the Task is no longer there");
  if ((r.status == 412 || r.status == 409) && !j.asking && !DSF_MUTANT("link-own-write-is-a-conflict")) return ask(a.id, j);
  // Without a body: it does not know us yet, or not any more (dsf-fhir-server 2.1).
  const bool unknown_caller = r.status == 401 || (r.status == 403 && r.body.empty());
  // The endpoint looks at what the Task refers to at other sites; that it could not just now is no refusal (dsf-fhir-server 4.2).
  const bool unresolved = r.status == 403 && diagnostics_of(r).find("could not be resolved on server") != std::string::npos;
  if (r.status >= 500 || r.status == 408 || r.status == 429 || unknown_caller || unresolved || r.status < 400)
    return back_off(a.id, diagnostics_of(r), asked_to_wait_us(r.status, r.headers, clock_->now()));
  give_up(a.id, j, diagnostics_of(r));
}

// The Task is not at the version we know: our own write whose answer was lost, or somebody else's.
void deliveries::compare(const std::string& id, job& j, const json& there) {
  const auto view = store_->view();
  const auto uuid = base::uuid::parse(id);
  const auto stored =
      view && uuid ? view->version("Task", *uuid, j.version) : storage::result<std::optional<fhir::stored_resource>>{std::nullopt};
  if (!stored || !*stored || !(*stored)->bytes) return back_off(id, "the copy can't be read from the store");
  const auto ours = json::parse(*(*stored)->bytes);
  if (!ours) return back_off(id, ours.error().to_string());
  const auto remote = version_of("\"" + there["meta"]["versionId"].str() + "\"");
  if (remote == 0) return back_off(id, "the endpoint's Task has no version");
  const auto &status = there["status"].str(), &wanted = (*ours)["status"].str();
  if (status == wanted && fhir::same_element(there["output"], (*ours)["output"]) && there["input"].size() == (*ours)["input"].size())
    return delivered(id, j, remote);
  if (!may_follow(status, wanted))
    return give_up(id, j, "somebody else made the Task " + status + " there, so that it can't become " + wanted);
  if (++j.conflicts > conflicts_at_most) return back_off(id, "the Task is changed there by somebody else all the time");
  log_->warning("link", "a Task was changed at the endpoint meanwhile; it is written again", {.task = "Task/" + id});
  j.at.remote = remote;
  put(id, j);
}

void deliveries::delivered(const std::string& id, job& j, std::uint64_t remote) {
  if (remote == 0) {
    // A server that does not say the version is asked for it.
    if (j.conflicts++ < conflicts_at_most) return ask(id, j);
    return back_off(id, "the endpoint does not tell the Task's version");
  }
  pause_us_ = 0;
  j.at = {remote, j.version, j.at.written};
  j.conflicts = 0;
  storage::commit c;
  c.operations.push_back(storage::put_row{storage::table::meta, task_key(id), encode(j.at)});
  if (const auto done = store_->submit_wait(std::move(c)); !done) return back_off(id, done.error().to_string());
  const auto more = prepare(id, j);
  if (!more) return back_off(id, more.error().to_string());
  if (*more) return put(id, j);
  under_way_.erase(id);
}

void deliveries::give_up(const std::string& id, const job& j, const std::string& why) {
  log_->error("link", "a Task's new version could not be brought to the endpoint: " + why, {.task = "Task/" + id},
              {{"version", static_cast<std::int64_t>(j.version)}});
  storage::commit c;
  c.operations.push_back(storage::put_row{storage::table::meta, task_key(id), encode({j.at.remote, given_up, j.at.written})});
  c.operations.push_back(storage::delete_row{storage::table::meta, undelivered_key(id)});
  if (const auto done = store_->submit_wait(std::move(c)); !done) return back_off(id, done.error().to_string());
  under_way_.erase(id);
}

void deliveries::back_off(const std::string& id, const std::string& why, std::int64_t asked_us) {
  under_way_.erase(id);
  {
    const std::lock_guard lock{shared_->mutex};
    shared_->grew = true;
  }
  if (paused_until_us_ != 0) return;
  if (pause_us_ == 0) log_->warning("link", "Tasks can't be brought to the endpoint just now; they are tried again: " + why);
  pause_us_ = pause_us_ == 0 ? first_pause_us : std::min(pause_us_ * 2, longest_pause_us);
  paused_until_us_ = clock_->steady_us() + asked_us + pause_us_ / 2 +
                     static_cast<std::int64_t>(entropy_->below(static_cast<std::uint64_t>(pause_us_ / 2 + 1)));
}

}  // namespace dsf::actors

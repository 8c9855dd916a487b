#include "site/ctl/demo/live_view.hpp"

#include <unistd.h>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <ostream>

#include "site/ctl/render.hpp"
#include "site/ctl/text_table.hpp"

namespace dsf::site::ctl {
namespace {

constexpr std::size_t remembered_events = 10'000;  // a site
// Events that tell the story; the others are counted.
constexpr std::array<std::string_view, 9> shown{"task-received",   "task-sent", "task-refused",   "instance-started", "activity-entered",
                                                "handler-started", "incident",  "instance-ended", "recovered"};

constexpr int watch_attempts = 100;
constexpr unsigned watch_pause_us = 100'000;

std::string short_class(std::string_view name) { return std::string(name.substr(name.rfind('.') + 1)); }

}  // namespace

base::result<> live_view::follow(const std::string& site, const std::string& socket, std::int64_t timeout_ms) {
  forget(site);
  auto client = std::make_unique<admin_client>(socket);
  auto* calls = client.get();
  std::unique_lock lock(mutex_);
  auto& w = watchers_[site];
  w.client = std::move(client);
  w.watching = false;
  // The end of the stream is no news: the demo notices a site that ended by its process.
  w.thread = std::thread([this, site, calls] {
    // On a busy machine the first attempt to connect may come to nothing.
    for (int attempt = 0; attempt < watch_attempts; ++attempt) {
      bool began = false;
      const auto ended = calls->watch([&](const site_event_line& e) {
        began = true;
        got(site, e);
        return true;
      });
      if (began || ended || ended.error().is(admin_errc::cancelled)) return;
      ::usleep(watch_pause_us);
    }
  });
  if (changed_.wait_for(lock, std::chrono::milliseconds(timeout_ms), [&] { return w.watching; })) return {};
  return base::fail(admin_errc::timeout, fmt::format("the events of {} can't be watched", site));
}

void live_view::forget(const std::string& site) {
  std::thread ending;
  {
    std::lock_guard lock(mutex_);
    auto found = watchers_.find(site);
    if (found == watchers_.end() || !found->second.client) return;
    found->second.client->stop_watching();
    ending = std::move(found->second.thread);
  }
  if (ending.joinable()) ending.join();
}

void live_view::stop() {
  std::vector<std::string> names;
  {
    std::lock_guard lock(mutex_);
    for (const auto& [name, w] : watchers_) names.push_back(name);
  }
  for (const auto& name : names) forget(name);
}

void live_view::say(const std::string& text) { say("demo", text); }

void live_view::say(const std::string& site, const std::string& text) {
  std::lock_guard lock(mutex_);
  line(site, text);
}

void live_view::line(const std::string& site, const std::string& text) {
  if (o_.json) {
    o_.out << base::json(base::json::object{{"site", site}, {"seconds", seconds()}, {"text", text}}).dump() << "\n" << std::flush;
    return;
  }
  const auto full = fmt::format("{:7.2f}  {:<10}  {}", seconds(), site, text);
  o_.out << (o_.width ? cut_to(full, o_.width) : full) << "\n" << std::flush;
}

void live_view::got(const std::string& site, const site_event_line& e) {
  std::lock_guard lock(mutex_);
  auto& w = watchers_[site];
  if (e.kind == "watching") {
    w.watching = true;
  } else {
    ++counts_[e.kind];
    if (w.seen.size() < remembered_events) w.seen.push_back(e);
    if (o_.json) {
      auto value = to_json(e);
      value.set("site", site);
      o_.out << value.dump() << "\n" << std::flush;
    } else if (std::find(shown.begin(), shown.end(), e.kind) != shown.end() &&
               !(e.kind == "activity-entered" && e.process.starts_with("dsfdev_"))) {
      // Twelve pings at once would flood the screen: of them only what is sent and received is shown.
      std::string text = e.kind;
      for (const auto* part : {&e.process, &e.activity, &e.partner})
        if (!part->empty()) text += "  " + *part;
      if (!e.text.empty()) text += "  " + (e.kind == "handler-started" ? short_class(e.text) : e.text);
      line(site, text);
    }
  }
  changed_.notify_all();
}

bool live_view::wait_for(const std::string& site, const std::function<bool(const site_event_line&)>& wanted, std::int64_t timeout_ms) {
  std::unique_lock lock(mutex_);
  auto& w = watchers_[site];
  std::size_t looked_at = 0;
  return changed_.wait_for(lock, std::chrono::milliseconds(timeout_ms), [&] {
    for (; looked_at < w.seen.size(); ++looked_at)
      if (wanted(w.seen[looked_at])) return true;
    return false;
  });
}

std::uint64_t live_view::count(const std::string& kind) const {
  std::lock_guard lock(mutex_);
  const auto found = counts_.find(kind);
  return found == counts_.end() ? 0 : found->second;
}

}  // namespace dsf::site::ctl

#include "tests/wire/socket_ear.hpp"

#include <algorithm>
#include <chrono>
#include <future>

namespace dsf::tests {
namespace {

constexpr auto patience = std::chrono::seconds(10);

}  // namespace

net::result<std::shared_ptr<socket_ear>> socket_ear::open(const std::shared_ptr<net::io_threads>& threads, const std::string& url,
                                                          net::tls_identity identity, net::websocket_limits limits) {
  auto ear = std::make_shared<socket_ear>();
  net::websocket_request r;
  r.url = url;
  r.identity = std::move(identity);
  r.limits = limits;
  auto promise = std::make_shared<std::promise<net::result<net::websocket>>>();
  auto answer = promise->get_future();
  net::open_websocket(
      *threads, std::move(r),
      {[ear](std::string t) { ear->note("text " + t); },
       [ear](const net::websocket_end& e) { ear->note("end " + std::to_string(e.code) + (e.reason.empty() ? "" : " " + e.reason)); },
       nullptr},
      [promise](net::result<net::websocket> w) { promise->set_value(std::move(w)); });
  auto w = answer.get();
  if (!w) return base::failure(std::move(w).error());
  ear->socket_ = *w;
  return ear;
}

void socket_ear::note(std::string line) {
  const std::lock_guard lock{mutex_};
  lines_.push_back(std::move(line));
  changed_.notify_all();
}

bool socket_ear::bind(const std::string& subscription) {
  send("bind " + subscription);
  return wait_for("text bound " + subscription);
}

bool socket_ear::wait_for(const std::string& what) {
  std::unique_lock lock{mutex_};
  return changed_.wait_for(lock, patience,
                           [&] { return std::ranges::any_of(lines_, [&](const auto& line) { return line.starts_with(what); }); });
}

std::vector<std::string> socket_ear::heard(std::size_t lines) {
  std::unique_lock lock{mutex_};
  changed_.wait_for(lock, patience, [&] { return lines_.size() >= lines; });
  return lines_;
}

std::vector<std::string> socket_ear::events_now() const {
  std::vector<std::string> out;
  for (const auto& line : lines_)
    if (line.starts_with("text ") && !line.starts_with("text bound ")) out.push_back(line.substr(5));
  return out;
}

std::vector<std::string> socket_ear::events(std::size_t n) {
  std::unique_lock lock{mutex_};
  changed_.wait_for(lock, patience, [&] { return events_now().size() >= n; });
  return events_now();
}

}  // namespace dsf::tests

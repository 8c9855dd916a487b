#include "site/callers/sessions.hpp"

#include <array>

namespace dsf::site {
namespace {

constexpr std::int64_t login_us = 600 * base::us_per_s;
constexpr std::size_t pending_at_most = 10'000, open_at_most = 100'000;

}  // namespace

std::string sessions::random_text() {
  std::array<std::uint8_t, 32> bytes{};
  entropy_->fill(bytes);
  return net::to_base64url({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

void sessions::forget_old() {
  const auto now_us = clock_->steady_us();
  const auto now = clock_->now();
  if (pending_.size() >= pending_at_most / 2)
    std::erase_if(pending_, [&](const auto& p) { return now_us - p.second.begun_us >= login_us; });
  if (open_.size() >= open_at_most / 2)
    std::erase_if(open_, [&](const auto& s) { return s.second.expires <= now || now_us - s.second.used_us >= idle_us_; });
  // Whoever fills it with attempts loses the oldest names by chance, not the memory of the program.
  if (pending_.size() >= pending_at_most) pending_.erase(pending_.begin());
  if (open_.size() >= open_at_most) open_.erase(open_.begin());
}

std::string sessions::begin(login l) {
  auto state = random_text();
  const std::lock_guard lock{mutex_};
  forget_old();
  pending_[state] = {std::move(l), clock_->steady_us()};
  return state;
}

std::optional<login> sessions::take(const std::string& state) {
  const std::lock_guard lock{mutex_};
  auto found = pending_.extract(state);
  if (found.empty() || clock_->steady_us() - found.mapped().begun_us >= login_us) return {};
  return std::move(found.mapped().what);
}

std::string sessions::open(session s) {
  auto id = random_text();
  const std::lock_guard lock{mutex_};
  forget_old();
  s.used_us = clock_->steady_us();
  open_[id] = std::move(s);
  return id;
}

std::optional<session> sessions::use(const std::string& id) {
  const std::lock_guard lock{mutex_};
  const auto at = open_.find(id);
  if (at == open_.end()) return {};
  const auto now_us = clock_->steady_us();
  if (at->second.expires <= clock_->now() || now_us - at->second.used_us >= idle_us_) {
    open_.erase(at);
    return {};
  }
  at->second.used_us = now_us;
  return at->second;
}

std::optional<session> sessions::close(const std::string& id) {
  const std::lock_guard lock{mutex_};
  auto found = open_.extract(id);
  if (found.empty()) return {};
  return std::move(found.mapped());
}

std::size_t sessions::close_all(const std::string& subject, const std::string& provider_session) {
  const std::lock_guard lock{mutex_};
  // A logout token that names a session ends that one only (OpenID Connect Back-Channel Logout 1.0, 2.7).
  return std::erase_if(open_, [&](const auto& s) {
    return provider_session.empty() ? s.second.claims->subject == subject : s.second.claims->session == provider_session;
  });
}

}  // namespace dsf::site

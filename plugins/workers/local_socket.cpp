#include "plugins/workers/local_socket.hpp"

#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <utility>

#include "plugins/workers/errc.hpp"

namespace dsf::plugins::workers {
namespace {

using base::fail;
using base::result;

constexpr int backlog = 64;
constexpr int pause_ms = 100;  // when there are no file descriptors left

sockaddr_un address_of(const std::string& path) {
  sockaddr_un a{};
  a.sun_family = AF_UNIX;
  std::memcpy(a.sun_path, path.c_str(), path.size());
  return a;
}

result<> free_the_path(const std::string& path) {
  if (path.size() >= sizeof(sockaddr_un::sun_path))
    return fail(errc::cannot_listen, "the path of a Unix socket has at most 107 bytes; set a shorter workers.socket", path);
  struct stat found{};
  if (::lstat(path.c_str(), &found) != 0) return {};
  if (!S_ISSOCK(found.st_mode))
    return fail(errc::cannot_listen, "there is a file that is no socket; remove it or set another workers.socket", path);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const auto address = address_of(path);
  const bool alive = fd >= 0 && ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  if (fd >= 0) ::close(fd);
  if (alive) return fail(errc::cannot_listen, "another program listens here; stop it or set another workers.socket", path);
  if (::unlink(path.c_str()) != 0)
    return fail(errc::cannot_listen, std::string("the socket that was left behind can't be removed: ") + std::strerror(errno), path);
  return {};
}

result<uid_t> user_number(const std::string& name) {
  uid_t number = 0;
  const auto [end, wrong] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (wrong == std::errc{} && end == name.data() + name.size()) return number;
  std::string room(16 << 10, '\0');
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwnam_r(name.c_str(), &entry, room.data(), room.size(), &found) != 0 || !found)
    return fail(errc::cannot_listen, "there is no user '" + name + "' on this machine", "workers.users");
  return entry.pw_uid;
}

}  // namespace

result<std::unique_ptr<local_socket>> local_socket::listen(const std::string& path, const std::vector<std::string>& users,
                                                           std::function<void(caller)> allowed, std::function<void(caller)> refused) {
  std::unique_ptr<local_socket> s{new local_socket};
  s->users_ = {::geteuid(), 0};
  for (const auto& name : users) s->users_.push_back(TRY(user_number(name)));
  s->allowed_ = std::move(allowed);
  s->refused_ = std::move(refused);
  TRY(free_the_path(path));
  s->fd_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  s->stop_fd_ = ::eventfd(0, EFD_CLOEXEC);
  const auto address = address_of(path);
  // Closed to all until the mode is set.
  const auto mask = ::umask(0177);
  const bool bound = s->fd_ >= 0 && s->stop_fd_ >= 0 && ::bind(s->fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  const auto why = errno;
  ::umask(mask);
  if (!bound) return fail(errc::cannot_listen, std::string("the socket can't be made: ") + std::strerror(why), path);
  s->path_ = path;
  if (::chmod(path.c_str(), users.empty() ? 0600 : 0666) != 0 || ::listen(s->fd_, backlog) != 0)
    return fail(errc::cannot_listen, std::string("the socket can't be opened: ") + std::strerror(errno), path);
  s->thread_ = std::thread([raw = s.get()] { raw->accept_all(); });
  return s;
}

void local_socket::accept_all() {
  pollfd both[2] = {{fd_, POLLIN, 0}, {stop_fd_, POLLIN, 0}};
  for (;;) {
    if (::poll(both, 2, -1) < 0 && errno != EINTR) return;
    if (both[1].revents != 0) return;
    caller c;
    c.fd = ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (c.fd < 0) {
      if (errno == EMFILE || errno == ENFILE || errno == ENOMEM) ::poll(&both[1], 1, pause_ms);
      continue;
    }
    ucred who{};
    socklen_t size = sizeof who;
    const bool known = ::getsockopt(c.fd, SOL_SOCKET, SO_PEERCRED, &who, &size) == 0;
    c.user = who.uid;
    c.process = who.pid;
    if (known && std::ranges::find(users_, c.user) != users_.end()) {
      allowed_(c);
    } else {
      ::close(c.fd);
      c.fd = -1;
      refused_(c);
    }
  }
}

void local_socket::stop() {
  if (thread_.joinable()) {
    const std::uint64_t one = 1;
    while (::write(stop_fd_, &one, sizeof one) < 0 && errno == EINTR) {}
    thread_.join();
  }
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  if (stop_fd_ >= 0) ::close(std::exchange(stop_fd_, -1));
  if (!path_.empty()) ::unlink(std::exchange(path_, {}).c_str());
}

local_socket::~local_socket() { stop(); }

}  // namespace dsf::plugins::workers

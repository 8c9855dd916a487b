#include "site/ctl/testbed_program.hpp"

#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "site/admin/admin_port.hpp"

extern char** environ;

namespace dsf::site::ctl {
namespace {

using base::fail;
using base::json;
using base::result;

constexpr int answer_at_most_ms = 120'000;
constexpr std::size_t line_at_most = 64u << 20;

}  // namespace

result<testbed_program> testbed_program::start(const std::string& program, const json& config) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return fail(base::errc::io, "no socket can be made", program);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  char* argv[] = {const_cast<char*>(program.c_str()), nullptr};
  pid_t pid = -1;
  const int failed = ::posix_spawn(&pid, program.c_str(), &actions, nullptr, argv, environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);
  testbed_program out(failed == 0 ? pid : -1, ends[0]);
  if (failed != 0) return fail(admin_errc::not_found, "dsfd_testbed can't be started; build it, or name it with --testbed", program);
  TRY(out.exchange(config));
  return out;
}

testbed_program::testbed_program(testbed_program&& o) noexcept
    : pid_(std::exchange(o.pid_, -1)), socket_(std::exchange(o.socket_, -1)), read_(std::move(o.read_)) {}

testbed_program::~testbed_program() {
  if (socket_ >= 0) ::shutdown(socket_, SHUT_WR);  // it ends with its input
  if (pid_ > 0) {
    int status = 0;
    for (int waited = 0; ::waitpid(pid_, &status, WNOHANG) == 0; waited += 10) {
      if (waited > 10'000) ::kill(pid_, SIGKILL);
      ::usleep(10'000);
    }
  }
  if (socket_ >= 0) ::close(socket_);
}

result<json> testbed_program::exchange(const json& command) {
  const auto text = command.dump() + "\n";
  for (std::size_t at = 0; at < text.size();) {
    const auto n = ::send(socket_, text.data() + at, text.size() - at, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;  // it has ended; line() says so
    at += static_cast<std::size_t>(n);
  }
  auto answer = TRY(json::parse(TRY(line())));
  if (!answer["ok"].bool_or(false)) return fail(admin_errc::invalid, answer["error"].str());
  return answer;
}

result<std::string> testbed_program::line() {
  for (;;) {
    if (const auto end = read_.find('\n'); end != read_.npos) {
      auto out = read_.substr(0, end);
      read_.erase(0, end + 1);
      return out;
    }
    pollfd p{socket_, POLLIN, 0};
    const int ready = ::poll(&p, 1, answer_at_most_ms);
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return fail(admin_errc::timeout, "the test's site did not answer within two minutes");
    char some[1 << 16];
    const auto n = ::read(socket_, some, sizeof some);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0 || read_.size() > line_at_most) return fail(admin_errc::unavailable, "the test's site ended");
    read_.append(some, static_cast<std::size_t>(n));
  }
}

}  // namespace dsf::site::ctl

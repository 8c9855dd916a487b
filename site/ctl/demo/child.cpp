#include "site/ctl/demo/child.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include "site/ctl/commands.hpp"

namespace dsf::site::ctl {

base::result<child> child::start(const std::vector<std::string>& command, const std::string& log) {
  // Everything that allocates happens before fork.
  std::vector<char*> argv;
  for (const auto& word : command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (out < 0) return base::fail(base::errc::io, fmt::format("the log can't be opened: {}", std::strerror(errno)), log);
  const pid_t parent = ::getpid();
  // A signal to the child must not run this program's handlers between fork and exec, or it would be lost.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::setpgid(0, 0);  // Ctrl-C is for the demo, which stops its sites in order
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (::getppid() != parent) ::_exit(127);
    ::dup2(out, STDOUT_FILENO);
    ::dup2(out, STDERR_FILENO);
    for (int signal : {SIGTERM, SIGINT, SIGHUP, SIGPIPE}) ::signal(signal, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  ::close(out);
  if (pid < 0) return base::fail(base::errc::io, fmt::format("{} can't be started: {}", command.front(), std::strerror(errno)));
  return child(pid);
}

child& child::operator=(child&& o) noexcept {
  if (this != &o) {
    kill_hard();
    pid_ = std::exchange(o.pid_, -1);
  }
  return *this;
}

child::~child() { kill_hard(); }

bool child::running() {
  if (pid_ <= 0) return false;
  if (::waitpid(pid_, nullptr, WNOHANG) == 0) return true;
  pid_ = -1;
  return false;
}

void child::kill_hard() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

bool child::stop(std::int64_t timeout_ms) {
  if (pid_ <= 0) return true;
  ::kill(pid_, SIGTERM);
  for (std::int64_t waited = 0; waited < timeout_ms; waited += 20) {
    if (!running()) return true;
    ::usleep(20'000);
  }
  if (!running()) return true;
  kill_hard();
  return false;
}

}  // namespace dsf::site::ctl

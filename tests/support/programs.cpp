#include "tests/support/programs.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>

extern char** environ;

namespace dsf::tests {

namespace fs = std::filesystem;

std::string dsfd_program() {
  if (const char* named = std::getenv("DSF_TEST_PROGRAM")) return named;
#ifdef DSF_TEST_DSFD
  return DSF_TEST_DSFD;
#else
  throw std::runtime_error("dsfd is not part of this build; name one with DSF_TEST_PROGRAM");
#endif
}

std::string dsfd_power_program() {
  if (const char* named = std::getenv("DSF_TEST_POWER_PROGRAM")) return named;
#ifdef DSF_TEST_DSFD_POWER
  return DSF_TEST_DSFD_POWER;
#else
  throw std::runtime_error("dsfd_power is not part of this build; name one with DSF_TEST_POWER_PROGRAM");
#endif
}

ended_program run_to_end(const std::vector<std::string>& command, const std::map<std::string, std::string>& more_environment,
                         std::int64_t limit_ms) {
  temp_folder folder("run");
  const auto out = folder / "out", err = folder / "err";
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&files, 1, out.c_str(), O_WRONLY | O_CREAT, 0600);
  posix_spawn_file_actions_addopen(&files, 2, err.c_str(), O_WRONLY | O_CREAT, 0600);
  std::vector<std::string> variables;
  for (char** e = environ; *e; ++e) variables.emplace_back(*e);
  for (const auto& [name, value] : more_environment) variables.push_back(name + "=" + value);
  std::vector<char*> argv, envp;
  for (const auto& word : command) argv.push_back(const_cast<char*>(word.c_str()));
  for (const auto& v : variables) envp.push_back(const_cast<char*>(v.c_str()));
  argv.push_back(nullptr);
  envp.push_back(nullptr);
  pid_t pid = -1;
  const int failed = ::posix_spawn(&pid, argv[0], &files, nullptr, argv.data(), envp.data());
  posix_spawn_file_actions_destroy(&files);
  if (failed != 0) throw std::runtime_error(command[0] + " can't be started: " + std::strerror(failed));

  ended_program ended;
  int status = 0;
  bool over = false;
  for (std::int64_t waited = 0; ::waitpid(pid, &status, WNOHANG) == 0; waited += 10) {
    if (waited >= limit_ms) {
      ::kill(pid, SIGKILL);
      ::waitpid(pid, &status, 0);
      over = true;
      break;
    }
    ::usleep(10'000);
  }
  if (!over) ended.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  ended.out = read_text(out);
  ended.err = read_text(err);
  return ended;
}

temp_folder::temp_folder(const std::string& name) {
  auto pattern = (fs::temp_directory_path() / ("dsf-" + name + "-XXXXXX")).string();
  if (!::mkdtemp(pattern.data())) throw std::runtime_error(pattern + " can't be made");
  path_ = pattern;
}
temp_folder::~temp_folder() {
  std::error_code ec;
  if (!std::getenv("DSF_TEST_KEEP")) fs::remove_all(path_, ec);
}

std::string read_text(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return std::move(text).str();
}

void write_text(const fs::path& file, const std::string& text) {
  fs::create_directories(file.parent_path());
  std::ofstream out(file, std::ios::binary | std::ios::trunc);
  out << text;
  out.close();
  if (!out) throw std::runtime_error(file.string() + " can't be written");
}

std::uint16_t free_port() {
  const int s = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof a;
  const bool ok =
      s >= 0 && ::bind(s, reinterpret_cast<sockaddr*>(&a), size) == 0 && ::getsockname(s, reinterpret_cast<sockaddr*>(&a), &size) == 0;
  if (s >= 0) ::close(s);
  if (!ok) throw std::runtime_error("no port is free");
  return ntohs(a.sin_port);
}

namespace {

bool is_free(int port) {
  const int s = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_addr.s_addr = htonl(INADDR_ANY);
  a.sin_port = htons(static_cast<std::uint16_t>(port));
  const bool free =
      s >= 0 && ::setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 && ::bind(s, reinterpret_cast<sockaddr*>(&a), sizeof a) == 0;
  if (s >= 0) ::close(s);
  return free;
}

}  // namespace

std::uint16_t free_block(int from) {
  constexpr int blocks = 25, sites = 4, status_offset = 100;
  for (int i = 0; i < blocks; ++i) {
    const int first = from + (::getpid() + i) % blocks * sites;
    bool free = true;
    for (int n = 0; n < sites; ++n) free = free && is_free(first + n) && is_free(first + n + status_offset);
    if (free) return static_cast<std::uint16_t>(first);
  }
  throw std::runtime_error("no four neighbouring ports from " + std::to_string(from) + " on are free");
}

}  // namespace dsf::tests

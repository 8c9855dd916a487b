// dsfd: one site. Settings, signals, and the running site between them.
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <iostream>

#include "site/running/running_site.hpp"
#include "site/running/service_manager.hpp"
#include "site/settings/describe.hpp"
#include "site/settings/dsfd_options.hpp"

extern char** environ;

namespace dsf::site {
namespace {

int report(const loaded_settings& settings) {
  for (const auto& p : settings.problems) std::cerr << "dsfd: " << p.to_string() << "\n";
  return settings.problems.empty() ? 0 : 2;
}

// SIGTERM and SIGINT stop in an orderly way; a second one ends at once. SIGHUP reads certificates, trust and roles again.
sigset_t watched_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (int s : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, s);
  return set;
}

int run(const settings_sources& sources, const site_config& config) {
  // Blocked before any thread starts, so that all threads inherit it and only this one takes signals.
  const auto signals = watched_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  // A file at its limit is a full disk like any other: the write fails, and the store says so.
  ::signal(SIGXFSZ, SIG_IGN);

  auto site = running_site::start(config);
  if (!site) {
    std::cerr << "dsfd: " << site.error().to_string() << "\n";
    return 1;
  }
  (*site)->on_shutdown([](const std::string&) { ::kill(::getpid(), SIGTERM); });

  tell_ready("the site runs");

  int signal = 0;
  while (sigwait(&signals, &signal) == 0 && signal == SIGHUP) {
    tell_reloading();
    const auto again = load_settings(sources);
    bool taken = again.problems.empty();
    if (taken)
      taken = static_cast<bool>((*site)->reload(again.config));  // it has said in the log what is wrong
    else
      (*site)->not_reloaded(again.problems);
    tell_ready(taken ? "the site runs" : "the site runs with its old settings: the new ones were refused, see its log");
  }
  tell_stopping();
  // From here on a further SIGTERM or SIGINT ends the program as if it were killed; the store stands that.
  sigset_t impatient;
  sigemptyset(&impatient);
  sigaddset(&impatient, SIGTERM);
  sigaddset(&impatient, SIGINT);
  pthread_sigmask(SIG_UNBLOCK, &impatient, nullptr);
  (*site)->stop();
  return 0;
}

}  // namespace
}  // namespace dsf::site

int main(int argc, char** argv) {
  using namespace dsf::site;
  const auto command = parse_dsfd(argc, argv, environ, std::cout, std::cerr);
  switch (command.action) {
    case dsfd_action::exit_ok: return 0;
    case dsfd_action::exit_usage: return 2;
    case dsfd_action::docs: std::cout << settings_markdown(); return 0;
    case dsfd_action::run:
      if (command.sources.file.empty() && command.sources.command_line.empty() && command.sources.environment.empty()) {
        std::cerr << "dsfd: no settings; pass --config FILE (`dsfctl site init` makes one), or see --help\n";
        return 2;
      }
      break;
    default: break;
  }
  const auto settings = load_settings(command.sources);
  if (command.action == dsfd_action::explain) std::cout << explain_settings(settings);
  if (const int code = report(settings); code != 0) return code;
  if (command.action == dsfd_action::check) std::cout << "the settings are right\n";
  return command.action == dsfd_action::run ? run(command.sources, settings.config) : 0;
}

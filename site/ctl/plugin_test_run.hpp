// One test of a plugin on a site of its own (plugins/bundle_tests.hpp says what it may say).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "plugins/bundle_tests.hpp"

namespace dsf::site::ctl {

struct plugin_test_setup {
  std::string testbed;                          // program
  std::string bundle;                           // folder or zip
  std::string plugin;                           // name, as the bundle has it
  std::vector<std::string> processes;           // keys
  std::map<std::string, std::string> starters;  // message names to the process that they start
  std::vector<std::string> in_workers;          // of them: those with handlers that run in workers
  std::map<std::string, std::string> settings;  // of the command line, under those of the test
  std::vector<std::string> worker;              // for tests that name none
  std::string folder;                           // for sockets and logs; exists
};

struct plugin_test_result {
  std::string process, test;
  std::string outcome;  // "ok", what a draft's Task has become, "skipped", "failed"
  std::string detail;   // why
  [[nodiscard]] bool failed() const { return outcome == "failed"; }
};

plugin_test_result run_plugin_test(const plugins::bundle_test& test, bool draft, const plugin_test_setup& setup);

}  // namespace dsf::site::ctl

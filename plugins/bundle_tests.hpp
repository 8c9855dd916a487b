// Tests that a plugin brings along: tests/*.yaml of its folder (docs/plugins.md, "Tests"). Read here, run by `dsfctl plugin test`.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "plugins/bundle.hpp"

namespace dsf::plugins {

struct bundle_test_step {
  std::string place;  // file:line
  std::string what;   // start, receive, advance, script, serve, expect
  base::json with;    // its map; numbers and flags as texts
};

struct bundle_test {
  std::string name;                 // the file, or the draft Task
  std::vector<std::string> worker;  // command that serves the handlers; empty: none
  std::string plugin;               // as the worker names it; empty: as the bundle
  base::json partners{base::json::array{}};  // {organization, role}
  std::map<std::string, std::string> settings;
  std::vector<bundle_test_step> steps;
};

struct bundle_tests {
  std::vector<bundle_test> tests;
  std::vector<bundle_fault> faults;
};

// All *.yaml in the folder tests/ of a bundle (folder or zip), by their names in it.
base::result<std::map<std::string, std::string>> find_bundle_tests(const std::filesystem::path& folder_or_zip);
bundle_tests read_bundle_tests(const std::map<std::string, std::string>& files);

// A draft Task of a process is a test, too: it starts the process, which must not fail.
bundle_test test_of_draft(const bundle_resource& draft, const std::string& process_key);

}  // namespace dsf::plugins

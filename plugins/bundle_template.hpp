// A small bundle that works as it is: one process with one service task, started by a Task (`dsfctl plugin new`).
#pragma once

#include <map>
#include <string>

#include "base/result.hpp"

namespace dsf::plugins {

struct template_options {
  std::string name;          // of the plugin
  std::string process;       // key, <domain without dots>_<process name>
  std::string domain;        // with dots; empty: as in the key
  std::string release_date;  // yyyy-MM-dd
};
// File name -> text. Error: what is wrong with the name or the key.
base::result<std::map<std::string, std::string>> bundle_template(const template_options& options);

}  // namespace dsf::plugins

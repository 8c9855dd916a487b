// A look into a DSF process plugin JAR, or a bundle: what is in it, and what of it this program could run.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "plugins/handler.hpp"

namespace dsf::plugins {

struct inspected_process {
  std::string key, version_tag, file;
};
struct inspected_resource {
  std::string type, identity, file;  // url|version, name or identifier
};
struct inspected_class {
  std::string name, process;  // key|version tag
  bool here = false;          // there is a handler for it in this program
};
struct inspection {
  bool jar = false;
  std::vector<std::string> definitions;  // service file: class (dsf-bpe 3.2)
  std::string name, version;             // of plugin.properties or plugin.yaml; may be empty
  bool draft = false;
  std::vector<inspected_process> processes;
  std::vector<inspected_resource> resources;
  std::vector<inspected_class> classes;
  std::vector<std::string> unreadable;   // file: why
};

// Placeholders without a default stay as they are written. `handlers`: those of this program.
base::result<inspection> inspect(const std::filesystem::path& jar_zip_or_folder, const handler_registry& handlers);

}  // namespace dsf::plugins

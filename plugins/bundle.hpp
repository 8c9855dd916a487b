// A plugin bundle: a folder or zip with plugin.yaml, BPMN models and FHIR resources, read and checked as one unit (dsf-bpe 3.5, 3.6).
// How plugin.yaml looks: docs/plugins.md.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "base/result.hpp"
#include "bpmn/model.hpp"
#include "plugins/bundle_files.hpp"
#include "plugins/fhir_file.hpp"
#include "plugins/handler.hpp"
#include "plugins/manifest.hpp"

namespace dsf::plugins {

struct bundle_process {
  std::shared_ptr<const bpmn::definition> definition;
  std::string xml;        // after placeholder replacement
  std::string send_deadline;
  std::vector<bundle_resource> resources;
  std::string model;      // its file
};

// A class that a model names.
struct handler_use {
  std::string process;  // key|version
  std::string class_name;
  std::string place;    // file:line of its first use
  handler_runtime runtime = handler_runtime::builtin;
  bool found = false;   // builtin: in bundle_context::handlers; worker: the site has workers for the process
};

struct bundle {
  std::string name;
  std::string version;           // four parts
  std::string resource_version;  // two parts
  std::string release_date;      // yyyy-MM-dd
  bool draft = false;            // plugin.yaml or the file's name says so (dsf-bpe 3.2)
  std::map<std::string, std::string> settings;   // defaults, those of `configuration` too
  std::vector<bundle_setting> configuration;
  std::vector<handler_rule> handlers;
  bundle_permissions permissions;
  std::vector<handler_use> classes;
  std::vector<bundle_process> processes;
  std::string source;                            // where it was read from
  std::map<std::string, std::string> files;      // as read, for keeping a copy
};

struct bundle_context {
  std::string organization;                          // identifier of the local organisation; "" = unknown, then draft Tasks are left out
  std::map<std::string, std::string> environment;    // wins over the bundle's settings
  const handler_registry* handlers = nullptr;        // null: handlers are not checked
  bool offline = false;  // no site: required settings may be missing, and nobody knows what workers there will be
};

struct bundle_reading {
  bundle content;  // complete only if there are no faults
  std::vector<bundle_fault> faults;
  std::vector<bundle_fault> warnings;  // it is deployed, but will not do what was meant
  [[nodiscard]] bool ok() const { return faults.empty(); }
};

bundle_reading read_bundle(const bundle_files& files, const bundle_context& context);
// All faults of the bundle, one a line, in the error's text.
base::result<bundle> read_bundle(const std::filesystem::path& folder_or_zip, const bundle_context& context);

// Message names and profiles of models, ActivityDefinitions and StructureDefinitions that don't belong together (dsf-bpe 1.2, 2.8).
std::vector<bundle_fault> contradictions(const bundle& b);

}  // namespace dsf::plugins

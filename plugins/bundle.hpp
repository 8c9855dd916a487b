// A plugin bundle: a folder with plugin.yaml, BPMN models and FHIR resources, read and checked as one unit (dsf-bpe 3.5, 3.6).
//
//   plugin.yaml
//     name: dsf-process-ping-pong
//     version: 1.0.1.0            # four parts; the first two are the resource version
//     release_date: 2026-11-22
//     settings:                   # defaults of placeholders and process settings
//       some.name: value
//     processes:
//       - model: bpe/ping.bpmn
//         send_deadline: PT20S    # optional: how long a message of this process is tried
//         resources: [fhir/ActivityDefinition/dsf-ping.xml, ...]
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "base/result.hpp"
#include "bpmn/model.hpp"
#include "plugins/handler.hpp"

namespace dsf::plugins {

struct bundle_resource {
  std::string file;       // below the bundle's folder
  std::string type;
  base::json content;     // placeholders replaced; status, profile and base definition as a v1 plugin's resources are adapted
  std::string criteria;   // what identifies it on the endpoint: url=...&version=...
};

struct bundle_process {
  std::shared_ptr<const bpmn::definition> definition;
  std::string xml;        // after placeholder replacement
  std::string send_deadline;
  std::vector<bundle_resource> resources;
};

struct bundle {
  std::string name;
  std::string version;           // four parts
  std::string resource_version;  // two parts
  std::string release_date;      // yyyy-MM-dd
  std::map<std::string, std::string> settings;
  std::vector<bundle_process> processes;
};

struct bundle_context {
  std::string organization;                          // identifier of the local organisation; "" = unknown, then draft Tasks are left out
  std::map<std::string, std::string> environment;    // wins over the bundle's settings
  const handler_registry* handlers = nullptr;        // null: handlers are not checked
};

// All faults of the bundle, one a line, in the error's text.
base::result<bundle> read_bundle(const std::filesystem::path& folder, const bundle_context& context);

}  // namespace dsf::plugins

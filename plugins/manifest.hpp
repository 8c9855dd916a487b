// plugin.yaml: what a bundle says of itself (docs/plugins.md).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace dsf::plugins {

// What is wrong, where (file:line where a line is known), and how to mend it.
struct bundle_fault {
  std::string place;
  std::string text;
  [[nodiscard]] std::string line() const { return place.empty() ? text : place + ": " + text; }
  bool operator==(const bundle_fault&) const = default;
};

enum class handler_runtime : std::uint8_t {
  builtin,  // a handler of this program
  worker,   // a program outside, over gRPC
};
std::string_view to_string(handler_runtime r) noexcept;

struct handler_rule {
  std::string pattern;  // a class name; * stands for any characters
  handler_runtime runtime = handler_runtime::builtin;
  int line = 0;
};

enum class setting_type : std::uint8_t { text, integer, boolean, duration, url, file, secret };
std::string_view to_string(setting_type t) noexcept;

struct bundle_setting {
  std::string name;
  setting_type type = setting_type::text;
  std::optional<std::string> default_value;  // never of a secret
  bool required = false;
  std::string doc;
  int line = 0;
};

// What workers of this plugin may use of the site; empty: nothing but clock, random numbers and log.
struct bundle_permissions {
  std::vector<std::string> services;  // of known_services()
  std::vector<std::string> settings;  // names of `configuration` or `settings`
  std::vector<std::string> secrets;   // names of `configuration` of type secret
  std::vector<std::string> stores;    // names in the site's feasibility.stores
  std::vector<std::string> connections;  // names in the site's fhir_connections.file
};
const std::vector<std::string>& known_services();

struct manifest_process {
  std::string model;
  int line = 0;
  std::string send_deadline;  // before placeholder replacement
  std::vector<std::pair<std::string, int>> resources;  // file, line
};

struct manifest {
  std::string name;
  std::string version;           // four parts
  std::string resource_version;  // the first two
  std::string release_date;      // yyyy-MM-dd
  bool draft = false;
  std::map<std::string, std::string> settings;  // plain defaults
  std::vector<bundle_setting> configuration;
  std::vector<handler_rule> handlers;           // the first that fits counts
  bundle_permissions permissions;
  std::vector<manifest_process> processes;

  [[nodiscard]] const bundle_setting* setting(std::string_view name) const;
  // builtin when no rule fits.
  [[nodiscard]] handler_runtime runtime_of(std::string_view class_name) const;
};

// `place`: the file's, for faults. The manifest is as complete as the text allows.
manifest read_manifest(const std::string& yaml, const std::string& place, std::vector<bundle_fault>& faults);

// "" if the text is a value of this type; else what is wrong. A file's presence is not looked at.
std::string fault_of_value(setting_type type, const std::string& text);
// DSF's rule for JAR names (dsf-bpe 3.2): -SNAPSHOT, -M1, -RC2 at the end, before .zip or .jar.
bool names_a_draft(std::string_view file_name);

}  // namespace dsf::plugins

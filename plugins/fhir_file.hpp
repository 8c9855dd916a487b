// A FHIR resource of a plugin: read, and adapted as the resources of DSF's v1 plugins are (dsf-bpe 3.6).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "plugins/manifest.hpp"

namespace dsf::plugins {

struct bundle_resource {
  std::string file;       // below the bundle's folder
  std::string type;
  base::json content;     // placeholders replaced; status, profile and base definition as a v1 plugin's resources are adapted
  std::string criteria;   // what identifies it on the endpoint: url=...&version=...
  [[nodiscard]] std::string identity() const { return type + "?" + criteria; }
};

// `text`: after placeholder replacement. Nothing was added to `faults` and nothing comes back: a draft Task of an unknown organisation.
std::optional<bundle_resource> read_resource(const std::string& file, const std::string& text, const std::string& place,
                                             const std::string& resource_version, bool organization_known,
                                             std::vector<bundle_fault>& faults);

// "url=...&version=..." and the like, without the rules; for files that are only looked at.
std::string criteria_of(const base::json& resource);

}  // namespace dsf::plugins

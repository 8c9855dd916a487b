// Which profiles a resource is checked against (dsf-fhir-server 4.4, 4.5).
#include "fhir/semantics/profiles/profile.hpp"

#include <fmt/format.h>

#include "fhir/semantics/conformance_cache.hpp"
#include "fhir/semantics/names.hpp"
#include "fhir/semantics/profiles/check_run.hpp"

namespace dsf::fhir {
namespace {

constexpr std::string_view core = "http://hl7.org/fhir/StructureDefinition/";

std::string kebab(std::string_view type) {
  std::string out;
  for (const char c : type) {
    if (c >= 'A' && c <= 'Z') {
      if (!out.empty()) out += '-';
      out += static_cast<char>(c + 32);
    } else {
      out += c;
    }
  }
  return out;
}

// The profile that every resource of a type has: the definition of R4 itself, which the codec checks.
bool is_base_of(std::string_view canonical, std::string_view type) {
  if (!canonical.starts_with(core)) return false;
  canonical.remove_prefix(core.size());
  if (const auto bar = canonical.find('|'); bar != canonical.npos) {
    if (canonical.substr(bar) != "|4.0.1") return false;
    canonical = canonical.substr(0, bar);
  }
  return canonical == type || canonical == "Resource" || canonical == "DomainResource";
}

}  // namespace

std::vector<issue> check_profiles(const base::json& resource, const conformance_cache& conformance, std::size_t limit) {
  check_run run(resource, conformance, limit);
  const auto& type = resource["resourceType"].str();
  std::size_t i = 0;
  for (const auto& canonical : resource["meta"]["profile"]) {
    const auto at = i++;
    const auto known = conformance.profile_of(canonical.str());
    if (!known) {
      if (is_base_of(canonical.str(), type)) continue;
      run.add_error("structure", fmt::format("{}.meta.profile[{}]", type, at),
                    fmt::format("Profile reference '{}' has not been checked because it is unknown", canonical.str()));
    } else if (known->type() != type) {
      run.add_error("structure", fmt::format("{}.meta.profile[{}]", type, at),
                    fmt::format("Profile '{}' is for {}, not for {}", canonical.str(), known->type(), type));
    } else {
      run.check(*known);
    }
  }
  run.walk();
  return std::move(run).take();
}

std::string default_profile(std::string_view type) {
  if (type == "Task") return {};
  return std::string(names::structure_definition_base) + kebab(type);
}

void add_default_profile(base::json& resource) {
  const auto& type = resource["resourceType"].str();
  const auto wanted = default_profile(type);
  if (wanted.empty()) return;
  for (const auto& p : resource["meta"]["profile"]) {
    const auto url = p.str().substr(0, p.str().find('|'));
    if (url == wanted || (type == "Organization" && url == wanted + "-parent")) return;
  }
  auto* meta = resource.find("meta");
  if (!meta) meta = &resource.set("meta", base::json(base::json::object{}));
  auto* profiles = meta->find("profile");
  if (!profiles) profiles = &meta->set("profile", base::json(base::json::array{}));
  if (profiles->is_array()) profiles->push_back(wanted);
}

}  // namespace dsf::fhir

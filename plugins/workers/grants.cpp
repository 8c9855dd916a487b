#include "plugins/workers/grants.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/mutant.hpp"
#include "plugins/workers/errc.hpp"

namespace dsf::plugins {

std::shared_ptr<const worker_grant> grant_of(const bundle& b) {
  return std::make_shared<const worker_grant>(
      worker_grant{fmt::format("plugin.yaml of {} {} ({})", b.name, b.version, b.source), b.permissions, b.settings});
}

namespace workers {
namespace {

using base::fail;
using base::result;

bool has(const std::vector<std::string>& list, std::string_view name) { return std::ranges::find(list, name) != list.end(); }

}  // namespace

entitlement::entitlement(const worker_options& options, const std::string& plugin, const activation* of)
    : options_(options), plugin_(plugin), of_site_(options.plugins.at(plugin)) {
  asked_for_ = of ? fmt::format("process {}|{}", of->process_key, of->version_tag) : "the processes of plugin " + plugin;
  if (!options.grants) return;
  if (of) {
    grants_ = options.grants(of->process_key, of->version_tag);
    return;
  }
  for (const auto& process : of_site_.processes)
    for (auto& g : options.grants(process, ""))
      if (std::ranges::find(grants_, g) == grants_.end()) grants_.push_back(std::move(g));
}

result<> entitlement::check(std::string_view what, std::string_view name, std::string_view permission,
                            std::vector<std::string> bundle_permissions::* list, std::vector<std::string> bundle_permissions::* other,
                            const std::optional<std::vector<std::string>>& site, std::string_view site_setting) const {
  if (grants_.empty())
    return fail(errc::permission_denied,
                fmt::format("PERMISSION_DENIED: no deployed bundle has {}, so nothing grants {} '{}'", asked_for_, what, name));
  const auto gives = [&](const auto& g) { return has(g->permissions.*list, name) || (other && has(g->permissions.*other, name)); };
  const auto giver = std::ranges::find_if(grants_, gives);
  if (giver == grants_.end()) {
    std::string manifests;
    for (const auto& g : grants_) manifests += (manifests.empty() ? "" : ", ") + g->manifest;
    return fail(errc::permission_denied,
                fmt::format("PERMISSION_DENIED: {} '{}' is not granted to workers of {}: add it to {}", what, name, asked_for_, permission),
                manifests);
  }
  if (site && !has(*site, name))
    return fail(
        errc::permission_denied,
        fmt::format("PERMISSION_DENIED: {} '{}' is granted by {}, but the site's settings leave it out", what, name, (*giver)->manifest),
        fmt::format("workers.plugins.{}.{}", plugin_, site_setting));
  return {};
}

result<> entitlement::service(std::string_view name) const {
  if (DSF_MUTANT("workers.service_without_permission")) return {};
  return check("the service", name, "permissions.services", &bundle_permissions::services, nullptr, of_site_.services, "services");
}

result<> entitlement::store(std::string_view name) const {
  TRY(service("fhir-stores"));
  return check("the store", name, "permissions.stores", &bundle_permissions::stores, nullptr, of_site_.stores, "stores");
}

result<> entitlement::connection(std::string_view name) const {
  TRY(service("fhir-connections"));
  return check("the connection", name, "permissions.connections", &bundle_permissions::connections, nullptr, of_site_.connections,
               "connections");
}

result<> entitlement::setting(std::string_view name) const {
  return check("the setting", name, "permissions.settings, or permissions.secrets if it is one", &bundle_permissions::settings,
               &bundle_permissions::secrets, of_site_.settings, "settings");
}

std::string entitlement::default_of(std::string_view name) const {
  for (const auto& g : grants_)
    if (const auto at = g->defaults.find(std::string(name)); at != g->defaults.end()) return at->second;
  return {};
}

std::map<std::string, std::string> entitlement::settings() const {
  std::map<std::string, std::string> out;
  for (const auto& g : grants_)
    for (const auto* list : {&g->permissions.settings, &g->permissions.secrets})
      for (const auto& name : *list) {
        if (!setting(name)) continue;
        if (const auto at = options_.settings.find(name); at != options_.settings.end())
          out[name] = at->second;
        else if (const auto d = g->defaults.find(name); d != g->defaults.end())
          out.try_emplace(name, d->second);
      }
  if (DSF_MUTANT("workers.secret_not_granted_is_sent")) return options_.settings;
  return out;
}

}  // namespace workers
}  // namespace dsf::plugins

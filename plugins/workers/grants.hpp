// What a worker may use of its site: the permissions of the bundle whose process it serves, less what the settings take away
// (docs/plugins.md, docs/decisions/worker-permissions.md).
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "plugins/bundle.hpp"
#include "plugins/workers/options.hpp"

namespace dsf::plugins {

// What one manifest gives.
struct worker_grant {
  std::string manifest;  // for people: plugin.yaml of which bundle, from where
  bundle_permissions permissions;
  std::map<std::string, std::string> defaults;  // of its settings
};
std::shared_ptr<const worker_grant> grant_of(const bundle& b);

namespace workers {

// On whose behalf a worker asks: of one activation, its process's bundle counts; of none, those of all processes of the plugin together.
class entitlement {
public:
  // `of` may be null.
  entitlement(const worker_options& options, const std::string& plugin, const activation* of);

  // Errors are `permission_denied` and name the permission and the manifest, or the setting.
  [[nodiscard]] base::result<> service(std::string_view name) const;
  [[nodiscard]] base::result<> store(std::string_view name) const;
  [[nodiscard]] base::result<> connection(std::string_view name) const;
  // A setting or a secret.
  [[nodiscard]] base::result<> setting(std::string_view name) const;
  // The manifest's default of a setting that was granted; "" without.
  [[nodiscard]] std::string default_of(std::string_view name) const;
  // All settings and secrets that it may see and that have a value.
  [[nodiscard]] std::map<std::string, std::string> settings() const;

private:
  [[nodiscard]] base::result<> check(std::string_view what, std::string_view name, std::string_view permission,
                                     std::vector<std::string> bundle_permissions::* list,
                                     std::vector<std::string> bundle_permissions::* other,
                                     const std::optional<std::vector<std::string>>& site, std::string_view site_setting) const;

  const worker_options& options_;
  const std::string& plugin_;
  const worker_plugin& of_site_;
  std::vector<std::shared_ptr<const worker_grant>> grants_;
  std::string asked_for_;  // "process key|version", or "the processes of plugin p"
};

}  // namespace workers
}  // namespace dsf::plugins

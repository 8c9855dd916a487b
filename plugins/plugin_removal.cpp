// Taking a plugin off a running site.
#include <fmt/format.h>

#include <algorithm>

#include "base/mutant.hpp"
#include "plugins/errc.hpp"
#include "plugins/kept_rows.hpp"
#include "plugins/plugin_set.hpp"
#include "storage/keys.hpp"

namespace dsf::plugins {
namespace {

using base::fail;
using base::result;

std::string process_name(const bundle_process& p) { return p.definition->key + "|" + p.definition->version_tag; }

// Every running instance has a row of its business key.
result<bool> runs(storage::store& store, const std::string& process) {
  return !TRY(store.view()->rows(storage::table::business_key, storage::keys::business_key(0, process, {}), 1)).empty();
}

}  // namespace

result<> plugin_set::may_be_removed(const bundle& b) const {
  for (const auto& p : b.processes) {
    const auto name = process_name(p);
    const auto at = states_.find(name);
    if (at != states_.end() && at->second.now != state::retired && at->second.now != state::excluded)
      return fail(errc::plugin_in_use,
                  fmt::format("its process {} is {}: `dsfctl plugin retire '{}'` first, then nothing new starts", name,
                              to_string(at->second.now), name),
                  b.name);
    if (TRY(runs(store_, name)) && !DSF_MUTANT("plugins.running_plugin_removed"))
      return fail(errc::plugin_in_use,
                  fmt::format("instances of its process {} still run: wait for their end, or cancel them; `dsfctl instances list --process "
                              "'{}'` shows them",
                              name, name),
                  b.name);
  }
  return {};
}

result<deployment> plugin_set::remove(const std::string& name, const std::string& version, plugin_line& what) {
  const std::lock_guard change{changes_};
  const auto fits = [&](const auto& p) { return p->content.name == name && (version.empty() || p->content.version == version); };
  const auto found = std::ranges::find_if(plugins_, fits);
  if (found == plugins_.end())
    return fail(errc::no_such_process, "there is no such plugin; `dsfctl plugin list` shows them with their versions",
                version.empty() ? name : name + " " + version);
  if (std::ranges::count_if(plugins_, fits) > 1) {
    std::string versions;
    for (const auto& p : plugins_)
      if (fits(p)) versions += (versions.empty() ? "" : ", ") + p->content.version;
    return fail(errc::plugin_in_use, "there are several versions of it, say which: " + versions, name);
  }
  const auto gone = *found;
  const auto& b = gone->content;
  if (!gone->by_operator)
    return fail(errc::settings_win, "plugins.folders of the settings has it, and the settings win; remove it there and restart", b.source);
  TRY(may_be_removed(b));
  what.name = b.name;
  what.version = b.version;
  auto next = plugins_;
  std::erase(next, gone);
  auto done = TRY(apply_all(next));
  // Last: until the copy is gone the next start brings the plugin back, with its processes as they were.
  TRY(forget_kept(store_, b));
  deployment out;
  for (const auto& p : b.processes) {
    out.processes.push_back(process_name(p));
    TRY(remember_wish(store_, out.processes.back(), state::active));
  }
  out.resources = done.resources;
  log_.info("plugins", "bundle removed", {},
            {{"bundle", b.name}, {"version", b.version}, {"resourcesWritten", static_cast<std::int64_t>(out.resources)}});
  const std::lock_guard lock{mutex_};
  plugins_ = std::move(next);
  states_ = std::move(done.processes);
  return out;
}

}  // namespace dsf::plugins

// Plugins of the site: what the settings list and what operators deploy, retire and exclude.
#include "site/running/errc.hpp"
#include "site/running/parts.hpp"

namespace dsf::site {
namespace {

using base::fail;
using base::result;

process_state_line line_of(const plugins::process_line& p) { return {p.name, p.state, p.because}; }

base::failure no_engine() {
  return fail(running_errc::role_missing, "this site runs no processes: ask the dsfd that has the role bpe, or give it that role");
}

}  // namespace

result<> running_site::parts::deploy_plugins() {
  plugins::plugin_set_options o;
  o.context.organization = config.organization_identifier;
  o.context.environment = config.process_environment;
  o.context.handlers = &handlers;
  o.settings.retired.insert(config.retired_processes.begin(), config.retired_processes.end());
  o.settings.excluded.insert(config.excluded_processes.begin(), config.excluded_processes.end());
  o.endpoint = [this] { return host->local_client(); };
  if (half) o.connected = [this] { return half->status().connected; };
  plugin_set = std::make_unique<plugins::plugin_set>(std::move(o), *store, definitions, *log, base::system_clock_source());
  return plugin_set->start(config.plugin_folders);
}

result<> running_site::parts::deploy_elsewhere() { return plugin_set ? plugin_set->bring_waiting() : result<>{}; }

result<deploy_result> running_site::deploy_plugin(const std::string& path) {
  if (!parts_->plugin_set) return no_engine();
  plugins::plugin_line what;
  const auto done = TRY(parts_->plugin_set->deploy(path, what));
  return deploy_result{what.name, what.version, done.processes, done.resources, what.warnings};
}

result<plugin_list> running_site::plugins() {
  if (!parts_->plugin_set) return no_engine();
  plugin_list out;
  const auto list = parts_->plugin_set->list();
  for (const auto& p : list.plugins) {
    plugin_line line{p.name, p.version, p.source, p.by_operator, {}, p.reasons, p.warnings, p.since};
    for (const auto& process : p.processes) line.processes.push_back(line_of(process));
    out.plugins.push_back(std::move(line));
  }
  for (const auto& process : list.without) out.without.push_back(line_of(process));
  return out;
}

result<deploy_result> running_site::remove_plugin(const std::string& name, const std::string& version) {
  if (!parts_->plugin_set) return no_engine();
  plugins::plugin_line what;
  const auto done = TRY(parts_->plugin_set->remove(name, version, what));
  return deploy_result{what.name, what.version, done.processes, done.resources, {}};
}

result<process_state_line> running_site::set_process_state(const std::string& process, const std::string& state) {
  if (!parts_->plugin_set) return no_engine();
  const auto wish = plugins::stored_state(state);
  if (!wish || *wish == plugins::state::draft)
    return fail(running_errc::bad_request, "a process can be retired, excluded or active; a draft is what its plugin is", state);
  return line_of(TRY(parts_->plugin_set->set_state(process, *wish)));
}

}  // namespace dsf::site

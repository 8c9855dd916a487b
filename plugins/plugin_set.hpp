// The plugins of a running site: those of the settings and those that operators deployed, what is in quarantine and why, and the states of
// all processes. Changes are durable before they are answered. Thread-safe; calls block.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "plugins/deploy.hpp"
#include "plugins/workers/grants.hpp"

namespace dsf::plugins {

struct process_line {
  std::string name;  // key|version
  std::string state;
  std::string because;
};
struct plugin_line {
  std::string name;  // empty in quarantine, when not even that could be read
  std::string version;
  std::string source;
  bool by_operator = false;  // deployed while running, and kept in the store; else of the settings
  std::vector<process_line> processes;
  std::vector<std::string> reasons;   // not empty: in quarantine
  std::vector<std::string> warnings;
  base::timestamp since;
};
struct plugin_list {
  std::vector<plugin_line> plugins;
  std::vector<process_line> without;  // processes that no plugin here has any more
};

struct plugin_set_options {
  bundle_context context;
  deployment_settings settings;
  std::function<std::unique_ptr<fhir_client>()> endpoint;  // as the local organisation
  std::function<bool()> connected;                         // set if the endpoint is another program: is it there just now?
};

class plugin_set {
public:
  plugin_set(plugin_set_options options, storage::store& store, actors::definitions& definitions, const base::logger& log,
             const base::clock& time);

  // Once, before the engine starts. What is wrong with a plugin goes into quarantine; an error is the store's.
  base::result<> start(const std::vector<std::string>& folders);
  // When the endpoint elsewhere is there, and now and then: brings what waited for it, and tries again what it refused. An error: it has to be
  // tried again.
  base::result<> bring_waiting();
  // Checks, deploys and keeps a copy. A bundle that can't be deployed stays in quarantine until the next start, and is the error.
  base::result<deployment> deploy(const std::string& path, plugin_line& what);
  // Takes a plugin off that was deployed while running, for good: its processes become excluded, their definitions stay for what has ended. An error
  // says what is in the way: it is of the settings, a process of it is neither retired nor excluded, an instance of it runs.
  base::result<deployment> remove(const std::string& name, const std::string& version, plugin_line& what);
  // retired, excluded or active. An error if the settings say otherwise: they win.
  base::result<process_line> set_state(const std::string& process, state wish);
  [[nodiscard]] plugin_list list() const;
  // What the manifests that have the process give to workers; version "": those of all its versions.
  [[nodiscard]] std::vector<std::shared_ptr<const worker_grant>> grants(std::string_view process_key, std::string_view version_tag) const;

private:
  struct loaded {
    bundle content;
    bool by_operator = false;
    base::timestamp since;
    std::vector<std::string> warnings;
  };
  base::result<> keep(const bundle& b);
  base::result<> may_be_removed(const bundle& b) const;
  base::result<> add_kept(std::vector<std::shared_ptr<loaded>>& into);
  void load(const bundle_files& files, bool by_operator, std::vector<std::shared_ptr<loaded>>& into);
  void choose(std::vector<std::shared_ptr<loaded>>& from);
  base::result<applied> apply_to(const std::vector<std::shared_ptr<loaded>>& plugins, bool with_endpoint);
  base::result<applied> apply_all(const std::vector<std::shared_ptr<loaded>>& plugins);
  void take(std::vector<std::shared_ptr<loaded>> plugins, applied done);
  void quarantine(const bundle& b, bool by_operator, std::vector<std::string> reasons);

  const plugin_set_options options_;
  storage::store& store_;
  actors::definitions& definitions_;
  const base::logger& log_;
  const base::clock& clock_;

  std::mutex changes_;  // one change at a time
  mutable std::mutex mutex_;
  bool waiting_ = false;  // for the endpoint elsewhere
  std::vector<std::shared_ptr<loaded>> refused_;  // by it; in quarantine
  std::vector<std::string> folders_;
  std::vector<std::shared_ptr<loaded>> plugins_;
  std::vector<plugin_line> quarantine_;
  std::map<std::string, deployed_state> states_;
};

}  // namespace dsf::plugins

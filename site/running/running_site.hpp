// A running site: store, endpoint, engine, repository and servers of the roles that its configuration names.
#pragma once

#include <memory>

#include "base/result.hpp"
#include "site/admin/admin_port.hpp"
#include "site/settings/site_config.hpp"

namespace dsf::site {

class running_site final : public admin_port {
public:
  // Comes back when the site receives (or, without the role bpe, answers). Any error: nothing keeps running.
  static base::result<std::unique_ptr<running_site>> start(const site_config& config);
  ~running_site() override;

  // Certificates, keys, authorities and the roles of people as `config` names them, for connections and requests from now on; all or, with an error,
  // nothing. What else differs waits for a restart.
  base::result<> reload(const site_config& config);
  // The same when the settings could not even be read: says so in the log.
  void not_reloaded(const std::vector<base::error>& problems);
  // Stops in the order of docs/design.md, "Threads". May be called more than once.
  void stop();
  // Set by shutdown() of the admin port, with its reason.
  void on_shutdown(std::function<void(std::string)> what);

  base::result<site_status> status() override;
  base::result<instance_page> list_instances(const instance_filter& filter) override;
  base::result<instance_detail> show_instance(const std::string& id_or_business_key) override;
  base::result<incident_page> list_incidents(const incident_filter& filter) override;
  base::result<> retry_incident(const std::string& id) override;
  base::result<> cancel_incident(const std::string& id) override;
  base::result<> cancel_instance(const std::string& id, const std::string& reason) override;
  base::result<std::vector<why_answer>> why(const std::string& business_key) override;
  base::result<std::vector<partner_status>> partners() override;
  base::result<started_task> start_task(const start_request& request) override;
  base::result<> complete_user_task(const user_task_completion& completion) override;
  base::result<> import(const std::string& path, const std::function<bool(const import_progress&)>& progress) override;
  base::result<std::uint64_t> cohort_count(const std::string& ccdl) override;
  base::result<std::vector<actor_status>> actors(std::uint32_t limit) override;
  base::result<worker_list> workers() override;
  base::result<deploy_result> deploy_plugin(const std::string& path) override;
  base::result<plugin_list> plugins() override;
  base::result<deploy_result> remove_plugin(const std::string& name, const std::string& version) override;
  base::result<process_state_line> set_process_state(const std::string& process, const std::string& state) override;
  base::result<> hold_handler(const std::string& class_name, bool hold) override;
  base::result<retention_overview> retention() override;
  base::result<retention_result> run_retention(bool dry_run) override;
  base::result<> back_up(const std::string& destination, const std::string& keys,
                         const std::function<bool(const store_copy_progress&)>& progress) override;
  base::result<store_copy_progress> write_data_keys(const std::string& file) override;
  base::result<restored_overview> restored() override;
  base::result<> release_restored() override;
  base::result<> erase_data(const std::string& what, bool for_ever) override;
  base::result<> shutdown(const std::string& reason) override;
  std::uint64_t subscribe(std::function<void(const site_event_line&)> listener) override;
  void unsubscribe(std::uint64_t token) override;

  struct parts;

private:
  explicit running_site(std::unique_ptr<parts> p);
  std::unique_ptr<parts> parts_;
};

}  // namespace dsf::site

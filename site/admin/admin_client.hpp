// The other end of the admin API: the calls of a running site from another program.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "site/admin/admin_port.hpp"

namespace dsf::site {

class admin_client final : public admin_calls {
public:
  // Does not connect yet. Each call but import(), watch(), run_retention(), restored() and back_up() ends after `timeout_ms`.
  explicit admin_client(std::string socket_path, std::int64_t timeout_ms = 30'000);
  ~admin_client() override;

  // Calls until `on_event` returns false, the site ends (an error), or stop_watching().
  base::result<> watch(const std::function<bool(const site_event_line&)>& on_event);
  // From any thread; a watch() that begins later ends at once.
  void stop_watching();
  // Waits until the site answers; for programs that have just started one.
  base::result<> wait_until_there(std::int64_t timeout_ms);

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

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace dsf::site

// The admin port with an audit log beside it. Texts of calls that can hold data of patients (inputs, variables, queries, reasons) are not told.
#include "site/running/audit_trail.hpp"

namespace dsf::site {
namespace {

using base::result;

class audited_admin final : public admin_port {
public:
  audited_admin(admin_port& site, audit_trail& trail) : site_(site), trail_(trail) {}

  result<site_status> status() override { return site_.status(); }
  result<instance_page> list_instances(const instance_filter& f) override { return site_.list_instances(f); }
  result<instance_detail> show_instance(const std::string& id) override { return told("show instance " + id, site_.show_instance(id)); }
  result<incident_page> list_incidents(const incident_filter& f) override { return site_.list_incidents(f); }
  result<> retry_incident(const std::string& id) override { return told("retry incident " + id, site_.retry_incident(id)); }
  result<> cancel_incident(const std::string& id) override { return told("cancel incident " + id, site_.cancel_incident(id)); }
  result<> cancel_instance(const std::string& id, const std::string& reason) override {
    return told("cancel instance " + id, site_.cancel_instance(id, reason));
  }
  result<std::vector<why_answer>> why(const std::string& key) override { return site_.why(key); }
  result<std::vector<partner_status>> partners() override { return site_.partners(); }
  result<started_task> start_task(const start_request& r) override { return told("start process " + r.process, site_.start_task(r)); }
  result<> complete_user_task(const user_task_completion& c) override {
    return told("complete user task " + c.id, site_.complete_user_task(c));
  }
  result<> import(const std::string& path, const std::function<bool(const import_progress&)>& progress) override {
    return told("import " + path, site_.import(path, progress));
  }
  result<std::uint64_t> cohort_count(const std::string& ccdl) override {
    return told("count a cohort, before noise", site_.cohort_count(ccdl));
  }
  result<std::vector<actor_status>> actors(std::uint32_t limit) override { return site_.actors(limit); }
  result<worker_list> workers() override { return site_.workers(); }
  result<deploy_result> deploy_plugin(const std::string& path) override { return told("deploy plugin " + path, site_.deploy_plugin(path)); }
  result<plugin_list> plugins() override { return site_.plugins(); }
  result<deploy_result> remove_plugin(const std::string& name, const std::string& version) override {
    return told("remove plugin " + name + ' ' + version, site_.remove_plugin(name, version));
  }
  result<process_state_line> set_process_state(const std::string& process, const std::string& state) override {
    return told("make process " + process + ' ' + state, site_.set_process_state(process, state));
  }
  result<> hold_handler(const std::string& class_name, bool hold) override {
    return told((hold ? "hold handler " : "release handler ") + class_name, site_.hold_handler(class_name, hold));
  }
  result<retention_overview> retention() override { return site_.retention(); }
  result<retention_result> run_retention(bool dry_run) override {
    return dry_run ? site_.run_retention(true) : told("run retention", site_.run_retention(false), audit_kind::erasure);
  }
  result<> back_up(const std::string& destination, const std::string& keys,
                   const std::function<bool(const store_copy_progress&)>& progress) override {
    return told("back up to " + destination + (keys.empty() ? "" : ", data keys to " + keys), site_.back_up(destination, keys, progress));
  }
  result<store_copy_progress> write_data_keys(const std::string& file) override {
    return told("write data keys to " + file, site_.write_data_keys(file));
  }
  result<restored_overview> restored() override { return site_.restored(); }
  result<> release_restored() override { return told("release the restored store", site_.release_restored()); }
  result<> erase_data(const std::string& what, bool for_ever) override {
    return told("erase data of " + what, site_.erase_data(what, for_ever), audit_kind::erasure);
  }
  result<> shutdown(const std::string& reason) override { return told("shut down", site_.shutdown(reason)); }
  std::uint64_t subscribe(std::function<void(const site_event_line&)> listener) override { return site_.subscribe(std::move(listener)); }
  void unsubscribe(std::uint64_t token) override { site_.unsubscribe(token); }

private:
  template <class T>
  result<T> told(std::string what, result<T> outcome, audit_kind kind = audit_kind::administration) {
    trail_.operator_did(kind, std::move(what), outcome ? result<>{} : result<>(base::failure(outcome.error())));
    return outcome;
  }

  admin_port& site_;
  audit_trail& trail_;
};

}  // namespace

std::unique_ptr<admin_port> audited(admin_port& site, audit_trail& trail) { return std::make_unique<audited_admin>(site, trail); }

}  // namespace dsf::site

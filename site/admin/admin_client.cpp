#include "site/admin/admin_client.hpp"

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <filesystem>
#include <mutex>

#include "proto/admin.grpc.pb.h"
#include "site/admin/convert_impl.hpp"

namespace dsf::site {

struct admin_client::impl {
  impl(std::string p, std::int64_t t) : path(std::move(p)), timeout_ms(t) {
    grpc::ChannelArguments arguments;
    arguments.SetMaxReceiveMessageSize(64 << 20);
    // A site that was just started is reached soon after it listens.
    arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 20);
    arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 1'000);
    arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 200);
    // Each client has connections of its own: one that is made anew does not wait for the back-off of the one before.
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    channel = grpc::CreateCustomChannel("unix:" + std::filesystem::absolute(path).string(), grpc::InsecureChannelCredentials(), arguments);
    stub = pb::Admin::NewStub(channel);
  }

  template <class In, class Out>
  base::result<Out> call(grpc::Status (pb::Admin::Stub::*method)(grpc::ClientContext*, const In&, Out*), const In& in) {
    grpc::ClientContext context;
    context.set_deadline(gpr_time_from_millis(timeout_ms, GPR_TIMESPAN));
    Out out;
    const auto status = ((*stub).*method)(&context, in, &out);
    if (!status.ok()) return base::failure(from_status(status, path));
    return out;
  }

  std::string path;
  std::int64_t timeout_ms;
  std::shared_ptr<grpc::Channel> channel;
  std::unique_ptr<pb::Admin::Stub> stub;
  std::mutex mutex;
  grpc::ClientContext* watching = nullptr;
  bool stopped = false;
};

admin_client::admin_client(std::string socket_path, std::int64_t timeout_ms)
    : impl_(std::make_unique<impl>(std::move(socket_path), timeout_ms)) {}
admin_client::~admin_client() = default;

base::result<> admin_client::watch(const std::function<bool(const site_event_line&)>& on_event) {
  grpc::ClientContext context;
  {
    std::lock_guard lock(impl_->mutex);
    if (impl_->stopped) return {};
    impl_->watching = &context;
  }
  auto reader = impl_->stub->Watch(&context, pb::WatchRequest());
  pb::SiteEvent event;
  bool wanted = true;
  while (wanted && reader->Read(&event)) wanted = on_event(from_proto(event));
  if (!wanted) context.TryCancel();
  const auto status = reader->Finish();
  std::lock_guard lock(impl_->mutex);
  impl_->watching = nullptr;
  if (!wanted || impl_->stopped) return {};
  if (!status.ok()) return base::failure(from_status(status, impl_->path));
  return base::fail(admin_errc::cancelled, "dsfd has stopped", impl_->path);
}

void admin_client::stop_watching() {
  std::lock_guard lock(impl_->mutex);
  impl_->stopped = true;
  if (impl_->watching) impl_->watching->TryCancel();
}

base::result<> admin_client::wait_until_there(std::int64_t timeout_ms) {
  if (impl_->channel->WaitForConnected(gpr_time_from_millis(timeout_ms, GPR_TIMESPAN))) return {};
  return base::fail(admin_errc::no_server, "no dsfd listens at " + impl_->path + "; start it or pass --socket");
}

base::result<site_status> admin_client::status() { return from_proto(TRY(impl_->call(&pb::Admin::Stub::Status, pb::StatusRequest()))); }

base::result<instance_page> admin_client::list_instances(const instance_filter& filter) {
  pb::InstanceFilter in;
  to_proto(filter, in);
  return from_proto(TRY(impl_->call(&pb::Admin::Stub::ListInstances, in)));
}

base::result<instance_detail> admin_client::show_instance(const std::string& id_or_business_key) {
  pb::InstanceRef in;
  in.set_id(id_or_business_key);
  return from_proto(TRY(impl_->call(&pb::Admin::Stub::ShowInstance, in)));
}

base::result<incident_page> admin_client::list_incidents(const incident_filter& filter) {
  pb::IncidentFilter in;
  to_proto(filter, in);
  return from_proto(TRY(impl_->call(&pb::Admin::Stub::ListIncidents, in)));
}

base::result<> admin_client::retry_incident(const std::string& id) {
  pb::IncidentRef in;
  in.set_id(id);
  TRY(impl_->call(&pb::Admin::Stub::RetryIncident, in));
  return {};
}

base::result<> admin_client::cancel_incident(const std::string& id) {
  pb::IncidentRef in;
  in.set_id(id);
  TRY(impl_->call(&pb::Admin::Stub::CancelIncident, in));
  return {};
}

base::result<> admin_client::cancel_instance(const std::string& id, const std::string& reason) {
  pb::CancelInstanceRequest in;
  in.set_id(id);
  in.set_reason(reason);
  TRY(impl_->call(&pb::Admin::Stub::CancelInstance, in));
  return {};
}

base::result<std::vector<why_answer>> admin_client::why(const std::string& business_key) {
  pb::WhyRequest in;
  in.set_business_key(business_key);
  return from_proto(TRY(impl_->call(&pb::Admin::Stub::Why, in)));
}

base::result<std::vector<partner_status>> admin_client::partners() {
  return from_proto(TRY(impl_->call(&pb::Admin::Stub::Partners, pb::PartnersRequest())));
}

base::result<started_task> admin_client::start_task(const start_request& request) {
  pb::StartTaskRequest in;
  to_proto(request, in);
  return from_proto(TRY(impl_->call(&pb::Admin::Stub::StartTask, in)));
}

base::result<> admin_client::complete_user_task(const user_task_completion& completion) {
  pb::UserTaskCompletion in;
  to_proto(completion, in);
  TRY(impl_->call(&pb::Admin::Stub::CompleteUserTask, in));
  return {};
}

base::result<> admin_client::import(const std::string& path, const std::function<bool(const import_progress&)>& progress) {
  pb::ImportRequest in;
  in.set_path(path);
  grpc::ClientContext context;
  auto reader = impl_->stub->Import(&context, in);
  pb::ImportProgress message;
  bool wanted = true;
  while (wanted && reader->Read(&message)) wanted = progress(from_proto(message));
  if (!wanted) context.TryCancel();
  const auto status = reader->Finish();
  if (!wanted) return base::fail(admin_errc::cancelled, "the import was stopped; the same command goes on with it", path);
  if (!status.ok()) return base::failure(from_status(status, impl_->path));
  return {};
}

base::result<std::uint64_t> admin_client::cohort_count(const std::string& ccdl) {
  pb::CohortQuery in;
  in.set_ccdl(ccdl);
  return TRY(impl_->call(&pb::Admin::Stub::CohortCount, in)).count();
}

base::result<std::vector<actor_status>> admin_client::actors(std::uint32_t limit) {
  pb::ActorTreeRequest in;
  in.set_limit(limit);
  return from_proto(TRY(impl_->call(&pb::Admin::Stub::ActorTree, in)));
}

base::result<worker_list> admin_client::workers() { return from_proto(TRY(impl_->call(&pb::Admin::Stub::Workers, pb::WorkersRequest()))); }

base::result<deploy_result> admin_client::deploy_plugin(const std::string& path) {
  pb::DeployRequest in;
  in.set_path(path);
  return from_proto(TRY(impl_->call(&pb::Admin::Stub::DeployPlugin, in)));
}

base::result<plugin_list> admin_client::plugins() {
  return from_proto(TRY(impl_->call(&pb::Admin::Stub::ListPlugins, pb::ListPluginsRequest{})));
}

base::result<deploy_result> admin_client::remove_plugin(const std::string& name, const std::string& version) {
  pb::RemovePluginRequest in;
  in.set_name(name);
  in.set_version(version);
  return from_proto(TRY(impl_->call(&pb::Admin::Stub::RemovePlugin, in)));
}

base::result<> admin_client::erase_data(const std::string& what, bool for_ever) {
  pb::EraseDataRequest in;
  in.set_what(what);
  in.set_for_ever(for_ever);
  grpc::ClientContext context;  // without a deadline: files are written
  pb::Done out;
  const auto status = impl_->stub->EraseData(&context, in, &out);
  if (!status.ok()) return base::failure(from_status(status, impl_->path));
  return {};
}

base::result<process_state_line> admin_client::set_process_state(const std::string& process, const std::string& state) {
  pb::ProcessStateRequest in;
  in.set_process(process);
  in.set_state(state);
  return from_proto(TRY(impl_->call(&pb::Admin::Stub::SetProcessState, in)));
}

base::result<> admin_client::hold_handler(const std::string& class_name, bool hold) {
  pb::HoldRequest in;
  in.set_class_name(class_name);
  in.set_hold(hold);
  TRY(impl_->call(&pb::Admin::Stub::HoldHandler, in));
  return {};
}

base::result<retention_overview> admin_client::retention() {
  return from_proto(TRY(impl_->call(&pb::Admin::Stub::Retention, pb::RetentionRequest())));
}

base::result<retention_result> admin_client::run_retention(bool dry_run) {
  pb::RunRetentionRequest in;
  in.set_dry_run(dry_run);
  grpc::ClientContext context;
  pb::RetentionResult out;
  const auto status = impl_->stub->RunRetention(&context, in, &out);
  if (!status.ok()) return base::failure(from_status(status, impl_->path));
  return from_proto(out);
}

base::result<> admin_client::back_up(const std::string& destination, const std::string& keys,
                                     const std::function<bool(const store_copy_progress&)>& progress) {
  pb::BackupRequest in;
  in.set_destination(destination);
  in.set_keys(keys);
  grpc::ClientContext context;
  auto reader = impl_->stub->Backup(&context, in);
  pb::BackupProgress message;
  bool wanted = true;
  while (wanted && reader->Read(&message)) wanted = progress(from_proto(message));
  if (!wanted) context.TryCancel();
  const auto status = reader->Finish();
  if (!wanted) return base::fail(admin_errc::cancelled, "the backup was stopped; nothing of it is left", destination);
  if (!status.ok()) return base::failure(from_status(status, impl_->path));
  return {};
}

base::result<store_copy_progress> admin_client::write_data_keys(const std::string& file) {
  pb::WriteDataKeysRequest in;
  in.set_path(file);
  return from_proto(TRY(impl_->call(&pb::Admin::Stub::WriteDataKeys, in)));
}

base::result<restored_overview> admin_client::restored() {
  grpc::ClientContext context;
  pb::RestoredOverview out;
  const auto status = impl_->stub->Restored(&context, pb::RestoredRequest(), &out);
  if (!status.ok()) return base::failure(from_status(status, impl_->path));
  return from_proto(out);
}

base::result<> admin_client::release_restored() {
  TRY(impl_->call(&pb::Admin::Stub::ReleaseRestored, pb::ReleaseRestoredRequest()));
  return {};
}

base::result<> admin_client::shutdown(const std::string& reason) {
  pb::ShutdownRequest in;
  in.set_reason(reason);
  TRY(impl_->call(&pb::Admin::Stub::Shutdown, in));
  return {};
}

}  // namespace dsf::site

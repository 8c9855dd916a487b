// Plain structs to protobuf and back, one pair a message; the only place that knows both.
#pragma once

#include <grpcpp/support/status.h>

#include "proto/admin.pb.h"
#include "site/admin/admin_port.hpp"

namespace dsf::site {

namespace pb = dsf::admin::v1;

void to_proto(const site_status& from, pb::SiteStatus& to);
void to_proto(const instance_filter& from, pb::InstanceFilter& to);
void to_proto(const instance_summary& from, pb::InstanceSummary& to);
void to_proto(const instance_page& from, pb::InstancePage& to);
void to_proto(const wait_point_line& from, pb::WaitPoint& to);
void to_proto(const instance_detail& from, pb::InstanceDetail& to);
void to_proto(const incident_filter& from, pb::IncidentFilter& to);
void to_proto(const incident_page& from, pb::IncidentPage& to);
void to_proto(const std::vector<why_answer>& from, pb::WhyReply& to);
void to_proto(const std::vector<partner_status>& from, pb::PartnerList& to);
void to_proto(const start_request& from, pb::StartTaskRequest& to);
void to_proto(const started_task& from, pb::StartedTask& to);
void to_proto(const user_task_completion& from, pb::UserTaskCompletion& to);
void to_proto(const import_progress& from, pb::ImportProgress& to);
void to_proto(const std::vector<actor_status>& from, pb::ActorList& to);
void to_proto(const worker_list& from, pb::WorkerList& to);
void to_proto(const deploy_result& from, pb::DeployResult& to);
void to_proto(const process_state_line& from, pb::ProcessStateLine& to);
void to_proto(const plugin_list& from, pb::PluginList& to);
void to_proto(const retention_overview& from, pb::RetentionOverview& to);
void to_proto(const retention_result& from, pb::RetentionResult& to);
void to_proto(const store_copy_progress& from, pb::BackupProgress& to);
void to_proto(const restored_overview& from, pb::RestoredOverview& to);
void to_proto(const site_event_line& from, pb::SiteEvent& to);

site_status from_proto(const pb::SiteStatus& from);
instance_filter from_proto(const pb::InstanceFilter& from);
instance_summary from_proto(const pb::InstanceSummary& from);
instance_page from_proto(const pb::InstancePage& from);
wait_point_line from_proto(const pb::WaitPoint& from);
instance_detail from_proto(const pb::InstanceDetail& from);
incident_filter from_proto(const pb::IncidentFilter& from);
incident_page from_proto(const pb::IncidentPage& from);
std::vector<why_answer> from_proto(const pb::WhyReply& from);
std::vector<partner_status> from_proto(const pb::PartnerList& from);
start_request from_proto(const pb::StartTaskRequest& from);
started_task from_proto(const pb::StartedTask& from);
user_task_completion from_proto(const pb::UserTaskCompletion& from);
import_progress from_proto(const pb::ImportProgress& from);
std::vector<actor_status> from_proto(const pb::ActorList& from);
worker_list from_proto(const pb::WorkerList& from);
deploy_result from_proto(const pb::DeployResult& from);
process_state_line from_proto(const pb::ProcessStateLine& from);
plugin_list from_proto(const pb::PluginList& from);
retention_overview from_proto(const pb::RetentionOverview& from);
retention_result from_proto(const pb::RetentionResult& from);
store_copy_progress from_proto(const pb::BackupProgress& from);
restored_overview from_proto(const pb::RestoredOverview& from);
site_event_line from_proto(const pb::SiteEvent& from);

grpc::Status to_status(const base::error& e);
base::error from_status(const grpc::Status& status, const std::string& socket_path);

}  // namespace dsf::site

#include "site/admin/admin_server.hpp"

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <set>

#include "proto/admin.grpc.pb.h"
#include "site/admin/convert_impl.hpp"
#include "site/admin/event_queue.hpp"

namespace dsf::site {
namespace {

constexpr std::int64_t watch_poll_ms = 200;  // how soon a watcher that went away is noticed

class service final : public pb::Admin::Service {
public:
  explicit service(admin_port& port, const base::clock& time) : port_(port), clock_(time) {}

  // Ends all watchers, and those that come later.
  void close() {
    std::lock_guard lock(mutex_);
    closed_ = true;
    for (auto* queue : watchers_) queue->close();
  }

  grpc::Status Status(grpc::ServerContext*, const pb::StatusRequest*, pb::SiteStatus* out) override { return answer(port_.status(), out); }
  grpc::Status ListInstances(grpc::ServerContext*, const pb::InstanceFilter* in, pb::InstancePage* out) override {
    return answer(port_.list_instances(from_proto(*in)), out);
  }
  grpc::Status ShowInstance(grpc::ServerContext*, const pb::InstanceRef* in, pb::InstanceDetail* out) override {
    return answer(port_.show_instance(in->id()), out);
  }
  grpc::Status ListIncidents(grpc::ServerContext*, const pb::IncidentFilter* in, pb::IncidentPage* out) override {
    return answer(port_.list_incidents(from_proto(*in)), out);
  }
  grpc::Status RetryIncident(grpc::ServerContext*, const pb::IncidentRef* in, pb::Done*) override {
    return done(port_.retry_incident(in->id()));
  }
  grpc::Status CancelIncident(grpc::ServerContext*, const pb::IncidentRef* in, pb::Done*) override {
    return done(port_.cancel_incident(in->id()));
  }
  grpc::Status CancelInstance(grpc::ServerContext*, const pb::CancelInstanceRequest* in, pb::Done*) override {
    return done(port_.cancel_instance(in->id(), in->reason()));
  }
  grpc::Status Why(grpc::ServerContext*, const pb::WhyRequest* in, pb::WhyReply* out) override {
    return answer(port_.why(in->business_key()), out);
  }
  grpc::Status Partners(grpc::ServerContext*, const pb::PartnersRequest*, pb::PartnerList* out) override {
    return answer(port_.partners(), out);
  }
  grpc::Status StartTask(grpc::ServerContext*, const pb::StartTaskRequest* in, pb::StartedTask* out) override {
    return answer(port_.start_task(from_proto(*in)), out);
  }
  grpc::Status CompleteUserTask(grpc::ServerContext*, const pb::UserTaskCompletion* in, pb::Done*) override {
    return done(port_.complete_user_task(from_proto(*in)));
  }
  grpc::Status CohortCount(grpc::ServerContext*, const pb::CohortQuery* in, pb::CohortResult* out) override {
    auto count = port_.cohort_count(in->ccdl());
    if (!count) return to_status(count.error());
    out->set_count(*count);
    return grpc::Status::OK;
  }
  grpc::Status ActorTree(grpc::ServerContext*, const pb::ActorTreeRequest* in, pb::ActorList* out) override {
    return answer(port_.actors(in->limit()), out);
  }
  grpc::Status Workers(grpc::ServerContext*, const pb::WorkersRequest*, pb::WorkerList* out) override {
    return answer(port_.workers(), out);
  }
  grpc::Status DeployPlugin(grpc::ServerContext*, const pb::DeployRequest* in, pb::DeployResult* out) override {
    return answer(port_.deploy_plugin(in->path()), out);
  }
  grpc::Status ListPlugins(grpc::ServerContext*, const pb::ListPluginsRequest*, pb::PluginList* out) override {
    return answer(port_.plugins(), out);
  }
  grpc::Status SetProcessState(grpc::ServerContext*, const pb::ProcessStateRequest* in, pb::ProcessStateLine* out) override {
    return answer(port_.set_process_state(in->process(), in->state()), out);
  }
  grpc::Status HoldHandler(grpc::ServerContext*, const pb::HoldRequest* in, pb::Done*) override {
    return done(port_.hold_handler(in->class_name(), in->hold()));
  }
  grpc::Status Shutdown(grpc::ServerContext*, const pb::ShutdownRequest* in, pb::Done*) override {
    return done(port_.shutdown(in->reason()));
  }

  grpc::Status Retention(grpc::ServerContext*, const pb::RetentionRequest*, pb::RetentionOverview* out) override {
    return answer(port_.retention(), out);
  }
  grpc::Status RunRetention(grpc::ServerContext*, const pb::RunRetentionRequest* in, pb::RetentionResult* out) override {
    return answer(port_.run_retention(in->dry_run()), out);
  }
  grpc::Status Restored(grpc::ServerContext*, const pb::RestoredRequest*, pb::RestoredOverview* out) override {
    return answer(port_.restored(), out);
  }
  grpc::Status ReleaseRestored(grpc::ServerContext*, const pb::ReleaseRestoredRequest*, pb::Done*) override {
    return done(port_.release_restored());
  }
  grpc::Status WriteDataKeys(grpc::ServerContext*, const pb::WriteDataKeysRequest* in, pb::BackupProgress* out) override {
    return answer(port_.write_data_keys(in->path()), out);
  }
  grpc::Status RemovePlugin(grpc::ServerContext*, const pb::RemovePluginRequest* in, pb::DeployResult* out) override {
    return answer(port_.remove_plugin(in->name(), in->version()), out);
  }
  grpc::Status EraseData(grpc::ServerContext*, const pb::EraseDataRequest* in, pb::Done*) override {
    return done(port_.erase_data(in->what(), in->for_ever()));
  }
  grpc::Status Backup(grpc::ServerContext* context, const pb::BackupRequest* in, grpc::ServerWriter<pb::BackupProgress>* out) override {
    return done(port_.back_up(in->destination(), in->keys(), [&](const store_copy_progress& p) {
      pb::BackupProgress message;
      to_proto(p, message);
      return !context->IsCancelled() && out->Write(message);
    }));
  }

  grpc::Status Import(grpc::ServerContext* context, const pb::ImportRequest* in, grpc::ServerWriter<pb::ImportProgress>* out) override {
    auto imported = port_.import(in->path(), [&](const import_progress& p) {
      pb::ImportProgress message;
      to_proto(p, message);
      return !context->IsCancelled() && out->Write(message);
    });
    return done(imported);
  }

  grpc::Status Watch(grpc::ServerContext* context, const pb::WatchRequest*, grpc::ServerWriter<pb::SiteEvent>* out) override {
    event_queue queue;
    {
      std::lock_guard lock(mutex_);
      if (closed_) return {grpc::StatusCode::UNAVAILABLE, "dsfd is stopping"};
      watchers_.insert(&queue);
    }
    const auto token = port_.subscribe([&](const site_event_line& e) { queue.push(e); });
    // Tells the watcher that nothing can be missed from here on.
    bool reading = write({.kind = "watching", .time = clock_.now()}, out);
    while (reading && !context->IsCancelled() && !queue.closed())
      for (const auto& e : queue.pop(watch_poll_ms))
        if (!(reading = write(e, out))) break;
    port_.unsubscribe(token);
    std::lock_guard lock(mutex_);
    watchers_.erase(&queue);
    return grpc::Status::OK;
  }

private:
  template <class T, class Message>
  static grpc::Status answer(const base::result<T>& value, Message* out) {
    if (!value) return to_status(value.error());
    to_proto(*value, *out);
    return grpc::Status::OK;
  }
  static grpc::Status done(const base::result<>& value) { return value ? grpc::Status::OK : to_status(value.error()); }
  static bool write(const site_event_line& e, grpc::ServerWriter<pb::SiteEvent>* out) {
    pb::SiteEvent message;
    to_proto(e, message);
    return out->Write(message);
  }

  admin_port& port_;
  const base::clock& clock_;
  std::mutex mutex_;
  bool closed_ = false;
  std::set<event_queue*> watchers_;
};

// True if somebody accepts connections there.
bool is_alive(const std::string& path) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  const bool alive = ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  ::close(fd);
  return alive;
}

base::result<> free_the_path(const std::string& path) {
  struct stat found{};
  if (path.size() >= sizeof(sockaddr_un::sun_path))
    return base::fail(
        admin_errc::invalid,
        fmt::format("the path of a Unix socket has at most {} bytes; set a shorter admin.socket", sizeof(sockaddr_un::sun_path) - 1), path);
  if (::lstat(path.c_str(), &found) != 0) return {};
  if (!S_ISSOCK(found.st_mode))
    return base::fail(admin_errc::socket_in_use, "there is a file that is no socket; remove it or set another admin.socket", path);
  if (is_alive(path)) return base::fail(admin_errc::socket_in_use, "another dsfd listens here; stop it or set another admin.socket", path);
  if (::unlink(path.c_str()) != 0)
    return base::fail(admin_errc::socket_in_use, fmt::format("the socket that was left behind can't be removed: {}", std::strerror(errno)),
                      path);
  return {};
}

}  // namespace

struct admin_server::impl {
  impl(std::string p, admin_port& port, const base::clock& time) : path(std::move(p)), calls(port, time) {}
  ~impl() { stop(0); }

  base::result<> listen() {
    TRY(free_the_path(path));
    grpc::ServerBuilder builder;
    builder.AddListeningPort("unix:" + path, grpc::InsecureServerCredentials());
    builder.RegisterService(&calls);
    builder.SetMaxReceiveMessageSize(16 << 20);
    // Operators are few: one queue, few threads.
    builder.SetSyncServerOption(grpc::ServerBuilder::SyncServerOption::NUM_CQS, 1);
    builder.SetSyncServerOption(grpc::ServerBuilder::SyncServerOption::MIN_POLLERS, 1);
    builder.SetSyncServerOption(grpc::ServerBuilder::SyncServerOption::MAX_POLLERS, 2);
    // The socket must never be open to others, not even before chmod.
    const auto mask = ::umask(0177);
    server = builder.BuildAndStart();
    ::umask(mask);
    if (!server || ::chmod(path.c_str(), 0600) != 0) {
      server.reset();
      return base::fail(admin_errc::unavailable, "the admin socket can't be opened; is its folder there and writable?", path);
    }
    return {};
  }

  void stop(std::int64_t deadline_ms) {
    if (!server) return;
    calls.close();
    server->Shutdown(gpr_time_from_millis(deadline_ms, GPR_TIMESPAN));
    server->Wait();
    server.reset();
    ::unlink(path.c_str());
  }

  std::string path;
  service calls;
  std::unique_ptr<grpc::Server> server;
};

admin_server::admin_server(std::unique_ptr<impl> i) : impl_(std::move(i)) {}
admin_server::admin_server(admin_server&&) noexcept = default;
admin_server& admin_server::operator=(admin_server&&) noexcept = default;
admin_server::~admin_server() = default;

base::result<admin_server> admin_server::start(const std::string& socket_path, admin_port& port, const base::clock& time) {
  auto i = std::make_unique<impl>(socket_path, port, time);
  TRY(i->listen());
  return admin_server(std::move(i));
}

void admin_server::stop(std::int64_t deadline_ms) {
  if (impl_) impl_->stop(deadline_ms);
}

}  // namespace dsf::site

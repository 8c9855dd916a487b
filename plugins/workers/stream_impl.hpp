// One worker's stream on gRPC's callback interface: it reads for the dispatcher and writes what the dispatcher sends. Private to
// plugins/workers/.
#pragma once

#include <grpcpp/grpcpp.h>

#include <deque>
#include <mutex>

#include "plugins/workers/dispatcher_impl.hpp"
#include "proto/worker.grpc.pb.h"

namespace dsf::plugins::workers {

class stream final : public grpc::ServerBidiReactor<pb::FromWorker, pb::ToWorker>,
                     public session_port,
                     public std::enable_shared_from_this<stream> {
public:
  static stream* open(std::shared_ptr<dispatcher> to, grpc::CallbackServerContext* context, worker_identity who);

  void send(std::shared_ptr<const pb::ToWorker> message) override;
  void close(bool now) override;

private:
  stream(std::shared_ptr<dispatcher> to, grpc::CallbackServerContext* context, worker_identity who)
      : to_(std::move(to)), context_(context), who_(std::move(who)) {}
  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;
  void first();
  void gone();
  void finish_if_done(std::unique_lock<std::mutex> lock);

  const std::shared_ptr<dispatcher> to_;
  grpc::CallbackServerContext* const context_;
  const worker_identity who_;
  std::shared_ptr<stream> self_;  // until gRPC is done with us
  pb::FromWorker in_;
  bool greeted_ = false;
  std::uint64_t session_ = 0;

  std::mutex mutex_;
  std::deque<std::shared_ptr<const pb::ToWorker>> out_;  // the first one is under way while writing_
  bool writing_ = false;
  bool closing_ = false;   // all is sent, then the end
  bool finished_ = false;  // the end was sent, or the connection is gone
  bool gone_ = false;
};

}  // namespace dsf::plugins::workers

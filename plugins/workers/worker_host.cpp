#include "plugins/workers/worker_host.hpp"

#include <grpcpp/grpcpp.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <fstream>
#include <sstream>

#include "plugins/workers/errc.hpp"
#include "plugins/workers/host_calls_impl.hpp"
#include "plugins/workers/local_socket.hpp"
#include "plugins/workers/stream_impl.hpp"

namespace dsf::plugins {
namespace {

using base::fail;
using base::result;
using workers::errc;

constexpr int keepalive_ms = 20'000;
constexpr int shutdown_ms = 1'000;
constexpr std::int64_t tick_at_most_us = 1'000'000;

class service final : public worker::v1::Workers::CallbackService {
public:
  explicit service(std::shared_ptr<workers::dispatcher> to) : to_(std::move(to)) {}

  grpc::ServerBidiReactor<worker::v1::FromWorker, worker::v1::ToWorker>* Session(grpc::CallbackServerContext* context) override {
    workers::worker_identity who;
    who.address = context->peer();
    const auto security = context->auth_context();
    // The TCP port speaks mutual TLS only; whoever comes without has come over the socket.
    if (security && security->IsPeerAuthenticated()) {
      who.local = false;
      const auto names = security->FindPropertyValues("x509_common_name");
      if (!names.empty()) who.certificate.assign(names.front().data(), names.front().size());
    } else {
      who.address = "socket";
    }
    return workers::stream::open(to_, context, std::move(who));
  }

private:
  const std::shared_ptr<workers::dispatcher> to_;
};

result<std::string> read_pem(const std::string& file, const char* setting) {
  std::ifstream in{file, std::ios::binary};
  std::ostringstream text;
  text << in.rdbuf();
  if (file.empty() || !in || text.str().find("-----BEGIN") == std::string::npos)
    return fail(errc::cannot_listen, "the file of " + std::string(setting) + " is missing, can't be read or is no PEM", file);
  return std::move(text).str();
}

}  // namespace

struct worker_host::impl {
  impl(worker_options o, services_for make, base::clock& time, base::entropy& entropy, const base::logger& l)
      : options(std::move(o)),
        log(l),
        calls(options, std::move(make), entropy),
        dispatch(
            std::make_shared<workers::dispatcher>(options, time, entropy, l, [this](workers::host_call c) { calls.run(std::move(c)); })),
        sessions(dispatch) {}
  ~impl() { stop(); }

  result<> listen() {
    grpc::ServerBuilder builder;
    builder.RegisterService(&sessions);
    builder.SetMaxReceiveMessageSize(static_cast<int>(options.message_bytes));
    builder.SetMaxSendMessageSize(static_cast<int>(options.message_bytes));
    // A worker whose machine is gone says nothing: ask, also when no message is under way.
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, keepalive_ms);
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, keepalive_ms);
    builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, keepalive_ms / 4);
    if (!options.socket.empty())
      local = builder.experimental().AddExternalConnectionAcceptor(grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD,
                                                                   grpc::InsecureServerCredentials());
    if (options.tcp) {
      grpc::SslServerCredentialsOptions tls{GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY};
      tls.pem_root_certs = TRY(read_pem(options.trust, "workers.tls.trust"));
      tls.pem_key_cert_pairs.push_back(
          {TRY(read_pem(options.key, "workers.tls.key")), TRY(read_pem(options.certificate, "workers.tls.certificate"))});
      const bool v6 = options.address.find(':') != std::string::npos && !options.address.starts_with('[');
      const auto at = (v6 ? "[" + options.address + "]" : options.address) + ":" + std::to_string(options.port);
      // Not shared with another program, and so not with another site by mistake.
      builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
      builder.AddListeningPort(at, grpc::SslServerCredentials(tls), &bound);
    }
    server = builder.BuildAndStart();
    if (!server || (options.tcp && bound == 0)) {
      server.reset();
      return fail(errc::cannot_listen,
                  "workers can't be listened for: the address is not free, or key and certificate do not belong together",
                  options.address + ":" + std::to_string(options.port));
    }
    if (local)
      socket = TRY(workers::local_socket::listen(
          options.socket, options.users,
          [this](workers::local_socket::caller c) {
            grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters p;
            p.fd = c.fd;
            local->HandleNewConnection(&p);
          },
          [this](workers::local_socket::caller c) {
            log.warning("workers", "a user that may not serve as a worker tried to connect", {},
                        {{"user", static_cast<std::int64_t>(c.user)}, {"process", static_cast<std::int64_t>(c.process)}});
          }));
    ticker = std::thread([this] { tick(); });
    return {};
  }

  void tick() {
    const auto period_us = std::clamp<std::int64_t>(std::min(options.lease_us, options.wait_us) / 4, 10'000, tick_at_most_us);
    std::unique_lock lock{mutex};
    while (!changed.wait_for(lock, std::chrono::microseconds(period_us), [&] { return stopping; })) {
      lock.unlock();
      dispatch->tick();
      lock.lock();
    }
  }

  void stop() {
    {
      const std::lock_guard lock{mutex};
      if (std::exchange(stopping, true)) return;
    }
    changed.notify_all();
    if (ticker.joinable()) ticker.join();
    if (socket) socket->stop();
    dispatch->stop();
    if (server) {
      server->Shutdown(gpr_time_from_millis(shutdown_ms, GPR_TIMESPAN));
      server->Wait();
    }
    calls.stop();
    server.reset();
  }

  const worker_options options;
  const base::logger& log;
  workers::host_calls calls;
  std::shared_ptr<workers::dispatcher> dispatch;
  service sessions;
  int bound = 0;
  std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> local;
  std::unique_ptr<grpc::Server> server;
  std::unique_ptr<workers::local_socket> socket;
  std::mutex mutex;
  std::condition_variable changed;
  bool stopping = false;
  std::thread ticker;
};

worker_host::worker_host(worker_options options, services_for make, base::clock& time, base::entropy& entropy, const base::logger& log)
    : impl_(std::make_unique<impl>(std::move(options), std::move(make), time, entropy, log)) {}
worker_host::~worker_host() = default;

void worker_host::add_handlers(handler_registry& registry) {
  for (const auto& [name, plugin] : impl_->options.plugins)
    for (const auto& process : plugin.processes)
      registry.add_process(process, [to = impl_->dispatch](activation a, std::shared_ptr<remote_attempt> attempt) {
        return to->submit(std::move(a), std::move(attempt));
      });
}

question_asker worker_host::asker() {
  return [to = impl_->dispatch](const question_origin& from, const std::vector<bpmn::el::question>& questions, answers_callback done) {
    to->ask(from, questions, std::move(done));
  };
}

result<> worker_host::listen() { return impl_->listen(); }
int worker_host::port() const { return impl_->bound; }
std::vector<worker_line> worker_host::sessions() const { return impl_->dispatch->lines(); }
std::size_t worker_host::waiting() const { return impl_->dispatch->waiting(); }
void worker_host::stop() { impl_->stop(); }

}  // namespace dsf::plugins

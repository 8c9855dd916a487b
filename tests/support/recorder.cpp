#include "tests/support/recorder.hpp"

#include "base/json.hpp"
#include "net/pki.hpp"

namespace dsf::tests {
namespace {

constexpr std::int64_t forward_timeout_ms = 60'000;
constexpr int connections = 200;

struct sender {
  std::string name;
  std::unique_ptr<net::https_client> client;
};

std::string input_of(const base::json& task, std::string_view code) {
  for (const auto& in : task["input"])
    for (const auto& c : in["type"]["coding"])
      if (c["system"].str() == "http://dsf.dev/fhir/CodeSystem/bpmn-message" && c["code"].str() == code) return in["valueString"].str();
  return {};
}

std::string outbox_entry_of(const base::json& task) {
  for (const auto& i : task["identifier"])
    if (i["system"].str().ends_with("/sid/outbox-entry")) return i["value"].str();
  return {};
}

}  // namespace

struct recorder::impl {
  recorder_options options;
  std::map<std::string, sender> senders;  // by thumbprint
  std::optional<net::https_server> server;
  mutable std::mutex mutex;
  std::vector<recorded_post> posts;

  void note(const recorded_post& p) {
    const std::lock_guard lock(mutex);
    posts.push_back(p);
  }

  void forward(net::request&& q, net::responder answer) {
    const auto who = senders.find(q.peer->thumbprint);
    if (who == senders.end()) return answer(net::text_response(403, ""));
    net::client_request out;
    out.method = q.method;
    out.url = "https://localhost:" + std::to_string(options.site_port) + q.target;
    for (const auto& h : q.headers)
      if (!net::equals_ignoring_case(h.name, "Host") && !net::equals_ignoring_case(h.name, "Content-Length") &&
          !net::equals_ignoring_case(h.name, "Connection"))
        out.headers.add(h.name, h.value);
    std::optional<recorded_post> noted;
    if (q.method == "POST") {
      noted = recorded_post{options.site, who->second.name, std::string(q.path()), {}, {}, {}, {}, 0, false, false, {}};
      if (const auto task = base::json::parse(q.body); task && (*task)["resourceType"].str() == "Task") {
        noted->business_key = input_of(*task, "business-key");
        noted->message = input_of(*task, "message-name");
        noted->correlation_key = input_of(*task, "correlation-key");
        noted->outbox_entry = outbox_entry_of(*task);
      }
      if (options.on_request && options.on_request(*noted)) {
        note(*noted);
        return answer(net::text_response(502, "the request was dropped"));
      }
    }
    out.body = std::move(q.body);
    auto to = std::make_shared<net::responder>(std::move(answer));
    who->second.client->send(
        std::move(out), forward_timeout_ms, [this, to, noted = std::move(noted)](net::result<net::client_response> r) mutable {
          if (noted) {
            noted->status = r ? r->status : 0;
            if (r) noted->location = r->headers.value("Location");
            noted->temporary = r && r->status == 403 && r->body.find("could not be resolved on server") != r->body.npos;
            const bool lost = r && options.on_answer && options.on_answer(*noted);
            noted->kept_back = lost || (r && options.keep_back && options.keep_back());
            note(*noted);
          }
          if (!r) return (*to)(net::text_response(502, r.error().to_string()));
          if (noted && noted->kept_back) return (*to)(net::text_response(503, "the answer was kept back"));
          net::response back;
          back.status = r->status;
          for (const auto& h : r->headers) back.headers.add(h.name, h.value);
          back.body = std::move(r->body);
          (*to)(std::move(back));
        });
  }
};

base::result<std::unique_ptr<recorder>> recorder::start(recorder_options options) {
  auto i = std::make_shared<impl>();
  i->options = std::move(options);
  for (const auto& [name, files] : i->options.clients) {
    net::client_options o;
    o.identity = TRY(net::tls_identity::load(files));
    // Nothing waits here that would not wait at the site.
    o.connections_per_host = connections;
    i->senders[TRY(net::thumbprint_of(files.certificate))] = {name, std::make_unique<net::https_client>(std::move(o))};
  }
  net::server_options s;
  s.port = i->options.port;
  s.identity = TRY(net::tls_identity::load(i->options.server));
  s.threads = 1;
  s.limits.connections_per_certificate = connections;
  i->server.emplace(TRY(net::https_server::start(
      std::move(s), [p = i.get()](net::request&& q, net::responder a) { p->forward(std::move(q), std::move(a)); })));
  return std::unique_ptr<recorder>(new recorder(std::move(i)));
}

recorder::~recorder() {
  impl_->server->stop(1'000);
  for (auto& [thumbprint, s] : impl_->senders) s.client.reset();
}

std::vector<recorded_post> recorder::posts() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->posts;
}

}  // namespace dsf::tests

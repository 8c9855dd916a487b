// Test doubles of this room: an attempt that keeps its outcome, a worker's side of a session without a connection.
#pragma once

#include <mutex>

#include "plugins/workers/dispatcher_impl.hpp"
#include "plugins/workers/grants.hpp"

namespace dsf::plugins::workers::testing {

struct kept_attempt final : remote_attempt {
  base::timestamp begins() override {
    ++begun;
    return {42};
  }
  void ended(outcome result) override {
    ++times;
    last = std::move(result);
  }
  [[nodiscard]] bool lost() const {
    const auto* f = last ? std::get_if<failed>(&*last) : nullptr;
    return f && f->lost;
  }
  [[nodiscard]] std::string error() const {
    const auto* f = last ? std::get_if<failed>(&*last) : nullptr;
    return f ? f->error : std::string{};
  }
  int begun = 0, times = 0;
  std::optional<outcome> last;
};

struct kept_port final : session_port {
  void send(std::shared_ptr<const pb::ToWorker> message) override { sent.push_back(*message); }
  void close(bool now) override {
    closed = true;
    at_once = now;
  }
  // Ids of the activations that were sent, of one instance or of all.
  [[nodiscard]] std::vector<std::uint64_t> activations(const std::string& instance = {}) const {
    std::vector<std::uint64_t> out;
    for (const auto& m : sent)
      if (m.has_activate() && (instance.empty() || m.activate().activation().instance_id() == instance))
        out.push_back(m.activate().activation_id());
    return out;
  }
  [[nodiscard]] std::vector<std::string> order() const {
    std::vector<std::string> out;
    for (const auto& m : sent)
      if (m.has_activate()) out.push_back(m.activate().activation().instance_id());
    return out;
  }
  [[nodiscard]] const pb::Cancel* cancelled(std::uint64_t id) const {
    for (const auto& m : sent)
      if (m.has_cancel() && m.cancel().activation_id() == id) return &m.cancel();
    return nullptr;
  }
  [[nodiscard]] std::string refused() const {
    return !sent.empty() && sent.back().has_refused() ? sent.back().refused().code() + ": " + sent.back().refused().reason() : "";
  }
  std::vector<pb::ToWorker> sent;
  bool closed = false, at_once = false;
};

inline pb::Hello hello(std::uint32_t credits, std::vector<std::string> classes = {"C"}, std::string version = {}) {
  pb::Hello h;
  h.set_protocol(1);
  h.set_worker_name("w");
  h.set_plugin("p");
  h.set_credits(credits);
  for (auto& c : classes) {
    auto& claim = *h.add_handlers();
    claim.set_process_key("proc");
    claim.set_version_tag(version);
    claim.set_class_name(std::move(c));
  }
  return h;
}

inline activation call(std::string instance, std::string class_name = "C", std::string version = "1.0") {
  activation a;
  a.class_name = std::move(class_name);
  a.process_key = "proc";
  a.version_tag = std::move(version);
  a.instance_id = std::move(instance);
  a.idempotency_key = "job-" + a.instance_id;
  return a;
}

// One manifest that grants all services, and these settings.
inline std::shared_ptr<worker_grant> manifest_of_all(std::vector<std::string> settings = {}) {
  auto g = std::make_shared<worker_grant>();
  g->manifest = "plugin.yaml of b 1.0.0.0 (/b)";
  g->permissions.services = known_services();
  g->permissions.settings = std::move(settings);
  return g;
}

inline worker_options options() {
  worker_options o;
  o.plugins["p"].processes = {"proc"};
  o.grants = [g = manifest_of_all({"SEEN"})](std::string_view, std::string_view) {
    return std::vector<std::shared_ptr<const worker_grant>>{g};
  };
  return o;
}

}  // namespace dsf::plugins::workers::testing

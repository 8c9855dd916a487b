// What every process instance shares: the store, the definitions, the handlers and the seams. Outlives all actors.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "actors/definitions.hpp"
#include "actors/site_events.hpp"
#include "base/clock.hpp"
#include "base/entropy.hpp"
#include "base/json.hpp"
#include "base/log.hpp"
#include "bpmn/execution/advance.hpp"
#include "plugins/handler.hpp"
#include "storage/store.hpp"

namespace dsf::actors {

struct engine_settings {
  std::string organization;                    // identifier of the local organisation
  std::string default_send_deadline = "PT5M";  // ISO 8601; how long a message is tried before the send-error path
  std::int64_t correlation_buffer_us = 10'000'000;  // how long a Task that nobody waits for is kept before it fails
  std::int64_t passivate_after_us = 2'000'000;      // an instance that waits leaves memory after this
  std::size_t live_instances = 4'000;              // above this, waiting instances leave memory at once
  std::int64_t handler_deadline_us = 600'000'000;   // an attempt of a handler counts as lost after this
  unsigned handler_threads = 8;
  bpmn::execution_limits limits;
  std::size_t snapshot_after_bytes = 16 << 10;      // of events since the last snapshot
};

struct engine_context {
  storage::store* store = nullptr;
  definitions* processes = nullptr;
  const plugins::handler_registry* handlers = nullptr;
  base::clock* clock = nullptr;
  base::entropy* entropy = nullptr;
  const base::logger* log = nullptr;
  site_events* events = nullptr;
  engine_settings settings;
  // The next version of a Task as a store operation: index entries, unique keys, access class (fhir/).
  std::function<base::result<storage::put_resource>(const base::json& task, base::uuid id)> write_task;
  // The FHIR endpoint is another program: the Tasks of this store are copies whose new versions go there (link/).
  bool endpoint_elsewhere = false;
  // Asks what only a worker can answer; empty: such an expression is an error of the process.
  plugins::question_asker ask;
  // The engine stops and uses no more outcomes: handlers that wait for something are to come back. May be empty.
  std::function<void()> give_up;
  // What a handler may use while it works on this activation.
  std::function<std::unique_ptr<plugins::services>(const plugins::activation&)> services_for;
};

}  // namespace dsf::actors

// A change of the allow-list must be in force when its writer has the answer, not a moment later (docs/design.md, decision 14).
#include "actors/endpoint_caches.hpp"

#include <catch2/catch.hpp>
#include <future>
#include <thread>

#include "actors/fhir_endpoint.hpp"
#include "actors/site_events.hpp"
#include "storage/memory_kv.hpp"

using namespace dsf;
using namespace dsf::actors;

TEST_CASE("what was answered is in force at once") {
  storage::store_options o;
  o.rows = storage::memory_kv::create();
  auto store = *storage::store::open(std::move(o));
  endpoint_caches caches{*store, {"https://localhost/fhir", "site-a", {}}};
  work_pool work{2};
  site_events events;
  const base::logger log{base::system_clock_source(), "test", base::log_level::off, base::null_log_sink()};
  endpoint_options options;
  options.config.base_url = "https://localhost/fhir";
  options.config.organization_identifier = "site-a";
  fhir_endpoint endpoint{options, *store, caches, work, nullptr, nullptr, base::system_clock_source(), base::system_entropy(), log, events};
  // Listeners run after answers: this one makes the gap wide.
  store->on_commit([&](std::span<const storage::feed_entry> entries) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    caches.on_commit(entries);
  });
  const auto loader = fhir::initial_data_loader(caches.config());
  int missing = 0;
  for (int i = 0; i < 20; ++i) {
    const auto identifier = "site-" + std::to_string(i);
    fhir::interaction_request r;
    r.method = fhir::http_method::post;
    r.path = "Organization";
    r.content_type = r.accept = "application/fhir+json";
    r.body = R"({"resourceType":"Organization","meta":{"profile":["http://dsf.dev/fhir/StructureDefinition/organization-parent"],)"
             R"("tag":[{"system":"http://dsf.dev/fhir/CodeSystem/read-access-tag","code":"ALL"}]},)"
             R"("identifier":[{"system":"http://dsf.dev/sid/organization-identifier","value":")" +
             identifier + R"("}],"active":true,"name":"x"})";
    std::promise<fhir::reply> done;
    bool there = false;
    endpoint.handle_as(loader, r, [&](fhir::reply reply) {
      // On the commit thread, before the listeners.
      const auto facts = caches.facts();
      there = facts && (*facts)->allow_list->organization(identifier) != nullptr;
      done.set_value(std::move(reply));
    });
    const auto reply = done.get_future().get();
    if (const auto* outcome = std::get_if<base::json>(&reply.body)) UNSCOPED_INFO(outcome->dump());
    REQUIRE(reply.status == 201);
    missing += there ? 0 : 1;
  }
  CHECK(missing == 0);
  work.stop();
}

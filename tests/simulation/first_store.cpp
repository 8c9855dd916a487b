#include "tests/simulation/first_store.hpp"

#include <filesystem>
#include <map>

#include "fhir/conformance/bundled.hpp"
#include "plugins/deploy.hpp"
#include "site/ctl/demo/allow_list.hpp"
#include "tests/simulation/names.hpp"
#include "tests/simulation/site.hpp"

namespace dsf::simulation {
namespace {

using base::fail;
using base::result;

// Time-outs and deadlines are far away: a lost message must hang and be found, instead of ending by a timer.
const std::map<std::string, std::string> environment{{"dev.dsf.bpe.ping.send.deadline", "P30D"}, {"dev.dsf.bpe.ping.pong.timeout", "P30D"}};

result<> post(site_parts& site, const fhir::identity& who, std::string path, std::string body, int expected) {
  fhir::interaction_request request;
  request.method = fhir::http_method::post;
  request.path = std::move(path);
  request.body = std::move(body);
  const auto reply = site.call(who, std::move(request));
  if (reply.status == expected) return {};
  std::string text;
  if (const auto* j = std::get_if<base::json>(&reply.body)) text = j->dump();
  return fail(base::errc::invalid_argument, "a first resource is refused with " + std::to_string(reply.status) + " " + text,
              site.base_url());
}

}  // namespace

result<> make_first_stores(unsigned sites, first_stores& into) {
  if (into.of.size() <= sites) into.of.resize(sites + 1);
  if (!into.of[sites].empty()) return {};
  std::vector<site::ctl::allow_list_member> members;
  for (unsigned i = 0; i < sites; ++i)
    members.push_back({organization_of(i), organization_of(i), host_of(i), base_url_of(i), thumbprint_of(i), "DIC"});
  const auto allow_list = site::ctl::allow_list_bundle("consortium.test", members).dump();
  for (unsigned i = 0; i < sites; ++i) {
    first_store made{storage::memory_kv::create(), std::make_unique<actors::definitions>()};
    base::manual_clock clock({begin_us - 3'600 * base::us_per_s});
    base::seeded_entropy entropy(1'000 * sites + i);
    {
      site_parts site({i, made.rows, made.processes.get(), &into.handlers, &clock, &entropy, nullptr});
      const auto loader = fhir::initial_data_loader(site.caches->config());
      for (const auto text : fhir::bundled_resources()) {
        const auto resource = TRY(base::json::parse(text));
        TRY(post(site, loader, resource["resourceType"].str(), std::string(text), 201));
      }
      TRY(post(site, loader, "", allow_list, 200));
      // Deployment asks the own endpoint and waits for it, so it is turned meanwhile.
      const std::filesystem::path root(DSF_SOURCE_DIR);
      for (const auto& folder : {root / "processes/ping/bundle", root / "tests/simulation/bundle"}) {
        plugins::bundle_context context;
        context.organization = organization_of(i);
        context.environment = environment;
        context.handlers = &into.handlers;
        const auto bundle = TRY(plugins::read_bundle(folder, context));
        own_endpoint endpoint(site);
        TRY(plugins::deploy(bundle, {}, *site.store, *made.processes, endpoint, *site.log));
      }
    }
    into.of[sites].push_back(std::move(made));
  }
  return {};
}

}  // namespace dsf::simulation

#include "processes/feasibility/settings.hpp"

#include <algorithm>
#include <limits>

#include "processes/errc.hpp"

namespace dsf::processes::feasibility {
namespace {

using base::fail;
using base::json;
using base::result;

constexpr std::int64_t default_request_task_timeout_us = 300 * base::us_per_s;

result<store> read_store(const std::string& name, const json& from) {
  store out;
  out.name = name;
  out.native = from["native"].bool_or(false);
  out.base_url = from["baseUrl"].str();
  while (out.base_url.ends_with('/')) out.base_url.pop_back();
  const auto& evaluation = from["evaluationStrategy"].str();
  const auto place = "feasibility.stores." + name;
  if (evaluation == "cql")
    out.evaluation = strategy::cql;
  else if (evaluation == "structured-query")
    return fail(errc::not_configured,
                "evaluation_strategy structured-query (an external FLARE service) is not supported; set ccdl to ask a FHIR server by "
                "searches, or cql for one with $evaluate-measure",
                place + ".evaluation_strategy");
  else if (!evaluation.empty() && evaluation != "ccdl")
    return fail(errc::not_configured, "evaluationStrategy must be cql or ccdl, is " + evaluation, place);
  // The native repository counts CCDL only.
  if (out.native && out.evaluation == strategy::cql)
    return fail(errc::not_configured, "the site's own repository evaluates ccdl, not cql", place);
  if (!out.native && out.base_url.empty())
    return fail(errc::not_configured, "needs base_url, or native: true for the site's own repository", place);
  return out;
}

result<privacy::rate_limit> read_limit(const json& from, const std::string& place) {
  privacy::rate_limit out;
  const auto count = from["count"].int_or(out.count);
  out.interval_us = from["intervalUs"].int_or(out.interval_us);
  if (count < 1 || count > std::numeric_limits<std::uint32_t>::max() || out.interval_us < 1)
    return fail(errc::not_configured, "rateLimit needs a count and an interval of at least 1", place);
  out.count = static_cast<std::uint32_t>(count);
  return out;
}

}  // namespace

std::vector<store> network::with(strategy wanted) const {
  std::vector<store> out;
  std::ranges::copy_if(stores, std::back_inserter(out), [&](const store& s) { return s.evaluation == wanted; });
  return out;
}

bool has_network(const json& configuration, std::string_view parent_organization) {
  return configuration["networks"].find(parent_organization) != nullptr;
}

result<network> network_for(const json& configuration, std::string_view parent_organization) {
  network out;
  out.name = has_network(configuration, parent_organization) ? std::string(parent_organization) : "all";
  const auto* from = configuration["networks"].find(out.name);
  if (!from)
    return fail(errc::not_configured,
                "no network " + std::string(parent_organization) + " and no network all is configured; add feasibility.networks.all",
                "feasibility.networks");
  const auto place = "feasibility.networks." + out.name;
  out.limit = TRY(read_limit((*from)["rateLimit"], place + ".rateLimit"));

  const auto& stores = configuration["stores"];
  if ((*from)["stores"].size() == 0) {
    if (const auto* all = stores.if_object())
      for (const auto& [name, s] : *all) out.stores.push_back(TRY(read_store(name, s)));
  }
  for (const auto& name : (*from)["stores"]) {
    const auto* s = stores.find(name.str());
    if (!s) return fail(errc::not_configured, "names store " + name.str() + ", which is not below feasibility.stores", place + ".stores");
    out.stores.push_back(TRY(read_store(name.str(), *s)));
  }
  if (out.stores.empty())
    return fail(errc::not_configured, "there is no store to ask; add one below feasibility.stores, or give the site the role repository",
                place + ".stores");
  return out;
}

std::int64_t request_task_timeout_us(const json& configuration) {
  const auto us = configuration["requestTaskTimeoutUs"].int_or(default_request_task_timeout_us);
  return us > 0 ? us : default_request_task_timeout_us;
}

}  // namespace dsf::processes::feasibility

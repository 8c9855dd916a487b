// The coordinating site's side: the own allow-list becomes a Bundle that all members may read.
#include "processes/allow_list/bundle.hpp"
#include "processes/allow_list/handlers.hpp"
#include "processes/allow_list/names.hpp"
#include "processes/errc.hpp"
#include "processes/messages.hpp"
#include "processes/task_values.hpp"

namespace dsf::processes::allow_list {
namespace {

using base::json;
using base::result;

const std::string bundle_search = "Bundle?identifier=" + std::string(codes) + "|" + std::string(allow_list_code);

// The stored allow-list, or a null value.
result<json> stored(plugins::services& s) {
  const auto found = TRY(s.local_endpoint().search(bundle_search));
  for (const auto& e : found["entry"])
    if (e["resource"]["resourceType"].str() == "Bundle") return e["resource"];
  return json{};
}

// The endpoint adds version, time and profile to what it stores.
bool same(const json& a, const json& b) {
  return a["meta"]["tag"] == b["meta"]["tag"] && a["identifier"] == b["identifier"] && a["type"] == b["type"] && a["entry"] == b["entry"];
}

}  // namespace

plugins::outcome update_allow_list(const plugins::activation& a, plugins::services& s) {
  return attempt([&]() -> result<plugins::outcome> {
    const auto task = TRY(start_task(a));
    const auto base = s.local().endpoint_url;
    const auto context = context_of(s, {}, reference_to(task));
    const auto local = TRY(read_local(s));
    auto left_out = local.unclear;
    const auto bundle = make_bundle(local, base, left_out);
    for (const auto& text : left_out) s.log().warning("allow-list", "not part of the allow-list: " + text, context);
    if (bundle["entry"].size() == 0)
      return base::fail(errc::bad_resource, "there is no Organization, Endpoint or OrganizationAffiliation to make an allow-list of");

    // The same list keeps its version, so that members see whether something is new.
    auto now = TRY(stored(s));
    const bool changed = now.is_null() || !same(now, bundle);
    if (changed) {
      const json entry = json::object{{"fullUrl", "urn:uuid:00000000-0000-4000-8000-000000000000"},
                                      {"resource", bundle},
                                      {"request", json::object{{"method", "PUT"}, {"url", bundle_search}}}};
      TRY(s.local_endpoint().transaction(json::object{{"resourceType", "Bundle"}, {"type", "transaction"}, {"entry", json::array{entry}}}));
      now = TRY(stored(s));
    }
    const auto &id = now["id"].str(), &version = now["meta"]["versionId"].str();
    if (id.empty() || version.empty()) return base::fail(errc::bad_resource, "the allow-list Bundle is not there after it was stored");
    const auto reference = base + "/Bundle/" + id + "/_history/" + version;
    s.log().info("allow-list", changed ? "the allow-list was written" : "the allow-list is as it was", context,
                 {{"bundle", reference}, {"entries", static_cast<std::uint64_t>(bundle["entry"].size())}});
    return plugins::completed{
        .tasks = {with_output(task, parameter(codes, allow_list_code, "valueReference", json::object{{"reference", reference}}))}};
  });
}

}  // namespace dsf::processes::allow_list

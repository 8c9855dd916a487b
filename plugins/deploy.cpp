#include "plugins/deploy.hpp"

#include <algorithm>

#include "plugins/errc.hpp"

namespace dsf::plugins {
namespace {

using base::fail;
using base::json;
using base::result;

constexpr std::string_view definition_prefix = "definition/";
constexpr std::string_view state_prefix = "process/";

// The order in which resources refer to one another (dsf-bpe 3.6).
int rank(std::string_view type) {
  static constexpr std::string_view order[] = {
      "NamingSystem", "CodeSystem", "ValueSet", "StructureDefinition", "Library", "Measure", "Questionnaire", "ActivityDefinition", "Task"};
  return static_cast<int>(std::ranges::find(order, type) - std::begin(order));
}

std::string_view state_name(actors::process_state s) {
  switch (s) {
    case actors::process_state::active: return "active";
    case actors::process_state::draft: return "draft";
    case actors::process_state::retired: return "retired";
    case actors::process_state::excluded: return "excluded";
  }
  return "active";
}

json entry(std::string_view method, std::string url, json resource, std::string if_none_exist) {
  json request;
  request.set("method", method);
  request.set("url", std::move(url));
  if (!if_none_exist.empty()) request.set("ifNoneExist", std::move(if_none_exist));
  json e;
  if (!resource.is_null()) e.set("resource", std::move(resource));
  e.set("request", std::move(request));
  return e;
}

// Brings one resource of the bundle to the endpoint. True if something was written.
result<bool> bring(const bundle_resource& r, actors::process_state state, fhir_client& endpoint) {
  const auto found = TRY(endpoint.search(r.type + "?" + r.criteria));
  const json* existing = nullptr;
  for (const auto& e : found["entry"])
    if (e["search"]["mode"].str() == "match") existing = &e["resource"];
  json bundle;
  bundle.set("resourceType", "Bundle");
  bundle.set("type", "transaction");
  if (state == actors::process_state::excluded) {
    if (!existing) return false;
    bundle.set("entry", json::array{entry("DELETE", r.type + "/" + (*existing)["id"].str(), {}, {})});
  } else {
    auto content = r.content;
    const bool is_task = r.type == "Task";
    if (!is_task) content.set("status", state_name(state));
    // What an active version brought once is never changed: a plugin raises its resource version instead.
    if (existing && (is_task || (*existing)["status"].str() == state_name(state))) return false;
    if (existing) {
      content.set("id", (*existing)["id"].str());
      auto e = entry("PUT", r.type + "/" + (*existing)["id"].str(), std::move(content), {});
      bundle.set("entry", json::array{std::move(e)});
    } else {
      auto e = entry("POST", r.type, std::move(content), r.criteria);
      e.set("fullUrl", "urn:uuid:00000000-0000-4000-8000-000000000001");
      bundle.set("entry", json::array{std::move(e)});
    }
  }
  const auto answer = endpoint.transaction(bundle);
  if (!answer)
    return base::failure(base::error(errc::bad_bundle, "the endpoint refused a resource of the bundle", r.file).because(answer.error()));
  return true;
}

}  // namespace

result<> load_definitions(storage::store& store, actors::definitions& into) {
  std::string from;
  for (;;) {
    const auto rows = TRY(store.view()->rows(storage::table::meta, definition_prefix, 64, from));
    for (const auto& row : rows) {
      from = row.key + '\0';
      for (auto& d : TRY(bpmn::read_bpmn(std::string_view(row.value).substr(1), row.key))) into.remember(std::move(d));
    }
    if (rows.size() < 64) return {};
  }
}

namespace {

actors::process_state state_of(const bundle_process& p, const deployment_settings& settings) {
  const auto name = p.definition->key + "|" + p.definition->version_tag;
  return settings.excluded.contains(name)  ? actors::process_state::excluded
         : settings.retired.contains(name) ? actors::process_state::retired
                                           : actors::process_state::active;
}

result<> store_definitions(const bundle& b, const deployment_settings& settings, storage::store& store) {
  storage::commit c;
  for (const auto& p : b.processes) {
    const auto name = p.definition->key + "|" + p.definition->version_tag;
    c.operations.push_back(storage::put_row{storage::table::meta, std::string(definition_prefix) + p.definition->sha256, "\1" + p.xml});
    c.operations.push_back(
        storage::put_row{storage::table::meta, std::string(state_prefix) + name, "\1" + std::string(state_name(state_of(p, settings)))});
  }
  TRY(store.submit_wait(std::move(c)));
  return {};
}

void make_startable(const bundle& b, const deployment_settings& settings, actors::definitions& into) {
  for (const auto& p : b.processes) into.add({p.definition, state_of(p, settings), p.send_deadline});
}

}  // namespace

result<> deploy_definitions(const bundle& b, const deployment_settings& settings, storage::store& store, actors::definitions& into) {
  TRY(store_definitions(b, settings, store));
  make_startable(b, settings, into);
  return {};
}

result<deployment> deploy_resources(const bundle& b, const deployment_settings& settings, fhir_client& endpoint, const base::logger& log) {
  deployment out;
  struct wanted {
    const bundle_resource* resource;
    actors::process_state state;
  };
  std::vector<wanted> resources;
  for (const auto& p : b.processes) {
    const auto state = state_of(p, settings);
    out.processes.push_back(p.definition->key + "|" + p.definition->version_tag);
    for (const auto& r : p.resources) {
      // A resource may belong to several processes; the liveliest state wins (active, draft, retired, excluded).
      const auto same = std::ranges::find_if(
          resources, [&](const wanted& w) { return w.resource->type == r.type && w.resource->criteria == r.criteria; });
      if (same == resources.end())
        resources.push_back({&r, state});
      else
        same->state = std::min(same->state, state);
    }
  }
  std::ranges::stable_sort(resources, {}, [](const wanted& w) { return rank(w.resource->type); });
  for (const auto& w : resources)
    if (TRY(bring(*w.resource, w.state, endpoint))) ++out.resources;
  log.info("plugins", "bundle deployed", {},
           {{"bundle", b.name},
            {"version", b.version},
            {"processes", static_cast<std::int64_t>(out.processes.size())},
            {"resourcesWritten", static_cast<std::int64_t>(out.resources)}});
  return out;
}

result<deployment> deploy(const bundle& b, const deployment_settings& settings, storage::store& store, actors::definitions& into,
                          fhir_client& endpoint, const base::logger& log) {
  TRY(store_definitions(b, settings, store));
  auto out = TRY(deploy_resources(b, settings, endpoint, log));
  make_startable(b, settings, into);
  return out;
}

}  // namespace dsf::plugins

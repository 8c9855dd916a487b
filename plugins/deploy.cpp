#include "plugins/deploy.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "plugins/errc.hpp"

namespace dsf::plugins {
namespace {

using base::fail;
using base::json;
using base::result;

constexpr std::string_view definition_prefix = "definition/";
constexpr std::string_view state_prefix = "process/";
constexpr std::string_view resources_prefix = "process-resources/";
constexpr std::string_view wish_prefix = "process-wish/";

actors::process_state engine_state(state s) {
  switch (s) {
    case state::active: return actors::process_state::active;
    case state::draft: return actors::process_state::draft;
    case state::retired: return actors::process_state::retired;
    case state::excluded:
    case state::new_:
    case state::missing: break;
  }
  return actors::process_state::excluded;
}

// Rows of the meta table, without prefix and format byte.
result<std::map<std::string, std::string>> rows_of(storage::store& store, std::string_view prefix) {
  std::map<std::string, std::string> out;
  std::string from;
  const auto view = store.view();
  for (;;) {
    const auto rows = TRY(view->rows(storage::table::meta, prefix, 256, from));
    for (const auto& row : rows) {
      from = row.key + '\0';
      if (!row.value.empty()) out.emplace(row.key.substr(prefix.size()), row.value.substr(1));
    }
    if (rows.size() < 256) return out;
  }
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

json transaction_of(json::array entries) {
  json bundle;
  bundle.set("resourceType", "Bundle");
  bundle.set("type", "transaction");
  bundle.set("entry", std::move(entries));
  return bundle;
}

// What is gone from the endpoint is created again, whatever the state it had.
result<> look_for(std::vector<resource_change>& changes, fhir_client& endpoint) {
  json::array questions;
  std::vector<resource_change*> asked;
  for (auto& c : changes)
    if (c.action == resource_action::look || c.action == resource_action::update) {
      questions.push_back(entry("GET", c.type + "?" + c.criteria + "&_count=0", {}, {}));
      asked.push_back(&c);
    }
  if (asked.empty()) return {};
  const auto answer = TRY(endpoint.transaction(transaction_of(std::move(questions))));
  if (answer["entry"].size() != asked.size()) return fail(errc::bad_answer, "the endpoint did not say which resources it has");
  for (std::size_t i = 0; i < asked.size(); ++i) {
    const auto& found = answer["entry"][i]["resource"];
    const bool there = found["resourceType"].str() != "Bundle" || found["total"].int_or(0) > 0;
    if (!there)
      asked[i]->action = resource_action::create;
    else if (asked[i]->action == resource_action::look)
      asked[i]->action = resource_action::none;
  }
  return {};
}

json entry_of(const resource_change& c, std::size_t number) {
  if (c.action == resource_action::remove) return entry("DELETE", c.type + "?" + c.criteria, {}, {});
  auto content = c.content->content;
  if (c.type != "Task") content.set("status", to_string(c.to));
  auto e = c.action == resource_action::update ? entry("PUT", c.type + "?" + c.criteria, std::move(content), {})
                                               : entry("POST", c.type, std::move(content), c.criteria);
  // Temporary, and of this bundle only.
  e.set("fullUrl", fmt::format("urn:uuid:00000000-0000-4000-8000-{:012x}", number));
  return e;
}

// dsf-bpe 3.6: the statuses that each kind of entry may be answered with.
bool accepted(resource_action a, std::string_view status) {
  const auto code = status.substr(0, 3);
  switch (a) {
    case resource_action::create: return code == "200" || code == "201";
    case resource_action::update: return code == "200";
    case resource_action::remove: return code == "200" || code == "204";
    case resource_action::none:
    case resource_action::look: break;
  }
  return false;
}

// A refusal stays one; anything else may be better the next time.
bool is_refusal(const base::error& e) {
  for (const auto* at = &e; at; at = at->cause())
    if (at->is(errc::http_status))
      return at->text().starts_with("HTTP 4") && !at->text().starts_with("HTTP 408") && !at->text().starts_with("HTTP 429") &&
             // Without a word: the endpoint does not know us yet (dsf-fhir-server 2.1).
             at->text() != "HTTP 403";
  return e.kind() != base::error_kind::unavailable && e.kind() != base::error_kind::timeout;
}

// One bundle. What comes back is how many were written; in `refusals`, what the endpoint said against it. An error: try again later.
result<std::size_t> bring(std::span<const resource_change* const> changes, fhir_client& endpoint, std::vector<std::string>& refusals) {
  if (changes.empty()) return 0;
  json::array entries;
  for (const auto* c : changes) entries.push_back(entry_of(*c, entries.size() + 1));
  const auto answer = endpoint.transaction(transaction_of(std::move(entries)));
  if (!answer) {
    if (!is_refusal(answer.error())) return base::failure(answer.error());
    refusals.push_back("the endpoint refused its resources: " + answer.error().to_string());
    return 0;
  }
  for (std::size_t i = 0; i < changes.size(); ++i) {
    const auto status = (*answer)["entry"][i]["response"]["status"].str();
    if (!accepted(changes[i]->action, status))
      refusals.push_back(fmt::format("{}?{} was answered with '{}'", changes[i]->type, changes[i]->criteria, status));
  }
  return changes.size();
}

std::string recorded_text(const bundle_process* p) {
  json list = json::array{};
  if (p)
    for (const auto& r : p->resources) list.push_back(json::object{{"type", r.type}, {"criteria", r.criteria}});
  return "\1" + list.dump();
}

result<std::vector<recorded_resource>> recorded_of(const std::string& text) {
  const auto list = TRY(json::parse(text));
  std::vector<recorded_resource> out;
  for (const auto& r : list) out.push_back({r["type"].str(), r["criteria"].str()});
  return out;
}

deployed_state wanted(const std::string& name, const bundle* plugin, const deployment_settings& settings,
                      const std::map<std::string, std::string>& wishes) {
  const auto wish = wishes.contains(name) ? stored_state(wishes.at(name)) : std::nullopt;
  if (!plugin) return {state::excluded, "no plugin here has it"};
  if (settings.excluded.contains(name)) return {state::excluded, "processes.excluded of the settings"};
  if (wish == state::excluded) return {state::excluded, "an operator excluded it"};
  if (settings.retired.contains(name)) return {state::retired, "processes.retired of the settings"};
  if (wish == state::retired) return {state::retired, "an operator retired it"};
  if (plugin->draft) return {state::draft, "the plugin is a draft"};
  return {state::active, {}};
}

}  // namespace

result<std::map<std::string, state>> stored_states(storage::store& store) {
  std::map<std::string, state> out;
  for (const auto& [name, text] : TRY(rows_of(store, state_prefix))) out[name] = stored_state(text).value_or(state::new_);
  return out;
}

result<> remember_wish(storage::store& store, const std::string& process, state wish) {
  storage::commit c;
  const auto key = std::string(wish_prefix) + process;
  if (wish == state::active)
    c.operations.push_back(storage::delete_row{storage::table::meta, key});
  else
    c.operations.push_back(storage::put_row{storage::table::meta, key, "\1" + std::string(to_string(wish))});
  TRY(store.submit_wait(std::move(c)));
  return {};
}

result<> load_definitions(storage::store& store, actors::definitions& into) {
  for (const auto& [sha256, xml] : TRY(rows_of(store, definition_prefix)))
    for (auto& d : TRY(bpmn::read_bpmn(xml, "definition " + sha256))) into.remember(std::move(d));
  return {};
}

result<applied> apply(std::span<const bundle* const> plugins, bool all, const deployment_settings& settings, const deploy_parts& with) {
  applied out;
  const auto states = TRY(stored_states(with.store));
  const auto recorded = TRY(rows_of(with.store, resources_prefix));
  const auto wishes = TRY(rows_of(with.store, wish_prefix));
  std::vector<process_change> changes;
  std::map<std::string, deployed_state> wants;
  const auto add = [&](const std::string& name, const bundle* plugin, const bundle_process* content) -> result<> {
    const auto want = wanted(name, plugin, settings, wishes);
    if (!wants.emplace(name, want).second) return {};
    process_change c{name, states.contains(name) ? states.at(name) : state::new_, want.now, plugin, content, std::nullopt};
    if (const auto at = recorded.find(name); at != recorded.end()) c.recorded = TRY(recorded_of(at->second));
    changes.push_back(std::move(c));
    return {};
  };
  for (const auto* b : plugins)
    for (const auto& p : b->processes) TRY(add(p.definition->key + "|" + p.definition->version_tag, b, &p));
  if (all)
    for (const auto& [name, was] : states) TRY(add(name, nullptr, nullptr));

  if (!with.endpoint) {
    // Resources and states wait for it; what runs must not.
    storage::commit known;
    for (const auto& p : changes)
      if (p.content)
        known.operations.push_back(
            storage::put_row{storage::table::meta, std::string(definition_prefix) + p.content->definition->sha256, "\1" + p.content->xml});
    if (!known.operations.empty()) TRY(with.store.submit_wait(std::move(known)));
    for (const auto& p : changes)
      if (p.content) with.definitions.add({p.content->definition, engine_state(p.to), p.content->send_deadline});
    out.processes = std::move(wants);
    return out;
  }
  auto resources = plan_resources(changes);
  // A draft Task has no state of its own, and nothing can be checked against a profile that retires with it.
  for (auto& r : resources)
    if (r.type == "Task" && r.to == state::retired && r.action == resource_action::update) r.action = resource_action::look;
  TRY(look_for(resources, *with.endpoint));
  std::erase_if(resources, [](const auto& r) { return r.type == "Task" && r.to == state::retired && r.action == resource_action::create; });
  std::erase_if(resources, [](const auto& c) { return c.action == resource_action::none; });
  std::vector<const resource_change*> everything;
  for (const auto& c : resources) everything.push_back(&c);
  std::vector<std::string> refusals;
  out.resources = TRY(bring(everything, *with.endpoint, refusals));
  if (!refusals.empty()) {
    // One plugin's resources must not hold up the others': each by itself, and what belongs to none.
    out.resources = 0;
    std::set<const resource_change*> done;
    const auto alone = [&](const bundle* b) -> result<> {
      std::vector<const resource_change*> own;
      for (const auto* c : everything)
        if (!done.contains(c) && (b ? std::ranges::find(c->plugins, b) != c->plugins.end() : c->plugins.empty())) own.push_back(c);
      std::vector<std::string> against;
      out.resources += TRY(bring(own, *with.endpoint, against));
      if (against.empty())
        done.insert(own.begin(), own.end());
      else
        out.refused[b] = std::move(against);
      return {};
    };
    for (const auto* b : plugins) TRY(alone(b));
    TRY(alone(nullptr));
  }

  storage::commit c;
  const auto refused = [&](const process_change& p) { return out.refused.contains(p.plugin); };
  for (const auto& p : changes) {
    if (refused(p)) {
      out.processes[p.name] = {p.from, "its plugin's resources were refused"};
      continue;
    }
    out.processes[p.name] = wants.at(p.name);
    if (p.content)
      c.operations.push_back(
          storage::put_row{storage::table::meta, std::string(definition_prefix) + p.content->definition->sha256, "\1" + p.content->xml});
    c.operations.push_back(storage::put_row{storage::table::meta, std::string(state_prefix) + p.name, "\1" + std::string(to_string(p.to))});
    const auto key = std::string(resources_prefix) + p.name;
    if (p.to == state::excluded)
      c.operations.push_back(storage::put_row{storage::table::meta, key, recorded_text(nullptr)});
    else
      c.operations.push_back(storage::put_row{storage::table::meta, key, recorded_text(p.content)});
  }
  if (!c.operations.empty()) TRY(with.store.submit_wait(std::move(c)));
  for (const auto& p : changes) {
    if (refused(p)) continue;
    if (p.content) {
      with.definitions.add({p.content->definition, engine_state(p.to), p.content->send_deadline});
    } else if (const auto bar = p.name.find('|'); const auto old = with.definitions.find(p.name.substr(0, bar), p.name.substr(bar + 1))) {
      with.definitions.add({old->definition, actors::process_state::excluded, old->send_deadline});
    }
    if (p.from != p.to)
      with.log.info(
          "plugins", "process changes its state", {.process = p.name},
          {{"from", std::string(to_string(p.from))}, {"to", std::string(to_string(p.to))}, {"because", wants.at(p.name).because}});
  }
  return out;
}

result<deployment> deploy(const bundle& b, const deployment_settings& settings, storage::store& store, actors::definitions& into,
                          fhir_client& endpoint, const base::logger& log) {
  const bundle* const one[] = {&b};
  const auto done = TRY(apply(one, false, settings, {store, into, &endpoint, log}));
  if (const auto at = done.refused.find(&b); at != done.refused.end()) {
    std::string all;
    for (const auto& line : at->second) all += (all.empty() ? "" : "\n") + line;
    return fail(errc::bad_bundle, all, b.source);
  }
  deployment out;
  for (const auto& p : b.processes) out.processes.push_back(p.definition->key + "|" + p.definition->version_tag);
  out.resources = done.resources;
  log.info("plugins", "bundle deployed", {},
           {{"bundle", b.name},
            {"version", b.version},
            {"processes", static_cast<std::int64_t>(out.processes.size())},
            {"resourcesWritten", static_cast<std::int64_t>(out.resources)}});
  return out;
}

}  // namespace dsf::plugins

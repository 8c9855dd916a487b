// What operators do to a running site.
#include <unistd.h>

#include <algorithm>
#include <future>

#include "actors/task_document.hpp"
#include "base/bytes.hpp"
#include "base/memory.hpp"
#include "site/running/errc.hpp"
#include "site/running/parts.hpp"
#include "site/version.hpp"

namespace dsf::site {
namespace {

using base::fail;
using base::json;
using base::result;

constexpr std::int64_t command_timeout_ms = 30'000;

// A command to an instance, and the wait for its commit.
result<> command(const engine_slot& engine, std::uint64_t instance, bpmn::command c) {
  auto promise = std::make_shared<std::promise<result<>>>();
  auto answer = promise->get_future();
  engine->command(instance, std::move(c), [promise = std::move(promise)](result<> r) { promise->set_value(std::move(r)); });
  if (answer.wait_for(std::chrono::milliseconds(command_timeout_ms)) != std::future_status::ready)
    return fail(running_errc::cannot_start, "the engine did not answer in time; look at dsfctl instance show");
  try {
    return answer.get();
  } catch (const std::future_error&) {  // it was dropped with the engine
    return fail(running_errc::cannot_start, "the engine was stopped meanwhile; see dsfctl status, and try again");
  }
}

bpmn::command operator_command(auto what) { return {base::system_clock_source().now(), "operator", std::move(what)}; }

json coding(std::string_view system, std::string_view code) {
  json c;
  c.set("system", system);
  c.set("code", code);
  json list;
  list.push_back(std::move(c));
  json type;
  type.set("coding", std::move(list));
  return type;
}

json organization_reference(const std::string& identifier) {
  json id;
  id.set("system", "http://dsf.dev/sid/organization-identifier");
  id.set("value", identifier);
  json r;
  r.set("type", "Organization");
  r.set("identifier", std::move(id));
  return r;
}

result<json> input_of(const task_input& in) {
  json p;
  p.set("type", coding(in.system, in.code));
  if (in.type == "reference") {
    json r;
    r.set("reference", in.value);
    p.set("valueReference", std::move(r));
  } else if (in.type == "boolean") {
    if (in.value != "true" && in.value != "false")
      return fail(running_errc::bad_request, "'" + in.value + "' is not true or false", in.code);
    p.set("valueBoolean", in.value == "true");
  } else if (in.type == "integer") {
    p.set("valueInteger", TRY(json::parse(in.value)));
  } else if (in.type == "decimal") {
    auto number = json::parse(in.value);
    if (!number || !number->is_number()) return fail(running_errc::bad_request, "'" + in.value + "' is not a number", in.code);
    p.set("valueDecimal", std::move(*number));
  } else if (in.type.empty() || in.type == "string") {
    p.set("valueString", in.value);
  } else {
    auto name = "value" + in.type;
    name[5] = static_cast<char>(std::toupper(static_cast<unsigned char>(name[5])));
    p.set(name, in.value);
  }
  return p;
}

}  // namespace

result<site_status> running_site::status() {
  auto& p = *parts_;
  site_status s;
  const auto store = p.store->status();
  s.name = p.config.name;
  s.organization = p.config.organization_identifier;
  s.version = std::string(release);
  if (p.config.role_fhir) s.roles.emplace_back("fhir");
  if (p.config.role_bpe) s.roles.emplace_back("bpe");
  if (p.config.role_repository) s.roles.emplace_back("repository");
  s.not_ready_because = p.not_ready_because();
  s.ready = s.not_ready_because.empty();
  s.read_only = !store.writable;
  s.read_only_because = store.why_not;
  s.started = p.started;
  s.pid = static_cast<std::uint64_t>(::getpid());
  s.resident_bytes = base::resident_bytes();
  s.live_instances = p.engine->live_instances();
  s.store_sequence = store.sequence;
  const auto view = p.store->view();
  const auto count = [&](storage::table t, std::string_view prefix) -> result<std::uint64_t> {
    std::uint64_t n = 0;
    std::string from;
    for (;;) {
      const auto rows = TRY(view->rows(t, prefix, 1'000, from));
      n += rows.size();
      if (rows.size() < 1'000) return n;
      from = rows.back().key + '\0';
    }
  };
  const auto put = [&](std::uint64_t& to, storage::table t, std::string_view prefix) -> result<> {
    const auto n = count(t, prefix);
    if (n)
      to = *n;
    else if (store.writable)
      return base::failure(n.error());
    return {};  // while the store is opened again, that it is is the answer
  };
  TRY(put(s.running_instances, storage::table::business_key, {}));
  TRY(put(s.incidents, storage::table::subscription, storage::keys::subscription_prefix(0, 'i', "incident", {})));
  TRY(put(s.outbox, storage::table::outbox, {}));
  if (p.fhir_server) s.fhir_port = p.fhir_server->port();
  if (p.status_server) s.status_port = p.status_server->port();
  return s;
}

result<> running_site::retry_incident(const std::string& id) {
  TRY(parts_->not_held());
  const auto at = TRY(parts_->store->internal_id_of(id));
  return command(parts_->engine, at.instance, operator_command(bpmn::retry_incident{at.activity}));
}

result<> running_site::cancel_incident(const std::string& id) {
  TRY(parts_->not_held());
  const auto at = TRY(parts_->store->internal_id_of(id));
  const auto h = TRY(parts_->load(at.instance));
  const auto* i = h.state().incidents.find(at.activity);
  if (!i) return fail(running_errc::no_such_instance, "there is no such incident", id);
  return command(parts_->engine, at.instance, operator_command(bpmn::cancel_instance{i->error}));
}

result<> running_site::cancel_instance(const std::string& id, const std::string& reason) {
  TRY(parts_->not_held());
  const auto found = TRY(parts_->find(id));
  return command(parts_->engine, found.front(),
                 operator_command(bpmn::cancel_instance{reason.empty() ? "cancelled by the operator" : reason}));
}

result<std::vector<partner_status>> running_site::partners() {
  auto& p = *parts_;
  std::vector<partner_status> out;
  const auto facts = TRY(p.caches->facts());
  const auto& list = *facts->allow_list;
  for (const auto& o : list.organizations()) {
    for (const auto id : o.endpoints) {
      const auto* e = list.endpoint(id);
      if (!e || o.identifiers.empty() || o.identifiers.front() == p.config.organization_identifier) continue;
      partner_status s;
      s.organization = o.identifiers.front();
      s.endpoint_url = e->address;
      s.active = o.active && e->active;
      for (const auto& a : list.affiliations()) {
        const auto* parent = list.organization(a.parent);
        if (a.member != o.id || !a.active || !parent || parent->identifiers.empty()) continue;
        for (const auto& r : a.roles) s.roles.push_back(parent->identifiers.front() + ": " + r.code);
      }
      out.push_back(std::move(s));
    }
  }
  for (const auto& line : p.engine->partners()) {
    auto at = std::ranges::find(out, line.endpoint_url, &partner_status::endpoint_url);
    if (at == out.end()) {
      out.push_back({});
      at = out.end() - 1;
      at->organization = line.organization;
      at->endpoint_url = line.endpoint_url;
    }
    at->queued = line.queued;
    at->sent = line.sent;
    at->refused = line.refused;
    at->retries = line.retries;
    at->last_success = line.last_success;
    at->last_failure = line.last_failure;
    at->last_error = line.last_error;
    at->next_attempt = line.next_attempt;
  }
  return out;
}

result<started_task> running_site::start_task(const start_request& request) {
  auto& p = *parts_;
  const auto client = p.host->local_client();
  json task;
  if (!request.draft.empty()) {
    const auto found = TRY(client->search("Task?identifier=http://dsf.dev/sid/task-identifier|" + request.draft + "&status=draft"));
    for (const auto& e : found["entry"])
      if (e["search"]["mode"].str() == "match") task = e["resource"];
    if (task.is_null()) return fail(running_errc::no_such_process, "there is no draft Task with this identifier", request.draft);
    // A draft is never turned into a request; a new Task is made from it (dsf-fhir-server 1.7.2).
    task.erase("id");
    task.erase("identifier");
    json meta;
    meta.set("profile", task["meta"]["profile"]);
    task.set("meta", std::move(meta));
  } else {
    // The ActivityDefinition names messages and profiles.
    const auto bar = request.process.find('|');
    if (bar == std::string::npos)
      return fail(running_errc::bad_request, "name the process as key|version or canonical|version", request.process);
    const auto found = TRY(client->search("ActivityDefinition?version=" + request.process.substr(bar + 1)));
    std::optional<actors::process_name> name;
    std::string profile, message = request.message;
    for (const auto& e : found["entry"]) {
      const auto& ad = e["resource"];
      const auto candidate = actors::parse_canonical(ad["url"].str() + "|" + ad["version"].str());
      if (!candidate ||
          (candidate->key + "|" + candidate->version != request.process && candidate->url + "|" + candidate->version != request.process))
        continue;
      name = candidate;
      const auto deployed = p.definitions.find(candidate->key, candidate->version);
      for (const auto& extension : ad["extension"]) {
        std::string of_message, of_profile;
        for (const auto& part : extension["extension"]) {
          if (part["url"].str() == "message-name") of_message = part["valueString"].str();
          if (part["url"].str() == "task-profile") of_profile = part["valueCanonical"].str();
        }
        const bool starts = deployed && std::ranges::any_of(deployed->definition->starts, [&](auto n) {
                              return deployed->definition->nodes[n].event.name == of_message;
                            });
        if (of_message == message || (request.message.empty() && starts && profile.empty())) {
          message = of_message;
          profile = of_profile;
        }
      }
    }
    if (!name) return fail(running_errc::no_such_process, "no such process is deployed here", request.process);
    if (profile.empty()) return fail(running_errc::bad_request, "the process has no message '" + message + "'", request.process);
    json profiles;
    profiles.push_back(profile);
    json meta;
    meta.set("profile", std::move(profiles));
    task.set("resourceType", "Task");
    task.set("meta", std::move(meta));
    task.set("instantiatesCanonical", name->url + "|" + name->version);
    task.set("intent", "order");
    task.set("requester", organization_reference(p.config.organization_identifier));
    json recipients;
    recipients.push_back(organization_reference(p.config.organization_identifier));
    json restriction;
    restriction.set("recipient", std::move(recipients));
    task.set("restriction", std::move(restriction));
    json message_input;
    message_input.set("type", coding("http://dsf.dev/fhir/CodeSystem/bpmn-message", "message-name"));
    message_input.set("valueString", message);
    json inputs;
    inputs.push_back(std::move(message_input));
    task.set("input", std::move(inputs));
  }
  task.set("status", "requested");
  task.set("authoredOn", base::to_iso(base::system_clock_source().now()));
  started_task out;
  out.business_key = request.business_key.empty() ? base::uuid::random(base::system_entropy()).to_string() : request.business_key;
  auto& inputs = *task.find("input")->if_array();
  json key;
  key.set("type", coding("http://dsf.dev/fhir/CodeSystem/bpmn-message", "business-key"));
  key.set("valueString", out.business_key);
  inputs.insert(inputs.begin() + 1, std::move(key));
  for (const auto& in : request.inputs) inputs.push_back(TRY(input_of(in)));
  const auto created = TRY(client->create(task, "task/" + base::uuid::random(base::system_entropy()).to_string()));
  out.task = "Task/" + created["id"].str();
  return out;
}

result<> running_site::complete_user_task(const user_task_completion& completion) {
  TRY(parts_->not_held());
  const auto at = TRY(parts_->store->internal_id_of(completion.id));
  bpmn::complete_user_task c{at.activity, {}};
  for (const auto& [name, text] : completion.variables) c.variables.emplace_back(name, bpmn::value(text));
  return command(parts_->engine, at.instance, operator_command(std::move(c)));
}

result<> running_site::import(const std::string& path, const std::function<bool(const import_progress&)>& progress) {
  auto& p = *parts_;
  if (!p.repository) return fail(running_errc::role_missing, "this site has no repository: give it the role repository");
  std::vector<std::filesystem::path> files;
  std::error_code ec;
  if (std::filesystem::is_directory(path, ec)) {
    for (const auto& f : std::filesystem::directory_iterator(path, ec))
      if (f.path().extension() == ".ndjson" || f.path().extension() == ".json") files.push_back(f.path());
    std::ranges::sort(files);
  } else {
    files.emplace_back(path);
  }
  if (files.empty()) return fail(running_errc::bad_request, "there is no .ndjson or .json file", path);
  import_progress now;
  now.files_total = files.size();
  for (const auto& f : files) now.bytes_total += std::filesystem::file_size(f, ec);
  std::uint64_t bytes_before = 0, resources_before = 0;
  for (const auto& f : files) {
    now.current = f.string();
    storage::import_settings settings;
    settings.progress = [&](const storage::import_progress& ip) {
      now.bytes_done = bytes_before + ip.bytes_done;
      now.resources = resources_before + ip.resources;
      return progress(now);
    };
    const auto report = TRY(p.repository->import_file(f, settings));
    resources_before += report.resources;
    bytes_before += std::filesystem::file_size(f, ec);
    if (!report.finished) return {};
    ++now.files_done;
  }
  now.bytes_done = now.bytes_total;
  now.resources = resources_before;
  if (const auto counts = p.repository->count_by_type(); counts && counts->contains("Patient")) now.patients = counts->at("Patient");
  now.finished = true;
  progress(now);
  base::release_free_memory();
  return {};
}

result<std::uint64_t> running_site::cohort_count(const std::string& ccdl) { return parts_->count(TRY(json::parse(ccdl))); }

result<std::vector<actor_status>> running_site::actors(std::uint32_t limit) {
  std::vector<actor_status> out;
  for (const auto& l : parts_->engine->actors(limit == 0 ? 1'000 : limit))
    out.push_back({l.name, l.parent, l.mailbox, l.handled, l.restarts});
  return out;
}

result<> running_site::hold_handler(const std::string& class_name, bool hold) {
  if (hold)
    parts_->engine->holds().hold(class_name);
  else
    parts_->engine->holds().release(class_name);
  return {};
}

result<> running_site::shutdown(const std::string& reason) {
  std::function<void(std::string)> what;
  {
    const std::lock_guard lock{parts_->shutdown_mutex};
    what = parts_->on_shutdown;
  }
  if (!what) return fail(running_errc::bad_request, "this site can't be stopped from here; send it SIGTERM");
  what(reason);
  return {};
}

std::uint64_t running_site::subscribe(std::function<void(const site_event_line&)> listener) {
  return parts_->events.subscribe([listener = std::move(listener)](const actors::site_event& e) {
    listener({std::string(to_string(e.kind)), e.time, e.process, e.instance, e.business_key, e.activity, e.partner, e.text});
  });
}
void running_site::unsubscribe(std::uint64_t token) { parts_->events.unsubscribe(token); }

}  // namespace dsf::site

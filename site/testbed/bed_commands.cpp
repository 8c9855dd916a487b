// What a test may say to a bed (site/testbed/README.md).
#include <algorithm>

#include "actors/instance_host.hpp"
#include "base/bytes.hpp"
#include "bpmn/execution/advance.hpp"
#include "fhir/semantics/access.hpp"
#include "plugins/worker_codec.hpp"
#include "site/running/errc.hpp"
#include "site/testbed/bed.hpp"

namespace dsf::site {
namespace {

using base::fail;
using base::json;
using base::result;

constexpr std::string_view bpmn_message = "http://dsf.dev/fhir/CodeSystem/bpmn-message";

json text_input(std::string_view code, const std::string& text) {
  return json::object{{"type", json::object{{"coding", json::array{json::object{{"system", bpmn_message}, {"code", code}}}}}},
                      {"valueString", text}};
}

json organization(const std::string& identifier) {
  return json::object{{"type", "Organization"},
                      {"identifier", json::object{{"system", "http://dsf.dev/sid/organization-identifier"}, {"value", identifier}}}};
}

json body_of(const fhir::reply& r) {
  if (const auto* j = std::get_if<json>(&r.body)) return *j;
  if (const auto* b = std::get_if<std::shared_ptr<const std::string>>(&r.body); b && *b) return json::parse(**b).value_or(json{});
  return {};
}

std::string refusal(const fhir::reply& r) {
  std::string out = "HTTP " + std::to_string(r.status);
  for (const auto& issue : body_of(r)["issue"])
    for (const auto name : {"diagnostics", "details"})
      if (!issue[name].str().empty()) out += ": " + issue[name].str();
  return out;
}

std::string node_id(const bpmn::definition& d, bpmn::node_index n) { return n == bpmn::no_node ? std::string{} : d.nodes[n].id; }

std::string_view state_name(const bpmn::instance_state& s) {
  if (s.status == bpmn::instance_status::completed) return "completed";
  if (s.status == bpmn::instance_status::failed) return "failed";
  return s.incidents.empty() ? "running" : "incident";
}

}  // namespace

result<fhir::identity> bed::identity_of(const std::string& organization) {
  const auto at = std::ranges::find(config_.members, organization, &bed_member::organization);
  if (at == config_.members.end()) return fail(running_errc::bad_request, "no member of this test's network", organization);
  const auto who = at == config_.members.begin()
                       ? TRY(caches_->local())
                       : TRY(caches_->identify({.thumbprint = at->thumbprint, .not_after = base::timestamp{INT64_MAX}}));
  if (!who) return fail(running_errc::bad_request, "the allow-list does not know", organization);
  return *who;
}

result<bed_message> bed::message_named(const std::string& name, const std::string& process) const {
  const bed_message* found = nullptr;
  std::string all;
  for (const auto& m : messages_) {
    all += (all.empty() ? "" : ", ") + m.name + " of " + m.process;
    if (m.name != name || (!process.empty() && m.process != process)) continue;
    if (found) return fail(running_errc::bad_request, "several processes take message " + name + "; name the process", all);
    found = &m;
  }
  if (!found)
    return fail(running_errc::bad_request,
                "no process here takes message " + name + (process.empty() ? "" : " as " + process) + "; there is " + all);
  return *found;
}

result<fhir::reply> bed::call(const fhir::identity& who, fhir::interaction_request request) {
  auto answer = std::make_shared<std::optional<fhir::reply>>();
  request.accept = "application/fhir+json";
  request.content_type = "application/fhir+json";
  endpoint_->handle_as(who, std::move(request),
                       [this, answer](fhir::reply r) { main_.post([answer, r = std::move(r)]() mutable { *answer = std::move(r); }); });
  auto& real = base::system_clock_source();
  const auto until = real.steady_us() + config_.patience_us;
  while (!*answer) {
    if (!step()) main_.wait_us(500);
    if (real.steady_us() > until) return fail(running_errc::bad_request, "the site's endpoint did not answer in time");
  }
  return std::move(**answer);
}

result<json> bed::receive(const json& command) {
  const auto from = command["from"].str().empty() ? own().organization : command["from"].str();
  const auto who = TRY(identity_of(from));
  const auto m = TRY(message_named(command["message"].str(), command["process"].str()));
  json task;
  task.set("resourceType", "Task");
  task.set("meta", json::object{{"profile", json::array{m.profile}}});
  task.set("instantiatesCanonical", m.canonical);
  task.set("status", "requested");
  task.set("intent", "order");
  task.set("authoredOn", base::to_iso(clock_.now()));
  task.set("requester", organization(from));
  task.set("restriction", json::object{{"recipient", json::array{organization(own().organization)}}});
  json::array inputs{text_input("message-name", m.name)};
  for (const auto& [member, code] : {std::pair{"business_key", "business-key"}, {"correlation_key", "correlation-key"}})
    if (const auto& value = command[member].str(); !value.empty()) inputs.push_back(text_input(code, value));
  for (const auto& in : command["inputs"]) inputs.push_back(in);
  task.set("input", std::move(inputs));
  fhir::interaction_request request;
  request.method = fhir::http_method::post;
  request.path = "Task";
  request.body = task.dump();
  request.prefer = "return=representation";
  const auto reply = TRY(call(who, std::move(request)));
  if (reply.status != 201) return fail(running_errc::bad_request, "the site refuses the Task from " + from + ": " + refusal(reply));
  TRY(settle(command["wait"].bool_or(true)));
  return json(json::object{{"task", body_of(reply)["id"].str()}});
}

result<json> bed::put(const json& command) {
  fhir::interaction_request request;
  request.method = fhir::http_method::post;
  request.path = command["resource"]["resourceType"].str();
  request.body = command["resource"].dump();
  request.prefer = "return=representation";
  const auto reply = TRY(call(TRY(identity_of(own().organization)), std::move(request)));
  if (reply.status != 201) return fail(running_errc::bad_request, "the site refuses the resource: " + refusal(reply));
  return json(json::object{{"resource", body_of(reply)}});
}

result<json> bed::read_resource(const json& command) const {
  const auto id = TRY(base::uuid::parse(command["id"].str()));
  const auto stored = TRY(store_->view()->current(command["type"].str(), id));
  if (!stored || stored->deleted)
    return fail(running_errc::bad_request, "there is no such resource", command["type"].str() + "/" + command["id"].str());
  return json(json::object{{"resource", TRY(json::parse(*stored->bytes))}});
}

result<json> bed::script(const json& command) {
  if (const auto& url = command["serve"].str(); !url.empty()) {
    partners_.serve(url, command["body"].dump());
    return json(json::object{});
  }
  const auto at = std::ranges::find(config_.members, command["partner"].str(), &bed_member::organization);
  if (at == config_.members.end()) return fail(running_errc::bad_request, "no member of this test's network", command["partner"].str());
  std::deque<scripted_answer> answers;
  for (const auto& a : command["answers"]) answers.push_back({static_cast<int>(a["status"].int_or(201)), a["text"].str()});
  partners_.script(at->url, std::move(answers));
  return json(json::object{});
}

result<json> bed::sent(const json& command) const {
  json::array out;
  for (const auto& s : partners_.sent(static_cast<std::size_t>(std::max<std::int64_t>(0, command["from"].int_or(0))))) {
    const auto to = std::ranges::find_if(config_.members, [&](const auto& m) { return s.url.starts_with(m.url + "/"); });
    out.push_back(json::object{{"url", s.url},
                               {"to", to == config_.members.end() ? connection_of(s.url) : to->organization},
                               {"status", s.status},
                               {"task", TRY(json::parse(s.body))}});
  }
  return json(json::object{{"sent", std::move(out)}});
}

std::string bed::connection_of(const std::string& url) const {
  const auto at =
      std::ranges::find_if(config_.connections, [&](const auto& c) { return url == c.second || url.starts_with(c.second + "/"); });
  return at == config_.connections.end() ? std::string{} : at->first;
}

// On a worker's thread.
result<std::string> bed::take_mail(const plugins::mail& m) {
  const plugins::mail_defaults defaults{"dsf@" + own().organization, {"desk@" + own().organization}, {}, {}};
  auto finished = TRY(plugins::finish_mail(m, defaults, clock_.now()));
  json::array to;
  for (const auto& r : finished.recipients) to.push_back(r);
  const std::lock_guard lock{mails_mutex_};
  mails_.push_back(json::object{{"subject", m.subject}, {"text", m.text}, {"to", std::move(to)}, {"message_id", finished.message_id}});
  return std::move(finished.message_id);
}

json bed::mails() const {
  const std::lock_guard lock{mails_mutex_};
  return json(json::object{{"mail", json(mails_)}});
}

result<json> bed::instances() const {
  json::array out;
  const auto view = store_->view();
  std::uint64_t from = 0;
  for (;;) {
    const auto page = TRY(view->instances(from, 256));
    for (const auto& i : page) {
      from = i.instance + 1;
      actors::instance_host h{context_, i.instance}, living{context_, i.instance};
      TRY(h.load());
      TRY(living.load(true));
      const auto& s = h.state();
      json::array activities, waits;
      for (const auto& e : s.executions)
        if (e.at != bpmn::phase::idle && e.node != bpmn::no_node) activities.push_back(node_id(h.definition(), e.node));
      for (const auto& w : bpmn::waits_for(h.definition(), s)) {
        json line = json::object{{"kind", w.kind}, {"activity", w.activity_id}, {"detail", w.detail}};
        if (w.due.us != 0) line.set("due", base::to_iso(w.due, 6));
        waits.push_back(std::move(line));
      }
      // As a worker gets them, so that they have their types.
      plugins::activation variables;
      for (const auto& e : living.state().executions)
        if (e.parent == 0)
          for (const auto& v : e.variables) variables.variables.emplace_back(v.name, v.content.get());
      out.push_back(json::object{{"id", h.external_id()},
                                 {"process", h.process_name()},
                                 {"business_key", s.business_key},
                                 {"state", state_name(s)},
                                 {"reason", s.end_reason},
                                 {"start_task", s.start_task ? s.start_task->task.reference.id : std::string{}},
                                 {"activities", std::move(activities)},
                                 {"waits", std::move(waits)},
                                 {"variables", base::to_hex(plugins::encode_activation(variables))}});
    }
    if (page.size() < 256) break;
  }
  return json(json::object{{"instances", std::move(out)}});
}

result<json> bed::carry_out(const json& command) {
  const auto& what = command["do"].str();
  json out = json::object{};
  if (what == "receive") {
    out = TRY(receive(command));
  } else if (what == "advance") {
    const auto by = TRY(base::parse_duration(command["by"].str()));
    TRY(advance(base::add(clock_.now(), by), command["wait"].bool_or(true)));
  } else if (what == "settle") {
    TRY(settle(command["wait"].bool_or(true)));
  } else if (what == "put") {
    out = TRY(put(command));
  } else if (what == "read") {
    out = TRY(read_resource(command));
  } else if (what == "script") {
    out = TRY(script(command));
  } else if (what == "sent") {
    out = TRY(sent(command));
  } else if (what == "mail") {
    out = mails();
  } else if (what == "instances") {
    out = TRY(instances());
  } else if (what == "workers") {
    json::array names;
    for (const auto& w : workers_->sessions())
      if (!w.draining) names.push_back(w.worker);
    out.set("workers", std::move(names));
  } else {
    return fail(running_errc::bad_request, "no command of this name", what);
  }
  out.set("now", base::to_iso(clock_.now(), 6));
  return out;
}

}  // namespace dsf::site

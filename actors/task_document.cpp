#include "actors/task_document.hpp"

#include <re2/re2.h>

#include "base/mutant.hpp"

namespace dsf::actors {
namespace {

using base::json;

constexpr std::string_view message_system = "http://dsf.dev/fhir/CodeSystem/bpmn-message";
constexpr std::string_view organization_system = "http://dsf.dev/sid/organization-identifier";

bool has_coding(const json& parameter, std::string_view system, std::string_view code) {
  for (const auto& coding : parameter["type"]["coding"])
    if (coding["system"].str() == system && coding["code"].str() == code) return true;
  return false;
}

json coding_type(std::string_view code) {
  json coding;
  coding.set("system", message_system);
  coding.set("code", code);
  json type;
  json codings;
  codings.push_back(std::move(coding));
  type.set("coding", std::move(codings));
  return type;
}

json string_parameter(std::string_view code, std::string_view text) {
  json p;
  p.set("type", coding_type(code));
  p.set("valueString", text);
  return p;
}

void append(json& task, std::string_view array, json element) {
  if (auto* existing = task.find(array)) {
    existing->push_back(std::move(element));
    return;
  }
  json list;
  list.push_back(std::move(element));
  task.set(array, std::move(list));
}

json organization_reference(std::string_view identifier) {
  json id;
  id.set("system", organization_system);
  id.set("value", identifier);
  json reference;
  reference.set("type", "Organization");
  reference.set("identifier", std::move(id));
  return reference;
}

}  // namespace

std::optional<process_name> parse_canonical(std::string_view canonical) {
  // dsf-bpe 1.2; the pattern is DSF's, so that the same texts are accepted.
  static const RE2 pattern{
      R"((https?://((?:(?:[a-zA-Z0-9][a-zA-Z0-9-]{0,61}[a-zA-Z0-9])\.)+(?:[a-zA-Z0-9]{1,63}))/bpe/Process/([a-zA-Z0-9-]+))\|(\d+\.\d+))"};
  std::string url, domain, name, version;
  if (!RE2::FullMatch(re2::StringPiece(canonical.data(), canonical.size()), pattern, &url, &domain, &name, &version)) return std::nullopt;
  std::erase(domain, '.');
  return process_name{domain + "_" + name, version, url};
}

const std::string* message_input(const json& task, std::string_view code) {
  for (const auto& input : task["input"])
    if (has_coding(input, message_system, code)) return input["valueString"].if_string();
  return nullptr;
}

task_facts facts_of(const json& task) {
  task_facts f;
  f.status = task["status"].str();
  f.canonical = task["instantiatesCanonical"].str();
  f.process = parse_canonical(f.canonical);
  if (const auto* s = message_input(task, "message-name")) f.message_name = *s;
  if (const auto* s = message_input(task, "business-key")) f.business_key = *s;
  if (const auto* s = message_input(task, "correlation-key")) {
    f.correlation_key = *s;
    f.has_correlation_key = true;
  }
  f.requester = task["requester"]["identifier"]["value"].str();
  return f;
}

json to_in_progress(json task, std::string_view business_key) {
  task.set("status", "in-progress");
  if (!message_input(task, "business-key") || DSF_MUTANT("actors.business_key_added_again"))
    append(task, "input", string_parameter("business-key", business_key));
  return task;
}

json with_changes(json task, std::span<const bpmn::task_change> changes) {
  const auto id = task["id"].str();
  for (const auto& change : changes) {
    if (change.task_id != id) continue;
    for (const auto& text : change.add_outputs) {
      // Checked when the handler's outcome was taken; only what stands for an erased one is no object.
      if (auto output = json::parse(text); output && output->is_object()) append(task, "output", std::move(*output));
    }
    if (!change.status_reason.empty()) {
      json reason;
      reason.set("text", change.status_reason);
      task.set("statusReason", std::move(reason));
    }
  }
  return task;
}

json to_final(json task, std::string_view status, std::string_view error, std::span<const bpmn::task_change> changes) {
  const auto id = task["id"].str();
  bool failed = status == "failed";
  for (const auto& change : changes) failed = failed || (change.task_id == id && change.status == "failed");
  task = with_changes(std::move(task), changes);
  task.set("status", failed ? "failed" : status);
  if (!error.empty()) append(task, "output", string_parameter("error", error));
  return task;
}

base::result<json> outgoing_task(const bpmn::outgoing_message& message, std::string_view local_organization, base::timestamp now,
                                 std::string_view outbox_id) {
  json task;
  task.set("resourceType", "Task");
  json profiles;
  profiles.push_back(message.profile);
  json meta;
  meta.set("profile", std::move(profiles));
  task.set("meta", std::move(meta));
  json identifier;
  identifier.set("system", outbox_identifier_system);
  identifier.set("value", outbox_id);
  json identifiers;
  identifiers.push_back(std::move(identifier));
  task.set("identifier", std::move(identifiers));
  task.set("instantiatesCanonical", message.instantiates_canonical);
  task.set("status", "requested");
  task.set("intent", "order");
  task.set("authoredOn", base::to_iso(now));
  task.set("requester", organization_reference(local_organization));
  json recipients;
  recipients.push_back(organization_reference(message.to.organization_identifier));
  json restriction;
  restriction.set("recipient", std::move(recipients));
  task.set("restriction", std::move(restriction));
  append(task, "input", string_parameter("message-name", message.message_name));
  append(task, "input", string_parameter("business-key", message.business_key));
  if (!message.to.correlation_key.empty()) append(task, "input", string_parameter("correlation-key", message.to.correlation_key));
  for (const auto& text : message.additional_inputs) append(task, "input", TRY(json::parse(text)));
  return task;
}

}  // namespace dsf::actors

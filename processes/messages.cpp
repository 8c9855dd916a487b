#include "processes/messages.hpp"

#include "processes/errc.hpp"

namespace dsf::processes {
namespace {

constexpr std::size_t max_error_text = 1'000;

// "HTTP 404": the answer will be the same next time; time-outs and floods pass.
bool refused_for_good(std::string_view text) {
  const auto at = text.find("HTTP 4");
  if (at == text.npos) return false;
  const auto status = text.substr(at + 5, 3);
  return status != "408" && status != "409" && status != "429";
}

}  // namespace

using base::result;

bpmn::variable_change set(std::string name, bpmn::value v) {
  return {.where = bpmn::variable_change::scope::instance, .name = std::move(name), .new_value = std::move(v)};
}
bpmn::variable_change set_local(std::string name, bpmn::value v) {
  return {.where = bpmn::variable_change::scope::local, .name = std::move(name), .new_value = std::move(v)};
}

plugins::failed failed_by(const base::error& e) {
  using base::error_kind;
  bool retryable = false;
  switch (e.kind()) {
    case error_kind::conflict:
    case error_kind::overloaded:
    case error_kind::unavailable:
    case error_kind::timeout: retryable = !refused_for_good(e.text()); break;
    case error_kind::invalid:
    case error_kind::not_found:
    case error_kind::forbidden:
    case error_kind::too_large:
    case error_kind::corrupt:
    case error_kind::unsupported:
    case error_kind::internal: break;
  }
  return {e.to_string(), retryable};
}

result<bpmn::outgoing_message> message_to(const plugins::activation& a, const bpmn::target& to) {
  bpmn::outgoing_message m;
  m.to = to;
  m.instantiates_canonical = a.field_text("instantiatesCanonical");
  m.message_name = a.field_text("messageName");
  m.profile = a.field_text("profile");
  m.business_key = a.business_key;
  for (const auto& [name, text] :
       {std::pair{"instantiatesCanonical", &m.instantiates_canonical}, {"messageName", &m.message_name}, {"profile", &m.profile}})
    if (text->empty())
      return base::fail(errc::internal, std::string("the model gives no field ") + name + " to " + a.class_name, a.activity_id);
  return m;
}

result<bpmn::target> target_of(const plugins::activation& a) {
  const auto* v = a.variable("target");
  const auto* target = v ? v->as<bpmn::target>() : nullptr;
  if (!target) return base::fail(errc::internal, "variable target is not set; a step before must select it", a.activity_id);
  return *target;
}

bool is_send_error(const plugins::activation& a) { return a.event == "send_error"; }

send_error send_error_of(const plugins::activation& a) {
  send_error out{a.field_text("error"), 0};
  if (out.text.size() > max_error_text) out.text.resize(max_error_text);
  for (const auto& [name, v] : a.fields)
    if (name == "http_status")
      if (const auto* status = v.as<std::int32_t>()) out.http_status = *status;
  return out;
}

base::log_context context_of(const plugins::services& s, std::string partner, std::string task) {
  auto c = s.log_context();
  if (!partner.empty()) c.partner = std::move(partner);
  if (!task.empty()) c.task = std::move(task);
  return c;
}

}  // namespace dsf::processes

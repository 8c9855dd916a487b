#include "site/audit/event.hpp"

#include <algorithm>

#include "base/mutant.hpp"

namespace dsf::site {
namespace {

using base::json;

constexpr std::size_t text_bytes = 300;

constexpr std::string_view names[audit_kinds] = {"denied",  "rate-limited",   "session",       "handshake", "allow-list",
                                                 "erasure", "administration", "configuration", "read",      "write",
                                                 "started", "stopped",        "lost",          "summed"};

constexpr std::string_view event_types = "http://terminology.hl7.org/CodeSystem/audit-event-type";
constexpr std::string_view interactions = "http://hl7.org/fhir/restful-interaction";
constexpr std::string_view dicom_codes = "http://dicom.nema.org/resources/ontology/DCM";

json coding(std::string_view system, std::string_view code) { return json::object{{"system", system}, {"code", code}}; }

// The length of the UTF-8 sequence at `at`; 0: it is none (RFC 3629).
std::size_t sequence_at(std::string_view s, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(s[i]); };
  const auto first = byte(at);
  const std::size_t n = first < 0x80                    ? 1
                        : first >= 0xc2 && first < 0xe0 ? 2
                        : first >= 0xe0 && first < 0xf0 ? 3
                        : first >= 0xf0 && first < 0xf5 ? 4
                                                        : 0;
  if (n == 0 || at + n > s.size()) return 0;
  for (std::size_t i = 1; i < n; ++i)
    if (byte(at + i) < 0x80 || byte(at + i) > 0xbf) return 0;
  if (n == 3 && ((first == 0xe0 && byte(at + 1) < 0xa0) || (first == 0xed && byte(at + 1) > 0x9f))) return 0;
  if (n == 4 && ((first == 0xf0 && byte(at + 1) < 0x90) || (first == 0xf4 && byte(at + 1) > 0x8f))) return 0;
  return n;
}

// As a FHIR string may be: no control characters, no blanks around it, not too long.
std::string clean(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size() && out.size() < text_bytes;) {
    const auto n = sequence_at(text, i);
    const auto c = static_cast<unsigned char>(text[i]);
    // Also the C1 control characters, U+0080 to U+009F.
    const bool control = c < 0x20 || c == 0x7f || (n == 2 && c == 0xc2 && static_cast<unsigned char>(text[i + 1]) < 0xa0);
    if (n == 0)
      out += '?';
    else if (control && !DSF_MUTANT("audit.control_characters_kept"))
      out += ' ';
    else
      out += text.substr(i, n);
    i += std::max<std::size_t>(1, n);
  }
  const auto from = out.find_first_not_of(' ');
  if (from == std::string::npos) return {};
  return out.substr(from, out.find_last_not_of(' ') - from + 1);
}

void set_text(json& to, std::string_view name, std::string_view text) {
  if (auto c = clean(text); !c.empty()) to.set(name, std::move(c));
}

// Nothing for an identifier that is empty once cleaned.
json identified(std::string_view system, std::string_view value, std::string_view type) {
  auto c = clean(value);
  if (c.empty()) return {};
  return json::object{{"type", type}, {"identifier", json::object{{"system", system}, {"value", std::move(c)}}}};
}
json organization(std::string_view identifier) {
  return identified("http://dsf.dev/sid/organization-identifier", identifier, "Organization");
}

std::string_view without_port(std::string_view address) {
  const auto colon = address.rfind(':');
  if (colon == std::string_view::npos) return address;
  // A bare IPv6 address has more than one, and no brackets.
  if (address.find(':') != colon && !address.starts_with('[')) return address;
  auto host = address.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return host;
}

json agent_of(const audit_agent& a) {
  json out = json::object{};
  auto who = a.practitioner.empty() ? json() : identified("http://dsf.dev/sid/practitioner-identifier", a.practitioner, "Practitioner");
  if (who.is_null()) who = organization(a.organization);
  if (!who.is_null()) out.set("who", std::move(who));
  set_text(out, "altId", a.thumbprint);
  set_text(out, "name", a.name);
  out.set("requestor", true);
  if (auto address = clean(without_port(a.address)); !address.empty())
    out.set("network", json::object{{"address", std::move(address)}, {"type", "2"}});
  return out;
}

json type_of(const audit_event& e) {
  switch (e.kind) {
    case audit_kind::denied:
    case audit_kind::rate_limited:
    case audit_kind::allow_list:
    case audit_kind::read:
    case audit_kind::write: return coding(event_types, "rest");
    case audit_kind::session:
    case audit_kind::handshake: return coding(dicom_codes, "110114");  // User Authentication
    default: return coding(dicom_codes, "110100");                      // Application Activity
  }
}

bool ends_with_any(std::string_view route, std::initializer_list<std::string_view> ends) {
  return std::ranges::any_of(ends, [&](std::string_view e) { return route.ends_with(e); });
}

}  // namespace

std::string_view name_of(audit_kind kind) noexcept { return names[static_cast<std::size_t>(kind)]; }

bool is_refusal(const audit_event& e) noexcept {
  return e.kind == audit_kind::denied || e.kind == audit_kind::rate_limited || e.kind == audit_kind::handshake ||
         (e.kind == audit_kind::session && e.outcome != audit_outcome::success);
}

json to_fhir(const audit_event& e, const audit_source& source) {
  json out = json::object{{"resourceType", "AuditEvent"}};
  out.set("type", type_of(e));
  json subtypes = json::array{coding(audit_code_system, name_of(e.kind))};
  if (!e.interaction.empty()) subtypes.push_back(coding(interactions, e.interaction));
  if (!e.dicom.empty()) subtypes.push_back(coding(dicom_codes, e.dicom));
  out.set("subtype", std::move(subtypes));
  if (e.action != 0) out.set("action", std::string(1, e.action));
  out.set("recorded", base::to_iso(e.time, 6));
  out.set("outcome", std::to_string(static_cast<int>(e.outcome)));
  set_text(out, "outcomeDesc", e.why);
  out.set("agent", json::array{agent_of(e.agent)});
  json from = json::object{};
  set_text(from, "site", source.site);
  auto observer = organization(source.organization);
  from.set("observer", observer.is_null() ? json(json::object{{"display", "dsfd"}}) : std::move(observer));
  out.set("source", std::move(from));
  json entity = json::object{};
  if (!e.reference.empty()) entity.set("what", json::object{{"reference", e.reference}});
  set_text(entity, "description", e.what);
  if (entity.size() > 0) out.set("entity", json::array{std::move(entity)});
  return out;
}

interaction_name interaction_of(std::string_view method, std::string_view route) noexcept {
  const bool instance = route.find("{id}") != std::string_view::npos;
  if (route.find('$') != std::string_view::npos) return {"operation", 'E', false};
  if (method == "GET" || method == "HEAD") {
    if (route == "metadata") return {"capabilities", 'R', true};
    if (ends_with_any(route, {"_history"}))
      return {instance ? "history-instance" : route == "_history" ? "history-system" : "history-type", 'R', true};
    if (route.find("_history/") != std::string_view::npos) return {"vread", 'R', true};
    if (instance) return {"read", 'R', true};
    return {"search-type", 'E', true};
  }
  if (method == "POST") {
    if (ends_with_any(route, {"_search"})) return {"search-type", 'E', true};
    if (route.empty()) return {"transaction", 'E', false};
    return {"create", 'C', false};
  }
  if (method == "PUT") return {"update", 'U', false};
  if (method == "PATCH") return {"patch", 'U', false};
  if (method == "DELETE") return {"delete", 'D', false};
  return {};
}

}  // namespace dsf::site

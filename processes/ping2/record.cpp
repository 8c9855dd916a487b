#include "processes/ping2/record.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "processes/task_values.hpp"

namespace dsf::processes::ping2 {

using base::json;

namespace {

constexpr std::string_view fix_base = "https://dsf.dev/s/";

std::string fix(std::string_view page) { return std::string(fix_base) + std::string(page); }
std::string variable_name(std::string_view key) { return key.empty() ? "pingResult" : "pingResult_" + std::string(key); }

json coding_of(std::string_view system, std::string_view code, std::string_view version) {
  return json::object{{"system", system}, {"version", version}, {"code", code}};
}

json to_json(const measured& m) { return json::object{{"bytes", m.bytes}, {"ms", m.milliseconds}}; }
std::optional<measured> from_json(const json& j) {
  if (!j.is_object()) return std::nullopt;
  return measured{static_cast<std::uint64_t>(j["bytes"].int_or(0)), static_cast<std::uint64_t>(j["ms"].int_or(0))};
}

// The three digits behind "HTTP ", or 0.
int http_status_in(std::string_view text) {
  const auto at = text.find("HTTP ");
  if (at == text.npos || at + 8 > text.size()) return 0;
  int out = 0;
  for (const char c : text.substr(at + 5, 3)) {
    if (c < '0' || c > '9') return 0;
    out = out * 10 + (c - '0');
  }
  return out;
}

std::string http_code(std::string_view operation, int status) {
  const bool post = operation.ends_with("post");
  for (const int known : {401, 403, 413, 500, 502})
    if (status == known && (status != 413 || post)) return fmt::format("{}-http-{}", operation, status);
  return fmt::format("{}-http-unexpected", operation);
}

json error_extension(const transfer_error& e, std::string_view version) {
  json::array parts{json::object{{"url", "error"}, {"valueCoding", coding_of(error_codes, e.code, version)}}};
  if (!e.potential_fix.empty()) parts.push_back(json::object{{"url", "potential-fix"}, {"valueUrl", e.potential_fix}});
  return json::object{{"extension", std::move(parts)}, {"url", extension_error}};
}

// Megabits a second with two digits, in halves up.
json speed(const measured& m) {
  const double ms = std::max<double>(1, static_cast<double>(m.milliseconds));
  const auto value = fmt::format("{:.2f}", static_cast<double>(m.bytes) * 8 / 1'000 / ms);
  return json::object{{"value", json::number{value}}, {"unit", "Mbps"}, {"system", ucum}, {"code", "Mbit/s"}};
}

}  // namespace

record record_in(const plugins::activation& a, std::string_view key) {
  record out;
  const auto held = json::parse(a.variable_text(variable_name(key)));
  if (!held) return out;
  out.status = (*held)["status"].str();
  out.download = from_json((*held)["download"]);
  out.upload = from_json((*held)["upload"]);
  for (const auto& e : (*held)["errors"]) out.errors.push_back({e["code"].str(), e["fix"].str()});
  return out;
}

bpmn::variable_change keep(const record& r, std::string_view key) {
  json out = json::object{{"status", r.status}};
  if (r.download) out.set("download", to_json(*r.download));
  if (r.upload) out.set("upload", to_json(*r.upload));
  json::array errors;
  for (const auto& e : r.errors) errors.push_back(json::object{{"code", e.code}, {"fix", e.potential_fix}});
  out.set("errors", std::move(errors));
  return {.where = bpmn::variable_change::scope::instance, .name = variable_name(key), .new_value = out.dump()};
}

transfer_error transfer_error_of(std::string_view operation, const base::error& e) {
  const auto side = operation.substr(0, operation.find('-'));
  if (const int status = http_status_in(e.to_string())) return {http_code(operation, status), fix("error-http")};
  const auto code = e.code();
  const auto name = [&](std::string_view what) { return fmt::format("{}-{}", operation, what); };
  if (code == "net.connect_timeout") return {name("timeout-connect"), fix("connection-timeout")};
  if (code == "net.timeout") return {name("timeout-read"), fix("read-timeout")};
  if (code == "net.connection_refused" || code == "net.connect_failed") return {name("http-host-connect"), fix("connection-refused")};
  if (operation.ends_with("download") && (code == "net.connection_lost" || code == "net.malformed_answer")) return {name("io-error"), {}};
  return {fmt::format("{}-unknown", side), {}};
}

transfer_error for_other_site(transfer_error e) {
  if (e.code.starts_with("local-")) e.code = "remote-" + e.code.substr(6);
  return e;
}

transfer_error send_error_code(int http_status, std::string_view text, bool with_reference) {
  if (http_status == 403 && with_reference) return {"send-reference-message-http-403", fix("error-http")};
  if (http_status != 0) return {http_code("send-message", http_status), fix("error-http")};
  const auto says = [&](std::string_view what) { return text.find(what) != text.npos; };
  if (says("resolved") || says("unknown host")) return {"send-message-unknown-host", fix("unknown-host")};
  if (says("refused: nothing") || says("connection_refused")) return {"send-message-http-host-connect", fix("connection-refused")};
  if (says("certificate") || says("TLS") || says("handshake")) return {"send-message-ssl-handshake", fix("error-ssl")};
  if (says("no connection") || says("connect_timeout")) return {"send-message-connect-timeout", fix("connection-timeout")};
  if (says("can't connect")) return {"send-message-http-host-connect", fix("connection-refused")};
  return {"local-unknown", {}};
}

json value_parameter(std::string_view code, std::string_view value_name, json value, std::string_view version) {
  return json::object{{"type", json::object{{"coding", json::array{coding_of(ping_codes, code, version)}}}},
                      {std::string(value_name), std::move(value)}};
}

json status_output(std::string_view output, const record& r, const bpmn::target& target, std::string_view version) {
  json::array parts{
      json::object{{"url", "organization-identifier"}, {"valueIdentifier", identifier(organization_sid, target.organization_identifier)}},
      json::object{{"url", "endpoint-identifier"}, {"valueIdentifier", identifier(endpoint_sid, target.endpoint_identifier)}},
      json::object{{"url", "correlation-key"}, {"valueString", target.correlation_key}},
  };
  if (r.download) parts.push_back(json::object{{"url", "download-speed-from-remote"}, {"valueQuantity", speed(*r.download)}});
  if (r.upload) parts.push_back(json::object{{"url", "upload-speed-to-remote"}, {"valueQuantity", speed(*r.upload)}});
  if (!r.errors.empty()) {
    json::array errors;
    for (const auto& e : r.errors) errors.push_back(error_extension(e, version));
    parts.push_back(json::object{{"extension", std::move(errors)}, {"url", "errors"}});
  }
  json out = json::object{{"extension", json::array{json::object{{"extension", std::move(parts)}, {"url", extension_status}}}}};
  out.set("type", json::object{{"coding", json::array{coding_of(ping_codes, output, version)}}});
  out.set("valueCoding", coding_of(status_codes, r.status, version));
  return out;
}

json error_parameter(const transfer_error& e, std::string_view version) {
  json out = json::object{{"extension", json::array{error_extension(e, version)}}};
  out.set("type", json::object{{"coding", json::array{coding_of(ping_codes, "error", version)}}});
  const json absent = json::object{{"url", "http://hl7.org/fhir/StructureDefinition/data-absent-reason"}, {"valueCode", "not-applicable"}};
  out.set("_valueString", json::object{{"extension", json::array{absent}}});
  return out;
}

std::vector<transfer_error> errors_in(const json& task) {
  std::vector<transfer_error> out;
  for (const auto& in : task["input"]) {
    const auto& type = in["type"]["coding"][std::size_t{0}];
    if (type["system"].str() != ping_codes || type["code"].str() != "error") continue;
    for (const auto& extension : in["extension"]) {
      if (extension["url"].str() != extension_error) continue;
      transfer_error e;
      for (const auto& part : extension["extension"]) {
        if (part["url"].str() == "error") e.code = part["valueCoding"]["code"].str();
        if (part["url"].str() == "potential-fix") e.potential_fix = part["valueUrl"].str();
      }
      if (!e.code.empty()) out.push_back(std::move(e));
    }
  }
  return out;
}

std::optional<measured> measured_in(const json& task) {
  const auto& bytes = input(task, ping_codes, "downloaded-bytes")["valueDecimal"];
  const auto& time = input(task, ping_codes, "downloaded-duration")["valueDuration"]["value"];
  if (!bytes.is_number() || !time.is_number()) return std::nullopt;
  const auto positive = [](const json& j) { return static_cast<std::uint64_t>(std::max<std::int64_t>(0, j.int_or(0))); };
  return measured{positive(bytes), positive(time)};
}

std::vector<std::string> measured_inputs(const std::optional<measured>& m, std::string_view version) {
  if (!m) return {};
  const json duration = json::object{{"value", m->milliseconds}, {"system", ucum}, {"code", "ms"}};
  return {value_parameter("downloaded-bytes", "valueDecimal", m->bytes, version).dump(),
          value_parameter("downloaded-duration", "valueDuration", duration, version).dump()};
}

}  // namespace dsf::processes::ping2

#include "site/settings/dsf_environment.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <initializer_list>
#include <optional>

namespace dsf::site {
namespace {

constexpr std::string_view prefix = "DEV_DSF_";
constexpr std::string_view file_form = "_FILE";
constexpr std::string_view fhir_url = "DEV_DSF_FHIR_SERVER_BASE_URL";
constexpr std::string_view bpe_url = "DEV_DSF_BPE_FHIR_SERVER_BASE_URL";
// DSF's images bring folders of public authorities along; Debian's package ca-certificates is the like of them.
constexpr const char* system_authorities = "/etc/ssl/certs/ca-certificates.crt";

bool has_file_form(std::string_view name) { return name.ends_with("_PASSWORD") || name.ends_with("_SECRET"); }

const dsf_variable* find_variable(std::string_view name) {
  const auto all = dsf_variables();
  const auto found = std::ranges::find(all, name, &dsf_variable::name);
  return found == all.end() ? nullptr : &*found;
}

std::optional<std::string> level_of(std::string_view text) {
  if (text == "TRACE" || text == "DEBUG") return "debug";
  if (text == "INFO") return "info";
  if (text == "WARN") return "warning";
  if (text == "ERROR") return "error";
  return std::nullopt;
}

// Where no variables of process plugins are expected.
bool is_reserved(std::string_view name) {
  for (const std::string_view group : {"DEV_DSF_FHIR_", "DEV_DSF_SERVER_", "DEV_DSF_PROXY_", "DEV_DSF_LOG_"})
    if (name.starts_with(group)) return true;
  return false;
}

class translation {
public:
  explicit translation(const std::map<std::string, std::string>& environment) : environment_(environment) {}

  dsf_layer run() {
    bool any = false;
    for (const auto& [name, text] : environment_) {
      if (!name.starts_with(prefix)) continue;
      any = true;
      if (!text.empty()) take(name, text);
    }
    if (any) imply();
    std::ranges::sort(out_.notes, {}, &setting_note::variable);
    return std::move(out_);
  }

private:
  std::string text_of(std::string_view name) const {
    const auto found = environment_.find(std::string(name));
    return found == environment_.end() ? std::string() : found->second;
  }
  bool is_set(std::string_view name) const { return !text_of(name).empty(); }
  bool serves_fhir() const { return is_set(fhir_url); }

  // The engine's client certificate and trust stand for those of the endpoint; all of a kind, so that key and password stay together.
  bool is_replaced(std::string_view name) const {
    if (name.starts_with("DEV_DSF_FHIR_CLIENT_CERTIFICATE")) return is_set("DEV_DSF_BPE_FHIR_CLIENT_CERTIFICATE");
    return name == "DEV_DSF_FHIR_CLIENT_TRUST_SERVER_CERTIFICATE_CAS" && is_set("DEV_DSF_BPE_FHIR_CLIENT_TRUST_SERVER_CERTIFICATE_CAS");
  }

  void note(std::string name, std::string text) { out_.notes.push_back({std::move(name), std::move(text)}); }

  void take(const std::string& name, const std::string& text) {
    bool from_file = false;
    const auto* variable = find_variable(name);
    if (variable == nullptr && name.ends_with(file_form)) {
      const auto plain = std::string_view(name).substr(0, name.size() - file_form.size());
      if (has_file_form(plain)) variable = find_variable(plain);
      from_file = variable != nullptr;
    }
    if (variable == nullptr) return take_unknown(name, text);
    if (variable->setting.empty()) return note(name, std::string(variable->note));
    if ((variable->how == dsf_meaning::of_endpoint || variable->how == dsf_meaning::listener) && !serves_fhir())
      return note(name, "only a FHIR endpoint listens to other sites, and the variables describe none; use dsfctl for the engine");
    if (is_replaced(name))
      return note(name, "endpoint and engine are one program here, with the client certificate and trust of DEV_DSF_BPE_FHIR_CLIENT_...");
    if (name == bpe_url && serves_fhir()) {
      if (text != text_of(fhir_url))
        out_.given.problems.emplace_back(
            settings_errc::refused,
            fmt::format("{} is another address: these variables describe two sites; start a program for each", fhir_url), name);
      return;
    }
    std::string value = text;
    if (variable->how == dsf_meaning::log_level) {
      const auto level = level_of(text);
      if (!level) return note(name, "no level of DSF: TRACE, DEBUG, INFO, WARN, ERROR");
      value = *level;
    }
    if (variable->how == dsf_meaning::smtps) {
      if (text != "true" && text != "false") return note(name, "must be true or false");
      if (text == "false") return note(name, "the server must offer STARTTLS; for mails in clear say mail.security: none");
      value = "tls";
    }
    // DSF's servers stand behind a reverse proxy that speaks TLS, unless they are given a certificate.
    if (variable->how == dsf_meaning::listener && !is_set("DEV_DSF_SERVER_CERTIFICATE"))
      return add(variable->setting == "fhir.port" ? "fhir.proxy_port" : "fhir.proxy_address", {std::move(value)}, name,
                 out_.given.assignments);
    add(std::string(variable->setting) + (from_file ? "_file" : ""), {std::move(value)}, name, out_.given.assignments);
  }

  // Plugins read what they like from the environment (dsf-bpe 6.1).
  void take_unknown(const std::string& name, const std::string& text) {
    std::vector<std::string> known;
    for (const auto& v : dsf_variables()) known.emplace_back(v.name);
    const auto near = nearest_name(name, known);
    const bool close = near && near->size() > 3 && std::max(near->size(), name.size()) - std::min(near->size(), name.size()) < 3;
    if (is_reserved(name))
      return note(name, "is not known here and has no effect" + (close ? fmt::format("; did you mean {}?", *near) : std::string()));
    add("process_environment." + name, {text}, name, out_.given.assignments);
  }

  void add(std::string setting, std::vector<std::string> texts, const std::string& place, std::vector<assignment>& to) {
    auto a = name_assignment(std::move(setting), std::move(texts), place, {});
    if (a)
      to.push_back(*std::move(a));
    else
      out_.given.problems.push_back(std::move(a).error());
  }

  void imply() {
    auto& to = out_.implied;
    const bool engine = is_set(bpe_url);
    std::vector<std::string> roles;
    if (serves_fhir()) roles.emplace_back("fhir");
    if (engine) roles.emplace_back("bpe");
    if (!roles.empty()) add("roles", roles, std::string(serves_fhir() ? fhir_url : bpe_url), to);
    if (engine && !serves_fhir()) add("bpe.endpoint", {text_of(bpe_url)}, std::string(bpe_url), to);
    if (roles.empty()) return;
    add("store.path", {"store"}, "DEV_DSF_ variables", to);
    if (!std::filesystem::exists(system_authorities)) return;
    add("tls.client.trust", {system_authorities}, "DEV_DSF_ variables", to);
    if (serves_fhir()) add("tls.server.trust", {system_authorities}, "DEV_DSF_ variables", to);
  }

  const std::map<std::string, std::string>& environment_;
  dsf_layer out_;
};

}  // namespace

dsf_layer dsf_environment_layer(const std::map<std::string, std::string>& environment) { return translation(environment).run(); }

}  // namespace dsf::site

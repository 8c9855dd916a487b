#include "site/running/audit_trail.hpp"

#include <array>

#include "actors/peer_facts.hpp"
#include "base/mutant.hpp"
#include "base/uuid.hpp"

namespace dsf::site {
namespace {

void be(audit_agent& a, const fhir::identity& who) {
  a.organization = who.organization_identifier;
  a.practitioner = who.practitioner_identifier;
  if (a.thumbprint.empty()) a.thumbprint = who.thumbprint;
  if (a.name.empty()) a.name = who.name();
}

// "Task/<uuid>" of a path below the base; empty for one that names no resource. Ids that are none of ours could be anything.
std::string reference_in(std::string_view path) {
  const auto slash = path.find('/');
  if (slash == std::string_view::npos) return {};
  const auto id = path.substr(slash + 1, path.find('/', slash + 1) - slash - 1);
  if (!base::uuid::parse(id)) return {};
  return std::string(path.substr(0, slash + 1)) + std::string(id);
}

}  // namespace

base::result<std::unique_ptr<audit_trail>> audit_trail::open(const site_config& config, const base::logger& log) {
  auto out = std::unique_ptr<audit_trail>(new audit_trail);
  if (config.audit.file.empty()) return out;
  out->organization_ = config.organization_identifier;
  audit_options o;
  o.file = config.audit.file;
  o.max_bytes = static_cast<std::uint64_t>(config.audit.file_bytes);
  o.keep = config.audit.keep;
  o.refusals_per_minute = static_cast<std::uint64_t>(config.audit.refusals_per_minute);
  o.queue = static_cast<std::size_t>(config.audit.queue);
  o.sync = config.audit.sync;
  o.source = {config.organization_identifier, config.name};
  for (std::size_t k = 0; k < chosen_audit_kinds; ++k)
    for (const auto& name : config.audit.events)
      if (name == name_of(static_cast<audit_kind>(k))) o.kinds[k] = true;
  out->log_ = TRY(audit_log::open(std::move(o), log));
  out->reads_ = out->log_->wants(audit_kind::read);
  out->writes_ = out->log_->wants(audit_kind::write);
  out->log_->record({.kind = audit_kind::started, .action = 'E', .dicom = "110120", .agent = out->site_itself("dsfd")});
  return out;
}

void audit_trail::know(actors::endpoint_caches& caches, const http_counts& routes, std::string base_path) {
  caches_ = &caches;
  routes_ = &routes;
  base_path_ = std::move(base_path);
}

audit_agent audit_trail::site_itself(std::string name) const { return {.organization = organization_, .name = std::move(name)}; }

audit_agent audit_trail::agent_of(const net::peer& who) {
  audit_agent a;
  a.address = who.address;
  if (who.has_certificate) {
    a.thumbprint = who.thumbprint;
    a.name = who.subject;
  } else if (who.token) {
    a.name = who.token->email.empty() ? who.token->subject : who.token->email;
  }
  if (!caches_ || (!who.has_certificate && !who.token)) return a;
  if (const auto known = caches_->identify(actors::facts_of(who)); known && *known) be(a, **known);
  return a;
}

void audit_trail::answered(const net::peer& who, std::string_view method, std::string_view target, int status) {
  if (!wants(status) || !routes_) return;
  const bool refused = status >= 400;
  if (status == 403 && DSF_MUTANT("audit.denial_not_told")) return;
  // Never the query: what is searched for may be a patient's.
  auto path = target.substr(0, target.find('?'));
  const auto route = routes_->route_of(target);
  const auto did = interaction_of(method, route);
  audit_event e;
  e.kind = status == 429 ? audit_kind::rate_limited : refused ? audit_kind::denied : did.reads ? audit_kind::read : audit_kind::write;
  if (!log_->wants(e.kind)) return;
  e.action = did.action;
  e.interaction = did.code;
  e.outcome = refused ? audit_outcome::minor_failure : audit_outcome::success;
  e.why = "HTTP " + std::to_string(status);
  e.agent = agent_of(who);
  if (path.starts_with(base_path_)) path.remove_prefix(base_path_.size());
  while (path.starts_with('/')) path.remove_prefix(1);
  e.reference = route.find("{id}") == std::string::npos ? std::string() : reference_in(path);
  e.what = std::string(did.code.empty() ? "request" : method) + ' ' + route;
  log_->record(std::move(e));
}

void audit_trail::handshake_refused(std::string_view address, std::string_view reason) {
  if (!log_ || !log_->wants(audit_kind::handshake)) return;
  audit_event e;
  e.kind = audit_kind::handshake;
  e.action = 'E';
  e.dicom = "110126";  // Node Authentication
  e.outcome = audit_outcome::serious_failure;
  e.why = reason;
  e.agent.address = address;
  log_->record(std::move(e));
}

void audit_trail::written(const fhir::identity& who, const net::peer* peer, const actors::notable_write& write) {
  using kind = fhir::resource_write::kind;
  if (!log_) return;
  audit_event e;
  e.kind = write.what == kind::purge ? audit_kind::erasure : audit_kind::allow_list;
  if (!log_->wants(e.kind) || (e.kind == audit_kind::allow_list && DSF_MUTANT("audit.allow_list_not_told"))) return;
  e.action = write.what == kind::create ? 'C' : write.what == kind::update ? 'U' : 'D';
  e.interaction = write.what == kind::create   ? "create"
                  : write.what == kind::update ? "update"
                  : write.what == kind::remove ? "delete"
                                               : "operation";
  if (peer) {
    e.agent.address = peer->address;
    if (peer->has_certificate) e.agent.thumbprint = peer->thumbprint, e.agent.name = peer->subject;
  }
  be(e.agent, who);
  if (e.agent.name.empty()) e.agent.name = "dsfd";
  e.reference = write.type + '/' + write.id.to_string();
  if (write.version != 0 && write.what != kind::purge) e.reference += "/_history/" + std::to_string(write.version);
  e.what = write.what == kind::purge ? "$permanent-delete" : write.type;
  log_->record(std::move(e));
}

void audit_trail::session(const session_note& note) {
  using kind = session_note::kind;
  if (!log_ || !log_->wants(audit_kind::session)) return;
  audit_event e;
  e.kind = audit_kind::session;
  e.action = 'E';
  e.dicom = note.what == kind::began || note.what == kind::refused ? "110122" : "110123";  // Login, Logout
  e.outcome = note.what == kind::refused ? audit_outcome::minor_failure : audit_outcome::success;
  e.why = note.what == kind::ended_by_provider ? "ended by the OpenID provider" : note.why;
  e.agent = {.organization = organization_, .practitioner = note.person, .address = note.address};
  log_->record(std::move(e));
}

void audit_trail::configuration_read(const std::string& problem) {
  if (!log_ || !log_->wants(audit_kind::configuration)) return;
  audit_event e;
  e.kind = audit_kind::configuration;
  e.action = 'U';
  e.dicom = "110129";  // Security Configuration
  e.outcome = problem.empty() ? audit_outcome::success : audit_outcome::serious_failure;
  e.why = problem;
  e.agent = site_itself("dsfd");
  e.what = "certificates, trust and roles";
  log_->record(std::move(e));
}

void audit_trail::operator_did(audit_kind kind, std::string what, const base::result<>& outcome) {
  if (!log_ || !log_->wants(kind)) return;
  audit_event e;
  e.kind = kind;
  e.action = kind == audit_kind::erasure ? 'D' : 'E';
  e.outcome = outcome ? audit_outcome::success : audit_outcome::minor_failure;
  // The code alone: an error's text can hold what a process worked on.
  if (!outcome) e.why = outcome.error().code();
  e.agent = site_itself("operator at the admin socket");
  e.what = std::move(what);
  log_->record(std::move(e));
}

void audit_trail::reopen() {
  if (log_) log_->reopen();
}

audit_statistics audit_trail::statistics() const { return log_ ? log_->statistics() : audit_statistics{}; }

void audit_trail::stop() {
  if (!log_) return;
  log_->record({.kind = audit_kind::stopped, .action = 'E', .dicom = "110121", .agent = site_itself("dsfd")});
  log_->stop();
}

}  // namespace dsf::site

#include "plugins/host_services.hpp"

#include <algorithm>
#include <future>

#include "actors/binary_blobs.hpp"
#include "base/bytes.hpp"
#include "net/query.hpp"
#include "plugins/binary_transfer.hpp"
#include "plugins/endpoint_client.hpp"
#include "plugins/errc.hpp"
#include "plugins/outside.hpp"

namespace dsf::plugins {
namespace {

using base::fail;
using base::json;
using base::result;

constexpr std::string_view fhir_json = "application/fhir+json";

std::string text_of(const fhir::reply& r) {
  if (const auto* bytes = std::get_if<std::shared_ptr<const std::string>>(&r.body)) return *bytes ? **bytes : std::string{};
  if (const auto* j = std::get_if<json>(&r.body)) return j->dump();
  return {};
}

}  // namespace

struct host::parts {
  host_options options;
  storage::store* store;
  actors::endpoint_caches* caches;
  actors::fhir_endpoint* endpoint;
  net::transport* transport;
  base::clock* clock;
  base::entropy* entropy;
  const base::logger* log;
  std::mutex state_mutex;
  std::shared_ptr<std::atomic<bool>> give_up = std::make_shared<std::atomic<bool>>(false);

  result<fhir::reply> local_call(fhir::interaction_request request, actors::fhir_endpoint::extend more = nullptr) {
    const auto who = TRY(caches->local());
    if (!who) return fail(errc::not_on_allow_list, "the site's own Organization is not on its allow-list");
    std::promise<fhir::reply> promise;
    auto answer = promise.get_future();
    request.accept = std::string(fhir_json);
    request.content_type = std::string(fhir_json);
    endpoint->handle_as(*who, std::move(request), [&](fhir::reply r) { promise.set_value(std::move(r)); }, std::move(more));
    return answer.get();
  }

  result<fhir::reply> local_upload(fhir::interaction_request request, const byte_source& content, actors::fhir_endpoint::extend more) {
    const auto who = TRY(caches->local());
    if (!who) return fail(errc::not_on_allow_list, "the site's own Organization is not on its allow-list");
    std::promise<fhir::reply> promise;
    auto answer = promise.get_future();
    request.accept = std::string(fhir_json);
    request.content_type = std::string(fhir_json);
    const auto taken =
        endpoint->upload_as(*who, std::move(request), content, [&](fhir::reply r) { promise.set_value(std::move(r)); }, std::move(more));
    if (!taken && taken.error().is(base::errc::limit)) return fail(errc::http_status, "HTTP 413: " + taken.error().text(), "POST Binary");
    if (!taken) return base::failure(taken.error());
    return answer.get();
  }
};

namespace {

class local_client final : public fhir_client, public binary_client {
public:
  local_client(std::shared_ptr<host::parts> parts, std::uint64_t instance) : parts_(std::move(parts)), instance_(instance) {}

  result<json> read(std::string_view type, std::string_view id, std::uint64_t version) override {
    fhir::interaction_request r;
    r.path = std::string(type) + "/" + std::string(id);
    if (version != 0) r.path += "/_history/" + std::to_string(version);
    return call(std::move(r));
  }

  result<json> search(std::string_view query) override {
    fhir::interaction_request r;
    const auto question = query.find('?');
    r.path = std::string(query.substr(0, question));
    if (question != std::string_view::npos)
      for (auto& p : TRY(net::parse_query(query.substr(question + 1)))) r.query.emplace_back(std::move(p.name), std::move(p.value));
    r.prefer = "handling=strict";
    return call(std::move(r));
  }

  result<json> create(const json& resource, std::string_view key) override {
    const auto type = resource["resourceType"].str();
    const auto row = storage::keys::journal(instance_, key);
    for (int attempt = 0; attempt < 2; ++attempt) {
      if (const auto made = TRY(parts_->store->view()->row_value(storage::table::journal, row))) return read(type, made->substr(1), 0);
      fhir::interaction_request r;
      r.method = fhir::http_method::post;
      r.path = type;
      r.body = resource.dump();
      r.prefer = "return=representation";
      auto reply = TRY(parts_->local_call(std::move(r), once(row)));
      if (reply.status != 409) return resource_in_answer(reply.status, text_of(reply), "POST " + type);
    }
    return fail(errc::bad_answer, "the resource was made twice at the same time", "POST " + type);
  }

  result<json> transaction(const json& bundle) override {
    fhir::interaction_request r;
    r.method = fhir::http_method::post;
    r.body = bundle.dump();
    return call(std::move(r));
  }

  result<std::string> create_binary(const binary_upload& what) override {
    const auto row = storage::keys::journal(instance_, what.key);
    const auto made = [&] { return parts_->store->view()->row_value(storage::table::journal, row); };
    if (const auto before = TRY(made())) return before->substr(1);
    fhir::interaction_request r;
    r.method = fhir::http_method::post;
    r.path = "Binary";
    const json resource = json::object{{"resourceType", "Binary"},
                                       {"contentType", what.content_type},
                                       {"securityContext", json::object{{"reference", what.security_context}}}};
    r.body = resource.dump();
    r.prefer = "return=minimal";
    const auto reply = TRY(parts_->local_upload(std::move(r), checked_content(what), once(row)));
    // Somebody else was first; or the endpoint has another reason.
    if (reply.status == 409)
      if (const auto first = TRY(made())) return first->substr(1);
    if (reply.status != 201) return refusal(reply, "POST Binary");
    const auto now = TRY(made());
    if (!now) return fail(errc::bad_answer, "the new Binary has no row in the journal", "POST Binary");
    return now->substr(1);
  }
  result<binary_download> read_binary(std::string_view id, const byte_sink& to) override {
    const auto path = "Binary/" + std::string(id);
    fhir::interaction_request r;
    r.path = path;
    const auto reply = TRY(parts_->local_call(std::move(r)));
    const auto resource = TRY(resource_in_answer(reply.status, text_of(reply), path));
    binary_download out{0, resource["contentType"].str()};
    const auto blob = TRY(actors::blob_of_reply(reply, *parts_->store));
    if (!blob) {
      const auto bytes = TRY(base::from_base64(resource["data"].str()));
      out.bytes = bytes.size();
      to(bytes);
      return out;
    }
    bool more = true;
    while (more && out.bytes < blob->size()) {
      const auto piece = TRY(blob->read(out.bytes, piece_bytes));
      out.bytes += piece.size();
      more = to(piece);
    }
    return out;
  }
  result<> remove_binary(std::string_view id) override {
    fhir::interaction_request r;
    r.method = fhir::http_method::remove;
    r.path = "Binary/" + std::string(id);
    auto deleted = TRY(parts_->local_call(std::move(r)));
    if (deleted.status >= 300 && deleted.status != 404 && deleted.status != 410)
      return refusal(deleted, "DELETE Binary/" + std::string(id));
    fhir::interaction_request purge;
    purge.method = fhir::http_method::post;
    purge.path = "Binary/" + std::string(id) + "/$permanent-delete";
    const auto purged = TRY(parts_->local_call(std::move(purge)));
    // Who may not do this leaves a Binary that nobody can read.
    if (purged.status >= 300 && purged.status != 403 && purged.status != 404 && purged.status != 405 && purged.status != 410)
      return refusal(purged, "$permanent-delete of Binary/" + std::string(id));
    return {};
  }

private:
  static constexpr std::size_t piece_bytes = 192 << 10;
  // The row that says which resource this key made is written with the resource (docs/design.md, table J).
  static actors::fhir_endpoint::extend once(const std::string& row) {
    return [row](storage::commit& c, const fhir::write_set& writes) {
      if (writes.writes.empty()) return;
      c.preconditions.push_back(storage::row_is{storage::table::journal, row, false});
      c.operations.push_back(storage::put_row{storage::table::journal, row, "\1" + writes.writes.front().id.to_string()});
    };
  }
  static base::failure refusal(const fhir::reply& r, const std::string& what) {
    auto said = resource_in_answer(r.status, text_of(r), what);
    if (!said) return base::failure(std::move(said).error());
    return fail(errc::bad_answer, "HTTP " + std::to_string(r.status), what);
  }
  result<json> call(fhir::interaction_request r) {
    const auto what = r.path;
    const auto reply = TRY(parts_->local_call(std::move(r)));
    return resource_in_answer(reply.status, text_of(reply), what);
  }
  std::shared_ptr<host::parts> parts_;
  std::uint64_t instance_;
};

std::unique_ptr<fhir_client> client_of(const std::shared_ptr<host::parts>& parts, std::uint64_t instance,
                                       std::shared_ptr<const std::atomic<bool>> cancelled) {
  if (parts->options.remote_endpoint.empty()) return std::make_unique<local_client>(parts, instance);
  return make_endpoint_client(*parts->transport, {parts->options.remote_endpoint, parts->options.request_timeout_ms, {}}, *parts->store,
                              *parts->entropy, instance, {std::move(cancelled), parts->give_up});
}

class host_services final : public services, public outside_services {
public:
  host_services(std::shared_ptr<host::parts> parts, base::log_context context, std::uint64_t instance,
                std::shared_ptr<const std::atomic<bool>> cancelled)
      : parts_(std::move(parts)), context_(std::move(context)), local_client_(client_of(parts_, instance, std::move(cancelled))) {}

  member local() const override {
    member m;
    m.organization_identifier = parts_->caches->config().organization_identifier;
    m.endpoint_url = parts_->options.base_url;
    m.local = true;
    if (const auto facts = parts_->caches->facts())
      if (const auto* e = (*facts)->allow_list->endpoint_at(m.endpoint_url)) m.endpoint_identifier = e->identifier;
    return m;
  }

  result<std::vector<member>> members() override {
    const auto facts = TRY(parts_->caches->facts());
    const auto& list = *facts->allow_list;
    std::vector<member> out;
    for (const auto& o : list.organizations()) {
      if (!o.active || o.identifiers.empty()) continue;
      for (const auto id : o.endpoints)
        if (const auto* e = list.endpoint(id); e && e->active) out.push_back(as_member(o, *e));
    }
    return sorted(std::move(out));
  }

  result<std::vector<member>> members(std::string_view parent_organization, std::string_view role_code) override {
    const auto facts = TRY(parts_->caches->facts());
    const auto& list = *facts->allow_list;
    std::vector<member> out;
    for (const auto& a : list.affiliations()) {
      if (!a.active || !has_role(a, role_code)) continue;
      const auto* parent = list.organization(a.parent);
      const auto* o = list.organization(a.member);
      if (!parent || !parent->active || !o || !o->active || o->identifiers.empty()) continue;
      if (std::ranges::find(parent->identifiers, parent_organization) == parent->identifiers.end()) continue;
      for (const auto id : a.endpoints)
        if (const auto* e = list.endpoint(id); e && e->active) out.push_back(as_member(*o, *e));
    }
    return sorted(std::move(out));
  }

  result<std::vector<std::string>> parents_of(std::string_view organization_identifier, std::string_view role_code) override {
    const auto facts = TRY(parts_->caches->facts());
    const auto& list = *facts->allow_list;
    std::vector<std::string> out;
    for (const auto& a : list.affiliations()) {
      if (!a.active || (!role_code.empty() && !has_role(a, role_code))) continue;
      const auto* parent = list.organization(a.parent);
      const auto* o = list.organization(a.member);
      if (!parent || !parent->active || parent->identifiers.empty() || !o || !o->active) continue;
      if (std::ranges::find(o->identifiers, organization_identifier) == o->identifiers.end()) continue;
      out.push_back(parent->identifiers.front());
    }
    std::ranges::sort(out);
    out.erase(std::ranges::unique(out).begin(), out.end());
    return out;
  }

  fhir_client& local_endpoint() override { return *local_client_; }
  std::shared_ptr<fhir_client> endpoint(std::string_view base_url) override {
    return make_remote_client(*parts_->transport, {std::string(base_url), parts_->options.request_timeout_ms, {}});
  }
  result<std::shared_ptr<fhir_client>> store(std::string_view name) override {
    const auto at = parts_->options.stores.find(name);
    if (at == parts_->options.stores.end()) return services::store(name);
    return make_remote_client(*at->second.transport, at->second.remote);
  }

  result<std::shared_ptr<fhir_client>> connection(std::string_view name) override {
    const auto at = parts_->options.connections.find(name);
    if (at == parts_->options.connections.end())
      return fail(errc::not_configured,
                  "the site has no FHIR connection '" + std::string(name) + "'; add it to the file that fhir_connections.file names",
                  "fhir_connections.file");
    return make_remote_client(*at->second.transport, at->second.remote);
  }
  result<std::string> send_mail(const mail& m) override {
    if (parts_->options.send_mail) return parts_->options.send_mail(m);
    // As the reference without an SMTP host (dsf-bpe 5.4); the text may be of patients.
    parts_->log->info("mail", "a mail was not sent: mail.host is not set", context_, {{"subject", m.subject}});
    return std::string{};
  }

  result<std::uint64_t> cohort_count(const json& ccdl) override {
    if (!parts_->options.cohort_count)
      return fail(errc::not_configured,
                  "this site has no repository to count in: give it the role repository, or a store in feasibility.stores");
    return parts_->options.cohort_count(ccdl);
  }

  std::string setting(std::string_view name) const override {
    const auto at = parts_->options.settings.find(std::string(name));
    return at == parts_->options.settings.end() ? std::string{} : at->second;
  }
  json process_configuration(std::string_view process_key) const override {
    const auto at = parts_->options.process_configuration.find(std::string(process_key));
    return at == parts_->options.process_configuration.end() ? json{} : at->second;
  }

  result<std::string> update_state(std::string_view name, const std::function<std::string(const std::string&)>& change) override {
    const std::lock_guard lock{parts_->state_mutex};
    const auto key = "process-state/" + std::string(name);
    const auto old = TRY(parts_->store->view()->row_value(storage::table::meta, key));
    const auto before = old ? old->substr(1) : std::string{};
    auto next = change(before);
    if (next != before || !old) {
      storage::commit c;
      c.operations.push_back(storage::put_row{storage::table::meta, key, "\1" + next});
      TRY(parts_->store->submit_wait(std::move(c)));
    }
    return next;
  }

  base::timestamp now() const override { return parts_->clock->now(); }
  double uniform() override { return parts_->entropy->unit(); }
  std::string new_uuid() override { return base::uuid::random(*parts_->entropy).to_string(); }
  const base::logger& log() const override { return *parts_->log; }
  base::log_context log_context() const override { return context_; }

private:
  static bool has_role(const fhir::affiliation_entry& a, std::string_view code) {
    return std::ranges::any_of(a.roles, [&](const auto& r) { return r.code == code; });
  }
  member as_member(const fhir::organization_entry& o, const fhir::endpoint_entry& e) const {
    member m;
    m.organization_identifier = o.identifiers.front();
    m.endpoint_identifier = e.identifier;
    m.endpoint_url = e.address;
    m.local = m.organization_identifier == parts_->caches->config().organization_identifier;
    return m;
  }
  // In a fixed order, so that a repeated step chooses the same targets.
  static std::vector<member> sorted(std::vector<member> list) {
    std::ranges::sort(list, {}, [](const member& m) { return std::tie(m.organization_identifier, m.endpoint_identifier); });
    const auto same =
        std::ranges::unique(list, {}, [](const member& m) { return std::tie(m.organization_identifier, m.endpoint_identifier); });
    list.erase(same.begin(), same.end());
    return list;
  }

  std::shared_ptr<host::parts> parts_;
  base::log_context context_;
  std::unique_ptr<fhir_client> local_client_;
};

}  // namespace

host::host(host_options options, storage::store& store, actors::endpoint_caches& caches, actors::fhir_endpoint& endpoint,
           net::transport& transport, base::clock& time, base::entropy& entropy, const base::logger& log)
    : parts_(std::make_shared<parts>()) {
  parts_->options = std::move(options);
  parts_->store = &store;
  parts_->caches = &caches;
  parts_->endpoint = &endpoint;
  parts_->transport = &transport;
  parts_->clock = &time;
  parts_->entropy = &entropy;
  parts_->log = &log;
}
host::~host() = default;

std::unique_ptr<services> host::services_for(const activation& a) {
  base::log_context context{.process = a.process_key + "|" + a.version_tag,
                            .instance = a.instance_id,
                            .business_key = a.business_key,
                            .activity = a.activity_id,
                            .attempt = a.attempt};
  const auto id = parts_->store->internal_id_of(a.instance_id);
  return std::make_unique<host_services>(parts_, std::move(context), id ? id->instance : 0, a.cancelled);
}

std::unique_ptr<fhir_client> host::local_client() { return client_of(parts_, 0, nullptr); }

void host::give_up(bool now) { *parts_->give_up = now; }

}  // namespace dsf::plugins

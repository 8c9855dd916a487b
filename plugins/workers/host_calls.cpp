#include "plugins/workers/host_calls_impl.hpp"

#include <algorithm>

#include "base/mutant.hpp"
#include "plugins/outside.hpp"
#include "plugins/workers/digest.hpp"
#include "plugins/workers/errc.hpp"
#include "plugins/workers/grants.hpp"
#include "plugins/workers/read_access.hpp"

namespace dsf::plugins::workers {
namespace {

using base::fail;
using base::json;
using base::result;

constexpr std::uint32_t random_bytes_at_most = 65'536;
constexpr std::size_t state_bytes_at_most = 64 << 10;
constexpr std::size_t name_bytes_at_most = 200;

bool has(const std::vector<std::string>& list, const std::string& name) { return std::ranges::find(list, name) != list.end(); }

void put(const member& m, pb::Member& out) {
  out.set_organization_identifier(m.organization_identifier);
  out.set_organization_name(m.organization_name);
  out.set_endpoint_identifier(m.endpoint_identifier);
  out.set_endpoint_url(m.endpoint_url);
  out.set_local(m.local);
}

result<json> document(const std::string& text, std::string_view what) {
  auto read = json::parse(text);
  if (!read) return fail(errc::bad_request, std::string(what) + " is no JSON: " + read.error().text(), read.error().place());
  if (!read->is_object()) return fail(errc::bad_request, std::string(what) + " is no JSON object");
  return read;
}

result<digest> digest_of(pb::HashAlgorithm a) {
  if (a == pb::SHA256) return digest::sha256;
  if (a == pb::SHA512) return digest::sha512;
  return fail(errc::bad_request, "an unknown hash algorithm");
}

}  // namespace

void host_calls::run(host_call call) {
  threads_.run([this, call = std::move(call)] { call.done(answer(call)); });
}

pb::ServiceResult host_calls::answer(const host_call& call) {
  pb::ServiceResult out;
  static const activation none;
  const auto s = make_(call.of ? *call.of : none);
  // A library below may throw; the worker is told, and other calls go on.
  const auto filled = [&]() -> result<> {
    try {
      return fill(call, *s, out);
    } catch (const std::exception& e) { return fail(base::errc::internal, std::string("the call failed: ") + e.what()); }
  }();
  if (!filled) {
    const auto& e = filled.error();
    out.mutable_error()->set_code(e.code());
    out.mutable_error()->set_kind(std::string(to_string(e.kind())));
    out.mutable_error()->set_text(e.cause() ? e.text() + " (because: " + e.cause()->to_string() + ")" : e.text());
    out.mutable_error()->set_place(e.place());
  }
  out.set_call_id(call.what.call_id());
  return out;
}

result<> host_calls::fill(const host_call& call, services& s, pb::ServiceResult& out) {
  const auto& what = call.what;
  const auto& plugin = options_.plugins.at(call.plugin);
  const entitlement may{options_, call.plugin, call.of.get()};
  switch (what.what_case()) {
    case pb::ServiceCall::kLocal:
      TRY(may.service("directory"));
      put(s.local(), *out.mutable_member());
      return {};
    case pb::ServiceCall::kMembers: {
      TRY(may.service("directory"));
      const auto& in = what.members();
      if (in.parent_organization().empty() != in.role_code().empty())
        return fail(errc::bad_request, "members are asked for with parent organisation and role, or with neither");
      const auto list = in.role_code().empty() ? TRY(s.members()) : TRY(s.members(in.parent_organization(), in.role_code()));
      out.mutable_members();
      for (const auto& m : list) put(m, *out.mutable_members()->add_entries());
      return {};
    }
    case pb::ServiceCall::kParents: {
      TRY(may.service("directory"));
      out.mutable_names();
      for (auto& name : TRY(s.parents_of(what.parents().organization_identifier(), what.parents().role_code())))
        out.mutable_names()->add_entries(std::move(name));
      return {};
    }
    case pb::ServiceCall::kFhirRead:
    case pb::ServiceCall::kFhirSearch:
    case pb::ServiceCall::kFhirCreate:
    case pb::ServiceCall::kFhirTransaction: return fhir(call, may, s, out);
    case pb::ServiceCall::kCohortCount:
      TRY(may.service("cohort-count"));
      if (!plugin.cohort_count)
        return fail(errc::permission_denied, "PERMISSION_DENIED: plugin " + call.plugin + " may not count in the repository",
                    "workers.plugins." + call.plugin + ".cohort_count");
      out.set_number(TRY(s.cohort_count(TRY(document(what.cohort_count().ccdl(), "the query")))));
      return {};
    case pb::ServiceCall::kSetting:
      TRY(may.setting(what.setting().name()));
      out.set_text(s.setting(what.setting().name()));
      if (out.text().empty()) out.set_text(may.default_of(what.setting().name()));
      return {};
    case pb::ServiceCall::kProcessConfiguration: {
      TRY(may.service("configuration"));
      const auto& key = what.process_configuration().process_key();
      if (!has(plugin.processes, key)) return fail(errc::not_allowed, "process " + key + " does not belong to plugin " + call.plugin);
      const auto found = s.process_configuration(key);
      out.set_json(found.is_null() ? std::string{} : found.dump());
      return {};
    }
    case pb::ServiceCall::kReadState:
    case pb::ServiceCall::kSwapState: TRY(may.service("state")); return state(call, s, out);
    case pb::ServiceCall::kNow: out.set_time_us(s.now().us); return {};
    case pb::ServiceCall::kUniform: out.set_real(s.uniform()); return {};
    case pb::ServiceCall::kUuid: out.set_text(s.new_uuid()); return {};
    case pb::ServiceCall::kRandom: {
      const auto n = what.random().bytes();
      if (n == 0 || n > random_bytes_at_most) return fail(errc::bad_request, "random bytes are asked for by 1 to 65536");
      std::string bytes(n, '\0');
      entropy_.fill({reinterpret_cast<std::uint8_t*>(bytes.data()), bytes.size()});
      out.set_data(std::move(bytes));
      return {};
    }
    case pb::ServiceCall::kHash:
      TRY(may.service("crypto"));
      out.set_data(TRY(hash(TRY(digest_of(what.hash().algorithm())), what.hash().data())));
      return {};
    case pb::ServiceCall::kHmac:
      TRY(may.service("crypto"));
      out.set_data(TRY(hmac(TRY(digest_of(what.hmac().algorithm())), what.hmac().key(), what.hmac().data())));
      return {};
    case pb::ServiceCall::kAddReadAccess: {
      TRY(may.service("read-access"));
      const auto& in = what.add_read_access();
      read_access more{in.all(), in.local(), {in.organizations().begin(), in.organizations().end()}, {}};
      for (const auto& r : in.roles()) more.roles.push_back({r.parent_organization(), r.role_system(), r.role_code()});
      out.set_fhir(TRY(add_read_access(TRY(document(in.resource(), "the resource")), more)).dump());
      return {};
    }
    case pb::ServiceCall::kMail: {
      TRY(may.service("mail"));
      const auto& in = what.mail();
      auto* outside = outside_of(s);
      if (!outside || !call.of) return fail(errc::bad_request, "a mail is sent on behalf of an activation; its key makes the Message-ID");
      out.set_text(TRY(outside->send_mail({in.subject(), in.text(), {in.to().begin(), in.to().end()}, call.of->idempotency_key})));
      return {};
    }
    case pb::ServiceCall::WHAT_NOT_SET: break;
  }
  return fail(errc::bad_request, "a call of no kind, or of one that this release does not know");
}

// Another site's endpoint must be on the allow-list: a worker is no way into the network behind the site.
result<std::shared_ptr<fhir_client>> host_calls::server(const pb::FhirServer& which, const entitlement& may, services& s) const {
  switch (which.which_case()) {
    case pb::FhirServer::kEndpointUrl: {
      TRY(may.service("fhir-remote"));
      const auto known = TRY(s.members());
      const auto& url = which.endpoint_url();
      if (std::ranges::none_of(known, [&](const member& m) { return m.endpoint_url == url; }))
        return fail(errc::not_allowed, "no active organisation of the allow-list has this endpoint", url);
      return s.endpoint(url);
    }
    case pb::FhirServer::kStore: TRY(may.store(which.store())); return s.store(which.store());
    case pb::FhirServer::kConnection: {
      TRY(may.connection(which.connection()));
      auto* outside = outside_of(s);
      if (!outside) return fail(errc::bad_request, "there are no connections here");
      return outside->connection(which.connection());
    }
    case pb::FhirServer::WHICH_NOT_SET: break;
  }
  TRY(may.service("fhir-local"));
  return std::shared_ptr<fhir_client>(std::shared_ptr<void>{}, &s.local_endpoint());
}

result<> host_calls::fhir(const host_call& call, const entitlement& may, services& s, pb::ServiceResult& out) {
  const auto& what = call.what;
  const auto on = [&](const pb::FhirServer& which) { return server(which, may, s); };
  if (what.has_fhir_read()) {
    const auto& in = what.fhir_read();
    out.set_fhir(TRY(TRY(on(in.server()))->read(in.type(), in.id(), in.version())).dump());
  } else if (what.has_fhir_search()) {
    out.set_fhir(TRY(TRY(on(what.fhir_search().server()))->search(what.fhir_search().query())).dump());
  } else if (what.has_fhir_create()) {
    const auto& in = what.fhir_create();
    if (!call.of) return fail(errc::bad_request, "a resource is created on behalf of an activation; its key stands under the instance");
    if (in.idempotency_key().empty() || in.idempotency_key().size() > name_bytes_at_most)
      return fail(errc::bad_request, "a create needs an idempotency key of 1 to 200 bytes");
    const auto resource = TRY(document(in.resource(), "the resource"));
    out.set_fhir(TRY(TRY(on(in.server()))->create(resource, in.idempotency_key())).dump());
  } else {
    const auto& in = what.fhir_transaction();
    const auto bundle = TRY(document(in.bundle(), "the bundle"));
    out.set_fhir(TRY(TRY(on(in.server()))->transaction(bundle)).dump());
  }
  return {};
}

result<> host_calls::state(const host_call& call, services& s, pb::ServiceResult& out) {
  const bool swap = call.what.has_swap_state();
  const auto& name = swap ? call.what.swap_state().name() : call.what.read_state().name();
  if (name.empty() || name.size() > name_bytes_at_most) return fail(errc::bad_request, "a state has a name of 1 to 200 bytes");
  if (swap && call.what.swap_state().next().size() > state_bytes_at_most)
    return fail(errc::too_large, "a state has at most 65536 bytes", name);
  bool swapped = false;
  // Names belong to the plugin: a worker does not reach what processes of this program keep.
  auto now = TRY(s.update_state(DSF_MUTANT("workers.state_of_all_plugins") ? name : "worker/" + call.plugin + "/" + name,
                                [&](const std::string& before) {
                                  if (!swap || before != call.what.swap_state().expected()) return before;
                                  swapped = true;
                                  return call.what.swap_state().next();
                                }));
  out.mutable_state()->set_value(std::move(now));
  out.mutable_state()->set_swapped(swapped);
  return {};
}

}  // namespace dsf::plugins::workers

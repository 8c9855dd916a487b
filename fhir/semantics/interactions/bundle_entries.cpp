#include "fhir/semantics/interactions/bundle_entries.hpp"

#include <fmt/format.h>

#include <charconv>

#include "fhir/semantics/names.hpp"

namespace dsf::fhir {
namespace {

std::unexpected<op_fault> bad(std::string text) { return op_fail(400, "processing", "Bad bundle request - " + std::move(text)); }

std::string_view verb(entry_method m) {
  switch (m) {
    case entry_method::remove: return "delete";
    case entry_method::post: return "crete";  // sic, dsf-fhir-server 3.9
    case entry_method::put: return "update";
    default: return "read";
  }
}

std::optional<entry_method> method_of(std::string_view name) {
  if (name == "POST") return entry_method::post;
  if (name == "PUT") return entry_method::put;
  if (name == "DELETE") return entry_method::remove;
  if (name == "GET") return entry_method::get;
  if (name == "HEAD") return entry_method::head;
  return {};
}

// T, T/<uuid>, T/<uuid>/_history/<v>, T?query; false for anything else.
bool read_url(std::string_view url, bundle_entry& e) {
  if (const auto question = url.find('?'); question != url.npos) {
    e.type = url.substr(0, question);
    auto query = parse_query_string(url.substr(question));
    if (!query || query->empty()) return false;
    e.query = std::move(*query);
    e.conditional = true;
    return names::is_served(e.type);
  }
  const auto slash = url.find('/');
  e.type = url.substr(0, slash);
  if (!names::is_served(e.type)) return false;
  if (slash == url.npos) return true;
  auto rest = url.substr(slash + 1);
  if (const auto history = rest.find("/_history/"); history != rest.npos) {
    const auto text = rest.substr(history + 10);
    std::uint64_t v = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), v);
    if (ec != std::errc{} || end != text.data() + text.size()) return false;
    e.version = v;
    rest = rest.substr(0, history);
  }
  const auto id = base::uuid::parse(rest);
  if (!id) return false;
  e.id = *id;
  return true;
}

std::optional<std::string> text_of(const base::json& request, std::string_view member) {
  const auto* s = request[member].if_string();
  return s ? std::optional(*s) : std::nullopt;
}

op_result<void> check_url(const bundle_entry& e) {
  const bool plain = !e.id && !e.conditional;
  bool good = false;
  switch (e.method) {
    case entry_method::post: good = plain; break;
    case entry_method::put: good = (e.id && !e.version) || e.conditional; break;
    case entry_method::remove: good = (e.id && !e.version) || e.conditional; break;
    case entry_method::get:
    case entry_method::head: good = !plain; break;
  }
  if (!good) return bad(fmt::format("Bad {} request url {} at bundle index {}", verb(e.method), e.url, e.index));
  return {};
}

op_result<void> check_resource(const bundle_entry& e, const endpoint_config& config) {
  const bool fixed_id = e.method == entry_method::put && e.id;
  const auto wanted = fixed_id ? fmt::format("{}/{}/{}", config.base_url, e.type, e.id->to_string()) : std::string{};
  if (fixed_id ? e.full_url != wanted : !e.full_url.starts_with("urn:uuid:"))
    return bad(fmt::format("Bad entry fullUrl '{}' at bundle index {}", e.full_url, e.index));
  if (e.resource["resourceType"].str() != e.type)
    return bad(fmt::format("Non matching resource type {} and request url {} at bundle index {}", e.resource["resourceType"].str(), e.url,
                           e.index));
  const auto* id = e.resource["id"].if_string();
  const auto expected = fixed_id ? e.id->to_string() : e.full_url;
  if (fixed_id ? !id || *id != expected : id && *id != expected && "urn:uuid:" + *id != expected)
    return bad(fmt::format("Resource id not equal to entry fullUrl ({} vs. {}) at bundle index {}", id ? *id : "null", expected, e.index));
  return {};
}

}  // namespace

op_result<std::vector<bundle_entry>> read_entries(const base::json& bundle, const endpoint_config& config) {
  std::vector<bundle_entry> out;
  if (bundle["entry"].size() > config.max_bundle_entries)
    return op_fail(413, "too-long",
                   fmt::format("The bundle has {} entries; the limit is {}", bundle["entry"].size(), config.max_bundle_entries));
  for (const auto& entry : bundle["entry"]) {
    bundle_entry e;
    e.index = out.size();
    const auto& request = entry["request"];
    e.url = request["url"].str();
    e.full_url = entry["fullUrl"].str();
    if (request["method"].str().empty() || e.url.empty())
      return bad(fmt::format("request.method or request.url missing at bundle index {}", e.index));
    const auto method = method_of(request["method"].str());
    if (!method) return bad(fmt::format("Request method {} at bundle index {} not supported", request["method"].str(), e.index));
    e.method = *method;
    const bool writes = e.method == entry_method::post || e.method == entry_method::put;
    const auto* resource = entry.find("resource");
    if (writes != (resource != nullptr))
      return bad(fmt::format("{} with method {} at bundle index {}", writes ? "No resource" : "Unexpected resource",
                             request["method"].str(), e.index));
    const bool temporary = !writes && e.method != entry_method::remove && e.url.starts_with("urn:uuid:");
    if (!temporary) {
      if (!read_url(e.url, e)) return bad(fmt::format("Bad {} request url {} at bundle index {}", verb(e.method), e.url, e.index));
      OP_PASS(check_url(e));
    }
    if (resource) {
      e.resource = *resource;
      OP_PASS(check_resource(e, config));
    }
    e.if_none_exist = text_of(request, "ifNoneExist");
    e.if_match = text_of(request, "ifMatch");
    e.if_none_match = text_of(request, "ifNoneMatch");
    e.if_modified_since = text_of(request, "ifModifiedSince");
    out.push_back(std::move(e));
  }
  return out;
}

}  // namespace dsf::fhir

// The router (dsf-fhir-server 1.1): method and path to interaction.
#include <fmt/format.h>

#include <charconv>

#include "fhir/semantics/interactions/answer.hpp"
#include "fhir/semantics/names.hpp"

namespace dsf::fhir {
namespace {

std::vector<std::string_view> segments(std::string_view path) {
  std::vector<std::string_view> out;
  while (!path.empty() && out.size() < 8) {
    const auto slash = path.find('/');
    if (slash != 0) out.push_back(path.substr(0, slash));
    if (slash == path.npos) break;
    path.remove_prefix(slash + 1);
  }
  return out;
}

bool is_reading(const interaction_request& request) { return request.method == http_method::get || request.method == http_method::head; }

prepared only(reply r) { return {std::move(r), {}}; }

// RFC 9110 15.5.6: 405 names the methods that there are; so does OPTIONS.
prepared not_this_method(const interaction_request& request, const answerer& answer, std::string_view allowed) {
  auto r = answer.empty(request.method == http_method::options ? 200 : 405);
  r.headers.emplace_back("Allow", fmt::format("{}, OPTIONS", allowed));
  return only(std::move(r));
}
constexpr std::string_view readers = "GET, HEAD";

prepared root(const interaction_request& request, const interaction_context& context, const answerer& answer) {
  if (request.method == http_method::post) return prepare_bundle(request, context, answer);
  if (request.method == http_method::options) return not_this_method(request, answer, "POST");
  auto r = answer.outcome(
      405, "error", "processing",
      "This is the base URL of the FHIR server. GET method not allowed, use POST to execute batch and transaction Bundle resources");
  r.headers = {{"Allow", "POST"}, {"Cache-Control", "no-store"}};
  return only(std::move(r));
}

bool has_search_parameter(const interaction_request& request) {
  for (const auto& [name, value] : request.query)
    if (name != "_format" && name != "_pretty" && name != "_summary") return true;
  return false;
}

prepared on_type(const interaction_request& request, const interaction_context& context, const answerer& answer, std::string_view type) {
  const bool conditional = has_search_parameter(request);
  switch (request.method) {
    case http_method::get:
    case http_method::head: return prepare_search(request, context, answer, type);
    case http_method::post: return prepare_create(request, context, answer, type);
    case http_method::put:
      if (conditional) return prepare_conditional_update(request, context, answer, type);
      break;
    case http_method::remove:
      if (conditional) return prepare_conditional_remove(request, context, answer, type);
      break;
    case http_method::options:
    case http_method::patch:
    case http_method::other: break;
  }
  return not_this_method(request, answer, conditional ? "GET, HEAD, POST, PUT, DELETE" : "GET, HEAD, POST");
}

// Operations that change nothing, of a type or of one resource.
prepared run_operation(const interaction_request& request, const interaction_context& context, const answerer& answer,
                       std::string_view type, std::string_view name, std::optional<base::uuid> id) {
  const bool snapshot = name == "$snapshot" && type == "StructureDefinition", expand = name == "$expand" && type == "ValueSet";
  const bool validate = name == "$validate";
  if (!snapshot && !expand && !validate) return only(answer.empty(404));
  // A type has nothing to validate without a body.
  const bool by_get = !validate || id;
  if (request.method != http_method::post && !(by_get && is_reading(request)))
    return not_this_method(request, answer, by_get ? "GET, HEAD, POST" : "POST");
  if (snapshot) return prepare_snapshot(request, context, answer, id);
  if (expand) return prepare_expand(request, context, answer, id);
  return prepare_validate(request, context, answer, type, id);
}

prepared on_instance(const interaction_request& request, const interaction_context& context, const answerer& answer,
                     const std::vector<std::string_view>& path) {
  const auto type = path[0];
  const auto id = base::uuid::parse(path[1]);
  if (!id) return only(answer.outcome(404, "error", "processing", fmt::format("{} with id (not a UUID) not found", type)));
  if (path.size() == 2) {
    if (is_reading(request)) return prepare_read(request, context, answer, type, *id, {});
    if (request.method == http_method::put) return prepare_update(request, context, answer, type, *id);
    if (request.method == http_method::remove) return prepare_remove(request, context, answer, type, *id);
    if (request.method == http_method::patch) return prepare_patch(request, context, answer, type, *id);
    return not_this_method(request, answer, "GET, HEAD, PUT, PATCH, DELETE");
  }
  if (path.size() == 3 && path[2] == "$permanent-delete")
    return request.method == http_method::post ? prepare_purge(context, answer, type, *id) : not_this_method(request, answer, "POST");
  if (path.size() == 3 && path[2].starts_with('$')) return run_operation(request, context, answer, type, path[2], *id);
  if (path[2] != "_history" || path.size() > 4) return only(answer.empty(404));
  if (!is_reading(request)) return not_this_method(request, answer, readers);
  if (path.size() == 3) return prepare_history(request, context, answer, type, *id);
  std::uint64_t version = 0;
  const auto [end, ec] = std::from_chars(path[3].data(), path[3].data() + path[3].size(), version);
  if (ec != std::errc{} || end != path[3].data() + path[3].size() || version == 0) return only(answer.empty(404));
  return prepare_read(request, context, answer, type, *id, version);
}

// R4 http.html 3.1.0.9, not in DSF: the parameters stand in the body, after those of the URL.
prepared search_by_post(interaction_request request, const interaction_context& context) {
  if (!request.content_type || !request.content_type->starts_with("application/x-www-form-urlencoded")) return only({.status = 415});
  const auto parameters = parse_query_string(request.body);
  if (parameters) request.query.insert(request.query.end(), parameters->begin(), parameters->end());
  const auto format = negotiate(request);
  if (!format) return only({.status = format.error()});
  const answerer answer(request, context.config, *format);
  if (!parameters)
    return only(
        answer.outcome(400, "error", "processing", "The form in the body has a broken escape; write % as %25 and two hex digits after it"));
  return prepare_search(request, context, answer, segments(request.path)[0]);
}

}  // namespace

prepared prepare(const interaction_request& request, const interaction_context& context) {
  const auto path = segments(request.path);
  if (path.size() == 2 && path[1] == "_search" && names::is_served(path[0]) && request.method == http_method::post)
    return search_by_post(request, context);
  const auto format = negotiate(request);
  if (!format) return only({.status = format.error()});
  const answerer answer(request, context.config, *format);
  if (path.empty()) return root(request, context, answer);
  if (path[0] == "metadata" && path.size() == 1)
    return is_reading(request) ? prepare_metadata(context, answer) : not_this_method(request, answer, readers);
  if (path[0] == "_history" && path.size() == 1)
    return is_reading(request) ? prepare_system_history(request, context, answer) : not_this_method(request, answer, readers);
  if (!names::is_served(path[0])) return only(answer.empty(404));
  if (path.size() == 1) return on_type(request, context, answer, path[0]);
  if (path[1] == "_history" && path.size() == 2)
    return is_reading(request) ? prepare_type_history(request, context, answer, path[0]) : not_this_method(request, answer, readers);
  if (path[1] == "_search" && path.size() == 2) return not_this_method(request, answer, "POST");
  if (path[1].starts_with('$'))
    return path.size() == 2 ? run_operation(request, context, answer, path[0], path[1], {}) : only(answer.empty(404));
  return on_instance(request, context, answer, path);
}

}  // namespace dsf::fhir

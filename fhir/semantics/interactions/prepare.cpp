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

prepared root(const interaction_request& request, const interaction_context& context, const answerer& answer) {
  if (request.method == http_method::post) return prepare_bundle(request, context, answer);
  auto r = answer.outcome(
      405, "error", "processing",
      "This is the base URL of the FHIR server. GET method not allowed, use POST to execute batch and transaction Bundle resources");
  r.headers = {{"Allow", "POST"}, {"Cache-Control", "no-store"}};
  return only(std::move(r));
}

prepared not_yet(const answerer& answer, std::string_view what) {
  return only(answer.outcome(501, "error", "not-supported", fmt::format("{} is not supported by this version of the server", what)));
}

bool has_search_parameter(const interaction_request& request) {
  for (const auto& [name, value] : request.query)
    if (name != "_format" && name != "_pretty" && name != "_summary") return true;
  return false;
}

prepared on_type(const interaction_request& request, const interaction_context& context, const answerer& answer, std::string_view type) {
  switch (request.method) {
    case http_method::get:
    case http_method::head: return prepare_search(request, context, answer, type);
    case http_method::post: return prepare_create(request, context, answer, type);
    case http_method::put:
      if (has_search_parameter(request)) return prepare_conditional_update(request, context, answer, type);
      break;
    case http_method::remove:
      if (has_search_parameter(request)) return prepare_conditional_remove(request, context, answer, type);
      break;
    case http_method::options:
    case http_method::other: break;
  }
  return only(answer.empty(405));
}

prepared on_instance(const interaction_request& request, const interaction_context& context, const answerer& answer,
                     const std::vector<std::string_view>& path) {
  const auto type = path[0];
  const bool reading = is_reading(request);
  const auto id = base::uuid::parse(path[1]);
  if (!id) return only(answer.outcome(404, "error", "processing", fmt::format("{} with id (not a UUID) not found", type)));
  if (path.size() == 2) {
    if (reading) return prepare_read(request, context, answer, type, *id, {});
    if (request.method == http_method::put) return prepare_update(request, context, answer, type, *id);
    if (request.method == http_method::remove) return prepare_remove(request, context, answer, type, *id);
    return only(answer.empty(405));
  }
  if (path.size() == 3 && path[2] == "$permanent-delete")
    return request.method == http_method::post ? prepare_purge(context, answer, type, *id) : only(answer.empty(405));
  if (path[2] != "_history" || path.size() > 4) return only(answer.empty(404));
  if (!reading) return only(answer.empty(405));
  if (path.size() == 3) return prepare_history(request, context, answer, type, *id);
  std::uint64_t version = 0;
  const auto [end, ec] = std::from_chars(path[3].data(), path[3].data() + path[3].size(), version);
  if (ec != std::errc{} || end != path[3].data() + path[3].size() || version == 0) return only(answer.empty(404));
  return prepare_read(request, context, answer, type, *id, version);
}

}  // namespace

prepared prepare(const interaction_request& request, const interaction_context& context) {
  const auto format = negotiate(request);
  if (!format) {
    reply r;
    r.status = format.error();
    return only(std::move(r));
  }
  const answerer answer(request, context.config, *format);
  const auto path = segments(request.path);
  if (path.empty()) return root(request, context, answer);
  if (path[0] == "metadata" && path.size() == 1) {
    if (!is_reading(request)) return only(answer.empty(405));
    return prepare_metadata(context, answer);
  }
  if (path[0] == "_history" && path.size() == 1)
    return is_reading(request) ? prepare_system_history(request, context, answer) : only(answer.empty(405));
  if (!names::is_served(path[0])) return only(answer.empty(404));
  if (path.size() == 1) return on_type(request, context, answer, path[0]);
  if (path[1] == "_history" && path.size() == 2)
    return is_reading(request) ? prepare_type_history(request, context, answer, path[0]) : only(answer.empty(405));
  if (path[1].starts_with('$')) return not_yet(answer, path[1]);
  return on_instance(request, context, answer, path);
}

}  // namespace dsf::fhir

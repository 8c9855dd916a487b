// A FHIR reply becomes bytes on the wire.
#include "actors/fhir_endpoint.hpp"
#include "fhir/codec/summary.hpp"
#include "fhir/codec/xml.hpp"

namespace dsf::actors {
namespace {

// The reply's resource as a value; only for what can't be served as stored.
base::result<base::json> resource_of(fhir::reply& reply) {
  if (auto* j = std::get_if<base::json>(&reply.body)) return std::move(*j);
  const auto& bytes = std::get<std::shared_ptr<const std::string>>(reply.body);
  return base::json::parse(*bytes);
}

}  // namespace

net::response render(fhir::reply reply) {
  net::response out;
  out.status = reply.status;
  for (auto& [name, value] : reply.headers) out.headers.add(std::move(name), std::move(value));
  if (!reply.has_body()) return out;
  // Bytes of a Binary come with a type of their own.
  if (!out.headers.has("Content-Type")) out.headers.set("Content-Type", reply.media_type + ";charset=UTF-8");
  const bool as_stored = !reply.xml && !reply.pretty && reply.summary.empty();
  if (as_stored) {
    if (auto* bytes = std::get_if<std::shared_ptr<const std::string>>(&reply.body))
      out.body = net::body_bytes(std::move(*bytes));
    else
      out.body = std::get<base::json>(reply.body).dump();
  } else {
    auto resource = resource_of(reply);
    if (resource && !reply.summary.empty())
      if (const auto mode = fhir::parse_summary(reply.summary)) *resource = fhir::summarize(*resource, *mode);
    auto text = !resource   ? base::result<std::string>(base::failure(resource.error()))
                : reply.xml ? fhir::write_xml(*resource, reply.pretty)
                            : base::result<std::string>(reply.pretty ? resource->dump_pretty() : resource->dump());
    if (!text) {
      // What is stored was checked when it came; a form it can't be given in is a fault of ours.
      net::response fault;
      fault.status = 500;
      return fault;
    }
    out.body = std::move(*text);
  }
  if (reply.head_only) {
    out.headers.set("Content-Length", std::to_string(out.body.size()));
    out.body = net::body_bytes();
  }
  return out;
}

}  // namespace dsf::actors

#include "fhir/storable.hpp"

#include <fmt/format.h>

#include "fhir/errc.hpp"

namespace dsf::fhir {
namespace {

void append_member(std::string& out, const base::json::member& m) {
  if (out.back() != '{') out += ',';
  base::append_json_string(out, m.first);
  out += ':';
  m.second.append_to(out);
}

// The server's own; a client's values mean nothing. R4 resource.html, Meta
bool is_given_by_commit(std::string_view name) {
  return name == "versionId" || name == "lastUpdated" || name == "_versionId" || name == "_lastUpdated";
}

}  // namespace

base::result<storable> make_storable(const base::json& resource, base::uuid id) {
  const auto* members = resource.if_object();
  const auto* type = resource.find("resourceType");
  if (!members || !type || !type->is_string()) return base::fail(errc::invalid_resource, "a resource needs a 'resourceType'");
  storable out;
  auto& bytes = out.bytes;
  bytes = R"({"resourceType":)";
  base::append_json_string(bytes, type->str());
  bytes += R"(,"id":")" + id.to_string() + R"(","meta":{)";
  out.meta_at = static_cast<std::uint32_t>(bytes.size());
  if (const auto* meta = resource["meta"].if_object())
    for (const auto& m : *meta)
      if (!is_given_by_commit(m.first)) append_member(bytes, m);
  bytes += '}';
  for (const auto& m : *members)
    if (m.first != "resourceType" && m.first != "id" && m.first != "_id" && m.first != "meta") append_member(bytes, m);
  bytes += '}';
  return out;
}

std::string splice(std::string_view bytes, std::uint32_t meta_at, std::uint64_t version, base::timestamp last_updated) {
  const bool more = meta_at < bytes.size() && bytes[meta_at] != '}';
  const auto given = fmt::format(R"("versionId":"{}","lastUpdated":"{}"{})", version, base::to_iso(last_updated, 3), more ? "," : "");
  std::string out;
  out.reserve(bytes.size() + given.size());
  out.append(bytes.substr(0, meta_at)).append(given).append(bytes.substr(meta_at));
  return out;
}

}  // namespace dsf::fhir

#include "plugins/workers/read_access.hpp"

#include <algorithm>

#include "fhir/semantics/names.hpp"
#include "plugins/workers/errc.hpp"

namespace dsf::plugins::workers {
namespace {

using base::json;
namespace names = fhir::names;

constexpr std::string_view organization_role = "http://dsf.dev/fhir/CodeSystem/organization-role";

json tag(std::string_view code) {
  json out;
  out.set("system", names::read_access_tag);
  out.set("code", code);
  return out;
}

json identifier(const std::string& value) {
  json out;
  out.set("system", names::organization_sid);
  out.set("value", value);
  return out;
}

json extension(std::string_view url, std::string_view name, json value) {
  json out;
  out.set("url", url);
  out.set(name, std::move(value));
  return out;
}

json with(json tag, json extension) {
  json list;
  list.push_back(std::move(extension));
  tag.set("extension", std::move(list));
  return tag;
}

}  // namespace

base::result<json> add_read_access(json resource, const read_access& more) {
  if (resource["resourceType"].str().empty()) return base::fail(errc::bad_request, "read access is added to a FHIR resource; this is none");
  std::vector<json> tags;
  if (more.all) tags.push_back(tag("ALL"));
  if (more.local) tags.push_back(tag("LOCAL"));
  for (const auto& o : more.organizations) {
    if (o.empty()) return base::fail(errc::bad_request, "an organisation without an identifier");
    tags.push_back(with(tag("ORGANIZATION"), extension(names::ext_read_access_organization, "valueIdentifier", identifier(o))));
  }
  for (const auto& r : more.roles) {
    if (r.parent_organization.empty() || r.code.empty())
      return base::fail(errc::bad_request, "a role needs a parent organisation and a code");
    json coding;
    coding.set("system", r.system.empty() ? std::string(organization_role) : r.system);
    coding.set("code", r.code);
    json parts;
    parts.push_back(extension("parent-organization", "valueIdentifier", identifier(r.parent_organization)));
    parts.push_back(extension("organization-role", "valueCoding", std::move(coding)));
    tags.push_back(with(tag("ROLE"), extension(names::ext_read_access_role, "extension", std::move(parts))));
  }
  json meta = resource["meta"];
  json list = meta["tag"];
  for (auto& t : tags)
    if (std::ranges::find(list, t) == list.end()) list.push_back(std::move(t));
  if (list.size() == 0) return resource;
  meta.set("tag", std::move(list));
  resource.set("meta", std::move(meta));
  return resource;
}

}  // namespace dsf::plugins::workers

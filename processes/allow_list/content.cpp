#include "processes/allow_list/content.hpp"

#include <algorithm>
#include <array>

#include "processes/allow_list/names.hpp"
#include "processes/errc.hpp"
#include "processes/task_values.hpp"

namespace dsf::processes::allow_list {
namespace {

using base::json;
using base::result;

constexpr int page_size = 500;
constexpr int max_pages = 200;
constexpr std::array<std::string_view, 3> types = {"Organization", "Endpoint", "OrganizationAffiliation"};
constexpr std::array<std::string_view, 3> groups = {"organizations", "endpoints", "affiliations"};

// What would end a parameter's value early.
std::string escaped(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    if (u > 0x20 && u < 0x7f && std::string_view("%&+#,\\$|\"").find(c) == std::string_view::npos) {
      out += c;
    } else {
      out += '%';
      out += digits[u >> 4];
      out += digits[u & 15];
    }
  }
  return out;
}

std::string token(std::string_view system, std::string_view value) { return std::string(system) + "|" + escaped(value); }

result<> read_all(plugins::services& s, kind k, std::vector<json>& out) {
  std::size_t seen = 0;
  for (int page = 1; page <= max_pages; ++page) {
    const auto found =
        TRY(s.local_endpoint().search(std::string(type_of(k)) + "?_count=" + std::to_string(page_size) + "&_page=" + std::to_string(page)));
    std::size_t matches = 0;
    for (const auto& e : found["entry"]) {
      if (e["resource"]["resourceType"].str() != type_of(k)) continue;
      out.push_back(e["resource"]);
      ++matches;
    }
    seen += matches;
    if (matches == 0 || static_cast<std::int64_t>(seen) >= found["total"].int_or(0)) return {};
  }
  return base::fail(errc::bad_resource,
                    "there are more than " + std::to_string(page_size * max_pages) + " resources of type " + std::string(type_of(k)));
}

// Calls `visit` with each Reference of the resource. Resources are at most as deep as the parser's limit.
template <class Json, class Visit>
void each_reference(Json& node, const Visit& visit) {
  std::vector<Json*> open{&node};
  while (!open.empty()) {
    auto* at = open.back();
    open.pop_back();
    if (auto* list = at->if_array()) {
      for (auto& child : *list) open.push_back(&child);
    } else if (auto* members = at->if_object()) {
      const auto* text = at->find("reference");
      if (at != &node && ((text && text->is_string()) || (*at)["identifier"].is_object())) visit(*at);
      for (auto& [name, child] : *members) open.push_back(&child);
    }
  }
}

}  // namespace

std::string_view type_of(kind k) { return types[static_cast<std::size_t>(k)]; }
std::string_view group_of(kind k) { return groups[static_cast<std::size_t>(k)]; }
const kind* kind_of(std::string_view resource_type) {
  const auto at = std::ranges::find(types, resource_type);
  return at == types.end() ? nullptr : &all_kinds[at - types.begin()];
}

std::string key::text() const {
  return what == kind::affiliation ? member + " in " + parent + (endpoint.empty() ? "" : " at " + endpoint) : identifier;
}

std::string search_for(const key& k) {
  switch (k.what) {
    case kind::organization: return "Organization?identifier=" + token(organization_sid, k.identifier);
    case kind::endpoint: return "Endpoint?identifier=" + token(endpoint_sid, k.identifier);
    case kind::affiliation: break;
  }
  return "OrganizationAffiliation?primary-organization:identifier=" + token(organization_sid, k.parent) +
         "&participating-organization:identifier=" + token(organization_sid, k.member) +
         "&endpoint:identifier=" + token(endpoint_sid, k.endpoint);
}

const key* names::find(const json& reference, std::string_view base) const {
  std::string_view text = reference["reference"].str();
  if (!text.empty()) {
    if (!base.empty() && text.starts_with(base) && text.substr(base.size()).starts_with('/')) text.remove_prefix(base.size() + 1);
    text = text.substr(0, text.find("/_history/"));
    const auto at = known_.find(text);
    return at == known_.end() ? nullptr : &at->second;
  }
  const auto& id = reference["identifier"];
  const auto& system = id["system"].str();
  const auto& value = id["value"].str();
  if (value.empty() || (system != organization_sid && system != endpoint_sid)) return nullptr;
  key k;
  k.what = system == organization_sid ? kind::organization : kind::endpoint;
  k.identifier = value;
  return &logical_.try_emplace(system + "|" + value, std::move(k)).first->second;
}

result<content> read_local(plugins::services& s) {
  content out;
  const auto base = s.local().endpoint_url;
  for (const auto k : all_kinds) {
    std::vector<json> found;
    TRY(read_all(s, k, found));
    for (auto& r : found) {
      key who;
      who.what = k;
      const auto name = std::string(type_of(k)) + "/" + r["id"].str();
      if (k != kind::affiliation) {
        who.identifier = identifier_of(r, k == kind::organization ? organization_sid : endpoint_sid);
        if (who.identifier.empty()) {
          out.unclear.push_back(name + " has no identifier of its own");
          continue;
        }
      } else {
        const auto* parent = out.by_name.find(r["organization"], base);
        const auto* member = out.by_name.find(r["participatingOrganization"], base);
        const auto* endpoint = out.by_name.find(r["endpoint"][std::size_t{0}], base);
        if (!parent || !member || !endpoint || r["endpoint"].size() != 1) {
          out.unclear.push_back(name + " refers to organizations or an endpoint that are not there");
          continue;
        }
        who.parent = parent->identifier;
        who.member = member->identifier;
        who.endpoint = endpoint->identifier;
      }
      out.by_name.add(name, who);
      out.entries.insert_or_assign(who, entry{who, name, std::move(r)});
    }
  }
  return out;
}

json with_references(json resource, const names& known, std::string_view base, const reference_writer& by) {
  resource.erase("id");
  if (auto* meta = resource.find("meta"))
    for (const auto name : {"versionId", "lastUpdated", "source"}) meta->erase(name);
  each_reference(resource, [&](json& r) {
    if (const auto* who = known.find(r, base)) r = json::object{{"reference", by(*who)}};
  });
  return resource;
}

std::vector<std::string> dangling(const json& resource, const names& known, std::string_view base) {
  std::vector<std::string> out;
  each_reference(resource, [&](const json& r) {
    if (!r["reference"].str().empty() && !known.find(r, base)) out.push_back(r["reference"].str());
  });
  return out;
}

std::string identifier_of(const json& resource, std::string_view system) {
  std::string out;
  for (const auto& i : resource["identifier"]) {
    if (i["system"].str() != system) continue;
    if (!out.empty()) return {};
    out = i["value"].str();
  }
  return out;
}

std::set<std::string> thumbprints_of(const json& organization) {
  std::set<std::string> out;
  for (const auto& e : organization["extension"])
    if (e["url"].str() == thumbprint_extension) out.insert(e["valueString"].str());
  return out;
}

std::set<std::string> roles_of(const json& affiliation) {
  std::set<std::string> out;
  for (const auto& code : affiliation["code"])
    for (const auto& c : code["coding"]) out.insert(c["code"].str());
  return out;
}

}  // namespace dsf::processes::allow_list

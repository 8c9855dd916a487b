#include "site/ctl/doctor/members.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace dsf::site::ctl {
namespace {

using base::json;

constexpr std::string_view organization_sid = "http://dsf.dev/sid/organization-identifier";
constexpr std::string_view thumbprint_extension = "http://dsf.dev/fhir/StructureDefinition/extension-certificate-thumbprint";
constexpr std::string_view role_system = "http://dsf.dev/fhir/CodeSystem/organization-role";

std::string identifier_of(const json& organization) {
  for (const auto& i : organization["identifier"])
    if (i["system"].str() == organization_sid) return i["value"].str();
  return {};
}

// Resources of a Bundle by what references call them.
class by_reference {
public:
  explicit by_reference(const json& bundle) {
    for (const auto& e : bundle["entry"]) {
      const auto& r = e["resource"];
      if (!e["fullUrl"].str().empty()) all_[e["fullUrl"].str()] = &r;
      if (!r["id"].str().empty()) all_[r["resourceType"].str() + "/" + r["id"].str()] = &r;
    }
  }
  const json* find(const json& reference) const {
    std::string text = reference["reference"].str();
    if (const auto version = text.find("/_history/"); version != std::string::npos) text.resize(version);
    if (const auto found = all_.find(text); found != all_.end()) return found->second;
    // Absolute where the Bundle has it relative: the last two parts are type and id.
    const auto id = text.rfind('/');
    const auto type = id == std::string::npos || id == 0 ? id : text.rfind('/', id - 1);
    if (type == std::string::npos) return nullptr;
    const auto found = all_.find(text.substr(type + 1));
    return found == all_.end() ? nullptr : found->second;
  }

private:
  std::map<std::string, const json*> all_;
};

}  // namespace

std::vector<member> members_of(const json& bundle) {
  const by_reference resources(bundle);
  std::map<std::string, member> found;
  for (const auto& e : bundle["entry"]) {
    const auto& affiliation = e["resource"];
    if (affiliation["resourceType"].str() != "OrganizationAffiliation" || !affiliation["active"].bool_or(true)) continue;
    const auto* organization = resources.find(affiliation["participatingOrganization"]);
    if (organization == nullptr) continue;
    auto& m = found[identifier_of(*organization)];
    m.organization = identifier_of(*organization);
    m.name = (*organization)["name"].str();
    m.active = (*organization)["active"].bool_or(false);
    m.thumbprints.clear();
    for (const auto& x : (*organization)["extension"])
      if (x["url"].str() == thumbprint_extension) m.thumbprints.push_back(x["valueString"].str());
    for (const auto& endpoint : affiliation["endpoint"])
      if (const auto* r = resources.find(endpoint); r && m.address.empty()) m.address = (*r)["address"].str();
    const auto* parent = resources.find(affiliation["organization"]);
    for (const auto& code : affiliation["code"])
      for (const auto& coding : code["coding"])
        if (coding["system"].str() == role_system)
          m.roles.emplace_back(parent ? identifier_of(*parent) : std::string(), coding["code"].str());
  }
  std::vector<member> out;
  for (auto& [identifier, m] : found) {
    if (identifier.empty()) continue;
    std::ranges::sort(m.roles);
    out.push_back(std::move(m));
  }
  return out;
}

const member* find_member(const std::vector<member>& all, std::string_view organization) {
  const auto found = std::ranges::find(all, organization, &member::organization);
  return found == all.end() ? nullptr : &*found;
}

std::string roles_text(const member& m) {
  std::string out;
  for (const auto& [parent, code] : m.roles)
    out += fmt::format("{}{} in {}", out.empty() ? "" : ", ", code, parent.empty() ? "an unnamed organisation" : parent);
  return out.empty() ? "no role" : out;
}

}  // namespace dsf::site::ctl

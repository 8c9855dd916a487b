#include "fhir/semantics/access.hpp"

#include <algorithm>
#include <vector>

#include "base/mutant.hpp"
#include "fhir/semantics/element.hpp"
#include "fhir/semantics/names.hpp"

namespace dsf::fhir {
namespace {

constexpr int max_context_steps = 8;

std::string encoded(std::string_view part) {
  std::string out;
  constexpr char hex[] = "0123456789ABCDEF";
  for (const char c : part) {
    const auto u = static_cast<unsigned char>(c);
    if (u <= ' ' || c == '%') {
      out += '%';
      out += hex[u >> 4];
      out += hex[u & 15];
    } else {
      out += c;
    }
  }
  return out;
}

std::string decoded(std::string_view part) {
  std::string out;
  const auto digit = [](char c) { return c >= 'A' ? c - 'A' + 10 : c - '0'; };
  for (std::size_t i = 0; i < part.size(); ++i) {
    if (part[i] == '%' && i + 2 < part.size()) {
      out += static_cast<char>(digit(part[i + 1]) * 16 + digit(part[i + 2]));
      i += 2;
    } else {
      out += part[i];
    }
  }
  return out;
}

// Words of one line; an empty part is an empty word.
std::vector<std::string> words(std::string_view line) {
  std::vector<std::string> out;
  while (true) {
    const auto blank = line.find(' ');
    out.push_back(decoded(line.substr(0, blank)));
    if (blank == line.npos) return out;
    line.remove_prefix(blank + 1);
  }
}

std::vector<std::string_view> lines(std::string_view text) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const auto end = text.find('\n');
    out.push_back(text.substr(0, end));
    if (end == text.npos) break;
    text.remove_prefix(end + 1);
  }
  return out;
}

std::string joined(std::string head, std::vector<std::string> rest) {
  std::ranges::sort(rest);
  rest.erase(std::unique(rest.begin(), rest.end()), rest.end());
  for (const auto& line : rest) head += "\n" + line;
  return head;
}

struct tag_facts {
  int all = 0, local = 0, unknown = 0;
  std::vector<const base::json*> organizations, roles;
};

tag_facts facts_of(const base::json& resource) {
  tag_facts out;
  for (const auto& tag : resource["meta"]["tag"]) {
    if (tag["system"].str() != names::read_access_tag) continue;
    const auto& code = tag["code"].str();
    if (code == "ALL")
      ++out.all;
    else if (code == "LOCAL")
      ++out.local;
    else if (code == "ORGANIZATION")
      out.organizations.push_back(&tag);
    else if (code == "ROLE")
      out.roles.push_back(&tag);
    else
      ++out.unknown;
  }
  return out;
}

std::optional<std::string> tag_organization(const base::json& tag) {
  const auto found = extensions(tag, names::ext_read_access_organization);
  if (found.size() != 1) return {};
  const auto& identifier = (*found.front())["valueIdentifier"];
  if (identifier["system"].str() != names::organization_sid || identifier["value"].str().empty()) return {};
  return identifier["value"].str();
}

struct tag_role_value {
  std::string parent;
  code_in_system role;
};

std::optional<tag_role_value> tag_role(const base::json& tag) {
  const auto found = extensions(tag, names::ext_read_access_role);
  if (found.size() != 1 || (*found.front())["extension"].size() != 2) return {};
  const auto parents = extensions(*found.front(), "parent-organization");
  const auto roles = extensions(*found.front(), "organization-role");
  if (parents.size() != 1 || roles.size() != 1) return {};
  const auto& identifier = (*parents.front())["valueIdentifier"];
  auto role = coding_of((*roles.front())["valueCoding"]);
  if (identifier["system"].str() != names::organization_sid || identifier["value"].str().empty() || role.system.empty() ||
      role.code.empty())
    return {};
  return tag_role_value{identifier["value"].str(), std::move(role)};
}

std::string tag_class(const base::json& resource) {
  const auto tags = facts_of(resource);
  if (tags.all) return "ALL";
  std::vector<std::string> rest;
  for (const auto* t : tags.organizations)
    if (const auto o = tag_organization(*t)) rest.push_back("ORGANIZATION " + encoded(*o));
  for (const auto* t : tags.roles)
    if (const auto r = tag_role(*t))
      rest.push_back("ROLE " + encoded(r->parent) + " " + encoded(r->role.system) + " " + encoded(r->role.code));
  if (!tags.local && rest.empty()) return {};
  return joined("LOCAL", std::move(rest));
}

// System and value of a reference to an organisation or practitioner; a literal one is resolved over the allow-list.
std::pair<std::string, std::string> named_by(const base::json& reference, const directory& allow_list, std::string_view base_url) {
  const auto& identifier = reference["identifier"];
  if (!identifier["value"].str().empty()) return {identifier["system"].str(), identifier["value"].str()};
  if (const auto id = internal_target(reference["reference"].str(), "Organization", base_url))
    if (const auto* o = allow_list.organization(*id); o && !o->identifiers.empty())
      return {std::string(names::organization_sid), o->identifiers.front()};
  return {};
}

std::string task_class(const base::json& task, const directory& allow_list, std::string_view base_url) {
  const auto [system, value] = named_by(task["requester"], allow_list, base_url);
  const auto [recipient_system, recipient] = named_by(task["restriction"]["recipient"][std::size_t{0}], allow_list, base_url);
  return "TASK " + encoded(system) + " " + encoded(value) + " " + encoded(recipient_system == names::organization_sid ? recipient : "") +
         " " + (task["status"].str() == "draft" ? "draft" : "-");
}

std::string response_class(const base::json& response) {
  std::vector<std::string> rest;
  for (const auto* e : extensions(response, names::ext_questionnaire_authorization)) {
    for (const auto* p : extensions(*e, "practitioner"))
      if ((*p)["valueIdentifier"]["system"].str() == names::practitioner_sid)
        rest.push_back("PRACTITIONER " + encoded((*p)["valueIdentifier"]["value"].str()));
    for (const auto* r : extensions(*e, "practitioner-role")) {
      const auto coding = coding_of((*r)["valueCoding"]);
      rest.push_back("PRACTITIONER-ROLE " + encoded(coding.system) + " " + encoded(coding.code));
    }
    if (rest.empty()) rest.push_back("PRACTITIONER ");
  }
  return joined("RESPONSE", std::move(rest));
}

// dsf-fhir-server 1.7.2, "Read"
bool task_readable(const std::vector<std::string>& w, const identity& who, const directory& allow_list) {
  if (w.size() != 5) return false;
  if (DSF_MUTANT("fhir.task_read_by_all")) return true;
  const auto& [system, value, recipient, draft] = std::tie(w[1], w[2], w[3], w[4]);
  const auto* own = allow_list.organization(who.organization_id);
  const auto names_own = [&](const std::string& identifier) {
    return own && !identifier.empty() && std::ranges::find(own->identifiers, identifier) != own->identifiers.end();
  };
  const bool requester_is_own = system == names::organization_sid && names_own(value);
  const bool recipient_is_local = who.local && names_own(recipient);
  if (who.is_local_organization()) return recipient_is_local || requester_is_own;
  if (who.is_organization()) return requester_is_own;
  if (!who.is_practitioner()) return false;
  if (who.is_admin() && recipient_is_local) return true;
  return (system == names::practitioner_sid && value == who.practitioner_identifier) || (draft == "draft" && recipient_is_local);
}

// dsf-fhir-server 1.7.3
bool response_readable(const std::vector<std::string_view>& all, const identity& who, bool for_search) {
  if (who.is_local_organization() || who.is_admin()) return true;
  if (!who.is_practitioner()) return false;
  if (all.size() == 1) return !for_search;
  return std::ranges::any_of(all, [&](std::string_view line) {
    const auto w = words(line);
    if (w[0] == "PRACTITIONER") return w.size() == 2 && !w[1].empty() && w[1] == who.practitioner_identifier;
    return w[0] == "PRACTITIONER-ROLE" && w.size() == 3 && who.has_practitioner_role({w[1], w[2]});
  });
}

bool tags_readable(const std::vector<std::string_view>& all, const identity& who, const directory& allow_list) {
  if (DSF_MUTANT("fhir.read_access_tag_ignored")) return true;
  const auto* own = allow_list.organization(who.organization_id);
  return std::ranges::any_of(all, [&](std::string_view line) {
    if (line == "ALL") return true;
    if (line == "LOCAL") return who.local;
    const auto w = words(line);
    if (!own || !own->active) return false;
    if (w[0] == "ORGANIZATION") return w.size() == 2 && std::ranges::find(own->identifiers, w[1]) != own->identifiers.end();
    return w[0] == "ROLE" && w.size() == 4 && allow_list.is_member(own->id, w[1], {w[2], w[3]});
  });
}

}  // namespace

std::string access_class_of(const base::json& resource, const directory& allow_list, std::string_view base_url) {
  const auto& type = resource["resourceType"].str();
  if (type == "Task") return task_class(resource, allow_list, base_url);
  if (type == "QuestionnaireResponse") return response_class(resource);
  if (type == "Binary" && resource.find("securityContext")) {
    auto reference = resource["securityContext"]["reference"].str();
    if (reference.empty() && resource["securityContext"]["identifier"]["system"].str() == names::organization_sid)
      if (const auto* o = allow_list.organization(resource["securityContext"]["identifier"]["value"].str()))
        reference = "Organization/" + o->id.to_string();
    if (reference.starts_with(base_url) && reference.size() > base_url.size()) reference.erase(0, base_url.size() + 1);
    return "CONTEXT " + encoded(reference);
  }
  return tag_class(resource);
}

std::optional<std::string> read_access_tag_fault(const base::json& resource, const directory* allow_list,
                                                 const conformance_cache* conformance) {
  const auto tags = facts_of(resource);
  if (tags.unknown) return "a read-access tag has an unknown code; use ALL, LOCAL, ORGANIZATION or ROLE";
  const bool only_all = tags.all == 1 && !tags.local && tags.organizations.empty() && tags.roles.empty();
  const bool with_local = tags.local == 1 && !tags.all;
  if (!only_all && !with_local)
    return "meta.tag needs either exactly one read-access tag ALL and no other, or exactly one LOCAL and any ORGANIZATION and ROLE";
  for (const auto* t : tags.organizations) {
    const auto o = tag_organization(*t);
    if (!o) return "a read-access tag ORGANIZATION needs exactly one extension with an organization identifier";
    if (allow_list && !allow_list->organization(*o))
      return "the organization '" + *o + "' of a read-access tag does not exist on this server";
  }
  for (const auto* t : tags.roles) {
    const auto r = tag_role(*t);
    if (!r) return "a read-access tag ROLE needs exactly one extension with parent-organization and organization-role";
    if (allow_list && !allow_list->organization(r->parent))
      return "the parent organization '" + r->parent + "' of a read-access tag does not exist on this server";
    if (!conformance) continue;
    const auto* concepts = conformance->concepts_of(r->role.system);
    if (!concepts || !concepts->contains(r->role.code))
      return "the role '" + r->role.system + "|" + r->role.code + "' of a read-access tag is not in a CodeSystem of this server";
  }
  return {};
}

bool may_read_class(std::string_view access_class, const identity& who, const directory& allow_list, const resource_view& view,
                    bool for_search) {
  std::string held(access_class);
  for (int step = 0; step < max_context_steps; ++step) {
    const auto all = lines(held);
    if (all.empty()) return false;
    if (all[0].starts_with("TASK ")) return task_readable(words(all[0]), who, allow_list);
    if (all[0] == "RESPONSE") return response_readable(all, who, for_search);
    if (!all[0].starts_with("CONTEXT ")) return tags_readable(all, who, allow_list);
    // A Binary is as readable as the current version of the resource that its security context names.
    const auto target = words(all[0])[1];
    const auto slash = target.find('/');
    if (slash == target.npos) return false;
    const auto id = base::uuid::parse(target.substr(slash + 1, 36));
    if (!id) return false;
    const auto stored = view.current(target.substr(0, slash), *id);
    if (!stored || !*stored || (*stored)->deleted) return false;
    held = (*stored)->access_class;
  }
  return false;
}

bool may_read(const stored_resource& stored, const identity& who, const directory& allow_list, const resource_view& view) {
  return who.may(operation::read, stored.type) && may_read_class(stored.access_class, who, allow_list, view);
}

bool may_find(const stored_resource& stored, const identity& who, const directory& allow_list, const resource_view& view) {
  return who.may(operation::read, stored.type) && may_read_class(stored.access_class, who, allow_list, view, true);
}

}  // namespace dsf::fhir

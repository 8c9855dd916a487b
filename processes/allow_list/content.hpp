// Organizations, Endpoints and OrganizationAffiliations by what identifies them in the whole network, not by the ids that each server gives.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "base/result.hpp"
#include "plugins/handler.hpp"

namespace dsf::processes::allow_list {

enum class kind : std::uint8_t { organization, endpoint, affiliation };
inline constexpr kind all_kinds[] = {kind::organization, kind::endpoint, kind::affiliation};
std::string_view type_of(kind k);  // "Organization"
std::string_view group_of(kind k);  // "organizations": in a difference
const kind* kind_of(std::string_view resource_type);  // null: none of the three

// Identifiers. Organizations and Endpoints have only the first one of theirs; an affiliation is what it joins.
struct key {
  kind what = kind::organization;
  std::string identifier;
  std::string parent, member, endpoint;
  auto operator<=>(const key&) const = default;
  // "hospital-a.example", "hospital-a.example in medizininformatik-initiative.de (hospital-a.example's endpoint)"
  [[nodiscard]] std::string text() const;
};
// The search that finds exactly this one: the request URL of conditional updates (dsf-bpe 9.3).
std::string search_for(const key& k);

struct entry {
  key who;
  std::string name;  // what references call it: "Organization/<id>", or a urn:uuid
  base::json resource;
};

// What a reference names: a key from the list's names, or from its logical identifier; null if it is neither.
class names {
public:
  void add(std::string name, key who) { known_.insert_or_assign(std::move(name), std::move(who)); }
  // `base`: of the server whose references are read; "" for those of a bundle.
  const key* find(const base::json& reference, std::string_view base) const;

private:
  std::map<std::string, key, std::less<>> known_;
  mutable std::map<std::string, key, std::less<>> logical_;
};

struct content {
  std::map<key, entry> entries;
  names by_name;
  std::vector<std::string> unclear;  // what has no place in it, and why
};

// All of the own endpoint's, active or not.
base::result<content> read_local(plugins::services& s);

// The resource without what the server adds (id, version, time), its references as `by` gives them; references that `by` does not know stay.
using reference_writer = std::function<std::string(const key&)>;
base::json with_references(base::json resource, const names& known, std::string_view base, const reference_writer& by);
// References of any depth that name nothing in `known`.
std::vector<std::string> dangling(const base::json& resource, const names& known, std::string_view base);

std::string identifier_of(const base::json& resource, std::string_view system);  // "" unless there is exactly one
std::set<std::string> thumbprints_of(const base::json& organization);
std::set<std::string> roles_of(const base::json& affiliation);  // codes

}  // namespace dsf::processes::allow_list

#include "processes/allow_list/difference.hpp"

#include <algorithm>

#include "base/mutant.hpp"
#include "processes/allow_list/names.hpp"

namespace dsf::processes::allow_list {
namespace {

using base::json;

std::string network_name(const key& k) { return std::string(type_of(k.what)) + " " + k.text(); }

json described(const key& k, const json& resource) {
  json out;
  if (k.what == kind::affiliation) {
    out.set("parent", k.parent);
    out.set("organization", k.member);
    out.set("endpoint", k.endpoint);
  } else {
    out.set("identifier", k.identifier);
    if (!resource["name"].str().empty()) out.set("name", resource["name"]);
    if (k.what == kind::endpoint) out.set("address", resource["address"]);
  }
  return out;
}

json texts(const std::set<std::string>& from) {
  json::array out;
  for (const auto& t : from) out.emplace_back(t);
  return out;
}

// Thumbprints and codes are told as sets; everything else element by element.
json told_apart(kind k, json resource) {
  if (k == kind::organization) {
    const auto thumbprints = thumbprints_of(resource);
    json::array rest;
    for (const auto& e : resource["extension"])
      if (e["url"].str() != thumbprint_extension) rest.push_back(e);
    if (rest.empty())
      resource.erase("extension");
    else
      resource.set("extension", std::move(rest));
    resource.set("certificate-thumbprint", texts(thumbprints));
  }
  return resource;
}

json changes_between(kind k, const json& before_resource, const json& after_resource) {
  const auto before = told_apart(k, before_resource), after = told_apart(k, after_resource);
  json::array out;
  std::vector<std::string> elements;
  for (const auto* side : {&before, &after})
    if (const auto* members = side->if_object())
      for (const auto& [name, value] : *members)
        if (std::ranges::find(elements, name) == elements.end()) elements.push_back(name);
  for (const auto& name : elements) {
    if (before[name] == after[name]) continue;
    json one = json::object{{"element", name}};
    if (!before[name].is_null()) one.set("before", before[name]);
    if (!after[name].is_null()) one.set("after", after[name]);
    out.push_back(std::move(one));
  }
  return out;
}

bool is_deleted(const key& k, const std::vector<key>& deletions) {
  return std::ranges::any_of(deletions, [&](const key& d) {
    return d == k ||
           (d.what == kind::affiliation && k.what == d.what && d.endpoint.empty() && d.parent == k.parent && d.member == k.member);
  });
}

// Who may come with which certificate, and with which roles: what counts is what is active.
struct effect {
  std::set<std::pair<std::string, std::string>> thumbprints;                      // organization, thumbprint
  std::set<std::tuple<std::string, std::string, std::string>> roles;              // organization, parent, role
  void add(const key& k, const json& r) {
    if (!r["active"].bool_or(false)) return;
    if (k.what == kind::organization)
      for (const auto& t : thumbprints_of(r)) thumbprints.emplace(k.identifier, t);
    if (k.what == kind::affiliation)
      for (const auto& role : roles_of(r)) roles.emplace(k.member, k.parent, role);
  }
};

json thumbprint_lines(const effect& from, const effect& without) {
  json::array out;
  for (const auto& [organization, t] : from.thumbprints)
    if (!without.thumbprints.contains({organization, t})) out.push_back(json::object{{"organization", organization}, {"thumbprint", t}});
  return out;
}
json role_lines(const effect& from, const effect& without) {
  json::array out;
  for (const auto& [organization, parent, role] : from.roles)
    if (!without.roles.contains({organization, parent, role}))
      out.push_back(json::object{{"organization", organization}, {"parent", parent}, {"role", role}});
  return out;
}

class planner {
public:
  planner(const content& local, std::string_view base, const reading& bundle, const wishes& w)
      : local_(local), base_(base), bundle_(bundle), wishes_(w) {}

  plan run() {
    if (!bundle_.faults.empty()) {
      out_.faults = bundle_.faults;
      return std::move(out_);
    }
    compare();
    parents();
    strangers();
    thumbprints();
    own();
    transaction();
    return std::move(out_);
  }

private:
  void fault(std::string text) {
    if (out_.faults.size() < max_faults) out_.faults.push_back(std::move(text));
  }
  const entry* find(const content& in, kind k, const std::string& identifier) const {
    key who;
    who.what = k;
    who.identifier = identifier;
    const auto at = in.entries.find(who);
    return at == in.entries.end() ? nullptr : &at->second;
  }

  void compare() {
    json::array added[3], changed[3], removed[3], absent[3];
    effect before, after;
    for (const auto& [who, e] : local_.entries) {
      const auto n = static_cast<std::size_t>(who.what);
      before.add(who, e.resource);
      if (is_deleted(who, bundle_.deletions)) {
        removed[n].push_back(described(who, e.resource));
        removed_.insert(who);
        continue;
      }
      const auto update = bundle_.list.entries.find(who);
      const auto& stays = update == bundle_.list.entries.end() ? e.resource : update->second.resource;
      after.add(who, stays);
      if (update == bundle_.list.entries.end()) {
        absent[n].push_back(described(who, e.resource));
        continue;
      }
      const auto ours = with_references(e.resource, local_.by_name, base_, network_name);
      const auto theirs = with_references(stays, bundle_.list.by_name, {}, network_name);
      auto differs = changes_between(who.what, ours, theirs);
      if (differs.size() == 0) continue;
      auto line = described(who, stays);
      line.set("changes", std::move(differs));
      changed[n].push_back(std::move(line));
      sent_.insert(who);
    }
    for (const auto& [who, e] : bundle_.list.entries) {
      if (local_.entries.contains(who)) continue;
      after.add(who, e.resource);
      added[static_cast<std::size_t>(who.what)].push_back(described(who, e.resource));
      sent_.insert(who);
    }
    for (const auto k : all_kinds) {
      const auto n = static_cast<std::size_t>(k);
      out_.difference.set(group_of(k), json::object{{"added", std::move(added[n])},
                                                    {"changed", std::move(changed[n])},
                                                    {"removed", std::move(removed[n])},
                                                    {"not-in-bundle", std::move(absent[n])}});
    }
    out_.difference.set("thumbprints",
                        json::object{{"added", thumbprint_lines(after, before)}, {"removed", thumbprint_lines(before, after)}});
    out_.difference.set("roles", json::object{{"added", role_lines(after, before)}, {"removed", role_lines(before, after)}});
    out_.empty = sent_.empty() && removed_.empty();
  }

  // Only consortia that the own allow-list has, or that the operator names.
  void parents() {
    std::set<std::string> known = wishes_.accept_parents, told;
    for (const auto& [who, e] : local_.entries)
      if (who.what == kind::affiliation) known.insert(who.parent);
    for (const auto& [who, e] : bundle_.list.entries)
      if (who.what == kind::affiliation && !known.contains(who.parent) && told.insert(who.parent).second)
        fault("the bundle has members of the parent organization " + who.parent +
              ", which the own allow-list does not know; if you mean to join it, name it with the input " + std::string(accept_parent));
  }

  void strangers() {
    std::set<std::string> placed;
    for (const auto& [who, e] : bundle_.list.entries)
      if (who.what == kind::affiliation) placed.insert(who.parent), placed.insert(who.member);
    for (const auto& [who, e] : bundle_.list.entries)
      if (who.what == kind::organization && !placed.contains(who.identifier) && !local_.entries.contains(who))
        fault("the organization " + who.identifier + " is new and belongs to no parent organization in the bundle");
  }

  // Whoever has a thumbprint is that organization: nobody gets one that another keeps.
  void thumbprints() {
    std::map<std::string, std::string> kept;
    for (const auto& [who, e] : local_.entries)
      if (who.what == kind::organization && !removed_.contains(who) && !bundle_.list.entries.contains(who))
        for (const auto& t : thumbprints_of(e.resource)) kept.emplace(t, who.identifier);
    for (const auto& [who, e] : bundle_.list.entries)
      if (who.what == kind::organization)
        for (const auto& t : thumbprints_of(e.resource))
          if (const auto at = kept.find(t); at != kept.end())
            fault("the organization " + who.identifier + " has a certificate thumbprint that here belongs to " + at->second);
  }

  // The site must be able to go on talking to itself and to others, and must stay who it is.
  void own() {
    const auto removed = [&](const key& who) { return removed_.contains(who); };
    const auto* here = find(local_, kind::organization, wishes_.own_organization);
    if (here && removed(here->who)) fault("the bundle deletes the own organization " + here->who.identifier);
    const auto* end = find(local_, kind::endpoint, wishes_.own_endpoint);
    if (end && removed(end->who)) fault("the bundle deletes the own endpoint " + end->who.identifier);
    if (wishes_.accept_own_changes) return;
    const std::string mend = "; if that is meant, say so with the input " + std::string(accept_own_changes);
    if (const auto* there = find(bundle_.list, kind::organization, wishes_.own_organization); here && there) {
      if (here->resource["active"].bool_or(false) && !there->resource["active"].bool_or(false))
        fault("the bundle deactivates the own organization " + here->who.identifier + mend);
      const auto stay = thumbprints_of(there->resource);
      for (const auto& t : thumbprints_of(here->resource))
        if (!stay.contains(t) && !DSF_MUTANT("processes.own_thumbprint_not_guarded"))
          fault("the bundle removes the own certificate thumbprint " + t.substr(0, 16) + "..." + mend);
      if (end && !DSF_MUTANT("processes.own_endpoint_not_guarded")) {
        bool refers = false;
        for (const auto& r : there->resource["endpoint"])
          if (const auto* found = bundle_.list.by_name.find(r, {})) refers = refers || *found == end->who;
        if (!refers) fault("the bundle takes the own endpoint " + end->who.identifier + " from the own organization" + mend);
      }
    }
    if (const auto* there = find(bundle_.list, kind::endpoint, wishes_.own_endpoint); end && there) {
      if (end->resource["status"].str() == "active" && there->resource["status"].str() != "active")
        fault("the bundle sets the own endpoint " + end->who.identifier + " to status " + there->resource["status"].str() + mend);
      if (end->resource["address"] != there->resource["address"])
        fault("the bundle changes the address of the own endpoint to " + there->resource["address"].str() + mend);
    }
  }

  void transaction() {
    json::array entries;
    for (const auto& who : removed_)
      entries.push_back(json::object{{"request", json::object{{"method", "DELETE"}, {"url", search_for(who)}}}});
    for (const auto& who : sent_) {
      const auto& e = bundle_.list.entries.at(who);
      // Entries that change nothing are not sent; what refers to them names the one that is here.
      auto resource = with_references(e.resource, bundle_.list.by_name, {}, [&](const key& k) {
        return sent_.contains(k) ? bundle_.list.entries.at(k).name : local_.entries.at(k).name;
      });
      entries.push_back(json::object{
          {"fullUrl", e.name}, {"resource", std::move(resource)}, {"request", json::object{{"method", "PUT"}, {"url", search_for(who)}}}});
    }
    out_.transaction = json::object{{"resourceType", "Bundle"}, {"type", "transaction"}, {"entry", std::move(entries)}};
  }

  const content& local_;
  std::string_view base_;
  const reading& bundle_;
  const wishes& wishes_;
  plan out_;
  std::set<key> sent_, removed_;
};

}  // namespace

plan make_plan(const content& local, std::string_view base, const reading& bundle, const wishes& w) {
  return planner(local, base, bundle, w).run();
}

}  // namespace dsf::processes::allow_list

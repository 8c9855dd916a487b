#include "processes/allow_list/bundle.hpp"

#include <algorithm>

#include "processes/allow_list/names.hpp"
#include "processes/task_values.hpp"

namespace dsf::processes::allow_list {
namespace {

using base::json;

std::string temporary_name(const key& who, std::size_t n) {
  const auto number = std::to_string(n);
  return "urn:uuid:00000000-0000-4000-8000-" + std::to_string(static_cast<int>(who.what) + 1) + std::string(11 - number.size(), '0') +
         number;
}

std::string_view sid_of(kind k) { return k == kind::organization ? organization_sid : endpoint_sid; }

std::string decoded(std::string_view text) {
  const auto digit = [](char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
  };
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool hex = text[i] == '%' && i + 2 < text.size() && digit(text[i + 1]) >= 0 && digit(text[i + 2]) >= 0;
    out += hex ? static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2])) : text[i] == '+' ? ' ' : text[i];
    if (hex) i += 2;
  }
  return out;
}

// "" if the parameter is not there or is not "<system>|<value>" of this system.
std::string token_of(std::string_view query, std::string_view parameter, std::string_view system) {
  while (!query.empty()) {
    const auto part = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), part.size() + 1));
    const auto equals = part.find('=');
    if (equals == part.npos || decoded(part.substr(0, equals)) != parameter) continue;
    const auto value = decoded(part.substr(equals + 1));
    const auto bar = value.find('|');
    return bar == value.npos || value.substr(0, bar) != system ? std::string{} : value.substr(bar + 1);
  }
  return {};
}

// What the request's URL finds; fields that it does not name stay empty.
key key_in(kind k, std::string_view query) {
  key out;
  out.what = k;
  if (k != kind::affiliation) {
    out.identifier = token_of(query, "identifier", sid_of(k));
  } else {
    out.parent = token_of(query, "primary-organization:identifier", organization_sid);
    out.member = token_of(query, "participating-organization:identifier", organization_sid);
    out.endpoint = token_of(query, "endpoint:identifier", endpoint_sid);
  }
  return out;
}

// Such as a search can name: no separators of searches, nothing invisible.
bool is_plain(std::string_view text) {
  return !text.empty() && text.size() <= 200 && std::ranges::all_of(text, [](char c) {
    return c > ' ' && c < 0x7f && std::string_view(",|\\$").find(c) == std::string_view::npos;
  });
}

bool is_thumbprint(std::string_view text) {
  return text.size() == 128 && std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

class reader {
public:
  explicit reader(const json& bundle) : bundle_(bundle) {}

  reading run() {
    if (!head()) return std::move(out_);
    for (std::size_t i = 0; i < bundle_["entry"].size(); ++i) entry_names(i);
    for (std::size_t i = 0; i < bundle_["entry"].size(); ++i) affiliation_names(i);
    for (const auto& [who, e] : out_.list.entries) content_of(e);
    if (out_.list.entries.empty() && out_.deletions.empty() && out_.faults.empty()) fault("Bundle.entry", "is empty");
    return std::move(out_);
  }

private:
  void fault(const std::string& place, const std::string& text) {
    if (out_.faults.size() < max_faults)
      out_.faults.push_back(place + " " + text);
    else if (out_.faults.size() == max_faults)
      out_.faults.push_back("and more");
  }
  static std::string at(std::size_t i) { return "Bundle.entry[" + std::to_string(i) + "]"; }

  bool head() {
    if (bundle_["resourceType"].str() != "Bundle") {
      fault(bundle_["resourceType"].str().empty() ? "the answer" : bundle_["resourceType"].str(), "is not a Bundle");
      return false;
    }
    const auto& type = bundle_["type"].str();
    if (type != "transaction" && type != "batch") fault("Bundle.type", "is '" + type + "', not transaction or batch");
    const auto& id = bundle_["identifier"];
    if (id["system"].str() != codes || id["value"].str() != allow_list_code)
      fault("Bundle.identifier", "is not " + std::string(codes) + "|" + std::string(allow_list_code) + ", by which an allow-list is known");
    if (bundle_["entry"].size() > max_entries) {
      fault("Bundle.entry", "has more than " + std::to_string(max_entries) + " entries");
      return false;
    }
    return true;
  }

  // The kind, or null with a fault told.
  const kind* kind_at(std::size_t i) {
    const auto& e = bundle_["entry"][i];
    const auto& method = e["request"]["method"].str();
    const std::string_view url = e["request"]["url"].str();
    const auto type = std::string(url.substr(0, url.find('?')));
    if (method != "PUT" && method != "DELETE") {
      fault(at(i), "has the method '" + method + "'; only PUT and DELETE are allowed");
      return nullptr;
    }
    const auto* k = kind_of(method == "PUT" ? e["resource"]["resourceType"].str() : type);
    if (!k) {
      fault(at(i), "is of type '" + (method == "PUT" ? e["resource"]["resourceType"].str() : type) +
                       "'; only Organization, Endpoint and OrganizationAffiliation are allowed");
    } else if (url.find('?') == url.npos || type != type_of(*k)) {
      fault(at(i), "has the URL '" + std::string(url.substr(0, 200)) + "', which does not search for a " + std::string(type_of(*k)));
    } else {
      return k;
    }
    return nullptr;
  }
  static std::string_view query_of(const json& e) {
    const std::string_view url = e["request"]["url"].str();
    return url.substr(url.find('?') + 1);
  }

  // Organizations and Endpoints, and all deletions: what affiliations refer to.
  void entry_names(std::size_t i) {
    const auto* k = kind_at(i);
    if (!k) return;
    const auto& e = bundle_["entry"][i];
    const auto asked = key_in(*k, query_of(e));
    if (e["request"]["method"].str() == "DELETE") {
      const bool clear = *k == kind::affiliation ? !asked.parent.empty() && !asked.member.empty() : !asked.identifier.empty();
      if (clear)
        out_.deletions.push_back(asked);
      else
        fault(at(i), "does not say by identifier what it deletes");
      return;
    }
    updates_.push_back({i, *k});
    if (*k == kind::affiliation) return;
    key who;
    who.what = *k;
    who.identifier = identifier_of(e["resource"], sid_of(*k));
    if (!is_plain(who.identifier))
      return fault(at(i), "needs exactly one identifier of system " + std::string(sid_of(*k)) +
                              ", of letters, digits and signs that searches leave alone");
    if (asked.identifier != who.identifier)
      return fault(at(i), "updates another one (" + asked.identifier + ") than it is: " + who.identifier);
    take(i, std::move(who));
  }

  void affiliation_names(std::size_t i) {
    const auto u = std::ranges::find(updates_, i, [](const auto& one) { return one.first; });
    if (u == updates_.end() || u->second != kind::affiliation) return;
    const auto& e = bundle_["entry"][i];
    const auto& r = e["resource"];
    const auto named = [&](const json& reference, kind k) -> std::string {
      const auto* found = out_.list.by_name.find(reference, {});
      return found && found->what == k && out_.list.entries.contains(*found) ? found->identifier : std::string{};
    };
    key who;
    who.what = kind::affiliation;
    who.parent = named(r["organization"], kind::organization);
    who.member = named(r["participatingOrganization"], kind::organization);
    who.endpoint = r["endpoint"].size() == 1 ? named(r["endpoint"][std::size_t{0}], kind::endpoint) : std::string{};
    if (who.parent.empty() || who.member.empty() || who.endpoint.empty())
      return fault(at(i), "needs organization, participatingOrganization and exactly one endpoint, each an entry of this bundle");
    const auto asked = key_in(kind::affiliation, query_of(e));
    if (asked.parent != who.parent || asked.member != who.member || (!asked.endpoint.empty() && asked.endpoint != who.endpoint))
      return fault(at(i), "updates another one than it is: " + who.text());
    take(i, std::move(who));
  }

  void take(std::size_t i, key who) {
    const auto& e = bundle_["entry"][i];
    const auto& name = e["fullUrl"].str();
    if (!name.starts_with("urn:uuid:")) return fault(at(i), "needs a fullUrl that starts with urn:uuid:");
    if (!names_.insert(name).second) return fault(at(i), "has the fullUrl of another entry");
    if (out_.list.entries.contains(who)) return fault(at(i), "updates " + who.text() + ", as another entry does");
    out_.list.by_name.add(name, who);
    place_.emplace(who, at(i));
    out_.list.entries.emplace(who, entry{who, name, e["resource"]});
  }

  // What the endpoint would refuse, told before anything is sent and in a dry run, too (dsf-fhir-server 1.7.1).
  void content_of(const entry& e) {
    const auto& place = place_.at(e.who);
    const auto& r = e.resource;
    for (const auto& text : dangling(r, out_.list.by_name, {})) fault(place, "refers to " + text + ", which is no entry of this bundle");
    with_references(r, out_.list.by_name, {}, [&](const key& k) {
      if (!out_.list.entries.contains(k)) fault(place, "refers to " + k.text() + ", which is no entry of this bundle");
      return std::string();
    });
    if (e.who.what != kind::endpoint && !r["active"].is_bool()) fault(place, "lacks active, true or false");
    switch (e.who.what) {
      case kind::organization:
        for (const auto& t : thumbprints_of(r)) {
          if (!is_thumbprint(t)) fault(place, "has a certificate thumbprint that is not 128 lower-case hex digits");
          const auto [other, first] = thumbprints_.emplace(t, e.who.identifier);
          if (!first) fault(place, "has the certificate thumbprint of " + other->second + ", too");
        }
        for (const auto& end : r["endpoint"]) expect(place, end, kind::endpoint);
        break;
      case kind::endpoint:
        if (r["status"].str().empty()) fault(place, "lacks status");
        if (!r["address"].str().starts_with("https://"))
          fault(place, "has the address '" + r["address"].str().substr(0, 200) + "', which is not https");
        expect(place, r["managingOrganization"], kind::organization);
        break;
      case kind::affiliation:
        if (roles_of(r).empty() || roles_of(r).contains("")) fault(place, "lacks code, the organization's roles");
        break;
    }
  }
  void expect(const std::string& place, const json& reference, kind k) {
    if (const auto* found = out_.list.by_name.find(reference, {}); !found || found->what != k || !out_.list.entries.contains(*found))
      fault(place, "refers to something that is no " + std::string(type_of(k)) + " of this bundle");
  }

  const json& bundle_;
  reading out_;
  std::vector<std::pair<std::size_t, kind>> updates_;
  std::set<std::string> names_;
  std::map<key, std::string> place_;
  std::map<std::string, std::string> thumbprints_;
};

}  // namespace

reading read_bundle(const json& bundle) { return reader(bundle).run(); }

json make_bundle(const content& local, std::string_view base, std::vector<std::string>& left_out) {
  // What refers to something that is left out is left out, too.
  std::set<key> in;
  for (const auto& [who, e] : local.entries) in.insert(who);
  for (bool again = true; again;) {
    again = false;
    for (const auto& [who, e] : local.entries) {
      if (!in.contains(who)) continue;
      std::string lacks;
      with_references(e.resource, local.by_name, base, [&](const key& k) {
        if (!in.contains(k)) lacks = k.text();
        return std::string();
      });
      for (const auto& text : dangling(e.resource, local.by_name, base)) lacks = text;
      if (lacks.empty()) continue;
      left_out.push_back(who.text() + " refers to " + lacks + ", which is not there");
      in.erase(who);
      again = true;
    }
  }
  std::map<key, std::string> called;
  for (const auto& who : in) called.emplace(who, temporary_name(who, called.size()));
  json::array entries;
  for (const auto& [who, name] : called) {
    auto resource = with_references(local.entries.at(who).resource, local.by_name, base, [&](const key& k) { return called.at(k); });
    entries.push_back(json::object{
        {"fullUrl", name}, {"resource", std::move(resource)}, {"request", json::object{{"method", "PUT"}, {"url", search_for(who)}}}});
  }
  return json::object{{"resourceType", "Bundle"},
                      {"meta", json::object{{"tag", json::array{coding("http://dsf.dev/fhir/CodeSystem/read-access-tag", "ALL")}}}},
                      {"identifier", identifier(codes, allow_list_code)},
                      {"type", "transaction"},
                      {"entry", std::move(entries)}};
}

}  // namespace dsf::processes::allow_list

#include "processes/feasibility/search_store.hpp"

#include <algorithm>
#include <iterator>
#include <optional>
#include <unordered_map>
#include <unordered_set>

#include "privacy/search_parameters.hpp"
#include "processes/errc.hpp"

namespace dsf::processes::feasibility {
namespace {

using base::fail;
using base::json;
using base::result;

using patient_set = std::vector<std::uint32_t>;  // ascending, each once

patient_set united(const patient_set& a, const patient_set& b) {
  patient_set out;
  std::ranges::set_union(a, b, std::back_inserter(out));
  return out;
}
patient_set common(const patient_set& a, const patient_set& b) {
  patient_set out;
  std::ranges::set_intersection(a, b, std::back_inserter(out));
  return out;
}
patient_set without(const patient_set& a, const patient_set& b) {
  patient_set out;
  std::ranges::set_difference(a, b, std::back_inserter(out));
  return out;
}

// Whether a server's remark within a result means that the search was not done as it was asked.
const json* objection(const json& outcome) {
  for (const auto& issue : outcome["issue"])
    if (issue["severity"].str() != "information") return &issue;
  return nullptr;
}

class searcher {
public:
  explicit searcher(search_run& run) : run_(run) {}

  result<std::uint64_t> count(const privacy::search_plan& plan) {
    std::optional<patient_set> selected;
    for (const auto& group : plan.inclusion) {
      patient_set any;
      for (const auto& c : group) any = united(any, TRY(patients(c)));
      selected = selected ? common(*selected, any) : std::move(any);
      if (selected->empty()) return 0;
    }
    if (!selected) return fail(errc::bad_resource, "a query needs at least one inclusion criterion", "inclusionCriteria");
    for (const auto& group : plan.exclusion) {
      auto all = *selected;
      for (const auto& c : group) {
        all = common(all, TRY(patients(c)));
        if (all.empty()) break;
      }
      *selected = without(*selected, all);
    }
    return selected->size();
  }

private:
  result<patient_set> patients(const privacy::searched_criterion& c) {
    std::vector<bool> found;
    for (const auto& s : c.any_of) TRY(add_all(s, found));
    patient_set out;
    for (std::uint32_t n = 0; n < found.size(); ++n)
      if (found[n]) out.push_back(n);
    return out;
  }

  result<void> add_all(const privacy::fhir_search& search, std::vector<bool>& found) {
    std::unordered_set<std::string> asked;
    auto next = search.query;
    while (!next.empty()) {
      if (asked.size() == run_.limits.pages)
        return fail(errc::bad_resource, "the search has more than " + std::to_string(run_.limits.pages) + " pages", place(search));
      if (!asked.insert(next).second) return fail(errc::bad_resource, "the server's pages lead in a circle", place(search));
      TRY(run_.may_go_on());
      const auto page = TRY(run_.store.search(next));
      if (page["resourceType"].str() != "Bundle")
        return fail(errc::bad_resource, "the server answered a search with '" + page["resourceType"].str() + "', not with a Bundle",
                    place(search));
      TRY(add_page(page, search, found));
      next = TRY(next_of(page, search));
    }
    return {};
  }

  result<void> add_page(const json& page, const privacy::fhir_search& search, std::vector<bool>& found) {
    for (const auto& e : page["entry"]) {
      const auto& resource = e["resource"];
      const auto& type = resource["resourceType"].str();
      if (type == "OperationOutcome") {
        if (const auto* issue = objection(resource))
          return fail(
              errc::bad_resource,
              "the server did not search as it was asked: " + (*issue)["code"].str() + " " + (*issue)["diagnostics"].str().substr(0, 300),
              place(search));
        continue;
      }
      if (type != search.type || e["search"]["mode"].str() == "include") continue;  // included, not found
      const auto patient = privacy::patient_of(resource);
      if (patient.empty()) continue;  // belongs to no patient, as in the own repository
      const auto [at, added] = numbers_.try_emplace(std::string(patient), static_cast<std::uint32_t>(numbers_.size()));
      if (added && numbers_.size() > run_.limits.patients)
        return fail(errc::bad_resource, "the searches find more than " + std::to_string(run_.limits.patients) + " patients", place(search));
      if (found.size() <= at->second) found.resize(std::max<std::size_t>(numbers_.size(), found.size() * 2));
      found[at->second] = true;
    }
    return {};
  }

  // What follows the base address. A link elsewhere would take the store's credentials there.
  result<std::string> next_of(const json& page, const privacy::fhir_search& search) const {
    for (const auto& link : page["link"]) {
      if (link["relation"].str() != "next") continue;
      const auto& url = link["url"].str();
      if (url.find("://") == url.npos && !url.starts_with('/')) return url;
      const auto rest = std::string_view(url).substr(std::min(url.size(), run_.base_url.size()));
      if (url.starts_with(run_.base_url) && rest.size() > 1 && (rest[0] == '/' || rest[0] == '?'))
        return std::string(rest[0] == '/' ? rest.substr(1) : rest);
      return fail(errc::not_configured,
                  "the next page is at " + url.substr(0, 300) + ", which is not below the store's base_url " + run_.base_url +
                      "; set the address that the server itself uses",
                  place(search));
    }
    return std::string();
  }

  static std::string place(const privacy::fhir_search& search) { return search.query.substr(0, 300); }

  search_run& run_;
  std::unordered_map<std::string, std::uint32_t> numbers_;
};

}  // namespace

result<std::uint64_t> count_by_searches(search_run& run, const privacy::search_plan& plan) { return searcher(run).count(plan); }

}  // namespace dsf::processes::feasibility

// Search by a plain scan: every parameter as a FHIRPath expression over the stored JSON, and the rules of dsf-fhir-server 1.3 to 1.5 written once more.
// It shares neither table, nor index, nor parser with the search that it judges.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "fhir/path/expression.hpp"

namespace dsf::search_scan {

using base::json;

enum class form { token, code, status, boolean, string, uri, versioned_uri, canonical, date, reference, canonical_reference, prefix };

struct parameter {
  std::string_view type, name;
  form is;
  std::string_view expression;
  std::vector<std::string_view> targets = {};
  bool modifiers = true;
};

inline std::vector<parameter> all_parameters() {
  using enum form;
  std::vector<parameter> out = {
      {"Binary", "contentType", code, "Binary.contentType"},
      {"Bundle", "identifier", token, "Bundle.identifier"},
      {"DocumentReference", "identifier", token, "DocumentReference.identifier | DocumentReference.masterIdentifier"},
      {"Endpoint", "address", uri, "Endpoint.address"},
      {"Endpoint", "identifier", token, "Endpoint.identifier"},
      {"Endpoint", "name", string, "Endpoint.name"},
      {"Endpoint", "organization", reference, "Endpoint.managingOrganization", {"Organization"}},
      {"Endpoint", "status", status, "Endpoint.status"},
      {"Group", "identifier", token, "Group.identifier"},
      {"HealthcareService", "active", boolean, "HealthcareService.active"},
      {"HealthcareService", "identifier", token, "HealthcareService.identifier"},
      {"HealthcareService", "name", string, "HealthcareService.name"},
      {"Location", "identifier", token, "Location.identifier"},
      {"Location", "name", string, "Location.name | Location.alias"},
      {"Measure", "depends-on", canonical_reference, "Measure.library | Measure.relatedArtifact.where(type = 'depends-on').resource"},
      {"MeasureReport", "identifier", token, "MeasureReport.identifier"},
      {"NamingSystem", "date", date, "NamingSystem.date"},
      {"NamingSystem", "name", string, "NamingSystem.name"},
      {"NamingSystem", "status", status, "NamingSystem.status"},
      {"Organization", "active", boolean, "Organization.active"},
      {"Organization", "endpoint", reference, "Organization.endpoint", {"Endpoint"}},
      {"Organization", "identifier", token, "Organization.identifier"},
      {"Organization", "name", string, "Organization.name | Organization.alias"},
      {"Organization", "type", token, "Organization.type.coding"},
      {"OrganizationAffiliation", "active", boolean, "OrganizationAffiliation.active"},
      {"OrganizationAffiliation", "endpoint", reference, "OrganizationAffiliation.endpoint", {"Endpoint"}},
      {"OrganizationAffiliation", "identifier", token, "OrganizationAffiliation.identifier"},
      {"OrganizationAffiliation",
       "participating-organization",
       reference,
       "OrganizationAffiliation.participatingOrganization",
       {"Organization"}},
      {"OrganizationAffiliation", "primary-organization", reference, "OrganizationAffiliation.organization", {"Organization"}},
      {"OrganizationAffiliation", "role", token, "OrganizationAffiliation.code.coding"},
      {"Patient", "active", boolean, "Patient.active"},
      {"Patient", "identifier", token, "Patient.identifier"},
      {"Practitioner", "active", boolean, "Practitioner.active"},
      {"Practitioner", "identifier", token, "Practitioner.identifier"},
      {"PractitionerRole", "active", boolean, "PractitionerRole.active"},
      {"PractitionerRole", "identifier", token, "PractitionerRole.identifier"},
      {"PractitionerRole", "organization", reference, "PractitionerRole.organization", {"Organization"}},
      {"PractitionerRole", "practitioner", reference, "PractitionerRole.practitioner", {"Practitioner"}},
      {"QuestionnaireResponse",
       "author",
       reference,
       "QuestionnaireResponse.author",
       {"Practitioner", "Organization", "Patient", "PractitionerRole"}},
      {"QuestionnaireResponse", "authored", date, "QuestionnaireResponse.authored"},
      {"QuestionnaireResponse", "identifier", token, "QuestionnaireResponse.identifier"},
      {"QuestionnaireResponse", "questionnaire", prefix, "QuestionnaireResponse.questionnaire"},
      {"QuestionnaireResponse", "status", status, "QuestionnaireResponse.status"},
      {"QuestionnaireResponse",
       "subject",
       reference,
       "QuestionnaireResponse.subject",
       {"Organization", "Practitioner", "PractitionerRole"}},
      {"ResearchStudy", "enrollment", reference, "ResearchStudy.enrollment", {"Group"}},
      {"ResearchStudy", "identifier", token, "ResearchStudy.identifier"},
      {"ResearchStudy", "principalinvestigator", reference, "ResearchStudy.principalInvestigator", {"Practitioner", "PractitionerRole"}},
      {"Subscription", "criteria", string, "Subscription.criteria"},
      {"Subscription", "payload", code, "Subscription.channel.payload"},
      {"Subscription", "status", status, "Subscription.status"},
      {"Subscription", "type", status, "Subscription.channel.type"},
      {"Task", "authored-on", date, "Task.authoredOn"},
      {"Task", "identifier", token, "Task.identifier"},
      {"Task", "modified", date, "Task.lastModified"},
      {"Task", "requester", reference, "Task.requester", {"Practitioner", "Organization", "Patient", "PractitionerRole"}},
      {"Task", "status", status, "Task.status"},
  };
  for (const std::string_view type :
       {"ActivityDefinition", "CodeSystem", "Library", "Measure", "Questionnaire", "StructureDefinition", "ValueSet"}) {
    out.push_back({type, "date", date, "date"});
    out.push_back({type, "identifier", token, "identifier", {}, type != "ActivityDefinition"});
    out.push_back({type, "name", string, "name"});
    out.push_back({type, "status", status, "status"});
    out.push_back({type, "url", versioned_uri, "url"});
    out.push_back({type, "version", code, "version"});
  }
  return out;
}

// What one item of an expression says; which members hold something depends on the form.
struct value {
  std::string text, version;
  std::optional<std::string> system;  // of a token, or of a reference's identifier
  std::optional<std::string> logical;  // a reference's identifier
  std::int64_t from = 0, to = 0;  // of a date, in microseconds
};

inline std::string lower(std::string_view s) {
  std::string out(s);
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (out[i] >= 'A' && out[i] <= 'Z') out[i] = static_cast<char>(out[i] + 32);
    if (i > 0 && out[i - 1] == '\xC3' && out[i] == '\x84') out[i] = '\xA4';
  }
  return out;
}

// yyyy[-MM[-dd[Thh:mm[:ss[.f]][zone]]]], without zone UTC.
inline std::optional<value> date_of(std::string text) {
  using namespace std::chrono;
  int y = 0, mo = 1, d = 1, h = 0, mi = 0;
  value out;
  const auto at_day = [](int yy, int mm, int dd) {
    const sys_days then = year(yy) / month(static_cast<unsigned>(mm)) / day(static_cast<unsigned>(dd));
    return std::int64_t(then.time_since_epoch().count()) * 86'400'000'000;
  };
  const int n = std::sscanf(text.c_str(), "%4d-%2d-%2dT%2d:%2d", &y, &mo, &d, &h, &mi);
  if (n < 1) return {};
  out.from = at_day(y, mo, d);
  if (n == 1) out.to = at_day(y + 1, 1, 1);
  if (n == 2) out.to = mo == 12 ? at_day(y + 1, 1, 1) : at_day(y, mo + 1, 1);
  if (n == 3) out.to = out.from + 86'400'000'000;
  if (n < 4) return out;
  if (n != 5) return {};
  std::int64_t width = 60'000'000;
  out.from += (h * 60LL + mi) * 60'000'000;
  auto rest = text.substr(16);
  if (rest.starts_with(":")) {
    out.from += std::stoll(rest.substr(1, 2)) * 1'000'000;
    width = 1'000'000;
    rest.erase(0, 3);
  }
  if (rest.starts_with(".")) {
    std::size_t i = 1;
    for (; i < rest.size() && rest[i] >= '0' && rest[i] <= '9'; ++i)
      if (width > 1) width /= 10, out.from += (rest[i] - '0') * width;
    rest.erase(0, i);
  }
  if (rest.size() == 6) {
    const auto minutes = std::stoll(rest.substr(1, 2)) * 60 + std::stoll(rest.substr(4, 2));
    out.from -= (rest[0] == '-' ? -minutes : minutes) * 60'000'000;
  }
  out.to = out.from + width;
  return out;
}

class scanner {
public:
  // Organisations and endpoints by the identifiers that logical references name them with.
  using resolver = std::function<std::string(const std::string& system, const std::string& value)>;

  explicit scanner(std::string base_url, resolver logical) : base_(std::move(base_url) + "/"), logical_(std::move(logical)) {
    for (const auto& p : parameters_) compiled_.emplace(p.expression, fhir::path::expression::compile(p.expression).value());
    compiled_.emplace("meta.profile", fhir::path::expression::compile("meta.profile").value());
  }
  scanner(const scanner&) = delete;

  [[nodiscard]] const std::vector<parameter>& parameters() const { return parameters_; }
  [[nodiscard]] std::vector<const parameter*> of(std::string_view type) const {
    std::vector<const parameter*> out{&profile_};
    for (const auto& p : parameters_)
      if (p.type == type) out.push_back(&p);
    return out;
  }

  std::vector<const json*> elements(const json& resource, const parameter& p) const {
    const auto found =
        compiled_.at(p.expression).evaluate(fhir::path::element::of(resource), fhir::path::environment::of(resource)).value();
    std::vector<const json*> out;
    for (const auto& item : found)
      if (const auto* e = std::get_if<fhir::path::element>(&item); e && e->value) out.push_back(e->value);
    return out;
  }

  std::vector<value> values(const json& resource, const parameter& p) const {
    std::vector<value> out;
    for (const auto* e : elements(resource, p)) {
      value v;
      switch (p.is) {
        case form::token: {
          // An identifier is its value, a coding its code: without one it has no value of the parameter.
          const auto* code = e->find("code") ? e->find("code") : e->find("value");
          if (!code || !code->is_string()) continue;
          v.text = code->str();
          if (const auto* s = e->find("system"); s && s->is_string()) v.system = s->str();
          break;
        }
        case form::boolean:
          if (!e->is_bool()) continue;
          v.text = e->bool_or(false) ? "true" : "false";
          break;
        case form::date:
          if (auto range = date_of(e->str()))
            v = *range;
          else
            continue;
          break;
        case form::reference: {
          v.text = (*e)["reference"].str();
          if (v.text.starts_with(base_)) v.text.erase(0, base_.size());
          v.text = v.text.substr(0, v.text.find("/_history/"));
          const auto& identifier = (*e)["identifier"];
          if (identifier["value"].is_string()) {
            v.logical = identifier["value"].str();
            if (const auto* s = identifier.find("system"); s && s->is_string()) v.system = s->str();
            if (v.text.empty()) v.text = logical_(identifier["system"].str(), *v.logical);
          }
          if (v.text.empty() && !v.logical) continue;
          break;
        }
        case form::versioned_uri: v.version = resource["version"].str(); [[fallthrough]];
        default:
          if (!e->is_string()) continue;
          v.text = e->str();
      }
      out.push_back(std::move(v));
    }
    return out;
  }

  static bool token_fits(const std::string& code, const std::optional<std::string>& system, std::string_view asked) {
    const auto bar = asked.find('|');
    if (bar == asked.npos) return code == asked;
    if (bar == 0) return !system && code == asked.substr(1);
    return system && *system == asked.substr(0, bar) && (bar + 1 == asked.size() || code == asked.substr(bar + 1));
  }

  // `identifiers_of`: of the target of a literal reference, as (value, system).
  using identifiers = std::vector<std::pair<std::string, std::optional<std::string>>>;
  bool fits(const json& resource, const parameter& p, std::string_view modifier, const std::string& asked,
            const std::function<identifiers(const std::string&)>& identifiers_of) const {
    const auto have = values(resource, p);
    if (modifier == "missing") return have.empty() == (asked == "true");
    const auto parts = parts_of(p, modifier, asked);
    const auto one = [&](const value& v) {
      return std::ranges::any_of(parts, [&](const std::string& part) { return fits_one(v, p, modifier, part, identifiers_of); });
    };
    if (modifier == "not" && p.is == form::token && asked.starts_with('|')) return !std::ranges::all_of(have, one);
    return std::ranges::any_of(have, one) != (modifier == "not");
  }

  // The value that a resource is sorted by, as texts that compare like it; nothing: before all.
  std::vector<std::string> sort_key(const json& resource, const parameter& p, bool descending) const {
    std::vector<std::vector<std::string>> all;
    for (const auto& v : values(resource, p)) switch (p.is) {
        case form::token: all.push_back({v.text, v.system ? "1" + *v.system : "0"}); break;
        case form::string: all.push_back({lower(v.text), v.text}); break;
        case form::versioned_uri: all.push_back({v.text, v.version}); break;
        case form::date: all.push_back({padded(v.from), padded(v.to)}); break;
        case form::reference:
          if (!v.text.empty()) all.push_back({"r", v.text});
          if (v.logical) all.push_back({"i", *v.logical, v.system ? "1" + *v.system : "0"});
          break;
        default: all.push_back({v.text}); break;
      }
    if (all.empty()) return {};
    std::ranges::sort(all);
    return descending ? all.back() : all.front();
  }

private:
  // docs/decisions/beyond-dsf.md: where the comma is OR.
  static std::vector<std::string> parts_of(const parameter& p, std::string_view modifier, const std::string& asked) {
    std::vector<std::string> out(1);
    bool bars = true;
    for (const char c : asked)
      if (c == ',')
        bars = bars && out.back().find('|') != std::string::npos, out.emplace_back();
      else
        out.back() += c;
    bars = bars && out.back().find('|') != std::string::npos;
    const bool coding = p.is == form::token && p.expression.ends_with("coding");
    const bool literal = p.is == form::reference && modifier != "identifier";
    const bool never_held = coding || literal || p.is == form::date || p.is == form::status || p.is == form::boolean;
    return never_held || (bars && (p.is == form::token || p.is == form::reference)) ? out : std::vector<std::string>{asked};
  }

  static std::string padded(std::int64_t n) {
    char out[32];
    std::snprintf(out, sizeof out, "%020llu", static_cast<unsigned long long>(n) ^ (1ULL << 63));
    return out;
  }

  bool fits_one(const value& v, const parameter& p, std::string_view modifier, const std::string& asked,
                const std::function<identifiers(const std::string&)>& identifiers_of) const {
    switch (p.is) {
      case form::token: return token_fits(v.text, v.system, asked);
      case form::code:
      case form::status:
      case form::boolean:
      case form::canonical_reference: return v.text == asked;
      case form::string: {
        if (modifier == "exact") return v.text == asked;
        const auto at = lower(v.text).find(lower(asked));
        return modifier == "contains" ? at != std::string::npos : at == 0;
      }
      case form::uri:
      case form::canonical: return modifier == "below" ? v.text.starts_with(asked) : v.text == asked;
      case form::versioned_uri: {
        if (modifier == "below") return v.text.starts_with(asked);
        const auto bar = asked.find('|');
        if (bar == asked.npos) return v.text == asked;
        return v.text == asked.substr(0, bar) && v.version == asked.substr(bar + 1);
      }
      case form::prefix: return v.text.starts_with(asked);
      case form::date: return date_fits(v, asked);
      case form::reference: break;
    }
    if (modifier == "identifier") {
      if (v.logical && token_fits(*v.logical, v.system, asked)) return true;
      return std::ranges::any_of(identifiers_of(v.text), [&](const auto& i) { return token_fits(i.first, i.second, asked); });
    }
    auto target = asked;
    if (target.starts_with(base_)) target.erase(0, base_.size());
    if (target.find('/') != target.npos) return v.text == target;
    return std::ranges::any_of(p.targets, [&](std::string_view t) { return v.text == std::string(t) + "/" + target; });
  }

  static bool date_fits(const value& v, std::string asked) {
    std::string prefix = "eq";
    if (asked[0] >= 'a' && asked[0] <= 'z') prefix = asked.substr(0, 2), asked.erase(0, 2);
    const auto a = date_of(asked).value();
    if (prefix == "ne") return v.from < a.from || v.to > a.to;
    if (prefix == "gt") return v.to > a.to;
    if (prefix == "lt") return v.from < a.from;
    if (prefix == "ge") return v.to > a.to || v.from >= a.from;
    if (prefix == "le") return v.from < a.from || v.to <= a.to;
    return v.from >= a.from && v.to <= a.to;
  }

  std::string base_;
  resolver logical_;
  std::vector<parameter> parameters_ = all_parameters();
  parameter profile_{"", "_profile", form::canonical, "meta.profile"};
  std::map<std::string_view, fhir::path::expression> compiled_;
};

}  // namespace dsf::search_scan

// Random data and random queries: the index must select exactly whom a scan over the JSON selects. The scan below shares no code with
// the evaluator: it reads members by name, compares dates as text and counts ages by hand.
#include <catch2/catch.hpp>

#include <array>
#include <cstdlib>
#include <iostream>
#include <set>

#include "base/entropy.hpp"
#include "privacy/cohort.hpp"
#include "privacy/random_cohort.test.hpp"

using namespace dsf;
using namespace dsf::privacy;
using base::json;

namespace {

// ---- the scan ----

using tokens = std::vector<std::pair<std::string, std::string>>;

tokens codings(const json& concept_value) {
  tokens out;
  for (const auto& c : concept_value["coding"]) out.emplace_back(c["system"].str(), c["code"].str());
  return out;
}
bool any_token(const tokens& have, const json& wanted, bool code_only) {
  for (const auto& [system, code] : have)
    for (const auto& w : wanted)
      if (w["code"].str() == code && (code_only || w["system"].str() == system)) return true;
  return false;
}
double number(const json& j) { return std::strtod(j.if_number()->text.c_str(), nullptr); }
bool quantity_holds(const json& q, const json& filter) {
  if (!q.is_object()) return false;
  if (const auto& unit = filter["unit"]["code"].str(); !unit.empty() && q["code"].str() != unit && q["unit"].str() != unit) return false;
  const double v = number(q["value"]);
  if (filter["type"].str() == "quantity-range") return v >= number(filter["minValue"]) && v <= number(filter["maxValue"]);
  const auto& c = filter["comparator"].str();
  const double w = number(filter["value"]);
  return c == "eq" ? v == w : c == "ne" ? v != w : c == "lt" ? v < w : c == "le" ? v <= w : c == "gt" ? v > w : v >= w;
}

std::string first_day(std::string d) { return d.size() == 4 ? d + "-01-01" : d.size() == 7 ? d + "-01" : d.substr(0, 10); }
int month_length(int y, int m) {
  if (m == 2) return y % 4 == 0 && (y % 100 != 0 || y % 400 == 0) ? 29 : 28;
  return m == 4 || m == 6 || m == 9 || m == 11 ? 30 : 31;
}
std::string last_day(std::string d) {
  if (d.size() == 4) return d + "-12-31";
  if (d.size() == 7) return d + "-" + std::to_string(month_length(std::stoi(d.substr(0, 4)), std::stoi(d.substr(5, 2))));
  return d.substr(0, 10);
}
// First and last day as text, which sorts as days do; empty when there is no date.
std::pair<std::string, std::string> span_of(const json& d) {
  if (const auto* s = d.if_string()) return {first_day(*s), last_day(*s)};
  if (d["start"].is_null() && d["end"].is_null()) return {};
  return {d["start"].is_null() ? "0000" : first_day(d["start"].str()), d["end"].is_null() ? "9999" : last_day(d["end"].str())};
}

std::string written(int y, int m, int d) {
  char text[32];
  std::snprintf(text, sizeof text, "%04d-%02d-%02d", y, m, d);
  return text;
}
std::string next_day(const std::string& day, int by) {
  int y = std::stoi(day.substr(0, 4)), m = std::stoi(day.substr(5, 2)), d = std::stoi(day.substr(8, 2));
  for (; by > 0; --by)
    if (++d > month_length(y, m)) {
      d = 1;
      if (++m > 12) {
        m = 1;
        ++y;
      }
    }
  for (; by < 0; ++by)
    if (--d < 1) {
      if (--m < 1) {
        m = 12;
        --y;
      }
      d = month_length(y, m);
    }
  return written(y, m, d);
}
std::string back(const std::string& today, int n, const std::string& unit) {
  if (unit == "wk") return next_day(today, -7 * n);
  int y = std::stoi(today.substr(0, 4)), m = std::stoi(today.substr(5, 2)), d = std::stoi(today.substr(8, 2));
  if (unit == "a") y -= n;
  if (unit == "mo")
    for (; n > 0; --n)
      if (--m < 1) {
        m = 12;
        --y;
      }
  return written(y, m, std::min(d, month_length(y, m)));
}
bool age_holds(const json& birth, const json& filter, const std::string& today) {
  const auto [from, to] = span_of(birth);
  if (from.empty()) return false;
  const auto& unit = filter["unit"]["code"].str();
  if (filter["type"].str() == "quantity-range")
    return to >= back(today, int(number(filter["maxValue"])), unit) && from <= back(today, int(number(filter["minValue"])), unit);
  const int n = int(number(filter["value"]));
  const auto d = back(today, n, unit);
  const auto& c = filter["comparator"].str();
  if (c == "eq") return to >= next_day(back(today, n + 1, unit), 1) && from <= d;
  return c == "ge" ? from <= d : c == "gt" ? from < d : c == "le" ? to >= d : to > d;
}

bool closed_over(const std::string& code, const json& term_codes) {
  static const std::set<std::pair<std::string, std::string>> below{{"A", "A"},   {"A1", "A"},   {"A2", "A"},  {"A1x", "A"},
                                                                   {"A1", "A1"}, {"A1x", "A1"}, {"A2", "A2"}, {"A1x", "A2"}};
  for (const auto& t : term_codes)
    if (t["code"].str() == code || below.contains({code, t["code"].str()})) return true;
  return false;
}
bool has_code(const json& concept_value, const std::string& system, const json& term_codes) {
  for (const auto& [s, c] : codings(concept_value))
    if (s == system && closed_over(c, term_codes)) return true;
  return false;
}

class scan {
public:
  scan(const std::vector<json>& resources, std::string today) : resources_(resources), today_(std::move(today)) {}

  std::set<std::string> query(const json& q) {
    std::set<std::string> out;
    for (const auto& r : resources_) {
      const auto p = patient(r);
      if (!p.empty() && selected(p, q)) out.insert(p);
    }
    return out;
  }

private:
  static std::string patient(const json& r) {
    if (r["resourceType"].str() == "Patient") return r["id"].str();
    auto ref = r["subject"]["reference"].str();
    ref = ref.substr(ref.find("Patient/") + 8);
    return ref.substr(0, ref.find('/'));
  }
  bool selected(const std::string& p, const json& q) {
    for (const auto& group : q["inclusionCriteria"]) {
      bool any = false;
      for (const auto& c : group) any = any || fulfils(p, c);
      if (!any) return false;
    }
    for (const auto& group : q["exclusionCriteria"]) {
      bool all = true;
      for (const auto& c : group) all = all && fulfils(p, c);
      if (all) return false;
    }
    return true;
  }
  bool fulfils(const std::string& p, const json& c) {
    for (const auto& r : resources_)
      if (patient(r) == p && matches(r, c)) return true;
    return false;
  }
  bool in_time(const json& r, const json& c, std::initializer_list<const char*> names) {
    const auto& t = c["timeRestriction"];
    if (t.is_null()) return true;
    for (const auto* name : names) {
      if (r[name].is_null()) continue;
      const auto [from, to] = span_of(r[name]);
      if (!from.empty() && (t["afterDate"].is_null() || to >= t["afterDate"].str()) &&
          (t["beforeDate"].is_null() || from <= t["beforeDate"].str()))
        return true;
    }
    return false;
  }
  bool matches(const json& r, const json& c) {
    const auto& ctx = c["context"]["code"].str();
    const auto& type = r["resourceType"].str();
    const auto& value = c["valueFilter"];
    if (ctx == "diagnosis") {
      if (type != "Condition" || !has_code(r["code"], "icd", c["termCodes"])) return false;
      const auto status = codings(r["verificationStatus"]);
      bool fixed = false;
      for (const auto& [s, v] : status) fixed = fixed || (s == "ver" && (v == "confirmed" || v == "provisional"));
      if (!fixed) return false;
      for (const auto& a : c["attributeFilters"])
        if (!any_token(codings(r["severity"]), a["selectedConcepts"], false)) return false;
      return in_time(r, c, {"recordedDate"});
    }
    if (ctx == "lab" || ctx == "labconcept") {
      if (type != "Observation" || !has_code(r["code"], "loinc", c["termCodes"])) return false;
      if (!value.is_null() && ctx == "lab" && !quantity_holds(r["valueQuantity"], value)) return false;
      if (!value.is_null() && ctx == "labconcept" && !any_token(codings(r["valueCodeableConcept"]), value["selectedConcepts"], false))
        return false;
      for (const auto& a : c["attributeFilters"]) {
        const auto& name = a["attributeCode"]["code"].str();
        bool ok = false;
        if (name == "status") ok = any_token({{"", r["status"].str()}}, a["selectedConcepts"], true);
        for (const auto& part : r["component"]) {
          if (name == "c1")
            ok = ok || (has_code(part["code"], "loinc", parse(R"([{"code":"C1"}])")) && quantity_holds(part["valueQuantity"], a));
          if (name == "c2")
            ok = ok || (has_code(part["code"], "loinc", parse(R"([{"code":"C2"}])")) &&
                        any_token(codings(part["valueCodeableConcept"]), a["selectedConcepts"], false));
        }
        if (!ok) return false;
      }
      return in_time(r, c, {"effectiveDateTime", "effectivePeriod"});
    }
    if (ctx == "patient") {
      if (type != "Patient") return false;
      if (c["termCodes"][0]["code"].str() == "gender")
        return !r["gender"].is_null() && any_token({{"", r["gender"].str()}}, value["selectedConcepts"], true);
      return age_holds(r["birthDate"], value, today_);
    }
    if (type != "Specimen" || !has_code(r["type"], "sct", c["termCodes"])) return false;
    for (const auto& a : c["attributeFilters"]) {
      bool ok = false;
      for (const auto& e : r["extension"]) {
        if (e["url"].str() != diagnosis_url) continue;
        for (const auto& target : resources_) {
          if ("Condition/" + target["id"].str() != e["valueReference"]["reference"].str() || target["resourceType"].str() != "Condition")
            continue;
          for (const auto& nested : a["criteria"]) ok = ok || matches(target, nested);
        }
      }
      if (!ok) return false;
    }
    if (c["timeRestriction"].is_null()) return true;
    return in_time(r["collection"], c, {"collectedDateTime"});
  }

  const std::vector<json>& resources_;
  std::string today_;
};

}  // namespace

TEST_CASE("cohort: random queries select whom a scan over the resources selects") {
  const auto map = must(mapping::parse(mapping_text));
  const auto tree = must(ontology_tree::parse(tree_text));
  const auto* given = std::getenv("DSF_SEED");
  const std::uint64_t first = given ? std::strtoull(given, nullptr, 10) : 1;
  const std::uint64_t worlds = given ? 1 : 60;
  std::cout << "cohort property: seeds " << first << ".." << first + worlds - 1 << ", 20 queries each (DSF_SEED=n repeats one)\n";
  std::uint64_t empty = 0, asked = 0;
  for (auto seed = first; seed < first + worlds; ++seed) {
    world w(seed);
    const auto resources = w.resources();
    clinical_index index;
    for (const auto& r : resources) {
      const auto ok = index.add(r);
      if (!ok) FAIL(ok.error().to_string());
    }
    REQUIRE(index.seal());
    const auto stored = must(clinical_index::deserialize(index.serialize()));
    for (int k = 0; k < 20; ++k) {
      const auto text = w.query();
      const auto today = w.today();
      const auto expected = scan(resources, to_string(today)).query(parse(text));
      for (const clinical_index* i : std::array<const clinical_index*, 2>{&index, &stored}) {
        const auto got = must(select_cohort(*i, must(parse_ccdl(text)), map, tree, today));
        std::set<std::string> ids;
        for (const auto p : got.patients) ids.emplace(i->patient_id(p));
        INFO("seed " << seed << " query " << text << " today " << to_string(today));
        REQUIRE(ids == expected);
        REQUIRE(got.count == expected.size());
      }
      ++asked;
      empty += expected.empty();
    }
  }
  // A test that only ever selects nobody would prove nothing.
  CHECK(empty * 4 < asked * 3);
  std::cout << "cohort property: " << asked << " queries, " << empty << " of them without a patient\n";
}

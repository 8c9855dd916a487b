// Random data and random queries: the index must select exactly whom a scan over the JSON selects. The scan below shares no code with
// the evaluator: it reads members by name, compares dates as text and counts ages by hand.
#include <catch2/catch.hpp>

#include <array>
#include <cstdlib>
#include <iostream>
#include <set>

#include "base/entropy.hpp"
#include "privacy/cohort.hpp"

using namespace dsf;
using namespace dsf::privacy;
using base::json;

namespace {

template <class T>
T must(base::result<T> r) {
  if (!r) FAIL(r.error().to_string());
  return std::move(*r);
}

json parse(const std::string& text) { return must(json::parse(text)); }

std::string code_json(const std::string& system, const std::string& code) {
  return R"({"system":")" + system + R"(","code":")" + code + R"(","display":"x"})";
}
std::string context(const std::string& code) { return code_json("ctx", code); }

const std::string mapping_text = [] {
  std::string out = "[";
  const auto entry = [&](const std::string& ctx, const std::string& key, const std::string& rest) {
    out += (out.size() > 1 ? "," : "") + std::string("{\"context\":") + context(ctx) + ",\"key\":" + key + "," + rest + "}";
  };
  for (const auto* c : {"A", "A1", "A2", "A1x", "B"})
    entry("diagnosis", code_json("icd", c),
          R"("fhirResourceType":"Condition","termCodeSearchParameter":"code","timeRestrictionParameter":"recorded-date",
             "fixedCriteria":[{"type":"concept","searchParameter":"verification-status","value":[)" +
              code_json("ver", "confirmed") + "," + code_json("ver", "provisional") + R"(]}],
             "attributeSearchParameters":[{"attributeType":"concept","attributeKey":)" +
              code_json("attr", "severity") + R"(,"attributeSearchParameter":"severity"}])");
  for (const auto* c : {"L1", "L2"})
    entry(
        "lab", code_json("loinc", c),
        R"("fhirResourceType":"Observation","termCodeSearchParameter":"code","valueSearchParameter":"value-quantity","valueType":"quantity",
             "timeRestrictionParameter":"date","attributeSearchParameters":[
              {"attributeType":"code","attributeKey":)" +
            code_json("attr", "status") + R"(,"attributeSearchParameter":"status"},
              {"attributeType":"composite-quantity","attributeKey":)" +
            code_json("attr", "c1") + R"(,"attributeSearchParameter":"component-code-value-quantity","compositeCode":)" +
            code_json("loinc", "C1") + R"(},
              {"attributeType":"composite-concept","attributeKey":)" +
            code_json("attr", "c2") + R"(,"attributeSearchParameter":"component-code-value-concept","compositeCode":)" +
            code_json("loinc", "C2") + "}]");
  entry(
      "labconcept", code_json("loinc", "L3"),
      R"("fhirResourceType":"Observation","termCodeSearchParameter":"code","valueSearchParameter":"value-concept","valueType":"concept","timeRestrictionParameter":"date")");
  entry("patient", code_json("sct", "gender"), R"("fhirResourceType":"Patient","valueSearchParameter":"gender","valueType":"code")");
  entry("patient", code_json("sct", "age"), R"("fhirResourceType":"Patient","valueSearchParameter":"birthdate","valueType":"Age")");
  for (const auto* c : {"S1", "S2"})
    entry("specimen", code_json("sct", c),
          R"("fhirResourceType":"Specimen","termCodeSearchParameter":"type","timeRestrictionParameter":"collected",
             "attributeSearchParameters":[{"attributeType":"reference","attributeKey":)" +
              code_json("attr", "diagnosis") + R"(,"attributeSearchParameter":"diagnosis"}])");
  return out + "]";
}();

const std::string tree_text = [] {
  const auto module = [](const std::string& ctx, const std::string& system, const std::string& entries) {
    return "{\"context\":" + context(ctx) + ",\"system\":\"" + system + "\",\"entries\":[" + entries + "]}";
  };
  return "[" +
         module(
             "diagnosis", "icd",
             R"({"key":"A","children":["A1","A2"]},{"key":"A1","children":["A1x"]},{"key":"A2","children":["A1x"]},{"key":"A1x"},{"key":"B","children":[]})") +
         "," + module("lab", "loinc", R"({"key":"L1"},{"key":"L2"})") + "," + module("labconcept", "loinc", R"({"key":"L3"})") + "," +
         module("patient", "sct", R"({"key":"gender"},{"key":"age"})") + "," + module("specimen", "sct", R"({"key":"S1"},{"key":"S2"})") +
         "]";
}();

constexpr const char* diagnosis_url = "https://www.medizininformatik-initiative.de/fhir/ext/modul-biobank/StructureDefinition/Diagnose";

class world {
public:
  explicit world(std::uint64_t seed) : dice_(seed) {}

  std::vector<json> resources() {
    std::vector<json> out;
    for (std::uint64_t p = 0, n = 1 + dice_.below(25); p < n; ++p) {
      const auto id = "p" + std::to_string(p);
      if (!one_of(10))
        out.push_back(parse(R"({"resourceType":"Patient","id":")" + id + "\"" +
                            (one_of(8) ? "" : R"(,"gender":")" + pick({"male", "female"}) + "\"") +
                            (one_of(8) ? "" : R"(,"birthDate":")" + date() + "\"") + "}"));
      const auto subject =
          R"("subject":{"reference":")" + (one_of(4) ? "https://x.org/fhir/Patient/" + id + "/_history/2" : "Patient/" + id) + "\"}";
      for (std::uint64_t k = dice_.below(5); k > 0; --k) condition(out, subject);
      for (std::uint64_t k = dice_.below(5); k > 0; --k) observation(out, subject);
      for (std::uint64_t k = dice_.below(3); k > 0; --k) specimen(out, subject);
    }
    return out;
  }

  std::string query() {
    std::string out = R"({"version":"2","inclusionCriteria":)" + groups();
    if (one_of(2)) out += R"(,"exclusionCriteria":)" + groups();
    return out + "}";
  }
  day today() { return *parse_day(full_date()); }

private:
  bool one_of(std::uint64_t n) { return dice_.below(n) == 0; }
  std::string pick(std::initializer_list<const char*> from) { return *(from.begin() + dice_.below(from.size())); }
  std::string full_date() {
    // Few different days, month ends and leap days among them, so that borders are hit.
    return pick({"2020", "2021", "2022", "2024"}) + pick({"-01-01", "-01-31", "-02-28", "-03-01", "-03-31", "-12-31"});
  }
  std::string date() {
    if (one_of(6)) return "2020-02-29";
    const auto d = full_date();
    return one_of(6) ? d.substr(0, 4) : one_of(6) ? d.substr(0, 7) : one_of(4) ? d + "T23:30:00+02:00" : d;
  }
  std::string concept_json(const std::string& system, const std::string& code) {
    std::string out = R"({"coding":[)";
    if (one_of(4)) out += code_json("other", code) + ",";
    if (one_of(6)) out += R"({"code":")" + code + R"("},)";
    return out + code_json(system, code) + "]}";
  }
  std::string quantity_json() {
    const auto unit =
        pick({R"(,"unit":"%","code":"%")", R"(,"unit":"Prozent","code":"%")", R"(,"unit":"mg","code":"mg")", R"(,"unit":"%")", ""});
    return R"({"value":)" + pick({"1", "1.0", "1.5", "2", "-3", "1e1"}) + unit + "}";
  }
  void condition(std::vector<json>& out, const std::string& subject) {
    const auto id = "c" + std::to_string(++number_);
    out.push_back(
        parse(R"({"resourceType":"Condition","id":")" + id + "\"," + subject + R"(,"code":)" +
              concept_json("icd", pick({"A", "A1", "A2", "A1x", "B", "Z"})) +
              (one_of(5) ? "" : R"(,"verificationStatus":)" + concept_json("ver", pick({"confirmed", "provisional", "refuted"}))) +
              (one_of(3) ? "" : R"(,"severity":)" + concept_json("sct", pick({"mild", "severe"}))) +
              (one_of(4) ? "" : R"(,"recordedDate":")" + date() + "\"") + "}"));
    conditions_.push_back(id);
  }
  void observation(std::vector<json>& out, const std::string& subject) {
    std::string o = R"({"resourceType":"Observation","id":"o)" + std::to_string(++number_) + R"(","status":")" +
                    pick({"final", "preliminary"}) + "\"," + subject + R"(,"code":)" + concept_json("loinc", pick({"L1", "L2", "L3"}));
    if (one_of(3)) {
      o += R"(,"valueCodeableConcept":)" + concept_json("sct", pick({"pos", "neg"}));
    } else if (!one_of(4)) {
      o += R"(,"valueQuantity":)" + quantity_json();
    }
    if (one_of(3)) {
      o += R"(,"effectivePeriod":{)" + (one_of(3) ? "" : R"("start":")" + date() + "\"");
      if (o.back() != '{') o += one_of(3) ? "" : R"(,"end":"2024-12-31")";
      o += "}";
    } else if (!one_of(5)) {
      o += R"(,"effectiveDateTime":")" + date() + "\"";
    }
    if (one_of(2)) {
      o += R"(,"component":[)";
      for (std::uint64_t k = 1 + dice_.below(2); k > 0; --k)
        o += R"({"code":)" + concept_json("loinc", pick({"C1", "C2"})) + "," +
             (one_of(2) ? R"("valueQuantity":)" + quantity_json()
                        : R"("valueCodeableConcept":)" + concept_json("sct", pick({"pos", "neg"}))) +
             (k > 1 ? "}," : "}");
      o += "]";
    }
    out.push_back(parse(o + "}"));
  }
  void specimen(std::vector<json>& out, const std::string& subject) {
    std::string s = R"({"resourceType":"Specimen","id":"s)" + std::to_string(++number_) + "\"," + subject + R"(,"type":)" +
                    concept_json("sct", pick({"S1", "S2"}));
    if (!one_of(3)) s += R"(,"collection":{"collectedDateTime":")" + date() + "\"}";
    if (!conditions_.empty() && !one_of(4))
      s += std::string(R"(,"extension":[{"url":"other","valueReference":{"reference":"Condition/none"}},{"url":")") + diagnosis_url +
           R"(","valueReference":{"reference":"Condition/)" + conditions_[dice_.below(conditions_.size())] + "\"}}]";
    out.push_back(parse(s + "}"));
  }

  std::string groups() {
    std::string out = "[";
    for (std::uint64_t g = 1 + dice_.below(3); g > 0; --g) {
      out += "[";
      for (std::uint64_t c = 1 + dice_.below(3); c > 0; --c) out += criterion_json(true) + (c > 1 ? "," : "");
      out += g > 1 ? "]," : "]";
    }
    return out + "]";
  }
  std::string number() { return pick({"1", "1.5", "2", "-3", "10", "0"}); }
  std::string quantity_filter() {
    const auto unit = pick({R"(,"unit":{"code":"%","display":"%"})", R"(,"unit":{"code":"Prozent","display":"%"})",
                            R"(,"unit":{"code":"mg","display":"mg"})", ""});
    if (one_of(3))
      return R"("type":"quantity-range","minValue":)" + pick({"-3", "0", "1"}) + R"(,"maxValue":)" + pick({"1", "1.5", "10"}) + unit;
    return R"("type":"quantity-comparator","comparator":")" + pick({"eq", "ne", "lt", "le", "gt", "ge"}) + R"(","value":)" + number() +
           unit;
  }
  std::string concepts(const std::string& system, std::initializer_list<const char*> codes) {
    std::string out = R"("type":"concept","selectedConcepts":[)" + code_json(system, pick(codes));
    if (one_of(3)) out += "," + code_json(system, pick(codes));
    if (one_of(6)) out += "," + code_json("", pick(codes));
    return out + "]";
  }
  std::string time() {
    if (!one_of(3)) return "";
    const auto after = R"("afterDate":")" + full_date() + "\"", before = R"("beforeDate":")" + full_date() + "\"";
    return R"(,"timeRestriction":{)" + (one_of(3) ? after : one_of(2) ? before : after + "," + before) + "}";
  }
  std::string head(const std::string& ctx, const std::string& codes) {
    return "{\"context\":" + context(ctx) + ",\"termCodes\":[" + codes + "]";
  }
  std::string diagnosis() {
    auto codes = code_json("icd", pick({"A", "A1", "A2", "A1x", "B"}));
    if (one_of(4)) codes += "," + code_json("icd", pick({"A1", "B"}));
    std::string out = head("diagnosis", codes);
    if (one_of(3))
      out += R"(,"attributeFilters":[{"attributeCode":)" + code_json("attr", "severity") + "," + concepts("sct", {"mild", "severe"}) + "}]";
    return out + time() + "}";
  }
  std::string criterion_json(bool references) {
    switch (dice_.below(references ? 6 : 1)) {
      case 0: return diagnosis();
      case 1: {
        std::string out = head("lab", code_json("loinc", pick({"L1", "L2"})));
        if (one_of(2)) out += R"(,"valueFilter":{)" + quantity_filter() + "}";
        if (one_of(2)) {
          out += R"(,"attributeFilters":[)";
          const auto k = dice_.below(3);
          if (k == 0)
            out += R"({"attributeCode":)" + code_json("attr", "status") + "," + concepts("whatever", {"final", "preliminary"}) + "}";
          if (k == 1) out += R"({"attributeCode":)" + code_json("attr", "c1") + "," + quantity_filter() + "}";
          if (k == 2) out += R"({"attributeCode":)" + code_json("attr", "c2") + "," + concepts("sct", {"pos", "neg"}) + "}";
          out += "]";
        }
        return out + time() + "}";
      }
      case 2:
        return head("labconcept", code_json("loinc", "L3")) +
               (one_of(4) ? "" : R"(,"valueFilter":{)" + concepts("sct", {"pos", "neg"}) + "}") + time() + "}";
      case 3: return head("patient", code_json("sct", "gender")) + R"(,"valueFilter":{)" + concepts("any", {"male", "female"}) + "}}";
      case 4: {
        const auto unit = R"(,"unit":{"code":")" + pick({"a", "mo", "wk"}) + R"(","display":"x"})";
        std::string filter =
            one_of(4) ? R"("type":"quantity-range","minValue":)" + pick({"0", "1", "2"}) + R"(,"maxValue":)" + pick({"2", "3", "24"})
                      : R"("type":"quantity-comparator","comparator":")" + pick({"eq", "lt", "le", "gt", "ge"}) + R"(","value":)" +
                            pick({"0", "1", "2", "3", "12", "25"});
        return head("patient", code_json("sct", "age")) + R"(,"valueFilter":{)" + filter + unit + "}}";
      }
      default: {
        std::string out = head("specimen", code_json("sct", pick({"S1", "S2"})));
        if (!one_of(3)) {
          out += R"(,"attributeFilters":[{"type":"reference","attributeCode":)" + code_json("attr", "diagnosis") + R"(,"criteria":[)" +
                 diagnosis();
          if (one_of(3)) out += "," + criterion_json(false);
          out += "]}]";
        }
        return out + time() + "}";
      }
    }
  }

  base::seeded_entropy dice_;
  std::uint64_t number_ = 0;
  std::vector<std::string> conditions_;
};

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

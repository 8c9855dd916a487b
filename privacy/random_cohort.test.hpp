// Random clinical data and random queries for the property test of cohorts.
#pragma once

#include <catch2/catch.hpp>

#include <array>
#include <string>
#include <vector>

#include "base/entropy.hpp"
#include "base/json.hpp"
#include "privacy/cohort.hpp"

// Included by one test file only.
namespace {

using namespace dsf;
using namespace dsf::privacy;
using base::json;

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

}  // namespace

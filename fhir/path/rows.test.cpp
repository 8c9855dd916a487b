#include "fhir/path/rows.test.hpp"

#include <catch2/catch.hpp>

namespace dsf::fhir::path::test {

const base::json& patient() {
  static const auto out = base::json::parse(R"({
    "resourceType": "Patient", "id": "p1",
    "meta": {"versionId": "3", "lastUpdated": "2026-03-01T10:00:00.000+01:00"},
    "contained": [{"resourceType": "Organization", "id": "o1", "name": "Klinik"}],
    "extension": [
      {"url": "http://example.org/weight", "valueQuantity": {"value": 81.50, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"}},
      {"url": "http://example.org/word", "valueString": "abc"}],
    "identifier": [{"system": "urn:a", "value": "17"}, {"system": "urn:b", "value": "18", "period": {"start": "2020-01-01", "end": "2021"}}],
    "active": true,
    "name": [{"use": "official", "family": "Muster", "given": ["Anna", "Bea"]},
             {"use": "nickname", "given": ["Änne", null], "_given": [null, {"extension": [{"url": "urn:x", "valueCode": "masked"}]}]}],
    "telecom": [{"system": "phone", "value": "1", "rank": 2}, {"system": "phone", "value": "2", "rank": 1}, {"system": "email", "value": "a@b"}],
    "gender": "female", "_gender": {"id": "g1", "extension": [{"url": "urn:gender", "valueString": "f"}]},
    "birthDate": "1980-02-29",
    "multipleBirthInteger": 2,
    "managingOrganization": {"reference": "#o1"},
    "generalPractitioner": [{"reference": "Practitioner/7"}, {"reference": "https://x.org/fhir/Organization/8/_history/2"}],
    "_deceasedDateTime": {"extension": [{"url": "urn:unknown", "valueBoolean": true}]}
  })")
                              .value();
  return out;
}

const base::json& observation() {
  static const auto out = base::json::parse(R"({
    "resourceType": "Observation", "status": "final",
    "code": {"coding": [{"system": "http://loinc.org", "code": "1-8"}], "text": "Heart"},
    "effectiveDateTime": "2026-03-01T10:00:00+01:00", "issued": "2026-03-01T09:30:00.000Z",
    "valueQuantity": {"value": 185, "unit": "lbs", "system": "http://unitsofmeasure.org", "code": "[lb_av]"},
    "component": [{"code": {"text": "a"}, "valueInteger": 1}, {"code": {"text": "b"}, "valueInteger": 2}, {"code": {"text": "c"}, "valueString": "x"}]
  })")
                              .value();
  return out;
}

std::string outcome(std::string_view text, const base::json& resource, const environment* with) {
  const auto e = expression::compile(text);
  if (!e) return "!" + e.error().code().substr(9);
  auto own = environment::of(resource);
  own.now = base::timestamp{1'790'000'000'123'000};  // 2026-09-21T14:13:20.123Z
  const auto r = e->evaluate(element::of(resource), with ? *with : own);
  if (!r) return "!" + r.error().code().substr(9);
  if (r->empty()) return "{}";
  std::string out;
  for (const auto& i : *r) {
    if (!out.empty()) out += ", ";
    const auto shown = text_of(i);
    out += shown ? *shown : "<" + type_name_of(i) + ">";
  }
  return out;
}

void check(std::span<const row> rows, const base::json& resource) {
  for (const auto& r : rows) {
    INFO(r.expression);
    CHECK(outcome(r.expression, resource) == r.gives);
  }
}

}  // namespace dsf::fhir::path::test

#include "privacy/generator.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/entropy.hpp"

namespace dsf::privacy {
namespace {

using base::json;
using base::result;

constexpr std::string_view icd = "http://fhir.de/CodeSystem/bfarm/icd-10-gm";
constexpr std::string_view loinc = "http://loinc.org";
constexpr std::string_view ucum = "http://unitsofmeasure.org";
constexpr std::string_view consent_policy = "urn:oid:2.16.840.1.113883.3.1937.777.24.5.3";
constexpr std::string_view mdat_scientific_use = "2.16.840.1.113883.3.1937.777.24.5.3.8";
constexpr std::array<std::string_view, 7> diabetes_codes{"E10.20", "E10.90", "E11.20", "E11.72", "E11.90", "E13.90", "E14.90"};
constexpr std::array<std::string_view, 4> hypertension_codes{"I10.00", "I10.90", "I11.90", "I13.20"};
constexpr std::array<std::string_view, 4> other_codes{"J44.99", "J45.9", "K21.0", "C50.9"};

json coding(std::string_view system, std::string_view code) {
  json c;
  c.set("system", json(system));
  c.set("code", json(code));
  return c;
}
json concept_of(std::string_view system, std::string_view code) {
  json out;
  out.set("coding", json(json::array{coding(system, code)}));
  return out;
}
// One decimal place, exact: 7.0 is written 7.0.
json tenths(std::uint64_t n) { return json(json::number{fmt::format("{}.{}", n / 10, n % 10)}); }
json quantity(json value, std::string_view unit, std::string_view code) {
  json out;
  out.set("value", std::move(value));
  out.set("unit", json(unit));
  out.set("system", json(ucum));
  out.set("code", json(code));
  return out;
}

std::uint64_t hash(std::string_view text) {
  std::uint64_t h = 0xcbf29ce484222325;  // FNV-1a
  for (const char c : text) h = (h ^ static_cast<std::uint8_t>(c)) * 0x100000001b3;
  return h;
}

// What the ledger has to know about one patient.
struct facts {
  bool female = false, diabetes = false, hypertension = false, hba1c_above_7 = false, age_65 = false, systolic_140 = false, permit = false;
};

class generator {
public:
  generator(const generator_settings& s, const resource_sink& sink) : settings_(s), sink_(sink), dice_(s.seed ^ hash(s.site)) {}

  result<generator_ledger> run() {
    for (const auto* name : {"demo", "female", "diabetes", "hypertension", "hba1c-above-7", "age-65", "systolic-140", "consent-permit",
                             "women-diabetes-without-hypertension", "diabetes-or-hypertension-with-consent"})
      ledger_.counts[name] = 0;
    for (std::uint32_t i = 0; i < settings_.patients; ++i) {
      number_ = 0;
      patient_ = fmt::format("{}-p{:06}", settings_.site, i);
      note(TRY(one()));
      ++ledger_.patients;
    }
    return std::move(ledger_);
  }

private:
  bool chance(std::uint64_t percent) { return dice_.below(100) < percent; }
  // A day of the last `days` days.
  std::string recent(std::uint64_t days) {
    return to_string(plus_days(settings_.today, -1 - static_cast<std::int32_t>(dice_.below(days))));
  }

  result<facts> one() {
    facts f;
    TRY(person(f));
    f.diabetes = chance(40);
    f.hypertension = chance(35);
    if (f.diabetes)
      for (std::uint64_t n = 1 + dice_.below(3); n > 0; --n) TRY(condition(diabetes_codes[dice_.below(diabetes_codes.size())]));
    if (f.hypertension) TRY(condition(hypertension_codes[dice_.below(hypertension_codes.size())]));
    if (chance(30)) TRY(condition(other_codes[dice_.below(other_codes.size())]));
    if (chance(f.diabetes ? 95 : 40))
      for (std::uint64_t n = 1 + dice_.below(3); n > 0; --n) TRY(hba1c(f));
    if (chance(60)) TRY(blood_pressure(f));
    if (chance(75)) TRY(consent(f));
    return f;
  }

  result<void> person(facts& f) {
    const auto die = dice_.below(100);
    const std::string_view gender = die < 51 ? "female" : die < 98 ? "male" : die < 99 ? "other" : "unknown";
    f.female = gender == "female";
    const auto year = 1930 + static_cast<int>(dice_.below(93));
    const auto month = 1 + static_cast<int>(dice_.below(12));
    static constexpr std::array<int, 12> lengths{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool leap = year % 4 == 0 && year != 1900;
    const auto length = lengths[static_cast<std::size_t>(month - 1)] + (month == 2 && leap ? 1 : 0);
    const auto of_month = 1 + static_cast<int>(dice_.below(static_cast<std::uint64_t>(length)));
    // The years lived are the difference of the years, less one when this year's birthday is still to come.
    const auto now = to_string(settings_.today);
    const int this_year = std::stoi(now.substr(0, 4));
    const int today_of_year = std::stoi(now.substr(5, 2)) * 100 + std::stoi(now.substr(8, 2));
    f.age_65 = this_year - year - (month * 100 + of_month > today_of_year ? 1 : 0) >= 65;
    json p = resource("Patient", patient_);
    p.set("active", true);
    p.set("gender", json(gender));
    p.set("birthDate", json(fmt::format("{:04}-{:02}-{:02}", year, month, of_month)));
    return emit(p);
  }

  result<void> condition(std::string_view code) {
    json c = owned("Condition", "subject");
    c.set("code", concept_of(icd, code));
    c.set("recordedDate", json(recent(3'650)));
    return emit(c);
  }

  result<void> hba1c(facts& f) {
    // Tenths of a percent: 4.5 to 6.4, with diabetes 5.5 to 11.4.
    const auto value = f.diabetes ? 55 + dice_.below(60) : 45 + dice_.below(20);
    const bool valid = !chance(3);
    f.hba1c_above_7 = f.hba1c_above_7 || (valid && value > 70);
    json o = observation("4548-4", valid ? "final" : "entered-in-error");
    o.set("valueQuantity", quantity(tenths(value), "%", "%"));
    return emit(o);
  }

  result<void> blood_pressure(facts& f) {
    const auto systolic = (f.hypertension ? 125 : 100) + dice_.below(50);
    const auto diastolic = 60 + dice_.below(40);
    f.systolic_140 = systolic >= 140;
    json o = observation("85354-9", "final");
    json::array components;
    for (const auto& [code, value] : {std::pair{"8480-6", systolic}, std::pair{"8462-4", diastolic}}) {
      json c;
      c.set("code", concept_of(loinc, code));
      c.set("valueQuantity", quantity(json(value), "mmHg", "mm[Hg]"));
      components.push_back(std::move(c));
    }
    o.set("component", json(std::move(components)));
    return emit(o);
  }

  // One nested provision, as a broad consent of the MII has it: a deny as the rule, a permission (or refusal) for a policy.
  result<void> consent(facts& f) {
    f.permit = chance(85);
    json c = owned("Consent", "patient");
    c.set("status", "active");
    c.set("scope", concept_of("http://terminology.hl7.org/CodeSystem/consentscope", "research"));
    c.set("category", json(json::array{concept_of(loinc, "57016-8")}));
    const auto from = recent(1'800);
    const auto until = fmt::format("{:04}{}", std::stoi(from.substr(0, 4)) + 30, from.substr(4, 4) + "01");
    c.set("dateTime", json(from));
    json period;
    period.set("start", json(from));
    period.set("end", json(until));
    json inner;
    inner.set("type", f.permit ? "permit" : "deny");
    inner.set("period", period);
    inner.set("code", json(json::array{concept_of(consent_policy, mdat_scientific_use)}));
    json outer;
    outer.set("type", "deny");
    outer.set("period", period);
    outer.set("provision", json(json::array{std::move(inner)}));
    c.set("provision", std::move(outer));
    return emit(c);
  }

  json observation(std::string_view code, std::string_view status) {
    json o = owned("Observation", "subject");
    o.set("status", json(status));
    o.set("code", concept_of(loinc, code));
    o.set("effectiveDateTime", json(recent(1'800)));
    return o;
  }
  static json resource(std::string_view type, std::string_view id) {
    json r;
    r.set("resourceType", json(type));
    r.set("id", json(id));
    return r;
  }
  json owned(std::string_view type, std::string_view member) {
    json r = resource(type, fmt::format("{}-{}", patient_, ++number_));
    json reference;
    reference.set("reference", json("Patient/" + patient_));
    r.set(member, std::move(reference));
    return r;
  }
  result<void> emit(const json& r) {
    ++ledger_.resources;
    return sink_(r);
  }

  void note(const facts& f) {
    const auto count = [&](std::string_view name, bool holds) { ledger_.counts.find(name)->second += holds ? 1 : 0; };
    count("demo", f.diabetes && f.hba1c_above_7 && !f.hypertension);
    count("female", f.female);
    count("diabetes", f.diabetes);
    count("hypertension", f.hypertension);
    count("hba1c-above-7", f.hba1c_above_7);
    count("age-65", f.age_65);
    count("systolic-140", f.systolic_140);
    count("consent-permit", f.permit);
    count("women-diabetes-without-hypertension", f.female && f.diabetes && !f.hypertension);
    count("diabetes-or-hypertension-with-consent", (f.diabetes || f.hypertension) && f.permit);
  }

  const generator_settings& settings_;
  const resource_sink& sink_;
  base::seeded_entropy dice_;
  generator_ledger ledger_;
  std::string patient_;
  std::uint32_t number_ = 0;
};

}  // namespace

json generator_ledger::to_json() const {
  json out;
  out.set("patients", patients);
  out.set("resources", resources);
  json& by_name = out.set("counts", json(json::object{}));
  for (const auto& [name, count] : counts) by_name.set(name, count);
  return out;
}

result<generator_ledger> generate(const generator_settings& settings, const resource_sink& sink) {
  const bool plain = std::ranges::all_of(
      settings.site, [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-'; });
  if (settings.site.empty() || settings.site.size() > 32 || !plain)
    return base::fail(errc::argument,
                      fmt::format("the site name '{}' must be 1 to 32 letters, digits or '-', because ids are made of it", settings.site));
  if (settings.patients > 1'000'000) return base::fail(errc::limit, "at most 1,000,000 patients a site are generated");
  return generator(settings, sink).run();
}

}  // namespace dsf::privacy

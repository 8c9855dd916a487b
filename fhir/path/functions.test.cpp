// Every function with its edges. FHIRPath N1, 5 and 7; R4 fhirpath.html
#include <catch2/catch.hpp>
#include <map>

#include "fhir/path/rows.test.hpp"

namespace dsf::fhir::path::test {

TEST_CASE("FHIRPath existence functions") {
  static constexpr row rows[] = {{"{}.empty()", "true"},
                                 {"1.empty()", "false"},
                                 {"{}.exists()", "false"},
                                 {"name.exists(use = 'nickname')", "true"},
                                 {"name.exists(use = 'x')", "false"},
                                 {"{}.all(false)", "true"},
                                 {"name.all(given.exists())", "true"},
                                 {"name.all(family.exists())", "false"},
                                 {"name.all({})", "false"},
                                 {"(1|2).all($this > 0)", "true"},
                                 {"{}.allTrue()", "true"},
                                 {"(true|false).allTrue()", "false"},
                                 {"true.combine(true).allTrue()", "true"},
                                 {"{}.anyTrue()", "false"},
                                 {"(true|false).anyTrue()", "true"},
                                 {"{}.allFalse()", "true"},
                                 {"(true|false).allFalse()", "false"},
                                 {"false.allFalse()", "true"},
                                 {"(true|false).anyFalse()", "true"},
                                 {"true.anyFalse()", "false"},
                                 {"1.allTrue()", "!type"},
                                 {"(1|2).subsetOf(1|2|3)", "true"},
                                 {"(1|4).subsetOf(1|2|3)", "false"},
                                 {"{}.subsetOf(1)", "true"},
                                 {"1.subsetOf({})", "false"},
                                 {"(1|2|3).supersetOf(1|2)", "true"},
                                 {"1.supersetOf(1|2)", "false"},
                                 {"1.supersetOf({})", "true"},
                                 {"{}.supersetOf(1)", "false"},
                                 {"{}.count()", "0"},
                                 {"name.given.count()", "4"},
                                 {"telecom.system.distinct()", "phone, email"},
                                 {"1.combine(1.0).distinct()", "1"},
                                 {"{}.distinct()", "{}"},
                                 {"telecom.system.isDistinct()", "false"},
                                 {"telecom.value.isDistinct()", "true"},
                                 {"{}.isDistinct()", "true"},
                                 {"name.distinct().count()", "2"}};
  check(rows);
}

TEST_CASE("FHIRPath filtering, subsetting, combining and tree functions") {
  static constexpr row rows[] = {{"telecom.where(system = 'phone').value", "1, 2"},
                                 {"{}.where(true)", "{}"},
                                 {"(1|2|3).where($this > 1)", "2, 3"},
                                 {"(1|2|3).where($index > 0)", "2, 3"},
                                 {"(1|2).where({})", "{}"},
                                 {"(1|2).where(1|2)", "!cardinality"},
                                 {"(1|2).select($this + 1)", "2, 3"},
                                 {"name.select(given.first())", "Anna, Änne"},
                                 {"(1|2).select({})", "{}"},
                                 {"(5|6).select($index)", "0, 1"},
                                 {"$index", "!unknown_name"},
                                 {"$total", "!unknown_name"},
                                 {"1.repeat($this)", "1"},
                                 {"Patient.repeat(contained).id", "o1"},
                                 {"Patient.telecom.repeat(system)", "phone, email"},
                                 {"1.repeat(iif($this < 5, $this + 1, {}))", "2, 3, 4, 5"},
                                 {"(1|2).single()", "!cardinality"},
                                 {"1.single()", "1"},
                                 {"{}.single()", "{}"},
                                 {"(1|2|3).first()", "1"},
                                 {"{}.first()", "{}"},
                                 {"(1|2|3).last()", "3"},
                                 {"(1|2|3).tail()", "2, 3"},
                                 {"1.tail()", "{}"},
                                 {"(1|2|3).skip(1)", "2, 3"},
                                 {"(1|2|3).skip(0)", "1, 2, 3"},
                                 {"(1|2|3).skip(-1)", "1, 2, 3"},
                                 {"(1|2|3).skip(5)", "{}"},
                                 {"(1|2|3).take(2)", "1, 2"},
                                 {"(1|2|3).take(0)", "{}"},
                                 {"(1|2|3).take(-1)", "{}"},
                                 {"(1|2|3).take(9)", "1, 2, 3"},
                                 {"(1|2).skip('a')", "!type"},
                                 {"(1|2|3).intersect(2|3|4)", "2, 3"},
                                 {"1.combine(1).intersect(1)", "1"},
                                 {"1.intersect({})", "{}"},
                                 {"1.combine(1).combine(2).exclude(2)", "1, 1"},
                                 {"(1|2).exclude({})", "1, 2"},
                                 {"(1|2).union(2|3)", "1, 2, 3"},
                                 {"1.combine(1)", "1, 1"},
                                 {"1.combine({})", "1"},
                                 {"{} | {}", "{}"},
                                 {"name.first().children().count()", "4"},
                                 {"1.children()", "{}"},
                                 {"contained.descendants().count()", "2"},
                                 {"(1|2|3|4).aggregate($this + $total, 0)", "10"},
                                 {"(1|2|3).aggregate(iif($total.empty(), $this, iif($this > $total, $this, $total)))", "3"},
                                 {"{}.aggregate($this, 5)", "5"},
                                 {"(1|2).aggregate($total | $this * $index)", "0, 2"},
                                 {"(1|2).first(1)", "!syntax"},
                                 {"name.given.where(startsWith('A'))", "Anna"}};
  check(rows);
}

TEST_CASE("FHIRPath conversion functions") {
  static constexpr row rows[] = {{"iif(true, 1, 2)", "1"},
                                 {"iif(false, 1, 2)", "2"},
                                 {"iif({}, 1, 2)", "2"},
                                 {"iif(false, 1)", "{}"},
                                 {"iif(true, 1, 1 + 'a')", "1"},
                                 {"(1|2).iif(true, 1)", "!cardinality"},
                                 {"5.iif($this > 4, 'big', 'small')", "big"},
                                 {"'true'.toBoolean()", "true"},
                                 {"'Yes'.toBoolean()", "true"},
                                 {"'0'.toBoolean()", "false"},
                                 {"'F'.toBoolean()", "false"},
                                 {"'maybe'.toBoolean()", "{}"},
                                 {"1.toBoolean()", "true"},
                                 {"2.toBoolean()", "{}"},
                                 {"0.0.toBoolean()", "false"},
                                 {"'1.0'.convertsToBoolean()", "true"},
                                 {"'2'.convertsToBoolean()", "false"},
                                 {"{}.convertsToBoolean()", "{}"},
                                 {"(1|0).toBoolean()", "!cardinality"},
                                 {"'12'.toInteger()", "12"},
                                 {"'-12'.toInteger()", "-12"},
                                 {"'+3'.toInteger()", "3"},
                                 {"'1.0'.toInteger()", "{}"},
                                 {"'2147483648'.toInteger()", "{}"},
                                 {"true.toInteger()", "1"},
                                 {"1.5.toInteger()", "{}"},
                                 {"'a'.convertsToInteger()", "false"},
                                 {"'1'.convertsToInteger()", "true"},
                                 {"'1.50'.toDecimal()", "1.50"},
                                 {"1.toDecimal()", "1"},
                                 {"1.toDecimal() is Decimal", "true"},
                                 {"true.toDecimal()", "1.0"},
                                 {"'1.'.toDecimal()", "{}"},
                                 {"'.5'.toDecimal()", "{}"},
                                 {"'1e3'.toDecimal()", "{}"},
                                 {"'x'.convertsToDecimal()", "false"},
                                 {"'2012-02'.toDate()", "2012-02"},
                                 {"'2012-02-30'.toDate()", "{}"},
                                 {"@2012-01-01T10:00:00.toDate()", "2012-01-01"},
                                 {"'2012-01-01T10:00'.toDate()", "2012-01-01"},
                                 {"1.toDate()", "{}"},
                                 {"'2012'.convertsToDate()", "true"},
                                 {"'2012-01-01T10:00:00Z'.toDateTime()", "2012-01-01T10:00:00Z"},
                                 {"@2012.toDateTime() is DateTime", "true"},
                                 {"'x'.convertsToDateTime()", "false"},
                                 {"'2012-01-01T10'.convertsToDateTime()", "true"},
                                 {"'10:30'.toTime()", "10:30"},
                                 {"'25:00'.toTime()", "{}"},
                                 {"@T10.toTime()", "10"},
                                 {"'10:30:00.5'.convertsToTime()", "true"},
                                 {"1.convertsToTime()", "false"},
                                 {"'1 day'.toQuantity()", "1 day"},
                                 {"'1 \\'mg\\''.toQuantity()", "1 'mg'"},
                                 {"'1.5'.toQuantity()", "1.5 '1'"},
                                 {"5.toQuantity()", "5 '1'"},
                                 {"true.toQuantity()", "1.0 '1'"},
                                 {"'1 mg'.toQuantity()", "{}"},
                                 {"'day'.toQuantity()", "{}"},
                                 {"1 'g'.toQuantity('mg')", "1000 'mg'"},
                                 {"1 'g'.toQuantity('s')", "{}"},
                                 {"1 week.toQuantity('days')", "7 day"},
                                 {"'4 weeks'.convertsToQuantity()", "true"},
                                 {"'4 wk'.convertsToQuantity()", "false"},
                                 {"1 'g'.convertsToQuantity('kg')", "true"},
                                 {"1.toString()", "1"},
                                 {"1.50.toString()", "1.50"},
                                 {"true.toString()", "true"},
                                 {"@2012-01.toString()", "2012-01"},
                                 {"1 'mg'.toString()", "1 'mg'"},
                                 {"name.toString()", "!cardinality"},
                                 {"name[0].toString()", "{}"},
                                 {"name[0].convertsToString()", "false"},
                                 {"birthDate.toString()", "1980-02-29"},
                                 {"@T10:00.convertsToString()", "true"}};
  check(rows);
}

TEST_CASE("FHIRPath string functions count characters") {
  static constexpr row rows[] = {{"'abcdef'.indexOf('cd')", "2"},
                                 {"'äöü'.indexOf('ü')", "2"},
                                 {"'abc'.indexOf('x')", "-1"},
                                 {"'abc'.indexOf('')", "0"},
                                 {"{}.indexOf('a')", "{}"},
                                 {"'a'.indexOf({})", "{}"},
                                 {"1.indexOf('a')", "!type"},
                                 {"'a'.indexOf(1)", "!type"},
                                 {"('a'|'b').indexOf('a')", "!cardinality"},
                                 {"'abcabc'.lastIndexOf('b')", "4"},
                                 {"'abcdef'.substring(2)", "cdef"},
                                 {"'abcdef'.substring(1, 3)", "bcd"},
                                 {"'äöü'.substring(1, 1)", "ö"},
                                 {"'abc'.substring(3)", "{}"},
                                 {"'abc'.substring(-1)", "{}"},
                                 {"'abc'.substring(1, 0)", ""},
                                 {"'abc'.substring(1, 99)", "bc"},
                                 {"'abc'.substring({})", "{}"},
                                 {"'abc'.startsWith('ab')", "true"},
                                 {"'abc'.startsWith('')", "true"},
                                 {"'abc'.endsWith('bc')", "true"},
                                 {"'abc'.endsWith('a')", "false"},
                                 {"'abc'.contains('b')", "true"},
                                 {"'abc'.contains('')", "true"},
                                 {"{}.contains('a')", "{}"},
                                 {"'äB'.upper()", "ÄB"},
                                 {"'Straße'.upper()", "STRASSE"},
                                 {"'ÄB'.lower()", "äb"},
                                 {"'abcabc'.replace('b', 'x')", "axcaxc"},
                                 {"'abc'.replace('b', '')", "ac"},
                                 {"'ab'.replace('', '-')", "-a-b-"},
                                 {"'abc'.replace({}, 'x')", "{}"},
                                 {"'abc'.matches('b')", "true"},
                                 {"'abc'.matches('^b')", "false"},
                                 {"'abc'.matches('^[a-c]+$')", "true"},
                                 {"'a\\nb'.matches('a.b')", "true"},
                                 {"'abc'.matches({})", "{}"},
                                 {"'abc'.matches('(')", "!type"},
                                 {"'abc'.matches('a' & '(')", "!type"},
                                 {"'abc'.matchesFull('b')", "false"},
                                 {"'abc'.matchesFull('.*')", "true"},
                                 {"'2012-03'.replaceMatches('(\\\\d+)-(\\\\d+)', '$2/$1')", "03/2012"},
                                 {"'abc'.replaceMatches('(?P<x>b)', '[${x}]')", "a[b]c"},
                                 {"'abc'.replaceMatches('', 'x')", "abc"},
                                 {"'abc'.replaceMatches('x*', '-')", "-a-b-c-"},
                                 {"'a'.replaceMatches('a', '$9$$')", "$"},
                                 {"'äöü'.length()", "3"},
                                 {"''.length()", "0"},
                                 {"{}.length()", "{}"},
                                 {"'aö'.toChars()", "a, ö"},
                                 {"''.toChars()", "{}"},
                                 {"' a '.trim()", "a"},
                                 {"'a,b,'.split(',')", "a, b, "},
                                 {"('a'|'b').join('-')", "a-b"},
                                 {"{}.join(',')", "{}"},
                                 {"(1|2).join(',')", "!type"}};
  check(rows);
}

TEST_CASE("FHIRPath math functions are exact where they can be") {
  static constexpr row rows[] = {{"(-5).abs()", "5"},
                                 {"(-5.50).abs()", "5.50"},
                                 {"(-5 'mg').abs()", "5 'mg'"},
                                 {"(-2147483648).abs()", "{}"},
                                 {"{}.abs()", "{}"},
                                 {"'a'.abs()", "!type"},
                                 {"(1|2).abs()", "!cardinality"},
                                 {"1.1.ceiling()", "2"},
                                 {"(-1.1).ceiling()", "-1"},
                                 {"2.9.floor()", "2"},
                                 {"(-2.1).floor()", "-3"},
                                 {"3000000000.5.floor()", "{}"},
                                 {"(-1.56).truncate()", "-1"},
                                 {"101.truncate()", "101"},
                                 {"0.exp()", "1"},
                                 {"1.exp().round(10)", "2.7182818285"},
                                 {"1000.exp()", "{}"},
                                 {"1.ln()", "0"},
                                 {"0.ln()", "{}"},
                                 {"(-1).ln()", "{}"},
                                 {"16.log(2)", "4"},
                                 {"100.0.log(10.0)", "2"},
                                 {"2.log(1)", "{}"},
                                 {"2.log({})", "{}"},
                                 {"81.sqrt()", "9"},
                                 {"2.sqrt().round(10)", "1.4142135624"},
                                 {"(-1).sqrt()", "{}"},
                                 {"2.power(3)", "8"},
                                 {"2.power(3) is Integer", "true"},
                                 {"2.5.power(2)", "6.25"},
                                 {"2.power(-1)", "0.5"},
                                 {"2.power(31)", "{}"},
                                 {"(-1).power(0.5)", "{}"},
                                 {"0.power(-1)", "{}"},
                                 {"2.power({})", "{}"},
                                 {"1.round()", "1"},
                                 {"3.14159.round(3)", "3.142"},
                                 {"2.5.round()", "3"},
                                 {"(-2.5).round()", "-3"},
                                 {"1.5.round(-1)", "!type"},
                                 {"1.5.round(5)", "1.5"},
                                 {"10.power(1000000)", "{}"},
                                 {"1.power(2147483647)", "1"}};
  check(rows);
}

TEST_CASE("FHIRPath utility functions") {
  static constexpr row rows[] = {{"now()", "2026-09-21T14:13:20.123Z"},
                                 {"today()", "2026-09-21"},
                                 {"timeOfDay()", "14:13:20.123"},
                                 {"now() = now()", "true"},
                                 {"name.trace('n').count()", "2"},
                                 {"name.trace('n', given).count()", "2"},
                                 {"1.type().name", "Integer"},
                                 {"conformsTo('x')", "!unsupported"},
                                 {"gender.memberOf('x')", "!unsupported"},
                                 {"text.`div`.htmlChecks()", "{}"},
                                 {"elementDefinition()", "!unsupported"},
                                 {"slice('a', 'b')", "!unsupported"},
                                 {"1.hasValue()", "true"},
                                 {"{}.hasValue()", "false"},
                                 {"{}.getValue()", "{}"},
                                 {"resolve()", "{}"},
                                 {"'#o1'.resolve().name", "Klinik"},
                                 {"'#'.resolve().id", "p1"},
                                 {"extension({})", "{}"}};
  check(rows);
  const environment no_time = environment::of(patient());
  CHECK(outcome("now()", patient(), &no_time) == "!unsupported");
}

namespace {

class asking final : public host {
public:
  std::optional<element> resolve(std::string_view reference) override {
    if (reference != "Practitioner/7") return {};
    return element::of(practitioner);
  }
  std::optional<bool> conforms_to(const element&, std::string_view url) override { return url == "urn:patient"; }
  std::optional<bool> member_of(const element& e, std::string_view) override { return primitive_text(e) == "female"; }
  std::optional<bool> html_checks(std::string_view text) override { return text.starts_with("<div"); }
  void trace(std::string_view name, const collection& items) override { traced[std::string(name)] += items.size(); }

  base::json practitioner = base::json::parse(R"({"resourceType": "Practitioner", "id": "7"})").value();
  std::map<std::string, std::size_t> traced;
};

}  // namespace

TEST_CASE("FHIRPath asks its host") {
  asking host;
  auto with = environment::of(patient());
  with.host = &host;
  with.variables["mine"] = collection{item(5)};
  CHECK(outcome("generalPractitioner.resolve().id", patient(), &with) == "7");
  CHECK(outcome("conformsTo('urn:patient')", patient(), &with) == "true");
  CHECK(outcome("gender.memberOf('urn:x')", patient(), &with) == "true");
  CHECK(outcome("name.given.trace('g').count()", patient(), &with) == "4");
  CHECK(outcome("name.trace('p', given).count()", patient(), &with) == "2");
  CHECK(host.traced == std::map<std::string, std::size_t>{{"g", 4}, {"p", 4}});
  CHECK(outcome("%mine + 1", patient(), &with) == "6");
  with.references_by_type = true;
  CHECK(outcome("generalPractitioner.where(resolve() is Organization).reference", patient(), &with) ==
        "https://x.org/fhir/Organization/8/_history/2");
  CHECK(outcome("modifierExtension.exists()", patient(), &with) == "false");
}

TEST_CASE("FHIRPath modifiers that nobody knows are an error") {
  const auto r = base::json::parse(R"({"resourceType": "Patient", "modifierExtension": [{"url": "urn:m", "valueBoolean": true}]})").value();
  CHECK(outcome("checkModifiers()", r) == "!failed");
  CHECK(outcome("checkModifiers('urn:m').exists()", r) == "true");
}

TEST_CASE("FHIRPath limits stop what would not end") {
  auto with = environment::of(patient());
  with.limits = {.steps = 500, .items = 100, .text_bytes = 100, .regex_bytes = 20};
  CHECK(outcome("1.repeat($this + 1)", patient(), &with) == "!limit");
  CHECK(outcome("(1|2|3|4|5).select(%resource.descendants()).count()", patient(), &with) == "!limit");
  CHECK(outcome("'0123456789'.replace('', '01234567890123')", patient(), &with) == "!limit");
  CHECK(outcome("'a'.matches('aaaaaaaaaaaaaaaaaaaaaaaaaaa')", patient(), &with) == "!limit");
  CHECK(outcome("'012345678901234567890123456789'.toChars().select('0123456789').join()", patient(), &with) == "!limit");
  CHECK(outcome(std::string(200, '(') + "1" + std::string(200, ')'), patient()) == "!limit");
  std::string chain = "1";
  for (int i = 0; i < 300; ++i) chain += " + 1";
  CHECK(outcome(chain, patient()) == "!limit");
  CHECK(outcome(std::string(300, '-') + "1", patient()) == "!limit");
  CHECK(outcome(std::string(30'000, ' ') + "1", patient()) == "!limit");
  CHECK(outcome(std::string(50, '1') + ".5", patient()) == "!limit");
}

TEST_CASE("FHIRPath errors say where") {
  const auto e = expression::compile("name.\n  given(");
  REQUIRE_FALSE(e);
  CHECK(e.error().place() == "2:3");
  CHECK(e.error().text() == "there is no function given()");
  const auto run = expression::compile("1 + 'a'")->evaluate(element::of(patient()), environment::of(patient()));
  REQUIRE_FALSE(run);
  CHECK(run.error().place() == "1:3");
}

}  // namespace dsf::fhir::path::test

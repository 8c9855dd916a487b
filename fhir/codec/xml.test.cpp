#include "fhir/codec/xml.hpp"

#include <catch2/catch.hpp>

#include "fhir/codec/compare.test.hpp"
#include "fhir/codec/json.hpp"

using namespace dsf;

namespace {

std::string fault(std::string_view text) { return fhir::test::told(fhir::read_xml(text)); }
std::string patient(std::string_view inner) { return "<Patient xmlns=\"http://hl7.org/fhir\">\n" + std::string(inner) + "</Patient>"; }
std::string json_of(std::string_view text) {
  const auto read = fhir::read_xml(text);
  return read.ok() ? read.resource.dump() : fhir::test::told(read);
}

}  // namespace

TEST_CASE("XML gives the members of JSON", "[fhir][xml]") {
  CHECK(
      json_of(patient(
          R"(<id value="a"/><active value="true"/><!-- no --><name><given value="A"/><given value="B"/></name><multipleBirthInteger value="+2"/>)")) ==
      R"({"resourceType":"Patient","id":"a","active":true,"name":[{"given":["A","B"]}],"multipleBirthInteger":2})");
  // Extensions of primitives, padded with null.
  CHECK(json_of(patient(R"(<name><given value="A"/><given id="i"><extension url="u"><valueCode value="x"/></extension></given></name>)")) ==
        R"({"resourceType":"Patient","name":[{"given":["A",null],"_given":[null,{"id":"i","extension":[{"url":"u","valueCode":"x"}]}]}]})");
  CHECK(json_of(patient(R"(<birthDate><extension url="u"><valueDecimal value="1.00"/></extension></birthDate>)")) ==
        R"({"resourceType":"Patient","_birthDate":{"extension":[{"url":"u","valueDecimal":1.00}]}})");
  // Elements out of order come back in order; a prefix, a BOM and a declaration are fine.
  CHECK(json_of("\xEF\xBB\xBF<?xml version=\"1.0\" encoding=\"utf-8\"?><f:Patient xmlns:f='http://hl7.org/fhir'><f:active "
                "value='false'/><f:id value='b'/></f:Patient>") == R"({"resourceType":"Patient","id":"b","active":false})");
  CHECK(
      json_of(
          R"(<Bundle xmlns="http://hl7.org/fhir"><type value="batch"/><entry><resource><Patient><id value="p"/></Patient></resource></entry></Bundle>)") ==
      R"({"resourceType":"Bundle","type":"batch","entry":[{"resource":{"resourceType":"Patient","id":"p"}}]})");
  CHECK(json_of(patient("<contained><Basic><code><text value=\"&lt;&#xA;&#128512;\"/></code></Basic></contained>")) ==
        "{\"resourceType\":\"Patient\",\"contained\":[{\"resourceType\":\"Basic\",\"code\":{\"text\":\"<\\n\U0001F600\"}}]}");
}

TEST_CASE("what would end a value, or be lost in it, is escaped in XML", "[fhir][xml]") {
  const auto basic = *base::json::parse(R"({"resourceType":"Basic","code":{"text":"a<b>&\"c\"\t\n\r"}})");
  const auto text = *fhir::write_xml(basic);
  CHECK(text == R"(<Basic xmlns="http://hl7.org/fhir"><code><text value="a&lt;b&gt;&amp;&quot;c&quot;&#x9;&#xA;&#xD;"/></code></Basic>)");
  CHECK(json_of(text) == basic.dump());
}

TEST_CASE("narrative stays as written", "[fhir][xml]") {
  const std::string div = R"(<div xmlns="http://www.w3.org/1999/xhtml"  lang='de'><b>a</b> <i>b</i><!-- c --> &#160;&amp;<br /></div>)";
  const auto read = fhir::read_xml(patient("<text><status value=\"generated\"/>" + div + "</text>"));
  REQUIRE(read.ok());
  CHECK(read.resource["text"]["div"].str() == div);
  CHECK(*fhir::write_xml(read.resource) ==
        R"(<Patient xmlns="http://hl7.org/fhir"><text><status value="generated"/>)" + div + "</text></Patient>");
  // A prefix that is declared further out is resolved.
  const auto prefixed = fhir::read_xml(
      R"(<Patient xmlns="http://hl7.org/fhir" xmlns:h="http://www.w3.org/1999/xhtml"><text><status value="generated"/><h:div><h:b>a</h:b> <h:i>b</h:i></h:div></text></Patient>)");
  REQUIRE(prefixed.ok());
  CHECK(prefixed.resource["text"]["div"].str() == R"(<div xmlns="http://www.w3.org/1999/xhtml"><b>a</b> <i>b</i></div>)");
}

TEST_CASE("pretty XML", "[fhir][xml]") {
  const auto read = fhir::read_xml(patient(
      R"(<id value="a"/><name><given value="A"/></name><birthDate><extension url="u"><valueCode value="x"/></extension></birthDate>)"));
  REQUIRE(read.ok());
  CHECK(*fhir::write_xml(read.resource, true) == R"(<Patient xmlns="http://hl7.org/fhir">
  <id value="a"/>
  <name>
    <given value="A"/>
  </name>
  <birthDate>
    <extension url="u">
      <valueCode value="x"/>
    </extension>
  </birthDate>
</Patient>)");
}

TEST_CASE("unknown elements, attributes and namespaces are refused with their line", "[fhir][xml]") {
  CHECK(fault(patient("<id value=\"a\"/>\n<colour value=\"red\"/>")) == "Patient.colour: Patient has no element 'colour' (line 3)");
  CHECK(fault(patient("<name><given value=\"A\" lang=\"de\"/></name>")) ==
        "Patient.name.given: <given> has the unknown attribute 'lang' (line 2)");
  CHECK(fault(patient("<name value=\"A\"/>")) == "Patient.name: <name> has the unknown attribute 'value' (line 2)");
  CHECK(fault(patient("<id value=\"A\" value=\"B\"/>")) == "Patient.id: <id> has the attribute 'value' twice (line 2)");
  CHECK(fault("<Patient/>") == "Patient: <Patient> is not in the namespace http://hl7.org/fhir (line 1)");
  CHECK(fault("<Tusk xmlns=\"http://hl7.org/fhir\"/>") == "Tusk: 'Tusk' is not an R4 resource type (line 1)");
  CHECK(fault(patient("<x:id xmlns:x='urn:x' value='a'/>")) ==
        "Patient.id: <x:id> must be in the namespace http://hl7.org/fhir, not 'urn:x' (line 2)");
  CHECK(fault(patient("<div xmlns='http://www.w3.org/1999/xhtml'/>")) == "Patient.div: Patient has no element 'div' (line 2)");
  CHECK(fault(patient("<text><status value='empty'/><div>x</div></text>")) ==
        "Patient.text.div: <div> must be in the namespace http://www.w3.org/1999/xhtml, not 'http://hl7.org/fhir' (line 2)");
  CHECK(fault(patient("<id>a</id>")) ==
        "Patient.id: text is not allowed in <id>; values stand in the attribute 'value' (line 2)\nPatient.id: <id> has neither a value nor "
        "extensions (line 2)");
  CHECK(fault(patient("<id value='a'/><id value='b'/>")) == "Patient.id: 'id' may occur only once in Patient (line 2)");
  CHECK(fault(patient("<contained/>")) == "Patient.contained: <contained> holds no resource (line 2)");
  CHECK(fault(patient("<contained><Basic/><Basic/></contained>")) == "Patient.contained: <contained> holds one resource, not two (line 2)");
  // The values themselves get the same checks as JSON.
  CHECK(fault(patient("<active value='yes'/>")) == "Patient.active: must be true or false, not the string 'yes'");
  CHECK(fault(patient("<multipleBirthInteger value='x'/>")) ==
        "Patient.multipleBirthInteger: must be a number (integer), not the string 'x'");
  CHECK(fault("<Task xmlns='http://hl7.org/fhir'><status value='draft'/></Task>") == "Task.intent: Task must have 'intent'");
}

TEST_CASE("hostile XML is refused before it is parsed", "[fhir][xml]") {
  CHECK(fault("<?xml version=\"1.0\"?>\n<!DOCTYPE lolz [<!ENTITY lol \"lol\"><!ENTITY lol2 \"&lol;&lol;\">]><Patient "
              "xmlns=\"http://hl7.org/fhir\"><id value=\"&lol2;\"/></Patient>") ==
        "not valid XML: a document type declaration (DTD) is not accepted (line 2)");
  CHECK(fault(patient("<id value=\"&xxe;\"/>")) ==
        "not valid XML: the entity &xxe; is not known; write the character itself or &#n; (line 2)");
  CHECK(fault(patient("<id value=\"a&b\"/>")) == "not valid XML: '&' must be written &amp; (line 2)");
  CHECK(fault(patient("<id value=\"&#0;\"/>")) == "not valid XML: the character reference &#0; is not allowed (line 2)");
  CHECK(fault(patient("<id value=\"&#xD800;\"/>")) == "not valid XML: the character reference &#xD800; is not allowed (line 2)");
  CHECK(fault(patient(std::string_view("<id value=\"\0\"/>", 14))) == "not valid XML: the character U+0000 is not allowed in XML (line 2)");
  CHECK(fault(patient("<id value=\"\xC0\x80\"/>")) == "not valid XML: the text is not UTF-8; no other encoding is accepted (line 2)");
  CHECK(fault("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a/>") ==
        "not valid XML: the encoding ISO-8859-1 is not accepted; send UTF-8 (line 1)");
  CHECK(fault("<a/><b/>") == "not valid XML: a second root element (line 1)");
  CHECK(fault("x<a/>") == "not valid XML: text outside of the root element (line 1)");
  CHECK(fault("") == "not valid XML: there is no element (line 1)");
  CHECK(fault("<a><b></a></b>").starts_with("not valid XML: "));
  CHECK(fault("<a><!-- ") == "not valid XML: a comment does not end (line 1)");
  CHECK(fault("<a x='") == "not valid XML: a start tag does not end (line 1)");

  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "<a>";
  CHECK(fault(deep) == "not valid XML: nested deeper than 100 levels (line 1)");
  std::string attributes;
  for (int i = 0; i < 100'000; ++i) attributes += " a" + std::to_string(i) + "=''";
  CHECK(fault(patient("<name" + attributes + "/>")).ends_with("Patient.name: <name> has more than 32 attributes (line 2)"));
  CHECK(fault(patient("<text><status value='empty'/><div xmlns='http://www.w3.org/1999/xhtml'" + attributes + "/></text>")) ==
        "Patient.text.div: the narrative has more than 32 attributes in <div>");
  std::string spaces;
  for (int i = 0; i < 100'000; ++i) spaces += " xmlns:a" + std::to_string(i) + "='u'";
  CHECK(fault(patient("<name" + spaces + "/>")).starts_with("Patient.name: more than 64 namespace declarations are in force (line 2)"));

  fhir::codec_limits limits;
  limits.xml_elements = 3;
  const auto many = fhir::read_xml(patient("<name/><name/><name/>"), limits);
  CHECK(fhir::test::told(many) == "not valid XML: more than 3 elements (line 2)");
  CHECK(many.code == fhir::errc::limit);
  limits.bytes = 5;
  CHECK(fhir::test::told(fhir::read_xml("<Patient/>", limits)) == "the resource has 10 bytes; at most 5 are accepted");
}

TEST_CASE("what can't be written as XML is an error", "[fhir][xml]") {
  CHECK(fhir::write_xml(*base::json::parse(R"({"resourceType":"Nope"})")).error().text() == "not an R4 resource");
  const auto unknown = fhir::write_xml(*base::json::parse(R"({"resourceType":"Patient","name":[{"x":1}]})"));
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().to_string() == "Patient.name: HumanName has no element 'x'");
}

// JUEL as a table: text, expected value or error. A wrong precedence, coercion, resolver or error shows as one failing row.
#include "bpmn/el/expression.hpp"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <pugixml.hpp>

#include "bpmn/el/coerce.hpp"
#include "bpmn/el/condition.hpp"
#include "bpmn/errc.hpp"

namespace dsf::bpmn::el {
namespace {

class test_context : public context {
public:
  std::map<std::string, value, std::less<>> variables;
  std::map<std::string, value, std::less<>> local;
  std::vector<answer> given;

  const value* variable(std::string_view name) const override {
    if (const auto* v = variable_local(name)) return v;
    const auto it = variables.find(name);
    return it == variables.end() ? nullptr : &it->second;
  }
  const value* variable_local(std::string_view name) const override {
    const auto it = local.find(name);
    return it == local.end() ? nullptr : &it->second;
  }
  value execution_property(std::string_view name) const override {
    if (name == "parentId") return {};
    return value("<" + std::string(name) + ">");
  }
  base::timestamp now() const override { return {1'700'000'000'000'000}; }
  std::span<const answer> answers() const override { return given; }
  base::result<> set_variable(std::string_view name, value v) override {
    variables[std::string(name)] = std::move(v);
    return {};
  }
};

constexpr const char* patient_json =
    R"({"resourceType":"Patient","id":"p1","active":true,"name":[{"family":"Muster","given":["Max","Moritz"]}],
  "multipleBirthInteger":2,"extension":[],"score":1.50})";

test_context sample() {
  test_context c;
  c.variables = {
      {"t", value(true)},
      {"f", value(false)},
      {"n", value()},
      {"s", value("text")},
      {"empty_text", value("")},
      {"five", value(std::int32_t{5})},
      {"small", value(std::int16_t{3})},
      {"big", value(std::int64_t{9223372036854775807})},
      {"half", value(0.5)},
      {"price", value(decimal{"1.50"})},
      {"number_text", value("42")},
      {"yes", value("yes")},
      {"umlaut", value("größe")},
      {"smile", value("a\xF0\x9F\x98\x80z")},
      {"list", value(value_list{value(std::int64_t{1}), value("two"), value()})},
      {"nothing", value(value_list{})},
      {"names", value(string_list{"a", "b"})},
      {"map", value(value_map{{"k", value("v")}, {"two words", value(std::int64_t{2})}})},
      {"target", value(bpmn::target{"org", "ep", "https://ep/fhir", "key-1"})},
      {"bare", value(bpmn::target{"org", "ep", "https://ep/fhir", ""})},
      {"targets", value(bpmn::targets{{{"o1", "e1", "u1", "c1"}, {"o2", "e2", "u2", ""}}})},
      {"no_targets", value(bpmn::targets{})},
      {"patient", value(fhir_resource{"Patient", patient_json})},
      {"doc", value(json_object{"org.X", R"({"a":{"b":[1,2.5,"c"]},"flag":false})"})},
      {"resources", value(fhir_resource_list{{fhir_resource{"Patient", patient_json}}})},
      {"start", value(fhir_reference{"Task", "t1", 7})},
      {"when", value(base::timestamp{1'700'000'000'000'000})},
      {"later", value(base::timestamp{1'700'000'001'000'000})},
      {"obj", value(opaque_object{"org.Ref", "xx", "worker"})},
      {"obj2", value(opaque_object{"org.Ref", "yy", "worker"})},
      {"with-dash", value(true)},
      {"de", value(value_map{{"deep", value(value_map{{"er", value(true)}})}})},
      {"data", value(bytes{"\x01"})},
      {"execution", value("hidden")},
  };
  c.local = {{"loopCounter", value(std::int64_t{0})}};
  return c;
}

std::string shown(const value& v) {
  if (v.is_null()) return "null";
  if (v.as<std::string>() != nullptr) return "'" + *v.as<std::string>() + "'";
  if (v.as<decimal>() != nullptr) return v.as<decimal>()->text + "m";
  if (const auto text = to_text(v)) return *text;
  return std::string(type_name(v));
}

struct row {
  const char* text;
  const char* expected;  // as shown(); "!code: part of the text" for errors
};

// clang-format off
const row rows[] = {
    // literals and composite text
    {"", "''"}, {"plain", "'plain'"}, {"${1}", "1"}, {"${1.5}", "1.5"}, {"${.5}", "0.5"}, {"${1.}", "1.0"}, {"${1e3}", "1000.0"}, {"${1E-5}", "1.0E-5"},
    {"${null}", "null"}, {"${true}", "true"}, {"${false}", "false"}, {"${'a'}", "'a'"}, {"${\"a'b\"}", "'a'b'"}, {"${'it\\'s'}", "'it's'"},
    {"${'a\\\\b'}", "'a\\b'"}, {"#{five}", "5"}, {"Hello ${s}!", "'Hello text!'"}, {"${five}${five}", "'55'"}, {"a${n}b", "'ab'"},
    {"\\${five}", "'${five}'"}, {"\\#{five}", "'#{five}'"}, {"\\\\${five}", "'\\${five}'"}, {"a\\b", "'a\\b'"}, {"$5 # {", "'$5 # {'"},
    {"${f}==true", "'false==true'"}, {"${  five\n}", "5"}, {"${'}'}", "'}'"}, {"x\\", "'x\\'"},
    // arithmetic
    {"${1+2}", "3"}, {"${'1'+'2'}", "3"}, {"${'1.5'+1}", "2.5"}, {"${n+n}", "0"}, {"${n+1}", "1"}, {"${''+1}", "1"}, {"${1-2-3}", "-4"},
    {"${2+3*4}", "14"}, {"${(2+3)*4}", "20"}, {"${10/4}", "2.5"}, {"${10 div 5}", "2.0"}, {"${1/0}", "Infinity"}, {"${-1/0}", "-Infinity"},
    {"${0/0}", "NaN"}, {"${n/n}", "0"}, {"${10%3}", "1"}, {"${10 mod 3}", "1"}, {"${-10%3}", "-1"}, {"${10.5%3}", "1.5"}, {"${5%0}", "!bpmn.evaluation: division by zero"},
    {"${-five}", "-5"}, {"${-'7'}", "-7"}, {"${-'7.5'}", "-7.5"}, {"${-n}", "0"}, {"${--five}", "5"}, {"${-t}", "!bpmn.wrong_type: negated"},
    {"${five+small}", "8"}, {"${half*2}", "1.0"}, {"${big+1}", "9223372036854775808m"}, {"${big*big}", "85070591730234615847396907784232501249m"},
    {"${-big-2}", "-9223372036854775809m"}, {"${price+1}", "2.50m"}, {"${price*2}", "3.00m"}, {"${price/2}", "0.75m"}, {"${price-price}", "0.00m"},
    {"${1000000.0*10}", "1.0E7"}, {"${100/1}", "100.0"}, {"${1+t}", "!bpmn.wrong_type: boolean cannot be coerced to integer"},
    {"${1+'abc'}", "!bpmn.wrong_type: not an integer number"}, {"${1+s}", "!bpmn.wrong_type: not a number"}, {"${1+list}", "!bpmn.wrong_type: list"}, {"${1.0+'x.y'}", "!bpmn.wrong_type: not a number"},
    {"${9223372036854775807}", "9223372036854775807"},
    // comparison
    {"${1==1}", "true"}, {"${1==1.0}", "true"}, {"${'1'==1}", "true"}, {"${1=='1'}", "true"}, {"${1!=2}", "true"}, {"${1 ne 1}", "false"}, {"${1 eq 1}", "true"},
    {"${n==null}", "true"}, {"${n!=null}", "false"}, {"${null==''}", "false"}, {"${null==0}", "false"}, {"${null==false}", "false"}, {"${0==''}", "true"},
    {"${s=='text'}", "true"}, {"${'a'=='b'}", "false"}, {"${t==true}", "true"}, {"${t=='true'}", "true"}, {"${t=='TRUE'}", "true"}, {"${f=='yes'}", "true"},
    {"${t=='yes'}", "false"}, {"${1=='x'}", "!bpmn.wrong_type: integer"}, {"${1==true}", "!bpmn.wrong_type: boolean"}, {"${price==1.5}", "false"},
    {"${price=='1.50'}", "true"}, {"${list==list}", "true"}, {"${target==bare}", "false"}, {"${1<2}", "true"}, {"${2 lt 1}", "false"}, {"${2>=2}", "true"},
    {"${2 ge 3}", "false"}, {"${2<=1}", "false"}, {"${2 le 2}", "true"}, {"${3>2}", "true"}, {"${3 gt 3}", "false"}, {"${'a'<'b'}", "true"},
    {"${'10'<'9'}", "true"}, {"${10<'9'}", "false"}, {"${n<1}", "false"}, {"${n<=n}", "true"}, {"${n<n}", "false"}, {"${half<price}", "true"},
    {"${when<later}", "true"}, {"${s<1}", "!bpmn.wrong_type"}, {"${list<list}", "!bpmn.wrong_type: cannot be compared"}, {"${1<2==true}", "true"},
    {"${0.1+0.2==0.3}", "false"}, {"${big<9.3E18}", "true"},
    // logic
    {"${t&&f}", "false"}, {"${t and t}", "true"}, {"${f||t}", "true"}, {"${f or f}", "false"}, {"${!t}", "false"}, {"${not f}", "true"}, {"${!n}", "true"},
    {"${!'true'}", "false"}, {"${f && missing}", "false"}, {"${t || missing}", "true"}, {"${t && missing}", "!bpmn.unknown_identifier: Cannot resolve identifier 'missing'"},
    {"${f||t&&f}", "false"}, {"${t||t&&f}", "true"}, {"${!f&&t}", "true"}, {"${five&&t}", "!bpmn.wrong_type"}, {"${t ? 1 : 2}", "1"}, {"${f ? 1 : 2}", "2"},
    {"${f ? 1 : t ? 2 : 3}", "2"}, {"${n ? 1 : missing}", "!bpmn.unknown_identifier"}, {"${t ? five : missing}", "5"}, {"${'true' ? 1 : 2}", "1"},
    {"${t && t && f || t}", "true"}, {"${yes ? 1 : 2}", "2"},
    // empty
    {"${empty n}", "true"}, {"${empty ''}", "true"}, {"${empty s}", "false"}, {"${empty nothing}", "true"}, {"${empty list}", "false"}, {"${!empty list}", "true"},
    {"${not empty map}", "true"}, {"${empty five}", "false"}, {"${empty no_targets}", "false"}, {"${empty no_targets.entries}", "true"}, {"${empty data}", "false"},
    // identifiers and members
    {"${missing}", "!bpmn.unknown_identifier: Cannot resolve identifier 'missing'"}, {"${n.a.b}", "null"}, {"${n.foo()}", "!bpmn.evaluation: Target unreachable, 'n' is null"},
    {"${map.k}", "'v'"}, {"${map['two words']}", "2"}, {"${map.absent}", "null"}, {"${map.size()}", "2"}, {"${map.containsKey('k')}", "true"}, {"${map.get('k')}", "'v'"},
    {"${de.deep.er}", "true"}, {"${list[1]}", "'two'"}, {"${list['0']}", "1"}, {"${list[99]}", "null"}, {"${list[-1]}", "null"}, {"${list.get(0)}", "1"},
    {"${list.get(3)}", "!bpmn.evaluation: out of range"}, {"${list.size()}", "3"}, {"${list.isEmpty()}", "false"}, {"${list.contains('two')}", "true"},
    {"${list.contains(1)}", "true"}, {"${list.contains('1')}", "false"}, {"${list.indexOf('two')}", "1"}, {"${list.size}", "!bpmn.evaluation: Cannot parse list index: size"},
    {"${names[1]}", "'b'"}, {"${names.contains('a')}", "true"}, {"${list}", "[1, two, null]"}, {"x${map}", "'x{k=v, two words=2}'"},
    {"${s.foo}", "!bpmn.evaluation: Could not find property foo in a value of type string"}, {"${s.foo()}", "!bpmn.evaluation: Could not find method foo"},
    {"${five.intValue()}", "5"}, {"${price.longValue()}", "1"}, {"${t.booleanValue()}", "true"}, {"${five.toString()}", "'5'"},
    {"${when.time}", "1700000000000"}, {"${when.before(later)}", "true"}, {"${now()==when}", "true"}, {"${loopCounter}", "0"},
    // strings
    {"${s.length()}", "4"}, {"${s.equals('text')}", "true"}, {"${s.equals(5)}", "false"}, {"${s.contains('ex')}", "true"}, {"${s.startsWith('te')}", "true"},
    {"${s.endsWith('xt')}", "true"}, {"${s.isEmpty()}", "false"}, {"${s.substring(1)}", "'ext'"}, {"${s.substring(1,3)}", "'ex'"}, {"${s.toUpperCase()}", "'TEXT'"},
    {"${'ABC'.toLowerCase()}", "'abc'"}, {"${s.equalsIgnoreCase('TEXT')}", "true"}, {"${' a '.trim()}", "'a'"}, {"${umlaut.length()}", "5"}, {"${umlaut.substring(2,3)}", "'ö'"},
    {"${smile.length()}", "4"}, {"${smile.substring(2)}", "!bpmn.evaluation: inside a character"}, {"${s.substring(9)}", "!bpmn.evaluation: out of range"},
    {"${s.substring(-1)}", "!bpmn.evaluation: out of range"}, {"${s.concat('!')}", "'text!'"}, {"${s.indexOf('x')}", "2"}, {"${s.replace('t','_')}", "'_ex_'"}, {"${s['length']()}", "4"},
    {"${s.replace('','_')}", "!bpmn.evaluation: empty"}, {"${s.charAt(0)}", "'t'"},
    // DSF and FHIR
    {"${target.correlationKey}", "'key-1'"}, {"${target.getCorrelationKey()}", "'key-1'"}, {"${bare.correlationKey}", "null"}, {"${target.organizationIdentifierValue}", "'org'"},
    {"${target.endpointIdentifierValue}", "'ep'"}, {"${target.endpointUrl}", "'https://ep/fhir'"}, {"${target.foo}", "!bpmn.evaluation: property foo"},
    {"${targets.entries}", "list"}, {"${targets.getEntries().size()}", "2"}, {"${targets.size()}", "2"}, {"${targets.isEmpty()}", "false"}, {"${no_targets.isEmpty()}", "true"},
    {"${targets.entries[1].endpointIdentifierValue}", "'e2'"}, {"${patient.resourceType}", "'Patient'"}, {"${patient.id}", "'p1'"}, {"${patient.active}", "true"},
    {"${patient.name[0].family}", "'Muster'"}, {"${patient.getName().get(0).getGiven().get(1)}", "'Moritz'"}, {"${patient.hasName()}", "true"}, {"${patient.hasGender()}", "false"},
    {"${patient.hasExtension()}", "false"}, {"${patient.gender}", "null"}, {"${patient.getMultipleBirth()}", "2"}, {"${patient.getNameFirstRep().hasFamily()}", "true"},
    {"${patient.score}", "1.50m"}, {"${doc.a.b[1]}", "2.5m"}, {"${doc.a.b[2]}", "'c'"}, {"${doc.flag}", "false"}, {"${doc.isFlag()}", "false"}, {"${resources.resources[0].id}", "'p1'"},
    {"${start.id}", "'t1'"}, {"${start.status}", "!bpmn.evaluation: stored Task"},
    // execution
    {"${execution.getVariable('with-dash')}", "true"}, {"${execution.getVariable('missing')}", "null"}, {"${execution.hasVariable('n')}", "true"}, {"${execution.hasVariable(\"missing\")}", "false"},
    {"${execution.getVariableLocal('loopCounter')}", "0"}, {"${execution.getVariableLocal('five')}", "null"}, {"${execution.hasVariableLocal('five')}", "false"},
    {"${execution.businessKey}", "'<businessKey>'"}, {"${execution.getProcessBusinessKey()}", "'<businessKey>'"}, {"${execution.getProcessInstanceId()}", "'<processInstanceId>'"},
    {"${execution.id}", "'<id>'"}, {"${execution.parentId}", "null"}, {"${execution.getCurrentActivityId()}", "'<currentActivityId>'"},
    {"${execution.getParentActivityInstanceId()}", "'<parentActivityInstanceId>'"}, {"${execution.setVariable('x', 1+1)}${x}", "'2'"}, {"${execution.foo()}", "!bpmn.evaluation: method foo in execution"},
    {"${execution.foo}", "!bpmn.evaluation: property foo in execution"}, {"${execution}", "!bpmn.wrong_type: execution is not a value"}, {"${execution.getVariable(1)}", "!bpmn.evaluation: name of a variable"},
    {"${execution.getVariable()}", "!bpmn.evaluation"}, {"${execution.hasVariable('s') && (s == 'text' || s == 'other')}", "true"},
    {"${execution.hasVariable(\"w\") ? w: \"PT5M\"}", "'PT5M'"}, {"${s.concat(execution.setVariable('s', 'new') == null ? s : '')}", "'textnew'"},
    // texts that do not parse
    {"${", "!bpmn.bad_expression: not closed"}, {"${}", "!bpmn.bad_expression: an expression expected but '}'"}, {"${1 2}", "!bpmn.bad_expression: '}' expected but '2' found at offset 4"},
    {"${1+}", "!bpmn.bad_expression"}, {"${a.}", "!bpmn.bad_expression: property or method name"}, {"${a..b}", "!bpmn.bad_expression"}, {"${(1}", "!bpmn.bad_expression: ')' expected"},
    {"${a[1}", "!bpmn.bad_expression: ']' expected"}, {"${'abc}", "!bpmn.bad_expression: not closed"}, {"${'\\n'}", "!bpmn.bad_expression: invalid escape"}, {"${a = 1}", "!bpmn.bad_expression: unexpected character '='"},
    {"${a; b}", "!bpmn.bad_expression: unexpected character ';'"}, {"${x -> x}", "!bpmn.bad_expression"}, {"${a instanceof b}", "!bpmn.bad_expression: 'instanceof'"}, {"${t ? 1}", "!bpmn.bad_expression: ':' expected"},
    {"${a.empty}", "!bpmn.bad_expression"}, {"${dateTime()}", "!bpmn.bad_expression: only function is now()"}, {"${currentUser()}", "!bpmn.bad_expression"}, {"${p:f(1)}", "!bpmn.bad_expression: p:f()"},
    {"${99999999999999999999}", "!bpmn.bad_expression: 64 bits"}, {"${1e999}", "!bpmn.bad_expression: double"}, {"${a(}", "!bpmn.bad_expression"}, {"${a.b(1,)}", "!bpmn.bad_expression"}, {"${@}", "!bpmn.bad_expression: '@'"},
    {"${a & b}", "!bpmn.bad_expression: '&'"},
};
// clang-format on

base::result<value> evaluate(const char* text, context& c) {
  auto e = expression::parse(text);
  if (!e) return base::failure(std::move(e).error());
  auto out = (*e)->evaluate(c);
  if (!out) return base::failure(std::move(out).error());
  CHECK(out->questions.empty());
  return std::move(out->result);
}

}  // namespace

TEST_CASE("expressions give the values and errors of Operaton's JUEL", "[el]") {
  CHECK(std::size(rows) > 200);
  for (const auto& r : rows) {
    auto c = sample();
    INFO(r.text);
    const auto v = evaluate(r.text, c);
    const std::string expected = r.expected;
    if (expected.starts_with('!')) {
      REQUIRE_FALSE(v);
      const auto colon = expected.find(':');
      CHECK(v.error().code() == expected.substr(1, colon == std::string::npos ? std::string::npos : colon - 1));
      if (colon != std::string::npos) CHECK_THAT(v.error().text(), Catch::Contains(expected.substr(colon + 2)));
    } else if (!v) {
      FAIL(v.error().to_string());
    } else if (expected == "list") {
      CHECK(v->as<value_list>() != nullptr);
    } else {
      CHECK(shown(*v) == expected);
    }
  }
}

TEST_CASE("errors of expressions name types and never values of variables", "[el]") {
  for (const char* text : {"${s+1}", "${s.foo}", "${s==1}", "${list.get(s)}", "${-s}", "${doc+1}", "${price.foo()}", "${list[s]}",
                           "${target[s]}", "${five[s]()}", "${execution[s]}"}) {
    auto c = sample();
    c.variables["s"] = value("Erika Mustermann");
    c.variables["doc"] = value(json_object{"x", "Erika Mustermann"});
    const auto v = evaluate(text, c);
    REQUIRE_FALSE(v);
    CHECK(v.error().to_string().find("Erika") == std::string::npos);
  }
}

TEST_CASE("a condition must be boolean", "[el]") {
  auto c = sample();
  const auto ask = [&](const char* text) { return evaluate_condition(**expression::parse(text), c); };
  CHECK(ask("${t}")->holds);
  CHECK_FALSE(ask("${f}")->holds);
  CHECK(ask("${n}").error().is(errc::wrong_type));
  CHECK(ask("${n}").error().text() == "condition expression returns null: ${n}");
  CHECK(ask("${'true'}").error().text() == "condition expression returns non-Boolean: ${'true'}");
  CHECK(ask("${f}==true").error().is(errc::wrong_type));
  CHECK(ask("${five}").error().is(errc::wrong_type));
  CHECK(ask("${obj.hasIdentifier()}")->questions.size() == 1);
}

TEST_CASE("questions about opaque values are collected, answered by canonical text, and never asked behind an open condition", "[el]") {
  auto c = sample();
  const auto evaluate_text = [&](const char* text) {
    auto out = (*expression::parse(text))->evaluate(c);
    REQUIRE(out);
    return *out;
  };
  const auto texts = [](const outcome& o) {
    std::vector<std::string> out;
    for (const auto& q : o.questions) out.push_back(q.text);
    return out;
  };
  using list = std::vector<std::string>;
  CHECK(texts(evaluate_text("${ obj . hasIdentifier( ) }")) == list{"obj.hasIdentifier()"});
  CHECK(texts(evaluate_text("${obj.a + obj2.b(1,'x')}")) == list{"obj.a", "obj2.b(1, 'x')"});
  CHECK(texts(evaluate_text("${obj.a() && !obj2.b()}")) == list{"obj.a()"});
  CHECK(texts(evaluate_text("${obj.a ? obj.b : missing}")) == list{"obj.a"});
  CHECK(texts(evaluate_text("${t && obj.a}")) == list{"obj.a"});
  CHECK(texts(evaluate_text("${obj.list[obj.index]}")) == list{"obj.list"});
  CHECK(texts(evaluate_text("${map[obj.key]}")) == list{"obj.key"});
  CHECK(texts(evaluate_text("${obj.f(obj2.g())}")) == list{"obj2.g()"});
  CHECK(texts(evaluate_text("${obj.a == obj.a}")) == list{"obj.a"});
  CHECK(texts(evaluate_text("x${obj}y${obj2.name}")) == list{"obj.toString()", "obj2.name"});
  CHECK(texts(evaluate_text("${obj == 'x'}")) == list{"obj.toString()"});
  CHECK(texts(evaluate_text("${obj == obj2}")) == list{"obj.equals(obj2)"});
  CHECK(evaluate_text("${obj == obj}").result == value(true));
  CHECK(evaluate_text("${obj == null}").result == value(false));
  CHECK(evaluate_text("${obj}").result == c.variables["obj"]);
  const auto asked = evaluate_text("${obj.b(five)}");
  REQUIRE(asked.questions.size() == 1);
  CHECK(asked.questions[0].object == c.variables["obj"]);
  CHECK(asked.questions[0].member == "b");
  CHECK(asked.questions[0].is_method);
  CHECK(asked.questions[0].arguments == std::vector<value>{value(std::int32_t{5})});
  CHECK(asked.result.is_null());

  c.given = {{"obj.hasIdentifier()", value(true)}, {"obj.hasAbsoluteReference()", value(false)}};
  CHECK(evaluate_text("${obj.hasIdentifier() && !obj.hasAbsoluteReference()}").result == value(true));
  c.given = {{"obj.toString()", value("O")}};
  CHECK(evaluate_text("<${obj}>").result == value("<O>"));
  c.given = {{"obj.next", c.variables["obj2"]}};
  CHECK(texts(evaluate_text("${obj.next.name}")) == list{"obj.next.name"});
}

TEST_CASE("limits of expressions hold against hostile texts", "[el]") {
  auto c = sample();
  const auto repeat = [](std::string_view s, int n) {
    std::string out;
    for (int i = 0; i < n; ++i) out += s;
    return out;
  };
  const auto nested = [&](int n) { return "${" + repeat("(", n) + "1" + repeat(")", n) + "}"; };
  CHECK(expression::parse(nested(90)));
  CHECK_THAT(expression::parse(nested(200)).error().text(), Catch::Contains("deeper than 100"));
  CHECK_THAT(expression::parse(nested(30000)).error().text(), Catch::Contains("deeper than 100"));
  CHECK_FALSE(expression::parse("${" + repeat("!", 30000) + "t}"));
  CHECK_FALSE(expression::parse("${" + repeat("t?", 20000) + "1" + repeat(":1", 20000) + "}"));
  CHECK_FALSE(expression::parse("${" + repeat("a[", 20000)));
  CHECK_FALSE(expression::parse("${1" + repeat("+1", 40000) + "}"));  // longer than 64 KiB
  const auto chain = expression::parse("${1" + repeat("+1", 4000) + "}");
  REQUIRE(chain);
  CHECK((*chain)->evaluate(c)->result == value(std::int64_t{4001}));
  const auto long_chain = expression::parse("${1" + repeat("+1", 20000) + "}");
  REQUIRE(long_chain);
  CHECK((*long_chain)->evaluate(c).error().is(errc::limit));
  const auto members = expression::parse("${n" + repeat(".a", 20000) + "}");
  REQUIRE(members);
  CHECK((*members)->evaluate(c).error().is(errc::limit));
  c.variables["long"] = value(std::string(9u << 20, 'x'));
  CHECK((*expression::parse("${long.concat(long)}"))->evaluate(c).error().is(errc::limit));
  CHECK((*expression::parse("${long}${long}"))->evaluate(c).error().is(errc::limit));
  CHECK((*expression::parse("${long.replace('x','yy')}"))->evaluate(c).error().is(errc::limit));
  c.variables["huge"] = value(decimal{std::string(900, '9')});
  CHECK((*expression::parse("${huge*huge}"))->evaluate(c).error().is(errc::limit));
  c.variables["huge"] = value(decimal{"1E999999999"});
  CHECK((*expression::parse("${huge+1}"))->evaluate(c).error().is(errc::limit));
  c.variables["huge"] = value(decimal{"x"});
  CHECK((*expression::parse("${huge+1}"))->evaluate(c).error().is(errc::wrong_type));
}

TEST_CASE("constants, literals and roots", "[el]") {
  CHECK((*expression::parse("PT5M"))->is_constant());
  CHECK((*expression::parse("\\${a}"))->is_constant());
  CHECK_FALSE((*expression::parse("a${b}"))->is_constant());
  auto c = sample();
  CHECK(expression::literal("${missing}")->evaluate(c)->result == value("${missing}"));
  CHECK(expression::literal("${missing}")->is_constant());
  CHECK((*expression::parse("${a.b + c[d](e) ? f : 'g'}x${a}"))->root_identifiers() == std::vector<std::string>{"a", "c", "d", "e", "f"});
}

TEST_CASE("coercions", "[el]") {
  CHECK(java_text(0.001) == "0.001");
  CHECK(java_text(1e-4) == "1.0E-4");
  CHECK(java_text(123456.75) == "123456.75");
  CHECK(java_text(12345678.0) == "1.2345678E7");
  CHECK(java_text(-0.0) == "-0.0");
  CHECK(java_text(1e100) == "1.0E100");
  CHECK(*to_integer(value("7")) == 7);
  CHECK(*to_integer(value(3.9)) == 3);
  CHECK(*to_integer(value(decimal{"-3.9"})) == -3);
  CHECK_FALSE(to_integer(value("7 ")));
  CHECK_FALSE(to_integer(value(true)));
  CHECK(*to_number(value("1.5")) == value(1.5));
  CHECK(*to_text(value(base::timestamp{0})) == "1970-01-01T00:00:00.000Z");
  CHECK_FALSE(to_text(value(opaque_object{"c", "d", "o"})));
  CHECK(*to_boolean(value("True")));
}

TEST_CASE("every expression of the corpus parses", "[el][corpus]") {
  namespace fs = std::filesystem;
  const fs::path root = fs::path(DSF_SOURCE_DIR) / ".." / "shared" / "corpus" / "bpmn";
  if (!fs::exists(root)) {
    std::cout << "skipped: no corpus at ../shared/corpus/bpmn\n";
    return;
  }
  std::size_t found = 0;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    if (entry.path().extension() != ".bpmn") continue;
    pugi::xml_document doc;
    REQUIRE(doc.load_file(entry.path().c_str()));
    for (const auto& hit : doc.select_nodes("//text()[contains(., '${')] | //@*[contains(., '${')]")) {
      const std::string text = hit.attribute() ? hit.attribute().value() : hit.node().value();
      INFO(entry.path() << " " << text);
      CHECK(expression::parse(text));
      ++found;
    }
  }
  CHECK(found >= 100);
}

}  // namespace dsf::bpmn::el

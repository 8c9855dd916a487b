// Would find: data that depends on how the text was cut, bytes that differ, text of other elements that is taken for the data, Base64 that is none.
#include "actors/binary_data.hpp"

#include <catch2/catch.hpp>

#include "base/bytes.hpp"
#include "base/json.hpp"

using namespace dsf;
using dsf::actors::binary_data;

namespace {

struct parted {
  std::string bytes, rest, fault;
};

parted part(binary_data::form form, std::string_view text, std::size_t step, std::size_t rest_at_most = 10'000) {
  parted out;
  binary_data d(form, rest_at_most);
  for (std::size_t at = 0; at < text.size(); at += step)
    if (const auto taken = d.put(text.substr(at, step), out.bytes); !taken) return {"", "", taken.error().text()};
  auto rest = d.finish();
  if (!rest) return {"", "", rest.error().text()};
  out.rest = *rest;
  return out;
}

}  // namespace

TEST_CASE("the data of a Binary in JSON is parted from the rest, wherever it stands", "[binary]") {
  const std::string bytes = "some bytes\0 of any kind \xff", data = base::to_base64(bytes);
  auto escaped = data;
  for (auto at = escaped.find('/'); at != escaped.npos; at = escaped.find('/', at + 2)) escaped.insert(at, "\\");
  for (const auto& text :
       {R"({"resourceType":"Binary","contentType":"text/plain","data":")" + data + "\"}",
        R"({ "data" : ")" + escaped + R"(" , "resourceType":"Binary","contentType":"text/plain"})",
        R"({"resourceType":"Binary","data":")" + data.substr(0, 4) + R"(\n )" + data.substr(4) + R"(","contentType":"text/plain"})"})
    for (const std::size_t step : {1UL, 2UL, 3UL, 7UL, 1'000UL}) {
      CAPTURE(text, step);
      const auto p = part(binary_data::form::json, text, step);
      CHECK(p.fault.empty());
      CHECK(p.bytes == bytes);
      const auto rest = base::json::parse(p.rest);
      REQUIRE(rest);
      CHECK_FALSE(rest->find("data"));
      CHECK((*rest)["contentType"].str() == "text/plain");
    }
  // Of another place, or another word: left alone.
  for (const std::string text :
       {R"({"resourceType":"Binary","extension":[{"data":"AAAA"}]})", R"({"_data":{"id":"x"},"contentType":"data"})",
        R"({"a":"data","b":["data","AAAA"]})", R"({"d\u0061ta":"AAAA"})", R"({"x":"\"data\":\"AAAA"})"}) {
    const auto p = part(binary_data::form::json, text, 1);
    CHECK(p.bytes.empty());
    CHECK(p.rest == text);
  }
}

TEST_CASE("the data of a Binary in XML is parted from the rest", "[binary]") {
  const std::string bytes = "some bytes\0 of any kind \xff", data = base::to_base64(bytes);
  const std::string head =
      R"(<?xml version="1.0"?><!-- <data value="x"/> --><Binary xmlns="http://hl7.org/fhir"><contentType value="text/plain"/>)";
  for (const auto& [text, rest] :
       {std::pair{head + "<data value=\"" + data + "\"/></Binary>", head + "</Binary>"},
        {head + "<data value = '" + data + "' /></Binary>", head + "</Binary>"},
        {head + "<data id=\"i\" value=\"" + data.substr(0, 4) + "\n" + data.substr(4) + "\"/></Binary>", head + "</Binary>"}})
    for (const std::size_t step : {1UL, 2UL, 3UL, 7UL, 1'000UL}) {
      CAPTURE(text, step);
      const auto p = part(binary_data::form::xml, text, step);
      CHECK(p.fault.empty());
      CHECK(p.bytes == bytes);
      CHECK(p.rest == rest);
    }
  for (const std::string text : {R"(<Binary><meta><data value="AAAA"/></meta></Binary>)", R"(<Binary><datum value="AAAA"/></Binary>)",
                                 R"(<Binary><x y="<data value='AAAA'/>"/></Binary>)", R"(<data value="AAAA"/>)"}) {
    const auto p = part(binary_data::form::xml, text, 1);
    CHECK(p.bytes.empty());
    CHECK(p.rest == text);
  }
}

TEST_CASE("data that is not Base64 is refused, and so is a rest without end", "[binary]") {
  for (const std::string data : {"A", "AAA", "AAAAA", "A===", "AA=A", "AAB=", "AA==AA==", "AAA*", "AAAA\\u0041AAA", "AAA\\"}) {
    CAPTURE(data);
    CHECK_FALSE(part(binary_data::form::json, R"({"data":")" + data + "\"}", 3).fault.empty());
  }
  CHECK(part(binary_data::form::json, R"({"data":"AAAA)", 3).fault == "the Binary ends inside its data");
  CHECK(part(binary_data::form::json, R"({"data":"AAAA","data":"AAAA"})", 3).fault == "Binary.data occurs twice");
  CHECK(part(binary_data::form::json, std::string(2'000, ' '), 100, 1'000).fault == "the Binary has more than 1000 bytes beside its data");
}

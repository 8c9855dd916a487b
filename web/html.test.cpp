// Finds: a way for what stands in a text to become markup, an attribute's end, or an address that runs something.
#include "web/html.hpp"

#include <catch2/catch.hpp>

using namespace dsf::web;

TEST_CASE("html: every text is escaped, as content and as attribute") {
  const std::string hostile = "<script>alert(\"x\")</script>&'";
  CHECK(element("p", hostile).bytes() == "<p>&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;&amp;&#39;</p>");
  CHECK(lone("input", {{"value", hostile}}).bytes() == "<input value=\"&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;&amp;&#39;\">");
  CHECK(element("p", {{"hidden", true}, {"inert", false}}, html("\x01")).bytes() == "<p hidden>\xef\xbf\xbd</p>");
  CHECK((html("<") + element("b", html("&"))).bytes() == "&lt;<b>&amp;</b>");
}

TEST_CASE("html: only addresses of the web and of this site are linked") {
  for (const auto bad : {"javascript:alert(1)", "JavaScript:alert(1)", " javascript:alert(1)", "java\tscript:alert(1)", "data:text/html,x",
                         "vbscript:x", "//elsewhere.example", "/\\elsewhere.example", "file:///etc/passwd", "urn:uuid:1"}) {
    INFO(bad);
    CHECK_FALSE(is_safe_address(bad));
    CHECK(element("a", {{"href", bad}}, html("x")).bytes() == "<a href=\"#\">x</a>");
    CHECK(element("form", {{"action", bad}}, html()).bytes() == "<form action=\"#\"></form>");
  }
  for (const auto good :
       {"/fhir/Task/1", "?_format=json", "#content", "https://site.example/fhir", "http://x.example/a:b", "Task?identifier=a|b:c", ""}) {
    INFO(good);
    CHECK(is_safe_address(good));
  }
}

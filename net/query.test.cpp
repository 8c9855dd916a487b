#include "net/query.hpp"

#include <catch2/catch.hpp>

using namespace dsf::net;

TEST_CASE("URLs are taken apart") {
  struct row {
    const char* text;
    const char* host;
    int port;
    const char* target;
    const char* authority;
  };
  for (const auto& r : {row{"https://dic.example/fhir/Task?a=b#frag", "dic.example", 443, "/fhir/Task?a=b", "dic.example"},
                        row{"HTTP://LocalHost:8080", "localhost", 8080, "/", "localhost:8080"},
                        row{"https://[::1]:8443/x", "::1", 8443, "/x", "[::1]:8443"}, row{"https://a.b:443?q", "a.b", 443, "/?q", "a.b"},
                        row{"http://a:/", "a", 80, "/", "a"}}) {
    INFO(r.text);
    const auto u = parse_url(r.text);
    REQUIRE(u);
    CHECK(u->host == r.host);
    CHECK(u->port == r.port);
    CHECK(u->target == r.target);
    CHECK(u->authority() == r.authority);
  }
  for (const auto* bad :
       {"", "dic.example/fhir", "ftp://x/", "https://", "https:///x", "https://u:p@x/", "https://x:0/", "https://x:65536/", "https://x:1a/",
        "https://[::1/", "https://[x]/", "https://[::1]x/", "https://x y/", "https://x/\r\n", "https://x!/", "https://\xc3\xa4/"}) {
    INFO(bad);
    REQUIRE_FALSE(parse_url(bad));
    CHECK(parse_url(bad).error().code() == "net.bad_url");
  }
  // A password in a URL must not reach a log.
  CHECK(parse_url("https://user:geheim@x/").error().to_string().find("geheim") == std::string::npos);
}

TEST_CASE("query strings keep order and repetitions, and decode only what is well formed") {
  const auto q = parse_query("identifier=http%3A%2F%2Fx%7C1&_sort=a+b&_include=A&_include=B&&flag&empty=&a=b=c");
  REQUIRE(q);
  CHECK(
      *q ==
      std::vector<query_parameter>{
          {"identifier", "http://x|1"}, {"_sort", "a b"}, {"_include", "A"}, {"_include", "B"}, {"flag", ""}, {"empty", ""}, {"a", "b=c"}});
  CHECK(parse_query("")->empty());
  for (const auto* bad : {"a=%", "a=%1", "a=%zz", "%ff=1", "a=%c0%80", "a=%ed%a0%80", "a=%f5%80%80%80"}) {
    INFO(bad);
    CHECK_FALSE(parse_query(bad));
  }
  CHECK(parse_query("a=%zz").error().text() == "'%' at position 0 is not followed by two hexadecimal digits; write a percent sign as %25");
  std::string many;
  for (std::size_t i = 0; i <= query_parameters_at_most; ++i) many += "a=1&";
  CHECK(parse_query(many).error().text() == "the query has more than 1000 parameters; ask for less at once");
}

TEST_CASE("a plus sign is a blank in queries only, and encoding is undone by decoding") {
  CHECK(percent_decode("a+b") == "a+b");
  CHECK(percent_decode("a+b%2B", true) == "a b+");
  const std::vector<query_parameter> p{{"na me", "\xc3\xa4/?&=+%"}, {"x", ""}};
  CHECK(encode_query(p) == "na%20me=%C3%A4%2F%3F%26%3D%2B%25&x=");
  CHECK(*parse_query(encode_query(p)) == p);
}

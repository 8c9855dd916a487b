// Would find: bytes that come back changed, a range off by one, or a wrong status or header of the raw form (dsf-fhir-server 3.10). Who may
// read, and what is stored, is shown over TLS by tests/wire/57-binary.wire.
#include "actors/raw_binary.hpp"

#include <fmt/format.h>
#include <catch2/catch.hpp>

#include "base/bytes.hpp"

using namespace dsf;
using namespace dsf::actors;

namespace {

const std::string content = std::string("first\0line\r\n\xff", 13) + "and more";  // 21 bytes, no UTF-8
constexpr std::string_view id = "6f0a5c1e-0000-4000-8000-000000000001";
const std::string path = "Binary/" + std::string(id);

fhir::interaction_request get(std::string accept = "*/*", std::string at = path) {
  return {.path = std::move(at), .accept = std::move(accept)};
}

// What the endpoint answers to a read of the resource.
fhir::reply stored(std::string_view bytes, std::string_view type = "image/png", std::string_view context = "Organization/1") {
  fhir::reply r;
  r.headers = {{"ETag", "W/\"3\""}, {"Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT"}};
  r.xml = false;
  r.media_type = "application/fhir+json";
  r.body = std::make_shared<const std::string>(
      fmt::format(R"({{"resourceType":"Binary","contentType":"{}","securityContext":{{"reference":"{}"}}{}}})", type, context,
                  bytes.empty() ? "" : fmt::format(R"(,"data":"{}")", base::to_base64(bytes))));
  return r;
}
std::string header(const fhir::reply& r, std::string_view name) {
  const auto* h = r.header(name);
  return h ? *h : "";
}
std::string bytes_of(const fhir::reply& r) {
  const auto* bytes = std::get_if<std::shared_ptr<const std::string>>(&r.body);
  return bytes ? **bytes : "no bytes";
}
fhir::reply asked(const net::header_list& headers, fhir::interaction_request q = get(), fhir::reply of = stored(content)) {
  const auto raw = take_raw_read(headers, q);
  REQUIRE(raw);
  return raw_answer(*raw, std::move(of), id).reply;
}
std::string chosen(std::string_view header, std::uint64_t size) {
  const auto c = choose_range(header, size);
  if (c.what == range_choice::kind::whole) return "whole";
  if (c.what == range_choice::kind::unsatisfiable) return "416";
  return fmt::format("{}-{}", c.part.first, c.part.last);
}

}  // namespace

TEST_CASE("raw binary: one range, both ends included, within what there is", "[binary]") {
  CHECK(chosen("bytes=0-0", 10) == "0-0");
  CHECK(chosen("bytes=0-9", 10) == "0-9");
  CHECK(chosen("bytes=0-10", 10) == "0-9");
  CHECK(chosen("bytes=9-", 10) == "9-9");
  CHECK(chosen("bytes=10-", 10) == "416");
  CHECK(chosen("bytes=10-12", 10) == "416");
  CHECK(chosen("bytes=-1", 10) == "9-9");
  CHECK(chosen("bytes=-10", 10) == "0-9");
  CHECK(chosen("bytes=-11", 10) == "0-9");
  CHECK(chosen("bytes=-0", 10) == "416");
  CHECK(chosen("bytes=0-", 0) == "416");
  CHECK(chosen("bytes=-5", 0) == "416");
  CHECK(chosen(" bytes=2-3 ", 10) == "2-3");
  for (const auto malformed : {"", "bytes", "bytes=", "bytes=-", "bytes=5", "bytes=3-2", "bytes=1-2,4-5", "lines=0-1", "bytes=a-b",
                               "bytes=1-x", "bytes=+1-2", "bytes=1-99999999999999999999", "bytes=0x1-2"})
    CHECK(chosen(malformed, 10) == "whole");
}

TEST_CASE("raw binary: the bytes as they are, and the headers that go with them", "[binary]") {
  const auto r = asked({});
  CHECK(r.status == 200);
  CHECK(bytes_of(r) == content);
  CHECK(header(r, "Content-Type") == "image/png");
  CHECK(header(r, "ETag") == "W/\"3\"");
  CHECK(header(r, "Accept-Ranges") == "bytes");
  CHECK(header(r, "X-Security-Context") == "Organization/1");
  CHECK(header(r, "Content-Disposition") == fmt::format("attachment; filename=Binary_{}.png", id));
  CHECK_FALSE(r.xml);
  CHECK(header(asked({}, get(), stored("x", "text/csv; header=present")), "Content-Type") == "text/csv; header=present");
  CHECK(header(asked({}, get(), stored("x", "text/csv; header=present")), "Content-Disposition").ends_with(".csv"));
  // What is no media type must not reach a header.
  CHECK(header(asked({}, get(), stored("x", "nonsense")), "Content-Type") == "application/octet-stream");
  const auto empty = asked({}, get(), stored(""));
  CHECK(empty.status == 200);
  CHECK(bytes_of(empty).empty());
}

TEST_CASE("raw binary: Accept and _format decide between bytes and resource", "[binary]") {
  const auto form = [](fhir::interaction_request q) {
    const auto raw = take_raw_read({}, q);
    if (!raw) return std::string("resource");
    CHECK(q.accept == "application/fhir+json");
    return std::to_string(raw_answer(*raw, stored(content), id).reply.status);
  };
  CHECK(form({.path = path}) == "200");
  CHECK(form(get(" ")) == "200");
  CHECK(form(get("image/png")) == "200");
  CHECK(form(get("IMAGE/*;q=0.1")) == "200");
  CHECK(form(get("text/plain, */*;q=0.5")) == "200");
  CHECK(form(get("image/png;q=0, */*")) == "406");
  CHECK(form(get("image/jpeg")) == "406");
  CHECK(form(get("application/json")) == "406");
  CHECK(form(get("application/fhir+xml")) == "resource");
  CHECK(form(get("application/json+fhir; fhirVersion=4.0, */*")) == "resource");
  CHECK(form(get("text/html, */*")) == "resource");
  CHECK(form(get("*/*", path + "/_history/2")) == "200");
  CHECK(form(get("*/*", path + "/_history")) == "resource");
  CHECK(form(get("*/*", "Binary/_history")) == "resource");
  CHECK(form(get("*/*", "Binary")) == "resource");
  CHECK(form(get("*/*", "Group/1")) == "resource");
  auto q = get();
  q.query = {{"_format", "json"}};
  CHECK(form(q) == "resource");
  q.query = {{"_format", "inline"}};
  CHECK(form(q) == "200");
  q.method = fhir::http_method::post;
  CHECK(form(q) == "resource");
}

TEST_CASE("raw binary: inline is shown without a download, and nothing in it runs", "[binary]") {
  auto q = get("image/avif");
  q.query = {{"_format", "inline"}};
  auto r = asked({}, q, stored("<script>1</script>", "text/html"));
  CHECK(r.status == 200);
  CHECK(header(r, "Content-Disposition").empty());
  CHECK(header(r, "Content-Security-Policy").find("script-src 'none'") != std::string::npos);
  CHECK(header(r, "X-Content-Type-Options") == "nosniff");
  r = asked({}, q, stored("x", "application/zip"));
  CHECK(header(r, "Content-Disposition").ends_with(".zip"));
}

TEST_CASE("raw binary: a range of the bytes", "[binary]") {
  auto r = asked({{"Range", "bytes=0-4"}});
  CHECK(r.status == 206);
  CHECK(bytes_of(r) == "first");
  CHECK(header(r, "Content-Range") == "bytes 0-4/21");
  r = asked({{"Range", "bytes=-4"}});
  CHECK(bytes_of(r) == "more");
  CHECK(header(r, "Content-Range") == "bytes 17-20/21");
  r = asked({{"Range", "bytes=21-"}});
  CHECK(r.status == 416);
  CHECK(header(r, "Content-Range") == "bytes */21");
  CHECK_FALSE(r.has_body());
  const auto if_range = [](std::string tag) { return asked({{"Range", "bytes=0-4"}, {"If-Range", std::move(tag)}}).status; };
  CHECK(if_range("W/\"3\"") == 206);
  CHECK(if_range("\"3\"") == 206);
  CHECK(if_range("W/\"2\"") == 200);
  CHECK(if_range("Sun, 06 Nov 1994 08:49:37 GMT") == 206);
  CHECK(if_range("Sun, 06 Nov 1994 08:49:38 GMT") == 200);
  auto head = get();
  head.method = fhir::http_method::head;
  r = asked({{"Range", "bytes=0-4"}}, head);
  CHECK(r.status == 200);
  CHECK(bytes_of(r).size() == 21);
}

TEST_CASE("raw binary: what is no bytes stays what it is", "[binary]") {
  fhir::reply denied;
  denied.status = 403;
  denied.body = base::json::object{{"resourceType", "OperationOutcome"}};
  auto r = asked({}, get(), denied);
  CHECK(r.status == 403);
  CHECK(r.has_body());
  CHECK(r.xml);
  fhir::reply known;
  known.status = 304;
  CHECK(asked({{"Range", "bytes=0-4"}}, get(), known).status == 304);
}

TEST_CASE("raw binary: an upload needs a type and exactly one security context", "[binary]") {
  const auto upload = [](std::string type, const net::header_list& headers, std::string at = "Binary") {
    fhir::interaction_request q{.method = at == "Binary" ? fhir::http_method::post : fhir::http_method::put,
                                .path = std::move(at),
                                .content_type = std::move(type),
                                .body = content};
    REQUIRE(is_raw_upload(q));
    const auto refused = take_raw_upload(headers, q);
    return refused ? std::to_string(refused->status) : q.body;
  };
  const net::header_list good{{"X-Security-Context", "Organization/1"}};
  const auto data = base::to_base64(content);
  CHECK(upload("image/png", good) ==
        R"({"resourceType":"Binary","contentType":"image/png","securityContext":{"reference":"Organization/1"},"data":")" + data + "\"}");
  CHECK(
      upload("text/csv;  header=present", good, "Binary/7") ==
      R"({"resourceType":"Binary","id":"7","contentType":"text/csv; header=present","securityContext":{"reference":"Organization/1"},"data":")" +
          data + "\"}");
  CHECK(upload("image/png", {}) == "400");
  CHECK(upload("image/png", {{"X-Security-Context", " "}}) == "400");
  CHECK(upload("image/png", {{"X-Security-Context", "Organization/1"}, {"X-Security-Context", "Organization/2"}}) == "400");
  CHECK(upload("image/png", {{"X-Security-Context", "Organization/\xff"}}) == "400");
  for (const auto type : {"", " ", "png", "image/*", "image/", "/png", "a/b/c", "image/p ng"}) CHECK(upload(type, good) == "400");
  const auto raw = [](fhir::http_method m, std::string at, std::string type) {
    return is_raw_upload({.method = m, .path = std::move(at), .content_type = std::move(type)});
  };
  CHECK_FALSE(raw(fhir::http_method::post, "Binary", "application/fhir+json; charset=utf-8"));
  CHECK_FALSE(raw(fhir::http_method::post, "Binary", "Application/XML"));
  CHECK_FALSE(raw(fhir::http_method::post, "Binary/_search", "application/x-www-form-urlencoded"));
  CHECK_FALSE(raw(fhir::http_method::post, "Group", "image/png"));
}

// gzip on the wire (not in DSF; advertised by the answers themselves). Would find: an answer that can't be unpacked, a Binary that is packed, a client that did
// not ask and gets it, a packed body that is taken for what it looks like, or unpacked without end.
#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "base/json.hpp"
#include "net/gzip.hpp"
#include "tests/wire/lone_site.hpp"

using namespace dsf;
using namespace dsf::tests;

namespace {

constexpr std::int64_t answer_ms = 60'000;
constexpr std::uint64_t body_limit = 64 * 1024;
const std::string fhir_json = "application/fhir+json";

class packing_site : public lone_site {
public:
  explicit packing_site(std::uint16_t port) : lone_site(port), base(fmt::format("https://localhost:{}/fhir", port)) {
    settings += "limits: {body: 64KiB}\n";
  }
  net::client_response send(std::string method, const std::string& path, net::header_list headers, std::string body = {}) {
    net::client_options o;
    o.identity = must(net::tls_identity::load({folder / "client.pem", folder / "client.key", {}, {}, folder / "ca.pem"}));
    net::https_client client(std::move(o));
    net::client_request q;
    q.method = std::move(method);
    q.url = base + "/" + path;
    q.headers = std::move(headers);
    q.body = std::move(body);
    return must(client.send_and_wait(std::move(q), answer_ms));
  }
  std::string base;
};

std::string group(std::string_view name) {
  return fmt::format(
      R"({{"resourceType":"Group","meta":{{"tag":[{{"system":"http://dsf.dev/fhir/CodeSystem/read-access-tag","code":"ALL"}}]}},
    "type":"person","actual":true,"name":"{}"}})",
      name);
}

}  // namespace

TEST_CASE("gzip on the wire: answers for who asks, and bodies of requests", "[gzip]") {
  packing_site s(free_port());
  const auto dsfd = s.start();

  const auto plain = s.send("GET", "metadata", {{"Accept", fhir_json}});
  REQUIRE(plain.status == 200);
  CHECK_FALSE(plain.headers.has("Content-Encoding"));
  for (const auto* accept : {"application/fhir+json", "application/fhir+xml"}) {
    INFO(accept);
    const auto as_it_is = s.send("GET", "metadata", {{"Accept", accept}});
    const auto packed = s.send("GET", "metadata", {{"Accept", accept}, {"Accept-Encoding", "br, gzip;q=0.5"}});
    REQUIRE(packed.status == 200);
    CHECK(packed.headers.value("Content-Encoding") == "gzip");
    CHECK(packed.headers.value("Vary").find("Accept-Encoding") != std::string_view::npos);
    CHECK(packed.headers.value("Content-Type") == as_it_is.headers.value("Content-Type"));
    CHECK(packed.body.size() < as_it_is.body.size() / 4);
    CHECK(must(net::gunzip(packed.body, 1 << 24)).size() == as_it_is.body.size());
    const auto head = s.send("HEAD", "metadata", {{"Accept", accept}, {"Accept-Encoding", "gzip"}});
    CHECK(head.headers.value("Content-Encoding") == "gzip");
    CHECK(head.body.empty());
  }
  CHECK_FALSE(s.send("GET", "metadata", {{"Accept", fhir_json}, {"Accept-Encoding", "gzip;q=0, br"}}).headers.has("Content-Encoding"));

  // Below 1 KiB it stays as it is, and the version's tag is the same either way.
  const auto made =
      s.send("POST", "Group", {{"Content-Type", fhir_json}, {"Accept", fhir_json}, {"Accept-Encoding", "gzip"}}, group("small"));
  REQUIRE(made.status == 201);
  CHECK_FALSE(made.headers.has("Content-Encoding"));
  const auto id = std::string(must(base::json::parse(made.body))["id"].str());

  const auto longer = std::string(3'000, 'n');
  auto update = must(base::json::parse(group(longer)));
  update.set("id", id);
  const auto changed = s.send(
      "PUT", "Group/" + id, {{"Content-Type", fhir_json}, {"Content-Encoding", "gzip"}, {"Accept", fhir_json}, {"Accept-Encoding", "gzip"}},
      net::gzip(update.dump()));
  REQUIRE(changed.status == 200);
  CHECK(changed.headers.value("Content-Encoding") == "gzip");
  CHECK(changed.headers.value("ETag") == "W/\"2\"");
  CHECK(must(base::json::parse(must(net::gunzip(changed.body, 1 << 20))))["name"].str() == longer);
  const auto known = s.send("GET", "Group/" + id, {{"Accept", fhir_json}, {"Accept-Encoding", "gzip"}, {"If-None-Match", "W/\"2\""}});
  CHECK(known.status == 304);
  CHECK_FALSE(known.headers.has("Content-Encoding"));

  // A Binary's bytes are what they are, up and down.
  const auto found = must(base::json::parse(s.send("GET", "Organization", {{"Accept", fhir_json}}).body));
  const auto context = "Organization/" + std::string(found["entry"][std::size_t{0}]["resource"]["id"].str());
  const std::string text(20'000, 't');
  const net::header_list upload{{"Content-Type", "application/vnd.example+json"}, {"X-Security-Context", context}, {"Accept", fhir_json}};
  const auto binary = s.send("POST", "Binary", upload, text);
  REQUIRE(binary.status == 201);
  const auto binary_id = std::string(must(base::json::parse(binary.body))["id"].str());
  const auto bytes = s.send("GET", "Binary/" + binary_id, {{"Accept", "application/vnd.example+json"}, {"Accept-Encoding", "gzip"}});
  CHECK_FALSE(bytes.headers.has("Content-Encoding"));
  CHECK(bytes.body == text);

  struct wrong {
    const char* coding;
    std::string body;
    int status;
    const char* says;
  };
  const auto body = group("never stored");
  for (const auto& w : {wrong{"br", body, 415, "'br' is not understood"},
                        {"gzip", body, 400, "Content-Encoding gzip"},
                        {"gzip", net::gzip(body).substr(0, 60), 400, "cut off"},
                        {"gzip", net::gzip(std::string(50 * body_limit, ' ')), 413, "more than 65536 bytes"}}) {
    INFO(w.coding << ' ' << w.status);
    const auto refused =
        s.send("POST", "Group", {{"Content-Type", fhir_json}, {"Content-Encoding", w.coding}, {"Accept", fhir_json}}, w.body);
    CHECK(refused.status == w.status);
    CHECK(refused.body.find(w.says) != std::string::npos);
    CHECK((refused.headers.value("Accept-Encoding") == "gzip") == (w.status == 415));
  }
  auto packed_upload = upload;
  packed_upload.add("Content-Encoding", "gzip");
  const auto refused = s.send("POST", "Binary", packed_upload, net::gzip(text));
  CHECK(refused.status == 415);
  CHECK(refused.body.find("as they are") != std::string::npos);
  const auto all = s.send("GET", "Group?_summary=count", {{"Accept", fhir_json}});
  CHECK(must(base::json::parse(all.body))["total"].int_or(-1) == 1);
}

// Binaries larger than any body may be. Would find: bytes that differ, an answer before the bytes are safe, files that stay behind, an upload that is read to its end
// although it is refused, a form of the resource without its bytes (dsf-fhir-server 3.10).
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "base/bytes.hpp"
#include "base/entropy.hpp"
#include "base/json.hpp"
#include "tests/wire/lone_site.hpp"

using namespace dsf;
using namespace dsf::tests;
namespace fs = std::filesystem;

namespace {

constexpr std::int64_t answer_ms = 60'000;

class binary_site : public lone_site {
public:
  explicit binary_site(std::uint16_t port) : lone_site(port), base(fmt::format("https://localhost:{}/fhir", port)) {
    settings += "limits: {body: 64KiB, binary: 8MiB}\n";
  }
  net::client_response send(std::string method, const std::string& path, net::header_list headers = {}, std::string body = {}) {
    net::client_options o;
    o.identity = must(net::tls_identity::load({folder / "client.pem", folder / "client.key", {}, {}, folder / "ca.pem"}));
    o.answer_bytes = 64 << 20;
    net::https_client client(std::move(o));
    net::client_request q;
    q.method = std::move(method);
    q.url = base + "/" + path;
    q.headers = std::move(headers);
    q.body = std::move(body);
    return must(client.send_and_wait(std::move(q), answer_ms));
  }
  std::string organization() {
    const auto found = must(base::json::parse(send("GET", "Organization", {{"Accept", "application/fhir+json"}}).body));
    return "Organization/" + std::string(found["entry"][std::size_t{0}]["resource"]["id"].str());
  }
  net::header_list upload(const std::string& context) {
    return {{"Content-Type", "application/octet-stream"}, {"X-Security-Context", context}, {"Accept", "application/fhir+json"}};
  }
  std::size_t files(bool fresh) {
    std::size_t n = 0;
    const auto blobs = fs::path(folder / "store") / "blobs";
    if (!fs::exists(blobs)) return 0;
    for (const auto& f : fs::recursive_directory_iterator(blobs))
      if (f.is_regular_file() && (f.path().parent_path().filename() == "new") == fresh) ++n;
    return n;
  }
  std::string base;
};

std::string random_bytes(std::size_t size) {
  base::seeded_entropy e(20'261'123);
  std::string out(size, '\0');
  e.fill({reinterpret_cast<std::uint8_t*>(out.data()), out.size()});
  return out;
}

}  // namespace

TEST_CASE("a large Binary goes up and comes down in every form, and outlives a kill", "[blobs]") {
  binary_site s(free_port());
  auto process = s.start();
  const auto context = s.organization();
  const auto bytes = random_bytes(7'000'001);

  auto made = s.send("POST", "Binary", s.upload(context), bytes);
  INFO(made.body.substr(0, 500));
  REQUIRE(made.status == 201);
  // As hard an end as there is, right behind the answer.
  ::kill(process.pid(), SIGKILL);
  process.stop(5'000);
  process = s.start();
  const auto id = must(base::json::parse(made.body))["id"].str();
  const auto at = "Binary/" + std::string(id);
  CHECK(s.files(false) == 1);
  CHECK(s.files(true) == 0);

  const auto whole = s.send("GET", at, {{"Accept", "*/*"}});
  CHECK(whole.status == 200);
  CHECK(whole.headers.value("Content-Type") == "application/octet-stream");
  CHECK(whole.headers.value("X-Security-Context") == context);
  CHECK(whole.headers.value("Accept-Ranges") == "bytes");
  CHECK((whole.body == bytes));
  const auto part = s.send("GET", at, {{"Accept", "*/*"}, {"Range", "bytes=5000000-5000099"}});
  CHECK(part.status == 206);
  CHECK(part.headers.value("Content-Range") == "bytes 5000000-5000099/7000001");
  CHECK((part.body == bytes.substr(5'000'000, 100)));
  CHECK((s.send("GET", at, {{"Accept", "*/*"}, {"Range", "bytes=-7"}}).body == bytes.substr(bytes.size() - 7)));
  CHECK(s.send("GET", at, {{"Accept", "*/*"}, {"Range", "bytes=7000001-"}}).status == 416);
  const auto head = s.send("HEAD", at, {{"Accept", "*/*"}});
  CHECK(head.status == 200);
  CHECK(head.headers.value("Content-Length") == "7000001");
  CHECK(s.send("GET", at, {{"Accept", "text/plain"}}).status == 406);

  const auto json = must(base::json::parse(s.send("GET", at, {{"Accept", "application/fhir+json"}}).body));
  CHECK(json["contentType"].str() == "application/octet-stream");
  CHECK(json["securityContext"]["reference"].str() == context);
  CHECK((must(base::from_base64(json["data"].str())) == bytes));
  const auto xml = s.send("GET", at + "/_history/1", {{"Accept", "application/fhir+xml"}}).body;
  CHECK(xml.find("<data value=\"" + base::to_base64(bytes) + "\"/>") != std::string::npos);
  const auto json_head = s.send("HEAD", at, {{"Accept", "application/fhir+json"}});
  CHECK(json_head.headers.value("Content-Length") == std::to_string(s.send("GET", at, {{"Accept", "application/fhir+json"}}).body.size()));

  // The same as a resource, in both forms.
  for (
      const auto& [type, text] :
      {std::pair{"application/fhir+json",
                 fmt::format(R"({{"resourceType":"Binary","contentType":"image/png","data":"{}","securityContext":{{"reference":"{}"}}}})",
                             base::to_base64(bytes), context)},
       {"application/fhir+xml",
        fmt::format(
            R"(<Binary xmlns="http://hl7.org/fhir"><contentType value="image/png"/><securityContext><reference value="{}"/></securityContext><data value="{}"/></Binary>)",
            context, base::to_base64(bytes))}}) {
    made = s.send("POST", "Binary", {{"Content-Type", type}, {"Accept", "application/fhir+json"}}, text);
    INFO(made.body.substr(0, 500));
    REQUIRE(made.status == 201);
    const auto other = "Binary/" + std::string(must(base::json::parse(made.body))["id"].str());
    const auto again = s.send("GET", other, {{"Accept", "image/*"}});
    CHECK(again.headers.value("Content-Type") == "image/png");
    CHECK((again.body == bytes));
    CHECK(s.send("DELETE", other).status == 200);
    CHECK(s.send("POST", other + "/$permanent-delete", {{"Accept", "application/fhir+json"}}).status == 200);
  }
  for (int i = 0; i < 200 && s.files(false) > 1; ++i) ::usleep(50'000);

  // Another version has bytes of its own, and the first one keeps its.
  const auto others = random_bytes(1'000'000) + "x";
  CHECK(s.send("PUT", at, s.upload(context), others).status == 200);
  CHECK(s.files(false) == 2);
  CHECK((s.send("GET", at, {{"Accept", "*/*"}}).body == others));
  CHECK((s.send("GET", at + "/_history/1", {{"Accept", "*/*"}}).body == bytes));

  // Only its elements are patched, so the bytes stay.
  CHECK(s.send("PATCH", at, {{"Content-Type", "application/json-patch+json"}, {"Accept", "application/fhir+json"}},
               R"([{"op":"replace","path":"/contentType","value":"image/png"}])")
            .status == 200);
  const auto patched = s.send("GET", at, {{"Accept", "*/*"}});
  CHECK(patched.headers.value("Content-Type") == "image/png");
  CHECK((patched.body == others));

  CHECK(s.send("DELETE", at).status == 200);
  CHECK(s.send("GET", at, {{"Accept", "*/*"}}).status == 410);
  CHECK(s.send("POST", at + "/$permanent-delete", {{"Accept", "application/fhir+json"}}).status == 200);
  for (int i = 0; i < 200 && s.files(false) > 0; ++i) ::usleep(50'000);
  CHECK(s.files(false) == 0);
  CHECK(process.stop(15'000));
}

TEST_CASE("an upload is refused before its bytes are taken, and what breaks off leaves nothing", "[blobs]") {
  binary_site s(free_port());
  auto process = s.start();
  const auto context = s.organization();
  const auto text_of = [](const net::client_response& r) {
    const auto outcome = base::json::parse(r.body);
    return outcome ? (*outcome)["issue"][std::size_t{0}]["diagnostics"].str() : r.body;
  };
  auto r = s.send("POST", "Binary", s.upload(context), random_bytes((8 << 20) + 1));
  CHECK(r.status == 413);
  CHECK(text_of(r).find("8388608 bytes") != std::string::npos);
  auto headers = s.upload(context);
  headers.remove("X-Security-Context");
  r = s.send("POST", "Binary", headers, random_bytes(4 << 20));
  CHECK(r.status == 400);
  CHECK(text_of(r).find("X-Security-Context") != std::string::npos);
  r = s.send("POST", "Binary", s.upload("Organization/6f0a5c1e-0000-4000-8000-000000000009"), random_bytes(4 << 20));
  CHECK(r.status == 403);
  r = s.send("POST", "Binary", {{"Content-Type", "application/fhir+json"}, {"Accept", "application/fhir+json"}},
             R"({"resourceType":"Binary","contentType":"image/png","data":")" + std::string(1'000'001, 'A') + "\"}");
  CHECK(r.status == 400);
  CHECK(text_of(r).find("not Base64") != std::string::npos);
  // Another body of that size is none of a Binary.
  r = s.send("POST", "Group", {{"Content-Type", "application/fhir+json"}, {"Accept", "application/fhir+json"}}, std::string(100'000, ' '));
  CHECK(r.status == 413);
  CHECK(s.files(false) + s.files(true) == 0);
  CHECK(process.stop(15'000));
}

#include <openssl/evp.h>

#include <fstream>
#include <future>
#include <sstream>

#include "base/bytes.hpp"
#include "fhir/codec/json.hpp"
#include "fhir/codec/xml.hpp"
#include "fhir/conformance/bundled.hpp"
#include "net/query.hpp"
#include "site/running/errc.hpp"
#include "site/running/parts.hpp"

namespace dsf::site {
namespace {

using base::json;
using base::result;

std::string sha256_hex(std::string_view bytes) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  EVP_Digest(bytes.data(), bytes.size(), digest, &size, EVP_sha256(), nullptr);
  return base::to_hex({reinterpret_cast<const char*>(digest), size});
}

fhir::reply call(actors::fhir_endpoint& endpoint, const fhir::identity& who, fhir::interaction_request request) {
  std::promise<fhir::reply> promise;
  auto answer = promise.get_future();
  request.accept = "application/fhir+json";
  request.content_type = "application/fhir+json";
  endpoint.handle_as(who, std::move(request), [&](fhir::reply r) { promise.set_value(std::move(r)); });
  return answer.get();
}

std::string outcome_text(const fhir::reply& r) {
  std::string out = "HTTP " + std::to_string(r.status);
  json body;
  if (const auto* j = std::get_if<json>(&r.body))
    body = *j;
  else if (const auto* b = std::get_if<std::shared_ptr<const std::string>>(&r.body); b && *b)
    body = json::parse(**b).value_or(json{});
  for (const auto& issue : body["issue"])
    if (!issue["diagnostics"].str().empty()) out += ": " + issue["diagnostics"].str();
  return out;
}

// What identifies a conformance resource: url and version, name, or a Subscription's criteria.
std::string criteria_of(const json& resource) {
  const auto part = [](std::string_view name, const std::string& value) { return std::string(name) + "=" + net::percent_encode(value); };
  if (resource["resourceType"].str() == "Subscription")
    return part("criteria:exact", resource["criteria"].str()) + "&" + part("type", resource["channel"]["type"].str()) + "&" +
           part("payload", resource["channel"]["payload"].str());
  if (resource["url"].str().empty()) return part("name", resource["name"].str());
  return part("url", resource["url"].str()) + "&" + part("version", resource["version"].str());
}

// True when this text has been loaded before under this name.
result<bool> known(storage::store& store, const std::string& name, const std::string& digest) {
  const auto row = TRY(store.view()->row_value(storage::table::meta, "bootstrap/" + name));
  return row && *row == "\1" + digest;
}
result<> remember(storage::store& store, const std::string& name, const std::string& digest) {
  storage::commit c;
  c.operations.push_back(storage::put_row{storage::table::meta, "bootstrap/" + name, "\1" + digest});
  TRY(store.submit_wait(std::move(c)));
  return {};
}

}  // namespace

result<> load_bundled_resources(storage::store& store, actors::fhir_endpoint& endpoint, const fhir::identity& loader) {
  for (const auto text : fhir::bundled_resources()) {
    const auto resource = TRY(json::parse(text));
    const auto name = resource["resourceType"].str() + " " +
                      (resource["url"].str().empty() ? resource["name"].str() + resource["criteria"].str() : resource["url"].str());
    const auto digest = sha256_hex(text);
    if (TRY(known(store, name, digest))) continue;
    fhir::interaction_request request;
    request.method = fhir::http_method::post;
    request.path = resource["resourceType"].str();
    request.body = std::string(text);
    request.if_none_exist = criteria_of(resource);
    const auto reply = call(endpoint, loader, std::move(request));
    if (reply.status != 200 && reply.status != 201)
      return base::fail(running_errc::cannot_start, "a resource of the release is refused: " + outcome_text(reply), name);
    TRY(remember(store, name, digest));
  }
  return {};
}

result<> load_allow_list(const std::string& file, storage::store& store, actors::fhir_endpoint& endpoint, const fhir::identity& loader,
                         const base::logger& log) {
  std::ifstream in{file, std::ios::binary};
  if (!in) return base::fail(running_errc::cannot_start, "the allow-list bundle is missing or can't be read", file);
  std::ostringstream text;
  text << in.rdbuf();
  const auto content = std::move(text).str();
  const auto digest = sha256_hex(content);
  if (TRY(known(store, "allow-list", digest))) return {};
  auto reading = content.find_first_not_of(" \t\r\n\xef\xbb\xbf") != std::string::npos &&
                         content[content.find_first_not_of(" \t\r\n\xef\xbb\xbf")] == '<'
                     ? fhir::read_xml(content)
                     : fhir::read_json(content);
  if (!reading.ok()) {
    const auto& first = reading.issues.front();
    return base::fail(running_errc::cannot_start, "the allow-list is not a valid Bundle: " + first.expression + ": " + first.text, file);
  }
  fhir::interaction_request request;
  request.method = fhir::http_method::post;
  request.body = reading.resource.dump();
  const auto reply = call(endpoint, loader, std::move(request));
  if (reply.status != 200) return base::fail(running_errc::cannot_start, "the allow-list is refused: " + outcome_text(reply), file);
  log.info("site", "allow-list loaded", {}, {{"entries", static_cast<std::int64_t>(reading.resource["entry"].size())}});
  return remember(store, "allow-list", digest);
}

}  // namespace dsf::site

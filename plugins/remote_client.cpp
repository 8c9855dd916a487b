#include "plugins/remote_client.hpp"

#include <atomic>
#include <future>

#include "base/mutant.hpp"
#include "net/query.hpp"
#include "plugins/binary_transfer.hpp"
#include "plugins/errc.hpp"

namespace dsf::plugins {
namespace {

using base::fail;
using base::json;
using base::result;

constexpr const char* fhir_json = "application/fhir+json";

std::string diagnostics(std::string_view body) {
  const auto outcome = json::parse(body);
  if (!outcome) return {};
  for (const auto& issue : (*outcome)["issue"])
    if (!issue["diagnostics"].str().empty()) return ": " + issue["diagnostics"].str().substr(0, 300);
  return {};
}

class remote_client final : public fhir_client, public binary_client {
public:
  remote_client(net::transport& transport, remote_options options) : transport_(transport), options_(std::move(options)) {}

  result<json> read(std::string_view type, std::string_view id, std::uint64_t version) override {
    auto url = options_.base_url + "/" + std::string(type) + "/" + std::string(id);
    if (version != 0) url += "/_history/" + std::to_string(version);
    return call("GET", std::move(url), {}, {});
  }
  result<json> search(std::string_view query) override {
    const auto* between = query.starts_with('?') ? "" : "/";
    return call("GET", options_.base_url + between + std::string(query), {}, {{"Prefer", "handling=strict"}});
  }
  result<json> create(const json& resource, std::string_view) override {
    const auto type = resource["resourceType"].str();
    // Another site keeps no journal for us: only an identifier makes the create repeatable.
    const auto& identifier = resource["identifier"].is_array() ? resource["identifier"][0] : resource["identifier"];
    if (identifier["value"].str().empty())
      return fail(errc::not_configured, "a resource created at another site needs an identifier", type);
    const auto criteria = "identifier=" + net::percent_encode(identifier["system"].str() + "|" + identifier["value"].str());
    const auto url = options_.base_url + "/" + type;
    const auto response = TRY(send("POST", url, resource.dump(), {{"If-None-Exist", criteria}, {"Prefer", "return=representation"}}));
    auto made = TRY(resource_in_answer(response.status, response.body, url));
    if (made["resourceType"].str() == type) return made;
    // It was there already: the answer is an OperationOutcome, and Location says where (dsf-fhir-server 3.6).
    return read(type, TRY(id_at(response.headers.value("Location"), type, url)), 0);
  }
  // R4 http.html: POST [base]. Java DSF's container has the base as a folder and sends who leaves the slash out to it; there is nothing else to
  // look for at another place.
  result<json> transaction(const json& bundle) override {
    if (!base_is_folder_) {
      const auto response = TRY(send("POST", options_.base_url, bundle.dump(), {}));
      if (response.status < 301 || response.status > 308 || response.status == 304 || DSF_MUTANT("plugins.redirect_is_refusal"))
        return resource_in_answer(response.status, response.body, options_.base_url);
      base_is_folder_ = true;
    }
    return call("POST", options_.base_url + "/", bundle.dump(), {});
  }
  result<std::string> create_binary(const binary_upload& what) override { return upload_binary(transport_, options_, what); }
  result<binary_download> read_binary(std::string_view id, const byte_sink& to) override {
    return download_binary(transport_, options_, id, to);
  }
  result<> remove_binary(std::string_view id) override { return delete_binary(transport_, options_, id); }

private:
  // "https://.../Group/<id>/_history/<version>", or without the version.
  static result<std::string> id_at(std::string_view location, const std::string& type, const std::string& url) {
    const auto before = "/" + type + "/";
    const auto at = location.rfind(before);
    const auto id = at == location.npos ? std::string_view{} : location.substr(at + before.size());
    if (id.empty()) return fail(errc::bad_answer, "the answer is neither the resource nor does it say where the one is that exists", url);
    return std::string(id.substr(0, id.find('/')));
  }

  result<json> call(std::string method, std::string url, std::string body, net::header_list headers) {
    const auto response = TRY(send(std::move(method), url, std::move(body), std::move(headers)));
    return resource_in_answer(response.status, response.body, url);
  }
  net::result<net::client_response> send(std::string method, const std::string& url, std::string body, net::header_list headers) {
    net::client_request r;
    r.method = std::move(method);
    r.url = url;
    r.headers = std::move(headers);
    r.headers.set("Accept", fhir_json);
    if (!body.empty()) r.headers.set("Content-Type", fhir_json);
    if (!options_.authorization.empty()) r.headers.set("Authorization", options_.authorization.reveal());
    r.body = std::move(body);
    std::promise<net::result<net::client_response>> promise;
    auto answer = promise.get_future();
    transport_.send(std::move(r), options_.request_timeout_ms,
                    [&](net::result<net::client_response> got) { promise.set_value(std::move(got)); });
    return answer.get();
  }
  net::transport& transport_;
  remote_options options_;
  std::atomic<bool> base_is_folder_ = false;
};

}  // namespace

result<json> resource_in_answer(int status, std::string_view body, const std::string& what) {
  if (status < 200 || status >= 300) return fail(errc::http_status, "HTTP " + std::to_string(status) + diagnostics(body), what);
  auto parsed = json::parse(body);
  if (!parsed) return fail(errc::bad_answer, "the answer is not JSON: " + parsed.error().text(), what);
  return parsed;
}

std::unique_ptr<fhir_client> make_remote_client(net::transport& transport, remote_options options) {
  return std::make_unique<remote_client>(transport, std::move(options));
}

}  // namespace dsf::plugins

#include "tests/simulation/patient_client.hpp"

#include <memory>
#include <optional>

#include "plugins/remote_client.hpp"

namespace dsf::simulation {
namespace {

using base::json;
using base::result;

constexpr std::int64_t timeout_ms = 10'000;

base::failure nothing_to_write() { return base::fail(base::errc::invalid_argument, "the link only reads"); }

}  // namespace

result<json> patient_client::get(const std::string& what) {
  auto answer = std::make_shared<std::optional<net::result<net::client_response>>>();
  net::client_request r;
  r.method = "GET";
  r.url = base_url_ + "/" + what;
  r.headers = {{"Accept", "application/fhir+json"}, {"Prefer", "handling=strict"}};
  transport_->send(std::move(r), timeout_ms, [answer](net::result<net::client_response> a) { answer->emplace(std::move(a)); });
  std::mutex mutex;
  std::unique_lock lock{mutex};
  drive_->wait(lock, std::nullopt, [&] { return answer->has_value(); });
  const auto response = TRY(std::move(**answer));
  return plugins::resource_in_answer(response.status, response.body, what);
}

result<json> patient_client::read(std::string_view type, std::string_view id, std::uint64_t) {
  return get(std::string(type) + "/" + std::string(id));
}
result<json> patient_client::search(std::string_view query) { return get(std::string(query)); }
result<json> patient_client::create(const json&, std::string_view) { return nothing_to_write(); }
result<json> patient_client::transaction(const json&) { return nothing_to_write(); }

}  // namespace dsf::simulation

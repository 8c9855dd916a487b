#include "plugins/patient_client.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <thread>

#include "base/mutant.hpp"
#include "net/error.hpp"
#include "plugins/binaries.hpp"
#include "plugins/errc.hpp"

namespace dsf::plugins {
namespace {

using base::json;
using base::result;

constexpr auto slice = std::chrono::milliseconds(50);
constexpr int first_slices = 2, longest_slices = 100;  // of a pause

bool is_away(const base::error& e) {
  if (e.is(errc::http_status)) {
    constexpr std::array<std::string_view, 3> soon_better{"HTTP 502", "HTTP 503", "HTTP 504"};
    return std::ranges::any_of(soon_better, [&](auto status) { return e.text().starts_with(status); });
  }
  return e.code().starts_with("net.") &&
         (e.kind() == base::error_kind::unavailable || e.kind() == base::error_kind::timeout || e.kind() == base::error_kind::overloaded);
}

class patient_client final : public fhir_client, public binary_client {
public:
  patient_client(std::unique_ptr<fhir_client> client, patience with) : client_(std::move(client)), with_(std::move(with)) {}

  result<json> read(std::string_view type, std::string_view id, std::uint64_t version) override {
    return repeat([&] { return client_->read(type, id, version); });
  }
  result<json> search(std::string_view query) override {
    return repeat([&] { return client_->search(query); });
  }
  result<json> create(const json& resource, std::string_view key) override {
    return repeat([&] { return client_->create(resource, key); });
  }
  result<json> transaction(const json& bundle) override {
    return repeat([&] { return client_->transaction(bundle); }, true);
  }
  // What passes by can't be had twice, so these two are the caller's to repeat.
  result<std::string> create_binary(const binary_upload& what) override { return TRY(binaries())->create_binary(what); }
  result<binary_download> read_binary(std::string_view id, const byte_sink& to) override { return TRY(binaries())->read_binary(id, to); }
  result<> remove_binary(std::string_view id) override {
    auto* at = TRY(binaries());
    return repeat([&] { return at->remove_binary(id); });
  }

private:
  template <class Call>
  auto repeat(const Call& call, bool once = false) -> decltype(call()) {
    for (int slices = first_slices;; slices = std::min(slices * 2, longest_slices)) {
      auto answer = call();
      if (answer || !is_away(answer.error()) || (once && net::may_have_been_processed(answer.error())) || !pause(slices)) return answer;
    }
  }
  result<binary_client*> binaries() {
    if (auto* out = binaries_of(*client_)) return out;
    return base::fail(errc::not_configured, "this FHIR client can't transfer Binaries as bytes");
  }
  bool pause(int slices) const {
    if (DSF_MUTANT("plugins.handler_impatient")) return false;
    for (int i = 0; i < slices; ++i) {
      if (*with_.cancelled || (with_.give_up && *with_.give_up)) return false;
      std::this_thread::sleep_for(slice);
    }
    return true;
  }
  std::unique_ptr<fhir_client> client_;
  patience with_;
};

}  // namespace

std::unique_ptr<fhir_client> make_patient_client(std::unique_ptr<fhir_client> client, patience with) {
  if (!with.cancelled) return client;
  return std::make_unique<patient_client>(std::move(client), std::move(with));
}

}  // namespace dsf::plugins

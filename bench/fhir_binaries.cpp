// Bytes of Binaries up and down, beside the same bytes to and from a handler that does nothing.
#include <fmt/format.h>

#include "base/entropy.hpp"
#include "base/json.hpp"
#include "bench/conversations.hpp"
#include "bench/fhir_run.hpp"
#include "bench/machine.hpp"

namespace dsf::bench {
namespace {

using base::fail;
using base::json;
using base::result;

constexpr std::size_t binary_bytes = std::size_t{8} << 20;  // well above the size from which a Binary is a file
constexpr unsigned binary_connections = 4;
constexpr std::uint64_t uploads_a_connection = 48;  // 1.5 GiB of disk for a run at most
constexpr double mb = 1e6;

result<std::string> id_in(const std::string& answer) {
  const auto body = answer.find("\r\n\r\n");
  const auto resource = TRY(json::parse(std::string_view(answer).substr(std::min(answer.size(), body + 4))));
  const auto& one = resource["resourceType"].str() == "Bundle" ? resource["entry"][std::size_t{0}]["resource"] : resource;
  if (one["id"].str().empty()) return fail(base::errc::invalid_argument, "no resource in the answer: " + answer.substr(0, 300));
  return std::string(one["id"].str());
}

}  // namespace

result<figure> fhir_run::bytes(const std::string& name, const maker& make, const std::string& answer, std::size_t size) {
  const auto limit_server = TRY(tls_limit::start(*sites_, answer));
  std::vector<figure> runs;
  for (unsigned run = 0; run < o_.common.runs; ++run) {
    const auto limit = TRY(timed_when_up(plan(limit_server->target(), make, binary_connections), limit_server->pid()));
    auto got = TRY(timed(plan(sites_->target(site()), make, binary_connections), {site().process.pid()}));
    const auto per_exchange = static_cast<double>(size) / mb, n = static_cast<double>(got.load.exchanges);
    figure f;
    f.name = name;
    f.unit = "MB/s";
    f.value = n * per_exchange / got.load.seconds;
    f.limit = static_cast<double>(limit.load.exchanges) * per_exchange / limit.load.seconds;
    f.ratio = f.value / f.limit;
    set_latencies(f, got.load.samples_us);
    f.server_cpu_us = static_cast<double>(got.server_cpu_us) / n;
    f.more = {{"bytes", static_cast<double>(size)}, {"connections", binary_connections}};
    runs.push_back(std::move(f));
  }
  return median_of(runs);
}

result<> fhir_run::binaries() {
  const auto organization = TRY(id_in(
      TRY(answer_to(site(), "GET", "/fhir/Organization?identifier=http://dsf.dev/sid/organization-identifier%7C" + site().organization))));
  base::seeded_entropy random(1);
  auto content = std::make_shared<std::string>(o_.common.quick ? binary_bytes / 8 : binary_bytes, '\0');
  random.fill({reinterpret_cast<std::uint8_t*>(content->data()), content->size()});
  std::string answer;
  const auto up = [&](std::uint64_t at_most, std::string* keep) {
    return [=](std::uint16_t port, unsigned) {
      auto out = std::make_unique<asker>("POST", port, std::vector<std::string>{"/fhir/Binary"}, 0, keep, *content, at_most);
      out->say(
          fmt::format("Accept: application/fhir+json\r\nContent-Type: application/octet-stream\r\nX-Security-Context: Organization/{}\r\n",
                      organization));
      return out;
    };
  };
  auto once = plan(sites_->target(site()), up(1, &answer), 1);
  once.threads = 1;
  TRY(run_load(once));
  const auto id = TRY(id_in(answer));
  if (wanted("fhir.binary_up")) out_->add(TRY(bytes("fhir.binary_up", up(uploads_a_connection, nullptr), answer, content->size())));
  const auto down = [&](std::uint64_t at_most, std::string* keep) {
    return [=](std::uint16_t port, unsigned) {
      auto out = std::make_unique<asker>("GET", port, std::vector<std::string>{"/fhir/Binary/" + id}, 0, keep, std::string{}, at_most);
      out->say("Accept: application/octet-stream\r\n");
      return out;
    };
  };
  once = plan(sites_->target(site()), down(1, &answer), 1);
  once.threads = 1;
  TRY(run_load(once));
  if (wanted("fhir.binary_down")) out_->add(TRY(bytes("fhir.binary_down", down(UINT64_MAX, nullptr), answer, content->size())));
  return {};
}

}  // namespace dsf::bench

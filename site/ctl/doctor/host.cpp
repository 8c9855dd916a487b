#include "site/ctl/doctor/host.hpp"

#include <fmt/format.h>
#include <sys/timex.h>

#include <filesystem>

#include "net/certificate_usage.hpp"
#include "net/tls.hpp"
#include "site/ctl/output.hpp"

namespace dsf::site::ctl {
namespace {

const std::string here = "this host";
constexpr std::int64_t day_us = 86'400 * base::us_per_s;
constexpr std::int64_t renew_us = 30 * day_us;

void certificate(findings& out, std::string_view which, const tls_config& c, bool of_server, base::timestamp now) {
  const auto check = fmt::format("tls.{} certificate", which);
  const auto identity = net::tls_identity::load({c.certificate, c.key, c.key_password, {}, c.trust});
  if (!identity) {
    const bool expired = identity.error().is(net::errc::certificate_expired);
    out.push_back({here, check, health::fault, expired ? "own-certificate-expired" : "own-certificate", identity.error().to_string(),
                   expired ? "have it renewed, tell all partners the new thumbprint, replace the files, and send SIGHUP to dsfd"
                           : "mend the file or its path"});
    return;
  }
  if (const auto usage = net::usage_of(c.certificate); usage && !(of_server ? usage->server : usage->client))
    out.push_back({here, check, health::fault, of_server ? "server-usage" : "client-usage",
                   fmt::format("{} is not made for {}: others will refuse it", c.certificate, of_server ? "servers" : "clients"),
                   fmt::format("have it issued with the extended key usage {}", of_server ? "serverAuth" : "clientAuth")});
  const auto left = identity->self().not_after.us - now.us;
  const auto text = fmt::format("{}, ends in {} days, thumbprint {}...", identity->self().subject, left / day_us,
                                identity->self().thumbprint.substr(0, 16));
  if (left < renew_us)
    out.push_back({here, check, health::warning, "ends-soon", text,
                   "have it renewed; a new client certificate's thumbprint must be in all allow-lists first"});
  else
    out.push_back({here, check, health::good, {}, text, {}});
}

void disk(findings& out, const site_config& c) {
  std::error_code ec;
  auto folder = std::filesystem::absolute(c.store_path, ec);
  while (!ec && !std::filesystem::exists(folder) && folder.has_relative_path()) folder = folder.parent_path();
  const auto space = std::filesystem::space(folder, ec);
  if (ec) return;
  const auto text = fmt::format("{} free at {}", human_bytes(space.available), c.store_path);
  if (space.available < std::uintmax_t(c.store_low_water_bytes))
    out.push_back({here, "disk", health::fault, "disk-full", text, "below store.low_water_mark no new process starts; make room"});
  else
    out.push_back({here, "disk", health::good, {}, text, {}});
}

void clock_source(findings& out) {
  timex t{};
  // Containers often may not ask; what partners' clocks say counts more.
  const int state = ::adjtimex(&t);
  if (state >= 0 && (t.status & STA_UNSYNC) != 0)
    out.push_back({here, "clock", health::warning, "not-synchronised", "the kernel says that nothing sets this machine's clock",
                   "let NTP set it (timedatectl shows whether it does)"});
}

}  // namespace

findings examine_host(const loaded_settings& settings, base::timestamp now) {
  findings out;
  for (const auto& p : settings.problems)
    out.push_back({here, "settings", health::fault, "settings", p.to_string(), "`dsfd config check` looks again"});
  if (!settings.problems.empty()) return out;
  out.push_back({here, "settings", health::good, {}, "are right", {}});
  const auto& c = settings.config;
  if (c.role_fhir) certificate(out, "server", c.server_tls, true, now);
  if (!c.client_tls.certificate.empty()) certificate(out, "client", c.client_tls, false, now);
  disk(out, c);
  clock_source(out);
  return out;
}

}  // namespace dsf::site::ctl

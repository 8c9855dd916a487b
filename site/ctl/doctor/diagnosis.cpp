#include "site/ctl/doctor/diagnosis.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

namespace dsf::site::ctl {
namespace {

using base::json;

std::string host_of(std::string_view url) {
  const auto start = url.find("://");
  auto rest = start == std::string_view::npos ? url : url.substr(start + 3);
  return std::string(rest.substr(0, rest.find_first_of("/?")));
}

std::string span_text(std::int64_t us) {
  const auto s = std::llabs(us) / base::us_per_s;
  return s < 120 ? fmt::format("{} s", s) : fmt::format("{} min", (s + 30) / 60);
}

finding fault(const std::string& about, std::string check, std::string cause, std::string text, std::string mend) {
  return {about, std::move(check), health::fault, std::move(cause), std::move(text), std::move(mend)};
}

finding no_answer(const std::string& about, const std::string& address, const net::error& e, const asker& us) {
  const auto host = host_of(address);
  const auto text = e.text();
  if (e.is(net::errc::proxy_failed) || e.is(net::errc::proxy_refused))
    return fault(about, "proxy", "proxy", text,
                 fmt::format("compare proxy.url and its credentials, or call {} without it (proxy.no_proxy)", host));
  if (e.is(net::errc::name_not_resolved))
    return fault(about, "name", "name", text,
                 fmt::format("ask this machine's resolver (getent hosts {}), and compare with the address in the allow-list, {}",
                             host.substr(0, host.find(':')), address));
  if (e.is(net::errc::connection_refused))
    return fault(about, "connection", "closed-port", fmt::format("nothing listens at {}: {}", host, text),
                 "their endpoint is down, or the address in the allow-list has the wrong port");
  if (e.is(net::errc::connect_timeout) || e.is(net::errc::connect_failed) || e.is(net::errc::timeout))
    return fault(about, "connection", "unreachable", fmt::format("{} does not answer: {}", host, text),
                 "a firewall, here or there: this machine must reach the address, and theirs must be in what yours lets out");
  if (e.is(net::errc::server_unknown_ca))
    return fault(about, "certificate", "unknown-authority", text,
                 "add the authority of their server certificate to tls.client.trust, if you trust it");
  if (e.is(net::errc::server_expired))
    return fault(about, "certificate", "expired", text,
                 "they must renew their server certificate; if it is new, look at the clock of this machine");
  if (e.is(net::errc::server_host_mismatch))
    return fault(
        about, "certificate", "wrong-host-name", text,
        fmt::format("their server certificate does not name {}: they must renew it, or the address in the allow-list is wrong", host));
  if (e.is(net::errc::server_certificate_invalid))
    return fault(about, "certificate", "server-certificate", text, "they must renew their server certificate");
  if (e.is(net::errc::certificate_refused)) {
    if (!us.may_be_client)
      return fault(about, "certificate", "client-usage",
                   fmt::format("they refuse our certificate, which is not made for clients: {}", text),
                   "tls.client.certificate needs the extended key usage clientAuth; have it issued anew");
    return fault(about, "certificate", "certificate-refused", text,
                 "they must trust the authority of tls.client.certificate for clients; it also must not have ended");
  }
  if (text.find("407") != std::string::npos)
    return fault(about, "proxy", "proxy-credentials", text, "the forward proxy wants a user and a password, or refuses those it was given");
  return fault(about, "connection", "connection", text, "look at their endpoint's log at this time");
}

void compare_listing(diagnosis& out, const std::string& about, const asker& us) {
  const auto* there = find_member(out.members, us.organization);
  if (there == nullptr) {
    out.found.push_back(fault(about, "role", "wrong-role", fmt::format("{} answers us, but lists no role of {}", about, us.organization),
                              "their allow-list needs our OrganizationAffiliation"));
    return;
  }
  if (us.here != nullptr && there->roles != us.here->roles) {
    out.found.push_back(fault(about, "role", "wrong-role",
                              fmt::format("{} lists us as {}; our own allow-list says {}", about, roles_text(*there), roles_text(*us.here)),
                              "processes are refused by role: both allow-lists must come from the same source"));
    return;
  }
  out.found.push_back({about, "role", health::good, {}, fmt::format("lists us as {}", roles_text(*there)), {}});
  if (us.here != nullptr && there->address != us.here->address)
    out.found.push_back({about, "address", health::warning, "other-address",
                         fmt::format("{} sends to us at {}; our own allow-list says {}", about, there->address, us.here->address),
                         "they must load the newer allow-list, or their answers go astray"});
}

}  // namespace

std::string members_query() {
  return "OrganizationAffiliation?active=true&_count=500&_include=OrganizationAffiliation:primary-organization"
         "&_include=OrganizationAffiliation:participating-organization&_include=OrganizationAffiliation:endpoint";
}

diagnosis diagnose(const std::string& about, const std::string& address, const net::result<net::client_response>& answer, const asker& us,
                   base::timestamp now) {
  diagnosis out;
  if (!answer) {
    out.found.push_back(no_answer(about, address, answer.error(), us));
    return out;
  }
  out.found.push_back({about, "connection", health::good, {}, fmt::format("{} answers over mutual TLS", host_of(address)), {}});
  if (answer->status == 401 || answer->status == 403) {
    out.found.push_back(
        fault(about, "listing", "not-listed-there",
              fmt::format("answered with {}: the certificate with this thumbprint is not listed there: {}", answer->status, us.thumbprint),
              "they must have our Organization, active, with this thumbprint in their allow-list"));
    return out;
  }
  const auto bundle = answer->status == 200 ? json::parse(answer->body) : json::parse("null");
  if (!bundle || (*bundle)["resourceType"].str() != "Bundle") {
    out.found.push_back(
        fault(about, "endpoint", answer->status == 407 ? "proxy-credentials" : "no-endpoint",
              fmt::format("{} answered with {}, and no search result", address, answer->status),
              answer->status >= 500 ? "look at their endpoint's log" : "compare the address in the allow-list with theirs"));
    return out;
  }
  if (const auto then = base::parse_iso((*bundle)["timestamp"].str())) out.clock_ahead_us = then->us - now.us;
  out.members = members_of(*bundle);
  compare_listing(out, about, us);
  return out;
}

findings diagnose_clocks(const std::vector<std::pair<std::string, std::int64_t>>& ahead) {
  findings out;
  const auto off = [](const auto& a) { return std::llabs(a.second) > clock_warning_us; };
  const auto wrong = std::ranges::count_if(ahead, off);
  const auto how = [](std::int64_t us) { return std::llabs(us) > clock_fault_us ? health::fault : health::warning; };
  // More than half of several agree: then it is this machine's.
  if (wrong > 1 && std::size_t(wrong) * 2 > ahead.size()) {
    std::vector<std::int64_t> all;
    for (const auto& [name, us] : ahead) all.push_back(us);
    std::ranges::sort(all);
    const auto middle = all[all.size() / 2];
    out.push_back({"this host", "clock", how(middle), "clock",
                   fmt::format("this machine's clock is {} {} those of {} of {} partners", span_text(middle),
                               middle > 0 ? "behind" : "before", wrong, ahead.size()),
                   "let it be set by NTP (timedatectl shows whether it is)"});
    return out;
  }
  for (const auto& [name, us] : ahead)
    if (std::llabs(us) > clock_warning_us)
      out.push_back({name, "clock", how(us), "clock", fmt::format("their clock is {} {} ours", span_text(us), us > 0 ? "before" : "behind"),
                     wrong == 1 && ahead.size() > 1 ? "the others' clocks agree with ours: they must set theirs by NTP"
                                                    : "one of the two is not set by NTP"});
  if (out.empty() && !ahead.empty())
    out.push_back({"this host",
                   "clock",
                   health::good,
                   {},
                   fmt::format("agrees with that of {} partner{}", ahead.size(), ahead.size() == 1 ? "" : "s"),
                   {}});
  return out;
}

}  // namespace dsf::site::ctl

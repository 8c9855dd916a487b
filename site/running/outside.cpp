#include "site/running/outside.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>

#include "net/loopback.hpp"
#include "net/query.hpp"
#include "net/smtp.hpp"
#include "plugins/fhir_connections.hpp"
#include "site/running/errc.hpp"

namespace dsf::site {
namespace {

using base::fail;
using base::result;

net::smtp_security security_of(mail_security s) {
  switch (s) {
    case mail_security::tls: return net::smtp_security::tls;
    case mail_security::none: return net::smtp_security::none;
    case mail_security::starttls: break;
  }
  return net::smtp_security::starttls;
}

result<connected_store> connect(const plugins::fhir_connection& c, const tls_config& own, std::shared_ptr<const net::forward_proxy> proxy) {
  net::client_options options;
  options.connect_timeout_ms = c.connect_timeout_ms;
  const auto url = TRY(net::parse_url(c.base_url));
  if (!net::is_loopback(url.host)) options.proxy = std::move(proxy);
  if (url.tls()) {
    tls_config t;
    t.certificate = c.certificate;
    t.key = c.key;
    t.key_password = c.key_password;
    t.trust = c.trust;
    if (t.trust.empty()) {
      t.trust = own.trust;
      t.revocation = own.revocation;
      t.revocation_lists = own.revocation_lists;
    }
    if (t.trust.empty())
      return fail(running_errc::cannot_start,
                  "name the authorities of the server in trusted-root-certificates-file, or set tls.client.trust", c.place);
    auto identity = net::tls_identity::load(client_files_of(t));
    if (!identity) return fail(running_errc::cannot_start, "connection " + c.name + ": " + identity.error().to_string(), c.place);
    options.identity = std::move(*identity);
  }
  connected_store out;
  out.remote.base_url = c.base_url;
  out.remote.request_timeout_ms = c.read_timeout_ms;
  out.remote.authorization = c.authorization;
  out.client = std::make_unique<net::https_client>(std::move(options));
  return out;
}

}  // namespace

plugins::mail_sender mail_sender_of(const site_config& config, base::clock& time, const base::logger& log) {
  const auto& m = config.mail;
  if (m.host.empty()) return {};
  net::smtp_server server;
  server.host = m.host;
  server.port = m.port;
  server.security = security_of(m.security);
  server.username = m.username;
  server.password = m.password;
  server.trust = m.tls.trust.empty() ? config.client_tls.trust : m.tls.trust;
  server.certificate = m.tls.certificate;
  server.key = m.tls.key;
  server.key_password = m.tls.key_password;
  server.own_name = m.from.substr(m.from.find('@') + 1);
  server.timeout_ms = std::max<std::int64_t>(1, m.timeout_us / 1'000);
  return [server, defaults = plugins::mail_defaults{m.from, m.to, m.cc, m.reply_to}, &time,
          &log](const plugins::mail& mail) -> result<std::string> {
    auto finished = TRY(plugins::finish_mail(mail, defaults, time.now()));
    TRY(net::send_mail(server, defaults.from, finished.recipients, finished.text));
    log.info("mail", "a mail was sent", {},
             {{"messageId", finished.message_id}, {"recipients", static_cast<std::int64_t>(finished.recipients.size())}});
    return std::move(finished.message_id);
  };
}

result<std::map<std::string, connected_store>> open_connections(const site_config& config, const base::logger& log) {
  std::map<std::string, connected_store> out;
  const auto& given = config.fhir_connections;
  if (given.file.empty() && given.yaml.empty()) return out;
  auto yaml = given.yaml.reveal();
  if (!given.file.empty()) {
    std::ifstream in{given.file, std::ios::binary};
    std::ostringstream text;
    text << in.rdbuf();
    if (!in) return fail(running_errc::cannot_start, "the file of fhir_connections.file can't be read", given.file);
    yaml = std::move(text).str();
  }
  plugins::fhir_connection defaults;
  defaults.connect_timeout_ms = given.connect_timeout_us / 1'000;
  defaults.read_timeout_ms = given.read_timeout_us / 1'000;
  defaults.trust = given.trust;
  defaults.test_on_startup = given.test_on_startup;
  const std::string setting = given.file.empty() ? "fhir_connections.yaml" : "fhir_connections.file";
  const auto read = plugins::read_fhir_connections(yaml, given.file.empty() ? setting : given.file, defaults);
  if (!read.faults.empty()) {
    std::string all;
    for (const auto& f : read.faults) all += (all.empty() ? "" : "\n") + f.line();
    return fail(running_errc::cannot_start, all, setting);
  }
  for (const auto& w : read.warnings) log.warning("connections", "a connection has what is not done here", {}, {{"warning", w.line()}});
  const auto proxy = TRY(proxy_of(config));
  for (const auto& c : read.connections) {
    auto made = TRY(connect(c, config.client_tls, proxy));
    if (c.test_on_startup) {
      net::client_request r;
      r.url = c.base_url + "/metadata";
      r.headers = {{"Accept", "application/fhir+json"}};
      if (!c.authorization.empty()) r.headers.set("Authorization", c.authorization.reveal());
      made.client->send(std::move(r), c.read_timeout_ms, [&log, name = c.name](net::result<net::client_response> answer) {
        if (answer && answer->status == 200)
          log.info("connections", "the FHIR server answers", {}, {{"connection", name}});
        else
          log.warning("connections", "the FHIR server does not answer as it should", {},
                      {{"connection", name}, {"error", answer ? "HTTP " + std::to_string(answer->status) : answer.error().to_string()}});
      });
    }
    out.emplace(c.name, std::move(made));
  }
  return out;
}

}  // namespace dsf::site

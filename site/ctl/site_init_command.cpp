// `dsfctl site init`: a settings file with what must be decided, and comments on the rest.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <ostream>

#include "net/tls.hpp"
#include "site/ctl/commands.hpp"
#include "site/settings/load.hpp"

namespace dsf::site::ctl {
namespace {

namespace fs = std::filesystem;

// A YAML text in single quotes.
std::string yaml_text(std::string_view text) {
  std::string out = "'";
  for (char c : text) {
    if (c == '\'') out += '\'';
    out += c;
  }
  return out + "'";
}

std::string settings_text(const site_init_options& o, const fs::path& certificates) {
  const bool repository_beside_fhir = std::find(o.roles.begin(), o.roles.end(), "repository") != o.roles.end() &&
                                      std::find(o.roles.begin(), o.roles.end(), "fhir") != o.roles.end();
  auto file = [&](const fs::path& name) { return yaml_text((certificates / name).string()); };
  std::string text = fmt::format(
      "# Settings of a dsfd site; docs/settings.md lists all. Check with: dsfd config check --config FILE\n"
      "roles: [{}]\n"
      "organization:\n"
      "  identifier: {}\n"
      "fhir:\n"
      "  base_url: {}\n"
      "  address: 127.0.0.1   # 0.0.0.0 opens the endpoint to other machines\n"
      "  port: 8443\n"
      "  # allow_list: allow-list.json\n"
      "tls:\n"
      "  server:\n    certificate: {}\n    key: {}\n    trust: {}\n"
      "  client:\n    certificate: {}\n    key: {}\n    trust: {}\n"
      "store:\n"
      "  path: {}\n",
      fmt::join(o.roles, ", "), yaml_text(o.organization), yaml_text(o.base_url), file("server.pem"), file("server.key"), file("../ca.pem"),
      file("client.pem"), file("client.key"), file("../ca.pem"),
      o.store.empty() ? "data" : yaml_text(fs::absolute(o.store).lexically_normal().string()));
  if (repository_beside_fhir)
    text += "allow_repository_beside_fhir: true   # development only: clinical data beside an endpoint that faces other sites\n";
  return text;
}

}  // namespace

result<> site_card(ctl_output& o, const loaded_settings& settings, const std::string& contact) {
  if (!settings.problems.empty()) return base::failure(settings.problems.front());
  const auto& c = settings.config;
  base::json card = base::json::object{{"organization", c.organization_identifier}, {"endpoint", c.base_url}};
  for (const auto& [name, tls] : {std::pair{"client", &c.client_tls}, std::pair{"server", &c.server_tls}}) {
    if (tls->certificate.empty()) continue;
    // PKCS#12 opens only with its password.
    const auto peer = net::is_pkcs12(tls->certificate)
                          ? TRY(net::tls_identity::load({tls->certificate, tls->key, tls->key_password, {}, tls->trust})).self()
                          : TRY(net::read_certificate(tls->certificate));
    card.set(std::string(name) + "_certificate",
             base::json::object{{"subject", peer.subject}, {"thumbprint", peer.thumbprint}, {"ends", base::to_iso(peer.not_after, 0)}});
  }
  if (!contact.empty()) card.set("contact", contact);
  if (o.json) {
    o.out << card.dump() << "\n";
    return {};
  }
  o.out << fmt::format("Site card, for those who keep the consortium's allow-list:\n  organisation  {}\n  endpoint      {}\n",
                       c.organization_identifier, c.base_url);
  for (const auto* which : {"client", "server"}) {
    const auto& certificate = card[std::string(which) + "_certificate"];
    if (!certificate.is_null())
      o.out << fmt::format("  {} certificate, until {}\n                {}\n                SHA-512 {}\n", which, certificate["ends"].str(),
                           certificate["subject"].str(), certificate["thumbprint"].str());
  }
  o.out << fmt::format("  contact       {}\n", contact.empty() ? "(--contact adds it)" : contact);
  return {};
}

result<> site_init(ctl_output& o, const site_init_options& given) {
  auto options = given;
  if (options.roles.empty()) options.roles = {"fhir", "bpe"};
  const auto folder = fs::path(options.folder).lexically_normal();
  const auto file = folder / "site.yaml";
  if (fs::exists(file)) return base::fail(admin_errc::conflict, "there is a settings file already; it is left as it is", file.string());
  std::error_code ec;
  fs::create_directories(folder, ec);
  if (ec) return base::fail(base::errc::io, fmt::format("the folder can't be made: {}", ec.message()), folder.string());

  const auto certificates = options.certificates.empty() ? fs::path("tls/site") : fs::absolute(options.certificates).lexically_normal();
  const auto text = settings_text(options, certificates);

  // What it says must be accepted before it is written; missing certificates are told as what is left to do.
  settings_sources sources;
  sources.file = file.string();
  sources.file_text = text;
  const auto loaded = load_settings(sources);
  std::vector<std::string> to_do;
  for (const auto& p : loaded.problems) {
    if (p.text().starts_with("tls.")) {
      to_do.push_back(p.to_string());
    } else {
      return base::failure(p);
    }
  }
  std::ofstream out(file, std::ios::binary);
  out << text;
  out.close();
  if (!out) return base::fail(base::errc::io, "the settings file can't be written", file.string());

  if (o.json) {
    base::json::array left;
    for (const auto& t : to_do) left.push_back(t);
    o.out << base::json(base::json::object{{"settings", file.string()}, {"to_do", std::move(left)}}).dump() << "\n";
    return {};
  }
  o.out << fmt::format("made {}\n", file.string());
  for (const auto& t : to_do) o.out << "  to do: " << t << "\n";
  o.out << fmt::format("then: dsfd --config {}\n", file.string());
  if (to_do.empty()) return site_card(o, loaded, options.contact);
  o.out << fmt::format("and:  dsfctl --config {} site card\n", file.string());
  return {};
}

}  // namespace dsf::site::ctl

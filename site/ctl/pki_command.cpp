// `dsfctl pki`: a development CA and certificates for sites and people. What exists is kept.
#include <fmt/format.h>

#include <filesystem>
#include <ostream>

#include "net/pki.hpp"
#include "site/ctl/commands.hpp"
#include "site/ctl/text_table.hpp"

namespace dsf::site::ctl {
namespace {

namespace fs = std::filesystem;

struct made {
  std::string who;
  std::string use;
  std::string certificate;
  std::string thumbprint;
  bool kept = false;
};

bool is_plain_name(std::string_view name) {
  if (name.empty() || name == "." || name == "..") return false;
  return name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_@+") == std::string_view::npos;
}

class maker {
public:
  explicit maker(fs::path folder) : folder_(std::move(folder)) {}

  result<> ca() {
    TRY(make_folder(folder_));
    if (exists(ca_files())) return {};
    return net::create_ca({}, ca_files());
  }

  result<> issue(net::certificate_request request, std::string who, std::string use, const fs::path& stem) {
    if (!is_plain_name(who))
      return base::fail(admin_errc::invalid, fmt::format("'{}' can't be a file name; use letters, digits, dot, dash and underscore", who));
    TRY(make_folder(stem.parent_path()));
    const net::pki_files to{stem.string() + ".pem", stem.string() + ".key"};
    made m{std::move(who), std::move(use), to.certificate, {}, exists(to)};
    if (!m.kept) TRY(net::issue_certificate(request, ca_files(), {}, to));
    m.thumbprint = TRY(net::thumbprint_of(to.certificate));
    list.push_back(std::move(m));
    return {};
  }

  const fs::path& folder() const { return folder_; }
  net::pki_files ca_files() const { return {(folder_ / "ca.pem").string(), (folder_ / "ca.key").string()}; }

  std::vector<made> list;

private:
  static bool exists(const net::pki_files& files) { return fs::exists(files.certificate) && fs::exists(files.key); }
  static result<> make_folder(const fs::path& path) {
    std::error_code ec;
    fs::create_directories(path, ec);
    if (ec) return base::fail(base::errc::io, fmt::format("the folder can't be made: {}", ec.message()), path.string());
    return {};
  }

  fs::path folder_;
};

}  // namespace

result<> pki(ctl_output& o, const pki_options& options) {
  maker m(options.folder);
  TRY(m.ca());
  for (const auto& site : options.sites) {
    net::certificate_request server;
    server.use = net::certificate_use::server;
    server.common_name = options.names.empty() ? "localhost" : options.names.front();
    server.organization = site;
    if (!options.names.empty()) {
      server.names = options.names;
      server.names.push_back("localhost");
      server.addresses = {"127.0.0.1", "::1"};
    }
    TRY(m.issue(std::move(server), site, "server", m.folder() / site / "server"));
    net::certificate_request client;
    client.common_name = site;
    client.organization = site;
    TRY(m.issue(std::move(client), site, "client", m.folder() / site / "client"));
  }
  for (const auto& email : options.practitioners) {
    net::certificate_request person;
    person.common_name = email.substr(0, email.find('@'));
    person.email = email;
    TRY(m.issue(std::move(person), email, "practitioner", m.folder() / "practitioners" / email));
  }

  if (o.json) {
    base::json::array certificates;
    for (const auto& c : m.list)
      certificates.push_back(base::json::object{
          {"who", c.who}, {"use", c.use}, {"certificate", c.certificate}, {"thumbprint", c.thumbprint}, {"kept", c.kept}});
    o.out << base::json(base::json::object{{"ca", m.ca_files().certificate}, {"certificates", std::move(certificates)}}).dump() << "\n";
    return {};
  }
  text_table t({"WHO", "USE", "", "CERTIFICATE", "SHA-512 THUMBPRINT"});
  for (const auto& c : m.list) t.add({c.who, c.use, c.kept ? "kept" : "made", c.certificate, c.thumbprint});
  o.out << fmt::format("authority  {}\n", m.ca_files().certificate) << t.str(o.width);
  o.err << "For development and tests only: keys lie unencrypted beside their certificates.\n";
  return {};
}

}  // namespace dsf::site::ctl

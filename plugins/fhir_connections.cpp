#include "plugins/fhir_connections.hpp"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "net/loopback.hpp"
#include "net/query.hpp"
#include "net/tls.hpp"

namespace dsf::plugins {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t secret_bytes = 64 << 10;
constexpr std::int64_t timeout_at_most_ms = 2'147'483'647;  // P24DT20H31M23.647S

// Basic credentials are ISO-8859-1 (dsf-bpe 5.1); none: a character it has not.
std::optional<std::string> latin1(std::string_view utf8) {
  std::string out;
  for (std::size_t i = 0; i < utf8.size(); ++i) {
    const auto c = static_cast<unsigned char>(utf8[i]);
    if (c < 0x80) {
      out += utf8[i];
    } else if ((c == 0xc2 || c == 0xc3) && i + 1 < utf8.size() && (static_cast<unsigned char>(utf8[i + 1]) & 0xc0) == 0x80) {
      out += static_cast<char>((c << 6) | (static_cast<unsigned char>(utf8[++i]) & 0x3f));
    } else {
      return std::nullopt;
    }
  }
  return out;
}

class reader {
public:
  reader(const std::string& place, const fhir_connection& defaults, fhir_connections& out)
      : place_(place), defaults_(defaults), out_(out) {}

  void read(const YAML::Node& root) {
    if (root.IsNull()) return;
    if (!root.IsMap()) return wrong(root, "", "the file must be a map: name of a connection, then its keys");
    std::set<std::string> names;
    for (const auto& entry : root) {
      name_ = entry.first.IsScalar() ? entry.first.Scalar() : std::string{};
      if (name_.empty() || name_.size() > 200 || name_.starts_with('#')) {
        wrong(entry.first, "", "the name of a connection must have 1 to 200 characters and not begin with #");
        continue;
      }
      if (!names.insert(name_).second) {
        wrong(entry.first, "", "this name stands here twice");
        continue;
      }
      connection(entry.first, entry.second);
    }
  }

private:
  void connection(const YAML::Node& at, const YAML::Node& n) {
    if (!n.IsMap()) return wrong(at, "", "a connection is a map with base-url and others");
    known(n, "",
          {"base-url", "test-connection-on-startup", "enable-debug-logging", "connect-timeout", "read-timeout",
           "trusted-root-certificates-file", "cert-auth", "basic-auth", "bearer-auth", "oidc-auth"});
    auto c = defaults_;
    c.name = name_;
    c.place = line_of(at);
    c.base_url = text(at, n, "", "base-url", true);
    while (c.base_url.ends_with('/')) c.base_url.pop_back();
    if (!c.base_url.empty()) {
      const auto url = net::parse_url(c.base_url);
      if (!url)
        wrong(n["base-url"], "base-url", "it must be an http or https URL");
      else if (!url->tls() && !net::is_loopback(url->host))
        wrong(n["base-url"], "base-url",
              "it is not encrypted; use https://, or http:// for a server on this machine (127.0.0.1, localhost)");
    }
    c.connect_timeout_ms = timeout(n, "connect-timeout", c.connect_timeout_ms);
    c.read_timeout_ms = timeout(n, "read-timeout", c.read_timeout_ms);
    if (n["trusted-root-certificates-file"]) c.trust = file(at, n, "", "trusted-root-certificates-file", false, true);
    c.test_on_startup = flag(n, "test-connection-on-startup", c.test_on_startup);
    if (flag(n, "enable-debug-logging", false)) warn(n["enable-debug-logging"], "enable-debug-logging", "bodies are never logged here");
    if (const auto auth = n["cert-auth"]) certificate(auth, c);
    if (n["basic-auth"] && n["bearer-auth"])
      wrong(n["bearer-auth"], "bearer-auth", "basic-auth is there too; one of them goes into the header");
    if (const auto auth = n["basic-auth"]) basic(auth, c);
    if (const auto auth = n["bearer-auth"]) bearer(auth, c);
    if (const auto auth = n["oidc-auth"])
      wrong(auth, "oidc-auth", "tokens by OpenID Connect are not supported yet; use bearer-auth with token-file, basic-auth or cert-auth");
    out_.connections.push_back(std::move(c));
  }

  void certificate(const YAML::Node& n, fhir_connection& c) {
    if (!map(n, "cert-auth", {"p12-file", "private-key-file", "certificate-file", "password", "password-file"})) return;
    if (n["p12-file"]) {
      if (n["private-key-file"] || n["certificate-file"])
        return wrong(n["p12-file"], "cert-auth.p12-file", "private-key-file or certificate-file is there too; PKCS#12 holds both");
      c.certificate = file(n, n, "cert-auth.", "p12-file", true);
      if (!c.certificate.empty() && !net::is_pkcs12(c.certificate))
        wrong(n["p12-file"], "cert-auth.p12-file", "its name must end in .p12 or .pfx");
    } else {
      c.key = file(n, n, "cert-auth.", "private-key-file", true);
      c.certificate = file(n, n, "cert-auth.", "certificate-file", true);
    }
    c.key_password = secret(n, "cert-auth.", "password", "password-file", false);
  }

  void basic(const YAML::Node& n, fhir_connection& c) {
    if (!map(n, "basic-auth", {"username", "password", "password-file"})) return;
    const auto user = text(n, n, "basic-auth.", "username", true);
    if (user.find(':') != user.npos) wrong(n["username"], "basic-auth.username", "a user's name has no colon");
    const auto password = secret(n, "basic-auth.", "password", "password-file", true);
    const auto bytes = latin1(user + ":" + password.reveal());
    if (!bytes) return wrong(n, "basic-auth", "username and password must be of ISO-8859-1");
    c.authorization = base::secret("Basic " + base::to_base64(*bytes));
  }

  void bearer(const YAML::Node& n, fhir_connection& c) {
    if (!map(n, "bearer-auth", {"token", "token-file"})) return;
    const auto token = secret(n, "bearer-auth.", "token", "token-file", true);
    if (std::ranges::any_of(token.reveal(), [](char ch) { return ch <= 0x20 || ch == 0x7f; }))
      return wrong(n, "bearer-auth", "a token has no blanks and no control characters");
    c.authorization = base::secret("Bearer " + token.reveal());
  }

  // ---- members

  bool map(const YAML::Node& n, const std::string& key, const std::set<std::string>& members) {
    if (!n.IsMap()) {
      wrong(n, key, "it must be a map");
      return false;
    }
    known(n, key + ".", members);
    return true;
  }

  void known(const YAML::Node& n, const std::string& before, const std::set<std::string>& members) {
    std::set<std::string> seen;
    for (const auto& m : n) {
      const auto key = m.first.IsScalar() ? m.first.Scalar() : std::string{};
      if (!members.contains(key))
        wrong(m.first, before + key, fmt::format("this key is not known; known are {}", fmt::join(members, ", ")));
      else if (!seen.insert(key).second)
        wrong(m.first, before + key, "it stands here twice");
    }
  }

  std::string text(const YAML::Node& at, const YAML::Node& n, const std::string& before, const std::string& key, bool required) {
    const auto value = n[key];
    if (!value || value.IsNull()) {
      if (required) wrong(value ? value : at, before + key, "it is missing");
      return {};
    }
    if (!value.IsScalar() || value.Scalar().empty()) {
      wrong(value, before + key, "it must be a text that is not empty");
      return {};
    }
    return value.Scalar();
  }

  bool flag(const YAML::Node& n, const std::string& key, bool otherwise) {
    const auto value = n[key];
    if (!value) return otherwise;
    if (value.IsScalar() && (value.Scalar() == "true" || value.Scalar() == "false")) return value.Scalar() == "true";
    wrong(value, key, "it must be true or false");
    return otherwise;
  }

  std::int64_t timeout(const YAML::Node& n, const std::string& key, std::int64_t otherwise) {
    const auto value = n[key];
    if (!value) return otherwise;
    const auto read = base::parse_duration(value.IsScalar() ? value.Scalar() : std::string{});
    const auto ms = read ? base::add({0}, *read).us / base::us_per_ms : 0;
    if (ms >= 1 && ms <= timeout_at_most_ms) return ms;
    wrong(value, key, "it must be an ISO 8601 duration from PT0.001S to P24DT20H31M23.647S, e.g. PT2S");
    return otherwise;
  }

  std::string file(const YAML::Node& at, const YAML::Node& n, const std::string& before, const std::string& key, bool required,
                   bool or_folder = false) {
    const auto named = text(at, n, before, key, required);
    if (named.empty()) return {};
    const auto path = fs::path(named).is_absolute() ? fs::path(named) : fs::path(place_).parent_path() / named;
    std::error_code none;
    if (or_folder && fs::is_directory(path, none)) return path.string();
    std::ifstream in{path, std::ios::binary};
    if (!in || in.peek() == std::ifstream::traits_type::eof())
      wrong(n[key], before + key, fmt::format("the file {} is missing, empty or can't be read", path.string()));
    return path.string();
  }

  // The value itself, or the only line of a file.
  base::secret secret(const YAML::Node& n, const std::string& before, const std::string& key, const std::string& file_key, bool required) {
    if (n[key] && n[file_key]) {
      wrong(n[file_key], before + file_key, fmt::format("{} is there too; one of them", key));
      return {};
    }
    if (n[file_key]) {
      const auto path = file(n, n, before, file_key, true);
      std::ifstream in{path, std::ios::binary};
      std::string line, more;
      if (!in || !std::getline(in, line)) return {};  // file() has said so
      if (line.ends_with('\r')) line.pop_back();
      if (line.empty() || line.size() > secret_bytes || (std::getline(in, more) && !more.empty()))
        wrong(n[file_key], before + file_key, "the file must have one line, of at most 65536 bytes");
      return base::secret(std::move(line));
    }
    if (!n[key] && required) wrong(n, before + key, fmt::format("it is missing; {} names a file with it", file_key));
    return base::secret(n[key] ? text(n, n, before, key, true) : std::string{});
  }

  // ---- faults

  std::string line_of(const YAML::Node& n) const { return place_ + ":" + std::to_string(n.Mark().line + 1); }
  bundle_fault fault(const YAML::Node& n, const std::string& key, std::string_view what) const {
    std::string text = name_.empty() ? std::string{} : "connection " + name_;
    if (!key.empty()) text += (text.empty() ? "" : ", ") + key;
    return {line_of(n), text.empty() ? std::string(what) : text + ": " + std::string(what)};
  }
  void wrong(const YAML::Node& n, const std::string& key, std::string_view what) { out_.faults.push_back(fault(n, key, what)); }
  void warn(const YAML::Node& n, const std::string& key, std::string_view what) { out_.warnings.push_back(fault(n, key, what)); }

  const std::string& place_;
  const fhir_connection& defaults_;
  fhir_connections& out_;
  std::string name_;
};

}  // namespace

fhir_connections read_fhir_connections(const std::string& yaml, const std::string& place, const fhir_connection& defaults) {
  fhir_connections out;
  try {
    reader(place, defaults, out).read(YAML::Load(yaml));
  } catch (const YAML::Exception& e) {
    out.faults.push_back({place + ":" + std::to_string(std::max(0, e.mark.line) + 1), "not valid YAML: " + e.msg});
  }
  return out;
}

}  // namespace dsf::plugins

#include "site/audit/reader.hpp"

#include <fstream>

#include "site/audit/errc.hpp"
#include "site/audit/event.hpp"
#include "site/audit/file.hpp"

namespace dsf::site {
namespace {

bool fits(const base::json& e, const audit_filter& f) {
  if (f.since || f.until) {
    const auto at = base::parse_iso(e["recorded"].str());
    if (!at || (f.since && *at < *f.since) || (f.until && *at >= *f.until)) return false;
  }
  if (!f.kind.empty() && audit_kind_of(e) != f.kind) return false;
  const auto& outcome = e["outcome"].str();
  if (f.outcome == "success" ? outcome != "0" : f.outcome == "failure" ? outcome == "0" : !f.outcome.empty() && outcome != f.outcome)
    return false;
  return f.organization.empty() || e["agent"][0]["who"]["identifier"]["value"].str() == f.organization;
}

}  // namespace

std::string audit_kind_of(const base::json& event) {
  for (const auto& c : event["subtype"])
    if (c["system"].str() == audit_code_system) return c["code"].str();
  return {};
}

base::result<audit_read> read_audit_log(const std::string& file, const audit_filter& filter,
                                        const std::function<void(const base::json&, std::string_view)>& found) {
  const auto files = audit_files(file);
  if (files.empty()) return base::fail(audit_errc::cannot_read, "there is no audit log; is this the file of the setting audit.file?", file);
  audit_read out;
  for (const auto& name : files) {
    std::ifstream in(name, std::ios::binary);
    if (!in) return base::fail(audit_errc::cannot_read, "the audit log can't be read; only its owner may", name);
    for (std::string line; std::getline(in, line);) {
      if (line.empty()) continue;
      const auto event = base::json::parse(line);
      if (!event || (*event)["resourceType"].str() != "AuditEvent") {
        ++out.damaged;
        continue;
      }
      if (!fits(*event, filter)) continue;
      ++out.found;
      found(*event, line);
    }
  }
  return out;
}

}  // namespace dsf::site

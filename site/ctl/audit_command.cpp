#include "site/ctl/audit_command.hpp"

#include <optional>
#include <ostream>

#include "site/admin/admin_port.hpp"
#include "site/audit/reader.hpp"
#include "site/ctl/text_table.hpp"
#include "site/settings/setting.hpp"

namespace dsf::site::ctl {
namespace {

base::result<std::optional<base::timestamp>> time_of(const std::string& text, const char* option, base::timestamp now) {
  if (text.empty()) return std::nullopt;
  if (const auto at = base::parse_iso(text)) return *at;
  if (const auto ago = parse_duration_us(text)) return base::timestamp{now.us - *ago};
  return base::fail(
      admin_errc::invalid,
      std::string(option) + " takes a time with its zone (2026-05-01T10:00:00Z), a date, or how long ago (24h, 7d), not '" + text + "'");
}

void add_row(text_table& t, const base::json& e) {
  const auto& agent = e["agent"][0];
  auto who = agent["who"]["identifier"]["value"].str();
  if (who.empty()) who = agent["name"].str();
  if (who.empty() && !agent["altId"].str().empty()) who = agent["altId"].str().substr(0, 16) + "...";
  const auto& entity = e["entity"][0];
  auto what = entity["description"].str();
  if (const auto& reference = entity["what"]["reference"].str(); !reference.empty()) what += (what.empty() ? "" : "  ") + reference;
  t.add({e["recorded"].str(), audit_kind_of(e), e["outcome"].str() == "0" ? "ok" : "failed " + e["outcome"].str(), who,
         agent["network"]["address"].str(), what, e["outcomeDesc"].str()});
}

}  // namespace

base::result<> audit_show(ctl_output& o, const audit_command_options& options) {
  const auto now = o.clock.now();
  audit_filter filter;
  filter.since = TRY(time_of(options.since, "--since", now));
  filter.until = TRY(time_of(options.until, "--until", now));
  filter.kind = options.kind;
  filter.outcome = options.outcome;
  filter.organization = options.organization;
  const bool lines = o.json || options.format == "lines", bundle = !o.json && options.format == "bundle";
  text_table t({"TIME", "EVENT", "OUTCOME", "WHO", "FROM", "WHAT", "WHY"});
  // A Bundle is written as it is read: an audit log can be longer than memory.
  bool first = true;
  if (bundle) o.out << R"({"resourceType":"Bundle","type":"collection")";
  const auto read = read_audit_log(options.file, filter, [&](const base::json& e, std::string_view line) {
    if (lines) {
      o.out << line << '\n';
    } else if (bundle) {
      o.out << (first ? R"(,"entry":[{"resource":)" : R"(,{"resource":)") << line << '}';
      first = false;
    } else {
      add_row(t, e);
    }
  });
  if (bundle) o.out << (first ? "}" : "]}") << '\n';
  const auto r = TRY(read);
  if (!lines && !bundle) o.out << t.str(o.width);
  if (r.damaged > 0)
    o.err << r.damaged << (r.damaged == 1 ? " line is" : " lines are")
          << " no AuditEvent: one may have been cut off when the program was killed; more are a reason to look at the file\n";
  return {};
}

}  // namespace dsf::site::ctl

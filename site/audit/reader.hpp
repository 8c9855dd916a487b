// The audit log's lines, for people and for other programs.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "base/result.hpp"

namespace dsf::site {

struct audit_filter {
  std::optional<base::timestamp> since, until;  // until: not included
  std::string kind;          // "denied"
  std::string outcome;       // success, failure, or a code: 0, 4, 8, 12; empty: any
  std::string organization;  // identifier of the agent; a person by the identifier of the person
};

struct audit_read {
  std::uint64_t found = 0;
  std::uint64_t damaged = 0;  // lines that are no AuditEvent: one may be at the end of a file whose program was killed
};

// The files that were put aside, oldest first, and the one in use.
base::result<audit_read> read_audit_log(const std::string& file, const audit_filter& filter,
                                        const std::function<void(const base::json& event, std::string_view line)>& found);

// Of an AuditEvent of ours: "denied".
std::string audit_kind_of(const base::json& event);

}  // namespace dsf::site

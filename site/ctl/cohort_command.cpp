// `dsfctl cohort count --data`: exact counts over a folder of NDJSON files, without a site.
#include <fmt/format.h>

#include <ostream>

#include "site/ctl/commands.hpp"
#include "storage/repository/cohort_tool.hpp"

namespace dsf::site::ctl {

result<> cohort_count(ctl_output& o, const cohort_options& options) {
  storage::cohort_count_request request;
  request.data = options.data;
  request.mapping = options.mapping;
  request.tree = options.tree;
  request.day = options.day.empty() ? base::to_iso(o.clock.now(), 0).substr(0, 10) : options.day;
  request.queries.assign(options.queries.begin(), options.queries.end());
  const auto lines = TRY(storage::cohort_count_folder(request));
  if (!o.json) {
    o.out << storage::to_text(lines);
    return {};
  }
  for (const auto& line : lines) o.out << base::json(base::json::object{{"query", line.query}, {"count", line.count}}).dump() << "\n";
  return {};
}

}  // namespace dsf::site::ctl

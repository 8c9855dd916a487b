// The admin API's answers as JSON for programs.
#pragma once

#include "base/json.hpp"
#include "site/admin/admin_port.hpp"

namespace dsf::site {

base::json to_json(const site_status& s);
base::json to_json(const instance_summary& i);
base::json to_json(const instance_page& p);
base::json to_json(const instance_detail& d);
base::json to_json(const incident_page& p);
base::json to_json(const wait_point_line& w);
base::json to_json(const why_answer& a);
base::json to_json(const partner_status& p);
base::json to_json(const actor_status& a);
base::json to_json(const worker_list& l);
base::json to_json(const deploy_result& d);
base::json to_json(const import_progress& p);
base::json to_json(const site_event_line& e);

inline base::json to_json(const std::string& text) { return text; }
template <class T>
base::json to_json(const std::vector<T>& items) {
  base::json::array out;
  for (const auto& item : items) out.push_back(to_json(item));
  return out;
}

}  // namespace dsf::site

// Searches and histories: the form, the table, the ways to other pages.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/json.hpp"
#include "web/frame.hpp"

namespace dsf::web {

using query = std::vector<std::pair<std::string, std::string>>;

// `asked`: the search's parameters, decoded.
page search_page(const visitor& who, const std::string& type, const query& asked, const base::json& bundle);
// `of`: "", "Task" or "Task/<id>".
page history_page(const visitor& who, const std::string& of, const base::json& bundle);
// What people do here, and all types.
page start_page(const visitor& who);

}  // namespace dsf::web

// The form of a search: a native input for each parameter of the type. Private to web.
#pragma once

#include "web/bundle_view.hpp"

namespace dsf::web {

html search_form(const visitor& who, const std::string& type, const query& asked);

}  // namespace dsf::web

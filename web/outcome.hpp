// What the endpoint says when something did not work, and what to do.
#pragma once

#include "base/json.hpp"
#include "web/frame.hpp"

namespace dsf::web {

// The issues of an OperationOutcome.
html outcome_list(const visitor& who, const base::json& outcome);
// Their texts in a line; for a form's problems.
std::string outcome_text(const base::json& outcome);
// A page for an answer that is no resource: `outcome` may be null.
page error_page(const visitor& who, int status, const base::json& outcome);
// A form that was sent from elsewhere.
page foreign_form_page(const visitor& who);

}  // namespace dsf::web

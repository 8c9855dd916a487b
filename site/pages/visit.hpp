// One request of a browser on its way. Private to site/pages.
#pragma once

#include "site/pages/headers.hpp"
#include "site/pages/pages.hpp"
#include "web/form.hpp"
#include "web/outcome.hpp"

namespace dsf::site {

struct pages::visit {
  net::request request;
  net::responder answer;
  web::visitor visitor;
  fhir::identity who;
  std::string below;  // the path below the endpoint's
  std::string tag;
  bool head = false;
  std::optional<web::form_values> sent;

  void finish(int status, const web::page& p) {
    auto out = page_response(status, web::render(visitor, p));
    if (!tag.empty()) out.headers.set("ETag", tag);
    remember_language(request, out.headers);
    if (head) {
      out.headers.set("Content-Length", std::to_string(out.body.size()));
      out.body = net::body_bytes();
    }
    answer(std::move(out));
  }

  // After a form: the browser loads another page, and loading it again sends nothing (RFC 9110 15.4.4).
  void go_to(std::string path) {
    net::response out;
    out.status = 303;
    out.headers.set("Location", std::move(path));
    out.headers.set("Cache-Control", "no-store");
    answer(std::move(out));
  }

  [[nodiscard]] std::string refusal(int status, const base::json& outcome) const {
    auto why = web::outcome_text(outcome);
    if (why.empty()) why = std::string(web::error_page(visitor, status, outcome).title);
    return visitor.sentence(web::word::problem_refused, why);
  }
};

}  // namespace dsf::site

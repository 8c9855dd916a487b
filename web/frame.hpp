// What every page has around its content: head, heading, way, language switch, bookmarks.
#pragma once

#include <string>
#include <vector>

#include "web/html.hpp"
#include "web/texts.hpp"

namespace dsf::web {

// The colour that tells people where they are (setting ui.theme).
enum class environment : unsigned char { none, dev, test, prod };

// Who looks, and at what site.
struct visitor {
  language lang = language::en;
  std::string base_path = "/fhir";  // where the endpoint is mounted
  std::string base_url;             // as other sites say it
  std::string site;                 // the site's name
  environment kind = environment::none;
  std::string environment_name;     // shown instead of the environment's usual name
  std::string name;                 // of the caller; empty: not known
  bool can_log_out = false;
  std::string here;                 // path and query of this page, without `lang`

  [[nodiscard]] std::string_view word(web::word w) const { return say(lang, w); }
  // With the value where "%" stands.
  [[nodiscard]] std::string sentence(web::word w, std::string_view value) const;
  // An address below the endpoint's: "Task/1" -> "/fhir/Task/1".
  [[nodiscard]] std::string link(std::string_view below) const { return base_path + "/" + std::string(below); }
};

struct crumb {
  std::string text;
  std::string address;  // empty: this page
};

struct page {
  std::string title;
  std::vector<crumb> way;  // after the start page
  html content;
};

std::string render(const visitor& who, const page& p);

// A link to within the site or, with a note, to another server.
html anchor(const std::string& address, const html& content, literal css_class = "");
html badge(std::string_view status);
// A box with a heading.
html panel(std::string_view title, const html& content, literal css_class = "panel");

}  // namespace dsf::web

#include "web/outcome.hpp"

namespace dsf::web {
namespace {

using base::json;

struct error_words {
  word title, advice;
};

error_words words_of(int status) {
  switch (status) {
    case 400: return {word::error_400, word::advice_400};
    case 401: return {word::error_401, word::advice_401};
    case 403: return {word::error_403, word::advice_403};
    case 404: return {word::error_404, word::advice_404};
    case 410: return {word::error_410, word::advice_410};
    case 503: return {word::error_503, word::advice_503};
    default: return status < 500 ? error_words{word::error_4xx, word::advice_4xx} : error_words{word::error_500, word::advice_500};
  }
}

const std::string& text_of(const json& issue) {
  const auto& diagnostics = issue["diagnostics"].str();
  return diagnostics.empty() ? issue["details"]["text"].str() : diagnostics;
}

}  // namespace

html outcome_list(const visitor&, const json& outcome) {
  html items;
  for (const auto& i : outcome["issue"]) {
    html where;
    for (const auto& e : i["expression"]) where += element("span", {{"class", "mono"}}, e.str());
    items += element("li", badge(i["severity"].str()) + " " + html(text_of(i)) + where);
  }
  return items.empty() ? html() : element("ul", {{"class", "issues"}}, items);
}

std::string outcome_text(const json& outcome) {
  std::string out;
  for (const auto& i : outcome["issue"]) out += (out.empty() ? "" : "; ") + text_of(i);
  return out;
}

page error_page(const visitor& who, int status, const json& outcome) {
  const auto words = words_of(status);
  page p;
  p.title = who.word(words.title);
  p.content = element("div", {{"class", "heading"}},
                      element("p", {{"class", "kind"}}, std::to_string(status)) + element("h1", who.word(words.title)) +
                          element("p", {{"class", "advice"}}, who.word(words.advice)));
  if (const auto issues = outcome_list(who, outcome); !issues.empty()) p.content += panel(who.word(word::endpoint_says), issues);
  html ways = anchor(who.link(""), who.word(word::to_start_page), "plain-button");
  const auto path = who.here.substr(0, who.here.find('?'));
  if (status == 410 && path.find("/_history") == path.npos) ways += anchor(path + "/_history", who.word(word::to_history), "plain-button");
  p.content += element("p", {{"class", "buttons"}}, ways);
  return p;
}

page foreign_form_page(const visitor& who) {
  page p;
  p.title = who.word(word::error_403);
  p.content = element("div", {{"class", "heading"}},
                      element("p", {{"class", "kind"}}, "403") + element("h1", p.title) +
                          element("p", {{"class", "advice"}}, who.word(word::advice_origin)));
  p.content += element("p", {{"class", "buttons"}}, anchor(who.link(""), who.word(word::to_start_page), "plain-button"));
  return p;
}

}  // namespace dsf::web

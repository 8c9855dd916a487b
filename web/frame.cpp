#include "web/frame.hpp"

namespace dsf::web {
namespace {

struct environment_look {
  literal css_class;
  word name;
};

environment_look look_of(environment e) {
  switch (e) {
    case environment::dev: return {"environment dev", word::environment_dev};
    case environment::test: return {"environment test", word::environment_test};
    default: return {"environment prod", word::environment_prod};
  }
}

html head(const visitor& who, const page& p) {
  return element("head", lone("meta", {{"charset", "utf-8"}}) +
                             lone("meta", {{"name", "viewport"}, {"content", "width=device-width, initial-scale=1"}}) +
                             lone("meta", {{"name", "color-scheme"}, {"content", "light dark"}}) +
                             element("title", p.title + " · " + (who.site.empty() ? std::string("dsfd") : who.site)) +
                             lone("link", {{"rel", "icon"}, {"href", who.link("static/favicon.svg")}}) +
                             lone("link", {{"rel", "stylesheet"}, {"href", who.link("static/pages.css")}}) +
                             element("script", {{"src", who.link("static/pages.js")}, {"defer", true}}, html()));
}

std::string in_other_language(const visitor& who) {
  const auto other = tag_of(who.lang == language::de ? language::en : language::de);
  return who.here + (who.here.find('?') == std::string::npos ? '?' : '&') + "lang=" + std::string(other);
}

html top(const visitor& who) {
  html right;
  if (!who.name.empty()) right += element("span", {{"class", "who"}}, who.sentence(word::signed_in_as, who.name));
  const auto other = who.lang == language::de ? language::en : language::de;
  right += element("a", {{"href", in_other_language(who)}, {"hreflang", tag_of(other)}, {"lang", tag_of(other)}},
                   who.word(word::other_language));
  if (who.can_log_out) right += element("a", {{"href", who.link("logout")}}, who.word(word::log_out));
  html bar;
  if (who.kind != environment::none || !who.environment_name.empty()) {
    const auto look = look_of(who.kind);
    bar = element("p", {{"class", who.kind == environment::none ? std::string_view("environment") : std::string_view(look.css_class)}},
                  who.environment_name.empty() ? html(who.word(look.name)) : html(who.environment_name));
  }
  return bar + element("div", {{"class", "top"}},
                       element("a", {{"class", "home"}, {"href", who.link("")}}, who.site.empty() ? std::string("dsfd") : who.site) +
                           element("div", {{"class", "tools"}}, right));
}

html way(const visitor& who, const page& p) {
  html items;
  if (!p.way.empty()) items += element("li", anchor(who.link(""), who.word(word::start_page)));
  for (const auto& c : p.way)
    items += element("li", c.address.empty() ? element("span", {{"aria-current", "page"}}, c.text) : anchor(c.address, c.text));
  if (items.empty()) return {};
  return element("nav", {{"class", "way"}, {"aria-label", who.word(word::path_here)}}, element("ol", items));
}

// Filled by the page's script; without it, it says why it is empty.
html bookmarks(const visitor& who) {
  return element(
      "details",
      {{"class", "bookmarks"},
       {"data-add", who.word(word::bookmark_add)},
       {"data-remove", who.word(word::bookmark_remove)},
       {"data-none", who.word(word::bookmarks_none)}},
      element("summary", who.word(word::bookmarks)) + element("div", element("p", {{"class", "quiet"}}, who.word(word::bookmarks_script))));
}

}  // namespace

std::string visitor::sentence(web::word w, std::string_view value) const {
  const auto text = word(w);
  const auto at = text.find('%');
  if (at == text.npos) return std::string(text);
  return std::string(text.substr(0, at)) + std::string(value) + std::string(text.substr(at + 1));
}

html anchor(const std::string& address, const html& content, literal css_class) {
  attributes a{{"href", address}};
  if (!std::string_view(css_class).empty()) a.push_back({"class", std::string_view(css_class)});
  return element("a", a, content);
}

html badge(std::string_view status) {
  if (status.empty()) return {};
  std::string_view look = "badge";
  if (status == "completed" || status == "active" || status == "created") look = "badge good";
  if (status == "in-progress" || status == "requested" || status == "draft") look = "badge busy";
  if (status == "failed" || status == "error" || status == "fatal" || status == "entered-in-error" || status == "deleted")
    look = "badge bad";
  return element("span", {{"class", look}}, status);
}

html panel(std::string_view title, const html& content, literal css_class) {
  return element("section", {{"class", std::string_view(css_class)}}, element("h2", title) + content);
}

std::string render(const visitor& who, const page& p) {
  const auto skip = element("a", {{"class", "skip"}, {"href", "#content"}}, who.word(word::skip_to_content));
  const auto above = element("header", top(who) + element("div", {{"class", "bar"}}, way(who, p) + bookmarks(who)));
  const auto body = skip + above + element("main", {{"id", "content"}, {"tabindex", "-1"}}, p.content);
  return element("html", {{"lang", tag_of(who.lang)}}, head(who, p) + element("body", {{"data-base", who.base_path}}, body)).document();
}

}  // namespace dsf::web

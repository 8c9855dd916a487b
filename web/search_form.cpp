#include "web/search_form.hpp"

#include <algorithm>
#include <array>

#include "fhir/semantics/search/parameters.hpp"

namespace dsf::web {
namespace {

using kind = fhir::parameter_kind;
using fhir::search_parameter;

// dsf-fhir-server 1.3
constexpr std::array common = {search_parameter{"_id", kind::code, "", ""}, search_parameter{"_lastUpdated", kind::date, "", ""},
                               search_parameter{"_profile", kind::canonical, "", ""}};
constexpr std::array controls = {std::string_view("_sort"), std::string_view("_count"), std::string_view("_page"),
                                 std::string_view("_format"), std::string_view("lang")};

word hint_of(kind k) {
  switch (k) {
    case kind::token: return word::hint_token;
    case kind::string: return word::hint_string;
    case kind::uri:
    case kind::canonical:
    case kind::prefix_uri: return word::hint_uri;
    case kind::date: return word::hint_date;
    case kind::reference: return word::hint_reference;
    default: return word::hint_code;
  }
}

std::string first_value(const query& asked, std::string_view name) {
  for (const auto& [n, v] : asked)
    if (n == name) return v;
  return {};
}

html option(std::string_view value, const html& text, const std::string& chosen) {
  return element("option", {{"value", value}, {"selected", value == chosen}}, text);
}

html labelled(const std::string& id, const html& label, const html& input, const html& hint = {}) {
  return element("div", {{"class", "field"}}, element("label", {{"for", id}}, label) + input + hint);
}

html field(const visitor& who, const std::string& type, const search_parameter& p, const std::string& value, std::size_t n) {
  const std::string name(p.name), id = "p" + std::to_string(n) + "-" + name;
  std::vector<std::pair<std::string_view, html>> options;
  if (p.kind == kind::boolean) options = {{"true", who.word(word::yes)}, {"false", who.word(word::no)}};
  if (p.kind == kind::status && name == "status")
    for (const auto s : fhir::statuses_of(type)) options.emplace_back(s, s);
  if (!options.empty()) {
    auto list = option("", who.word(word::any_value), value);
    for (const auto& [v, text] : options) list += option(v, text, value);
    if (!value.empty() && std::ranges::none_of(options, [&](const auto& o) { return o.first == value; }))
      list += option(value, value, value);
    return labelled(id, name, element("select", {{"id", id}, {"name", name}}, list));
  }
  const auto hint = id + "-hint";
  return labelled(id, name,
                  lone("input", {{"id", id},
                                 {"name", name},
                                 {"value", value},
                                 {"type", "text"},
                                 {"autocomplete", "off"},
                                 {"spellcheck", "false"},
                                 {"aria-describedby", hint}}),
                  element("span", {{"id", hint}, {"class", "hint"}}, who.word(hint_of(p.kind))));
}

html sort_field(const visitor& who, const std::string& type, const std::string& chosen) {
  auto list = option("", who.word(word::sort_default), chosen) + option("-_lastUpdated", who.word(word::sort_newest), chosen) +
              option("_lastUpdated", who.word(word::sort_oldest), chosen);
  bool seen = chosen.empty() || chosen == "-_lastUpdated" || chosen == "_lastUpdated";
  for (const auto& p : fhir::parameters_of(type)) {
    list += option(p.name, p.name, chosen);
    seen = seen || p.name == chosen;
  }
  if (!seen) list += option(chosen, chosen, chosen);
  return labelled("sort", who.word(word::sort_by), element("select", {{"id", "sort"}, {"name", "_sort"}}, list));
}

}  // namespace

html search_form(const visitor& who, const std::string& type, const query& asked) {
  html own, more;
  std::size_t n = 0;
  bool more_used = false;
  std::vector<bool> shown(asked.size(), false);
  const auto take = [&](std::string_view name) {
    for (std::size_t i = 0; i < asked.size(); ++i)
      if (!shown[i] && asked[i].first == name) {
        shown[i] = true;
        return asked[i].second;
      }
    return std::string();
  };
  for (const auto& p : fhir::parameters_of(type)) own += field(who, type, p, take(p.name), n++);
  for (const auto& p : common) {
    const auto value = take(p.name);
    more_used = more_used || !value.empty();
    more += field(who, type, p, value, n++);
  }
  more += sort_field(who, type, first_value(asked, "_sort"));
  more += labelled("count", who.word(word::page_size),
                   lone("input", {{"id", "count"},
                                  {"name", "_count"},
                                  {"type", "number"},
                                  {"min", "0"},
                                  {"max", "500"},
                                  {"value", first_value(asked, "_count")}}));
  // What else the address asks for (modifiers, includes, repetitions) stays asked for.
  for (std::size_t i = 0; i < asked.size(); ++i) {
    const auto& [name, value] = asked[i];
    if (shown[i] || std::ranges::find(controls, name) != controls.end()) continue;
    const auto id = "p" + std::to_string(n++);
    own += labelled(id, name, lone("input", {{"id", id}, {"name", name}, {"type", "text"}, {"value", value}}));
  }
  html fields = own.empty() ? html() : element("div", {{"class", "grid"}}, own);
  const bool open = own.empty() || more_used || !first_value(asked, "_sort").empty() || !first_value(asked, "_count").empty();
  fields +=
      element("details", {{"open", open}}, element("summary", who.word(word::more_criteria)) + element("div", {{"class", "grid"}}, more));
  fields += element(
      "p", {{"class", "buttons"}},
      element("button", {{"type", "submit"}}, who.word(word::search)) + anchor(who.link(type), who.word(word::reset), "plain-button"));
  return element("form",
                 {{"method", "get"},
                  {"action", who.link(type)},
                  {"role", "search"},
                  {"class", "panel"},
                  {"aria-label", who.word(word::search_criteria)}},
                 fields);
}

}  // namespace dsf::web

#include "web/bundle_view.hpp"

#include <algorithm>
#include <array>

#include "base/mutant.hpp"
#include "fhir/model/model.hpp"
#include "web/outcome.hpp"
#include "web/resource_view.hpp"
#include "web/search_form.hpp"

namespace dsf::web {
namespace {

using base::json;

std::string time_text(const std::string& instant) {
  auto out = instant.substr(0, 19);
  if (out.size() == 19 && out[10] == 'T') out[10] = ' ';
  return out;
}

html muted(const std::string& text) { return element("span", {{"class", "mono"}}, text); }

std::string input_of(const json& task, std::string_view code) {
  for (const auto& in : task["input"])
    for (const auto& c : in["type"]["coding"])
      if (c["code"].str() == code) return in["valueString"].str();
  return {};
}

std::string first_identifier(const json& r) {
  const auto& i = r["identifier"];
  return i.is_array() ? i[std::size_t{0}]["value"].str() : i["value"].str();
}

std::string codes_of(const json& concepts) {
  std::string out;
  for (const auto& c : concepts)
    for (const auto& coding : c["coding"]) out += (out.empty() ? "" : ", ") + coding["code"].str();
  return out;
}

struct column {
  word title;
  html (*cell)(const visitor&, const json&);
};
using columns = std::vector<column>;

const column name_column{word::column_name,
                         [](const visitor&, const json& r) { return html(r["title"].str().empty() ? r["name"].str() : r["title"].str()); }};
const column identifier_column{word::column_identifier, [](const visitor&, const json& r) { return html(first_identifier(r)); }};
const column status_column{word::column_status, [](const visitor&, const json& r) {
                             if (const auto* active = r["active"].if_bool()) return badge(*active ? "active" : "inactive");
                             return badge(r["status"].str());
                           }};

columns columns_of(const std::string& type) {
  if (type == "Task")
    return {{word::column_process, [](const visitor&, const json& r) { return html(last_part(r["instantiatesCanonical"].str())); }},
            {word::column_message, [](const visitor&, const json& r) { return html(input_of(r, "message-name")); }},
            status_column,
            {word::column_requester, [](const visitor& w, const json& r) { return reference_link(w, r["requester"]); }},
            {word::column_business_key, [](const visitor&, const json& r) { return muted(input_of(r, "business-key")); }}};
  if (type == "QuestionnaireResponse")
    return {{word::column_questionnaire, [](const visitor&, const json& r) { return html(last_part(r["questionnaire"].str())); }},
            status_column};
  if (type == "Organization") return {name_column, identifier_column, status_column};
  if (type == "Endpoint")
    return {name_column,
            identifier_column,
            {word::column_address, [](const visitor&, const json& r) { return html(r["address"].str()); }},
            status_column};
  if (type == "OrganizationAffiliation")
    return {{word::column_parent, [](const visitor& w, const json& r) { return reference_link(w, r["organization"]); }},
            {word::column_organization, [](const visitor& w, const json& r) { return reference_link(w, r["participatingOrganization"]); }},
            {word::column_role, [](const visitor&, const json& r) { return html(codes_of(r["code"])); }},
            status_column};
  if (type == "Subscription")
    return {{word::column_criteria, [](const visitor&, const json& r) { return html(r["criteria"].str()); }}, status_column};
  if (type == "Binary") return {{word::column_type, [](const visitor&, const json& r) { return html(r["contentType"].str()); }}};
  constexpr std::array conformance = {"ActivityDefinition", "CodeSystem",          "Library", "Measure", "NamingSystem",
                                      "Questionnaire",      "StructureDefinition", "ValueSet"};
  if (std::ranges::find(conformance, type) != conformance.end())
    return {name_column,
            {word::column_url, [](const visitor&, const json& r) { return html(r["url"].str()); }},
            {word::column_version, [](const visitor&, const json& r) { return html(r["version"].str()); }},
            status_column};
  return {identifier_column, status_column};
}

html cells(std::initializer_list<html> values, literal kind) {
  html out;
  for (const auto& v : values) out += element(kind, v);
  return out;
}

html result_table(const visitor& who, const std::string& type, const std::vector<const json*>& resources) {
  const auto wanted = columns_of(type);
  html head, rows;
  for (const auto& c : wanted) head += element("th", {{"scope", "col"}}, who.word(c.title));
  head += element("th", {{"scope", "col"}}, who.word(word::column_changed)) + element("th", {{"scope", "col"}}, who.word(word::column_id));
  for (const auto* r : resources) {
    html row;
    for (const auto& c : wanted) row += element("td", c.cell(who, *r));
    row += element("td", {{"class", "nowrap"}}, time_text((*r)["meta"]["lastUpdated"].str()));
    const auto& id = (*r)["id"].str();
    row += element("td", element("a", {{"class", "mono"}, {"href", who.link((*r)["resourceType"].str() + "/" + id)}}, id));
    rows += element("tr", row);
  }
  return element("div", {{"class", "scroll"}, {"tabindex", "0"}, {"role", "region"}, {"aria-label", type}},
                 element("table", element("thead", element("tr", head)) + element("tbody", rows)));
}

// The endpoint's links, as addresses of this site.
html paging(const visitor& who, const json& bundle) {
  struct way {
    std::string_view relation;
    word text;
  };
  html out;
  for (const auto& w :
       {way{"first", word::page_first}, way{"previous", word::page_previous}, way{"next", word::page_next}, way{"last", word::page_last}})
    for (const auto& l : bundle["link"]) {
      if (l["relation"].str() != w.relation || !l["url"].str().starts_with(who.base_url)) continue;
      out += element("li", element("a",
                                   {{"href", who.base_path + l["url"].str().substr(who.base_url.size())},
                                    {"rel", w.relation == "next"       ? "next"
                                            : w.relation == "previous" ? "prev"
                                                                       : ""}},
                                   who.word(w.text)));
    }
  return out.empty() ? html() : element("nav", {{"class", "paging"}, {"aria-label", who.word(word::pages)}}, element("ul", out));
}

std::string page_address(const visitor& who) { return who.here; }

}  // namespace

page search_page(const visitor& who, const std::string& type, const query& asked, const json& bundle) {
  page p;
  p.title = who.sentence(word::search_in, type);
  p.way = {{type, ""}};
  std::vector<const json*> matches, outcomes;
  std::vector<std::pair<std::string, std::vector<const json*>>> included;
  for (const auto& e : bundle["entry"]) {
    const auto& r = e["resource"];
    const auto& mode = e["search"]["mode"].str();
    const auto& t = r["resourceType"].str();
    if (mode == "outcome") {
      outcomes.push_back(&r);
    } else if (mode == "include") {
      auto at = std::ranges::find(included, t, &std::pair<std::string, std::vector<const json*>>::first);
      if (at == included.end()) at = included.insert(at, {t, {}});
      at->second.push_back(&r);
    } else {
      matches.push_back(&r);
    }
  }
  const auto total = bundle["total"].int_or(static_cast<std::int64_t>(matches.size()));
  p.content = element("div", {{"class", "heading"}}, element("h1", who.sentence(word::search_in, type)));
  for (const auto* o : outcomes) p.content += outcome_list(who, *o);
  p.content += search_form(who, type, asked);
  html results = element("p", {{"class", "facts"}, {"role", "status"}},
                         element("span", who.sentence(word::found_count, std::to_string(total))) +
                             anchor(who.link(type + "/_history"), who.word(word::history)));
  results += matches.empty() ? element("p", {{"class", "quiet"}}, who.word(word::found_none)) : result_table(who, type, matches);
  results += paging(who, bundle);
  for (const auto& [t, list] : included)
    results += element("h3", std::string(who.word(word::included)) + ": " + t) + result_table(who, t, list);
  p.content += panel(who.word(word::results), results) + raw_forms(who, bundle, page_address(who));
  return p;
}

page history_page(const visitor& who, const std::string& of, const json& bundle) {
  page p;
  const auto slash = of.find('/');
  const auto type = of.substr(0, slash);
  p.title = who.sentence(word::history_of, of.empty() ? who.site : of);
  if (!type.empty()) p.way.push_back({type, who.link(type)});
  if (slash != of.npos) p.way.push_back({of.substr(slash + 1), who.link(of)});
  p.way.push_back({std::string(who.word(word::history)), ""});
  html rows;
  for (const auto& e : bundle["entry"]) {
    const auto& r = e["resource"];
    const auto& url = e["request"]["url"].str();
    const auto& method = e["request"]["method"].str();
    const bool gone = method == "DELETE";
    std::string version = r["meta"]["versionId"].str();
    if (version.empty())
      if (const auto& tag = e["response"]["etag"].str(); tag.size() > 4) version = tag.substr(3, tag.size() - 4);
    const auto at = url.find('?') == url.npos ? url : std::string();
    const auto name = r["resourceType"].str().empty() ? at : r["resourceType"].str() + "/" + r["id"].str();
    const auto& time =
        gone || r["meta"]["lastUpdated"].str().empty() ? e["response"]["lastModified"].str() : r["meta"]["lastUpdated"].str();
    const auto done = gone ? word::method_deleted : method == "POST" ? word::method_created : word::method_updated;
    rows += element("tr", cells({gone ? html(name) : anchor(who.link(name), name),
                                 gone ? html(version) : anchor(who.link(name + "/_history/" + version), version), html(who.word(done)),
                                 badge(gone ? std::string_view("deleted") : std::string_view(r["status"].str())), html(time_text(time))},
                                "td"));
  }
  p.content = element("div", {{"class", "heading"}}, element("h1", p.title));
  html results = element(
      "p", {{"class", "facts"}, {"role", "status"}},
      element("span",
              who.sentence(word::found_count, std::to_string(bundle["total"].int_or(static_cast<std::int64_t>(bundle["entry"].size()))))));
  if (rows.empty()) {
    results += element("p", {{"class", "quiet"}}, who.word(word::history_none));
  } else {
    html head;
    for (const auto w : {word::column_id, word::column_version, word::column_method, word::column_status, word::column_changed})
      head += element("th", {{"scope", "col"}}, who.word(w));
    results += element("div", {{"class", "scroll"}, {"tabindex", "0"}, {"role", "region"}, {"aria-label", who.word(word::history)}},
                       element("table", element("thead", element("tr", head)) + element("tbody", rows)));
  }
  p.content += panel(who.word(word::history), results + paging(who, bundle)) + raw_forms(who, bundle, page_address(who));
  return p;
}

page start_page(const visitor& who) {
  page p;
  p.title = who.word(word::start_page);
  p.content = element("div", {{"class", "heading"}}, element("h1", who.word(word::welcome)) + element("p", who.word(word::welcome_text)));
  const auto card = [&](word title, word text, std::string_view to) {
    return element("li", element("a", {{"class", "card"}, {"href", who.link(to)}},
                                 element("strong", who.word(title)) + element("span", who.word(text))));
  };
  // The drafts sorted as DSF's own bookmark has them (dsf-fhir-server 7).
  p.content +=
      element("ul", {{"class", "cards"}},
              card(word::quick_start, word::quick_start_text, "Task?_sort=_profile,identifier&status=draft") +
                  card(word::quick_answer, word::quick_answer_text, "QuestionnaireResponse?_sort=-_lastUpdated&status=in-progress") +
                  card(word::quick_running, word::quick_running_text, "Task?_sort=-_lastUpdated&status=in-progress") +
                  card(word::quick_partners, word::quick_partners_text, "Organization?active=true&_sort=name"));
  struct group {
    word title;
    std::vector<std::string_view> types;
  };
  const std::array groups = {
      group{word::group_processes, {"Task", "QuestionnaireResponse", "Questionnaire", "ActivityDefinition", "Subscription"}},
      group{word::group_network,
            {"Organization", "Endpoint", "OrganizationAffiliation", "Practitioner", "PractitionerRole", "HealthcareService", "Location"}},
      group{word::group_data,
            {"Binary", "Bundle", "DocumentReference", "Group", "Library", "Measure", "MeasureReport", "Patient", "Provenance",
             "ResearchStudy"}},
      group{word::group_conformance, {"CodeSystem", "NamingSystem", "StructureDefinition", "ValueSet"}}};
  html all;
  for (const auto& g : groups) {
    html list;
    for (const auto t : g.types)
      if (fhir::is_served(t)) list += element("li", anchor(who.link(t), t));
    all += element("div", element("h3", who.word(g.title)) + element("ul", list));
  }
  p.content += panel(who.word(word::all_types),
                     element("div", {{"class", "types"}}, all) + element("p", anchor(who.link("metadata"), who.word(word::capabilities))));
  return p;
}

}  // namespace dsf::web

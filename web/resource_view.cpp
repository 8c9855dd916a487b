#include "web/resource_view.hpp"

#include <algorithm>
#include <array>

#include "fhir/codec/xml.hpp"
#include "fhir/model/model.hpp"
#include "net/query.hpp"

namespace dsf::web {
namespace {

using base::json;

constexpr std::size_t fields_at_most = 4'000;
constexpr std::size_t depth_at_most = 24;
constexpr std::size_t raw_bytes_at_most = 400'000;
constexpr std::size_t data_shown_at_most = 256;  // characters of base64

// Where a canonical leads: a search for what has this url.
struct canonical_member {
  std::string_view member, type;
};
constexpr std::array canonicals = {canonical_member{"profile", "StructureDefinition"},
                                   canonical_member{"instantiatesCanonical", "ActivityDefinition"},
                                   canonical_member{"questionnaire", "Questionnaire"},
                                   canonical_member{"baseDefinition", "StructureDefinition"},
                                   canonical_member{"valueSet", "ValueSet"},
                                   canonical_member{"library", "Library"},
                                   canonical_member{"measure", "Measure"}};

bool is_type_and_id(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == text.npos || !fhir::is_served(text.substr(0, slash))) return false;
  return std::ranges::all_of(text.substr(slash + 1), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '.' || c == '_' || c == '/';
  });
}

class field_writer {
public:
  explicit field_writer(const visitor& who) : who_(who) {}

  html value(const json& v, std::string_view member, std::size_t depth) {
    if (++fields_ > fields_at_most || depth > depth_at_most) {
      const bool first = !cut_;
      cut_ = true;
      return first ? element("p", {{"class", "quiet"}}, who_.word(word::too_large_to_show)) : html("…");
    }
    if (v.is_object()) return object(v, member, depth);
    if (v.is_array()) return list(v, member, depth);
    return primitive(v, member);
  }

  html fields(const json& object, std::size_t depth, std::initializer_list<std::string_view> without = {}) {
    html rows;
    for (const auto& [name, v] : *object.if_object()) {
      if (cut_ || std::ranges::find(without, name) != without.end()) continue;
      rows += element("div", element("dt", name) + element("dd", value(v, name, depth + 1)));
    }
    return rows.empty() ? html() : element("dl", {{"class", depth == 0 ? "fields" : "fields inner"}}, rows);
  }

private:
  html primitive(const json& v, std::string_view member) {
    if (const auto* s = v.if_string()) return text(*s, member);
    if (v.is_null()) return element("span", {{"class", "quiet"}}, who_.word(word::no_value));
    return element("span", {{"class", "literal"}}, v.dump());
  }

  html text(const std::string& s, std::string_view member) {
    if (member == "data" && s.size() > data_shown_at_most)
      return element("span", {{"class", "quiet"}}, who_.sentence(word::data_hidden, std::to_string(s.size() / 4 * 3)));
    if (s.starts_with(who_.base_url + "/") && is_type_and_id(std::string_view(s).substr(who_.base_url.size() + 1)))
      return anchor(who_.link(s.substr(who_.base_url.size() + 1)), s);
    if (member == "reference" && is_type_and_id(s)) return anchor(who_.link(s), s);
    for (const auto& c : canonicals)
      if (c.member == member && (s.starts_with("http://") || s.starts_with("https://")))
        return anchor(who_.link(std::string(c.type) + "?url=" + net::percent_encode(s)), s);
    return s.find('\n') == s.npos ? html(s) : element("pre", {{"class", "text"}}, s);
  }

  html list(const json& v, std::string_view member, std::size_t depth) {
    html items;
    for (const auto& one : v) items += element("li", value(one, member, depth + 1));
    if (v.size() == 1) return value(v[std::size_t{0}], member, depth + 1);
    return element("ul", {{"class", "items"}}, items);
  }

  // Coding, Identifier and Reference in a line.
  html object(const json& v, std::string_view, std::size_t depth) {
    const auto only = [&](std::initializer_list<std::string_view> members) {
      return std::ranges::all_of(
          *v.if_object(), [&](const auto& m) { return m.second.is_string() && std::ranges::find(members, m.first) != members.end(); });
    };
    const auto system = [&] {
      return v["system"].str().empty() ? html() : html(" ") + element("span", {{"class", "system"}}, v["system"].str());
    };
    if (!v["code"].str().empty() && only({"system", "version", "code", "display"})) {
      const auto& display = v["display"].str();
      return element("span", {{"class", "code"}}, display.empty() ? v["code"].str() : display + " (" + v["code"].str() + ")") + system();
    }
    if (!v["value"].str().empty() && !v["system"].str().empty() && only({"system", "value", "use"}))
      return element("span", {{"class", "code"}}, v["value"].str()) + system();
    if (v.size() == 1 && v["coding"].size() > 0) return value(v["coding"], "coding", depth + 1);
    return fields(v, depth + 1);
  }

  const visitor& who_;
  std::size_t fields_ = 0;
  bool cut_ = false;
};

// Long base64 is of no use to a reader (dsf-fhir-server 7).
void mask_data(json& v, std::size_t depth) {
  if (depth > 100) return;
  if (auto* members = v.if_object()) {
    for (auto& [name, inner] : *members) {
      if (auto* s = inner.if_string(); s && name == "data" && s->size() > data_shown_at_most)
        *s = s->substr(0, 32) + "…";
      else
        mask_data(inner, depth + 1);
    }
  } else if (auto* items = v.if_array()) {
    for (auto& one : *items) mask_data(one, depth + 1);
  }
}

html folded(std::string_view title, const std::string& text) {
  return element(
      "details", {{"class", "raw"}},
      element("summary", title) + element("pre", {{"tabindex", "0"}, {"role", "region"}, {"aria-label", title}}, element("code", text)));
}

std::string time_text(const std::string& instant) {
  auto out = instant.substr(0, 19);
  if (out.size() == 19 && out[10] == 'T') out[10] = ' ';
  return out;
}

}  // namespace

std::string_view last_part(std::string_view canonical) {
  const auto slash = canonical.rfind('/');
  return slash == canonical.npos ? canonical : canonical.substr(slash + 1);
}

std::string label_of(const json& r) {
  for (const auto member : {"title", "name"})
    if (!r[member].str().empty()) return r[member].str();
  if (r["resourceType"].str() == "Task" && !r["instantiatesCanonical"].str().empty())
    return std::string(last_part(r["instantiatesCanonical"].str()));
  if (!r["questionnaire"].str().empty()) return std::string(last_part(r["questionnaire"].str()));
  if (!r["criteria"].str().empty()) return r["criteria"].str();
  const auto& identifier = r["identifier"];
  const auto& first = identifier.is_array() ? identifier[std::size_t{0}]["value"].str() : identifier["value"].str();
  return first.empty() ? r["id"].str() : first;
}

html reference_link(const visitor& who, const json& reference) {
  const auto& literal = reference["reference"].str();
  const auto& display = reference["display"].str();
  const auto& identifier = reference["identifier"]["value"].str();
  const auto& shown = !display.empty() ? display : !identifier.empty() ? identifier : literal;
  auto target = literal;
  if (target.starts_with(who.base_url + "/")) target.erase(0, who.base_url.size() + 1);
  return is_type_and_id(target) ? anchor(who.link(target), shown) : html(shown);
}

std::vector<crumb> way_to(const visitor& who, const json& resource) {
  const auto& type = resource["resourceType"].str();
  const auto& id = resource["id"].str();
  std::vector<crumb> way;
  if (fhir::is_served(type)) way.push_back({type, who.link(type)});
  if (!id.empty()) way.push_back({label_of(resource), ""});
  return way;
}

html resource_fields(const visitor& who, const json& resource) { return field_writer(who).fields(resource, 0, {"resourceType", "id"}); }

html raw_forms(const visitor& who, const json& resource, const std::string& address) {
  auto shown = resource;
  mask_data(shown, 0);
  html out;
  const auto text = shown.dump_pretty();
  if (text.size() <= raw_bytes_at_most) {
    out += folded(who.word(word::show_json), text);
    if (const auto xml = fhir::write_xml(shown, true)) out += folded(who.word(word::show_xml), *xml);
  } else {
    out += element("p", {{"class", "quiet"}}, who.word(word::too_large_to_show));
  }
  const auto with = [&](std::string_view format) {
    return address + (address.find('?') == std::string::npos ? '?' : '&') + "_format=" + std::string(format);
  };
  return out + element("p", {{"class", "forms"}},
                       html(std::string(who.word(word::other_forms)) + ": ") + anchor(with("application/json"), who.word(word::take_json)) +
                           " · " + anchor(with("application/xml"), who.word(word::take_xml)));
}

html resource_heading(const visitor& who, const json& r) {
  const auto& type = r["resourceType"].str();
  const auto& id = r["id"].str();
  const auto label = label_of(r);
  html line;
  if (!id.empty()) line += element("span", {{"class", "mono"}}, id);
  if (const auto& v = r["meta"]["versionId"].str(); !v.empty())
    line += element("span", std::string(who.word(word::column_version)) + " " + v);
  if (const auto& t = r["meta"]["lastUpdated"].str(); !t.empty()) line += element("time", {{"datetime", t}}, time_text(t));
  if (!id.empty() && fhir::is_served(type)) line += anchor(who.link(type + "/" + id + "/_history"), who.word(word::history));
  return element("div", {{"class", "heading"}},
                 element("p", {{"class", "kind"}}, type) + element("h1", html(label.empty() ? type : label) + badge(r["status"].str())) +
                     (line.empty() ? html() : element("p", {{"class", "facts"}}, line)));
}

page resource_page(const visitor& who, const json& r, bool old_version) {
  page p;
  p.title = r["resourceType"].str() + " " + label_of(r);
  p.way = way_to(who, r);
  p.content = resource_heading(who, r);
  auto address = who.here.substr(0, who.here.find('?'));
  if (old_version)
    p.content += element("p", {{"class", "note"}},
                         html(who.sentence(word::old_version, r["meta"]["versionId"].str()) + " ") +
                             anchor(who.link(r["resourceType"].str() + "/" + r["id"].str()), who.word(word::current_version)));
  p.content += panel(who.word(word::content), resource_fields(who, r)) + raw_forms(who, r, address);
  return p;
}

}  // namespace dsf::web

#include "web/form.hpp"

#include <algorithm>
#include <array>
#include <span>

#include "fhir/model/model.hpp"
#include "web/resource_view.hpp"

namespace dsf::web {
namespace {

using base::json;

// A part of a value, as one input: "system" and "value" of an Identifier. The empty name is the value itself.
struct part {
  std::string_view name;  // path in the value: "identifier.system"
  word label;
  std::string_view input_type = "text";
};

std::vector<part> parts_of(std::string_view type, const json& now) {
  if (type == "Coding") return {{"system", word::input_system}, {"code", word::input_code}};
  if (type == "Identifier") return {{"system", word::input_system}, {"value", word::input_value}};
  if (type == "Quantity") return {{"value", word::input_value, "number"}, {"unit", word::input_unit}};
  if (type == "Reference") {
    if (now["identifier"].is_object()) return {{"identifier.system", word::input_system}, {"identifier.value", word::input_value}};
    return {{"reference", word::input_reference}};
  }
  return {{"", word::input_value}};
}

constexpr std::array texts = {"string", "markdown", "uri", "url", "canonical", "code", "id", "oid", "uuid"};
constexpr std::array others = {"boolean",  "integer", "positiveInt", "unsignedInt", "decimal", "date",    "time",
                               "dateTime", "instant", "Reference",   "Identifier",  "Coding",  "Quantity"};

bool is_one_of(std::string_view type, std::span<const char* const> list) {
  return std::ranges::any_of(list, [&](std::string_view t) { return t == type; });
}

const json& at_path(const json& v, std::string_view path) {
  const json* at = &v;
  while (!path.empty()) {
    const auto dot = path.find('.');
    at = &(*at)[path.substr(0, dot)];
    path = dot == path.npos ? std::string_view() : path.substr(dot + 1);
  }
  return *at;
}

void set_path(json& v, std::string_view path, json value) {
  const auto dot = path.find('.');
  if (dot == path.npos) {
    v.set(path, std::move(value));
    return;
  }
  json inner = v[path.substr(0, dot)];
  set_path(inner, path.substr(dot + 1), std::move(value));
  v.set(path.substr(0, dot), std::move(inner));
}

std::string text_of(const json& v) {
  if (const auto* s = v.if_string()) return *s;
  if (v.is_null()) return {};
  return v.is_object() || v.is_array() ? std::string() : v.dump();
}

std::string_view input_type_of(std::string_view type) {
  if (type == "integer" || type == "positiveInt" || type == "unsignedInt" || type == "decimal") return "number";
  if (type == "date") return "date";
  if (type == "time") return "time";
  if (type == "url") return "url";
  return "text";
}

std::string field_name(const std::string& name, std::string_view part_name) {
  return part_name.empty() ? name : name + "." + std::string(part_name);
}

// What options are told apart by.
std::string option_key(const json& option) {
  if (option.is_object())
    return option["code"].str().empty() ? option["reference"].str() : option["system"].str() + "|" + option["code"].str();
  return text_of(option);
}

html option_text(const json& option) {
  if (!option.is_object()) return text_of(option);
  const auto& display = option["display"].str();
  return display.empty() ? (option["code"].str().empty() ? option["reference"].str() : option["code"].str()) : display;
}

html select(const visitor& who, const std::string& name, const value_shape& shape, const std::vector<std::pair<std::string, html>>& options,
            const std::string& chosen) {
  html list = element("option", {{"value", ""}, {"selected", chosen.empty()}}, who.word(word::choose));
  for (const auto& [key, text] : options) list += element("option", {{"value", key}, {"selected", key == chosen}}, text);
  return element("select", {{"id", name}, {"name", name}, {"required", shape.required}}, list);
}

bool is_number(std::string_view text) {
  const auto parsed = json::parse(text);
  return parsed && parsed->is_number();
}

}  // namespace

std::string form_values::value(std::string_view name) const {
  for (const auto& [n, v] : fields_)
    if (n == name) {
      std::string_view s = v;
      while (!s.empty() && std::string_view(" \t\r\n").find(s.front()) != std::string_view::npos) s.remove_prefix(1);
      while (!s.empty() && std::string_view(" \t\r\n").find(s.back()) != std::string_view::npos) s.remove_suffix(1);
      return std::string(s);
    }
  return {};
}

bool form_values::has(std::string_view name) const {
  return std::ranges::any_of(fields_, [&](const auto& f) { return f.first == name; });
}

bool is_editable(std::string_view type) { return is_one_of(type, texts) || is_one_of(type, others); }

std::string member_of(std::string_view type) {
  std::string out = "value" + std::string(type);
  if (out.size() > 5 && out[5] >= 'a' && out[5] <= 'z') out[5] = static_cast<char>(out[5] - 32);
  return out;
}

std::pair<const json*, std::string> value_of(const json& holder) {
  if (const auto* members = holder.if_object())
    for (const auto& [name, v] : *members) {
      if (!name.starts_with("value") || name.size() < 6) continue;
      auto type = name.substr(5);
      // Primitives are written small: "valueString" holds a string, "valueReference" a Reference.
      auto small = type;
      small[0] = static_cast<char>(small[0] | 0x20);
      return {&v, fhir::is_primitive(small) ? small : type};
    }
  return {nullptr, {}};
}

html value_inputs(const visitor& who, const std::string& name, const value_shape& shape, const json& now, const form_values* sent) {
  const auto entered = [&](const std::string& field, const json& there) {
    return sent && sent->has(field) ? sent->value(field) : text_of(there);
  };
  if (!shape.options.empty()) {
    std::vector<std::pair<std::string, html>> options;
    for (const auto& o : shape.options) options.emplace_back(option_key(o), option_text(o));
    const auto chosen = sent && sent->has(name) ? sent->value(name) : now.is_null() ? std::string() : option_key(now);
    return element(
        "div", {{"class", "row"}},
        element("div", {{"class", "field"}}, element("label", {{"for", name}}, shape.label) + select(who, name, shape, options, chosen)));
  }
  html row;
  for (const auto& p : parts_of(shape.type, now)) {
    const auto field = field_name(name, p.name);
    const auto value = entered(field, p.name.empty() ? now : at_path(now, p.name));
    html input;
    html hint;
    if (shape.type == "boolean") {
      input = select(who, field, shape, {{"true", who.word(word::yes)}, {"false", who.word(word::no)}}, value);
    } else if (shape.type == "markdown" || (shape.type == "string" && (value.size() > 100 || value.find('\n') != value.npos))) {
      input = element("textarea", {{"id", field}, {"name", field}, {"required", shape.required}}, value);
    } else {
      const auto type = p.name.empty() ? input_type_of(shape.type) : p.input_type;
      attributes a{{"id", field}, {"name", field}, {"type", type}, {"value", value}, {"required", shape.required}};
      if (type == "number") a.push_back({"step", shape.type == "decimal" || shape.type == "Quantity" ? "any" : "1"});
      if (type == "time") a.push_back({"step", "1"});
      if (shape.type == "dateTime" || shape.type == "instant") {
        a.push_back({"aria-describedby", field + "-hint"});
        hint = element("span", {{"id", field + "-hint"}, {"class", "hint"}}, who.word(word::hint_instant));
      }
      input = lone("input", a);
    }
    const auto label = p.name.empty() ? html(shape.label) : html(shape.label) + ": " + who.word(p.label);
    row += element("div", {{"class", "field"}}, element("label", {{"for", field}}, label) + input + hint);
  }
  return element("div", {{"class", "row"}}, row);
}

std::optional<json> read_value(const visitor& who, const std::string& name, const value_shape& shape, const json& now,
                               const form_values& sent, problems& wrong) {
  const auto bad = [&](word w) -> std::optional<json> {
    wrong.push_back(who.sentence(w, shape.label));
    return {};
  };
  if (!shape.options.empty()) {
    const auto key = sent.value(name);
    if (key.empty()) return {};
    for (const auto& o : shape.options)
      if (option_key(o) == key) return o;
    return bad(word::problem_not_offered);
  }
  const auto parts = parts_of(shape.type, now);
  if (parts.size() == 1 && parts[0].name.empty()) {
    const auto text = sent.value(name);
    if (text.empty()) return {};
    if (shape.type == "boolean") return text == "true" || text == "false" ? std::optional<json>(text == "true") : bad(word::problem_form);
    const auto type = shape.type;
    if (input_type_of(type) == "number") {
      if (!is_number(text)) return bad(word::problem_number);
      return json(json::number{text});
    }
    // Browsers leave out seconds of 0.
    auto value = type == "time" && text.size() == 5 ? text + ":00" : text;
    return json(std::move(value));
  }
  // What has no input (a display, a comparator) stays as it is, if the rest does.
  json out = now.is_object() ? now : json(json::object{});
  std::size_t filled = 0;
  for (const auto& p : parts) {
    const auto text = sent.value(field_name(name, p.name));
    if (text.empty()) continue;
    ++filled;
    if (p.input_type == "number" && !is_number(text)) return bad(word::problem_number);
    if (text != text_of(at_path(now, p.name)) && shape.type == "Coding") out.erase("display");
    set_path(out, p.name, p.input_type == "number" ? json(json::number{text}) : json(text));
  }
  if (filled == 0) return {};
  if (filled < parts.size() && shape.type != "Quantity") return bad(word::problem_both_parts);
  if (shape.type == "Quantity") {
    if (sent.value(field_name(name, "value")).empty()) return bad(word::problem_both_parts);
    if (sent.value(field_name(name, "unit")).empty()) out.erase("unit");
  }
  return out;
}

html problem_box(const visitor& who, const problems& wrong) {
  if (wrong.empty()) return {};
  html items;
  for (const auto& w : wrong) items += element("li", w);
  return element("section", {{"class", "panel problems"}, {"role", "alert"}},
                 element("h2", who.word(word::problems_title)) + element("ul", items));
}

html post_form(const visitor&, const std::string& address, const form_seal& seal, const html& content, std::string_view button) {
  return element("form", {{"method", "post"}, {"action", address}, {"accept-charset", "utf-8"}},
                 lone("input", {{"type", "hidden"}, {"name", token_field}, {"value", seal.token}}) + content +
                     element("p", {{"class", "buttons"}}, element("button", {{"type", "submit"}}, button)));
}

}  // namespace dsf::web

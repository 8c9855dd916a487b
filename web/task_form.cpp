#include "web/task_form.hpp"

#include <algorithm>

#include "base/mutant.hpp"
#include "fhir/semantics/names.hpp"
#include "web/resource_view.hpp"

namespace dsf::web {
namespace {

using base::json;

std::string row_name(std::size_t slot, int row) { return "input" + std::to_string(slot) + "." + std::to_string(row); }
std::string rows_field(std::size_t slot) { return "rows" + std::to_string(slot); }

// How many rows a slot shows: those of the draft, or of the form that came back, and one more where that was asked for.
int rows_of(const input_slot& s, std::size_t n, const form_values* sent) {
  int rows = std::max({1, s.min, static_cast<int>(s.values.size())});
  if (sent) {
    const auto text = sent->value(rows_field(n));
    rows = std::max(rows, static_cast<int>(std::min<std::size_t>(text.size(), rows_at_most)));
    if (sent->value(more_field) == std::to_string(n)) ++rows;
  }
  const int limit = s.max < 0 ? rows_at_most : std::max(s.max, static_cast<int>(s.values.size()));
  return std::clamp(rows, 1, std::max(1, std::min(limit, rows_at_most)));
}

const json& draft_value(const input_slot& s, int row) {
  static const json none;
  if (row >= static_cast<int>(s.values.size())) return none;
  const auto* v = value_of(s.values[static_cast<std::size_t>(row)]).first;
  return v ? *v : none;
}

html slot_inputs(const visitor& who, const input_slot& s, std::size_t n, const form_values* sent) {
  html need;
  const auto note = [&](std::string_view text) { need += element("span", {{"class", "need"}}, text); };
  html body;
  if (s.fixed) {
    note(who.word(word::input_fixed));
    for (const auto& v : s.values) {
      const auto [value, type] = value_of(v);
      if (!value) continue;
      body +=
          element("p", {{"class", "fixed"}}, value->is_string() ? html(value->str()) : element("span", {{"class", "mono"}}, value->dump()));
      if (!is_editable(type)) body += element("p", {{"class", "hint"}}, who.sentence(word::kind_not_editable, type));
    }
  } else {
    note(who.word(s.min > 0 ? word::input_required : word::input_optional));
    if (s.max < 0)
      note(who.word(word::input_any_number));
    else if (s.max > 1)
      note(who.sentence(word::input_many, std::to_string(s.max)));
    const int rows = rows_of(s, n, sent);
    for (int i = 0; i < rows; ++i) {
      auto shape = s.shape;
      shape.required = i < s.min;
      if (rows > 1) shape.label += " " + std::to_string(i + 1);
      body += value_inputs(who, row_name(n, i), shape, draft_value(s, i), sent);
    }
    // As many characters as there are rows.
    body += lone("input", {{"type", "hidden"}, {"name", rows_field(n)}, {"value", std::string(static_cast<std::size_t>(rows), '.')}});
    if (s.max < 0 || s.max > rows)
      body += element(
          "button", {{"class", "plain"}, {"type", "submit"}, {"name", more_field}, {"value", std::to_string(n)}, {"formnovalidate", true}},
          html(std::string(who.word(word::input_add)) + ": " + s.shape.label));
  }
  if (!s.system.empty()) body += element("p", {{"class", "hint"}}, s.system + "|" + s.code);
  return element("fieldset", element("legend", html(s.shape.label) + need) + body);
}

}  // namespace

json sender::as_reference() const {
  json identifier =
      json::object{{"system", practitioner ? fhir::names::practitioner_sid : fhir::names::organization_sid}, {"value", this->identifier}};
  return json::object{{"type", practitioner ? "Practitioner" : "Organization"}, {"identifier", std::move(identifier)}};
}

page task_form_page(const visitor& who, const json& draft, const json& profile, const form_seal& seal, const task_form_state& state) {
  page p;
  p.title = who.word(word::start_title);
  p.way = way_to(who, draft);
  p.content = resource_heading(who, draft);
  p.content += problem_box(who, state.wrong);
  html inputs;
  const auto slots = input_slots(draft, profile);
  bool any = false;
  for (std::size_t n = 0; n < slots.size(); ++n) {
    inputs += slot_inputs(who, slots[n], n, state.sent);
    any = any || !slots[n].fixed;
  }
  inputs += element("p", {{"class", "hint"}}, who.word(any ? word::input_field_empty : word::input_none));
  const auto address = who.link("Task/" + draft["id"].str());
  p.content += panel(who.word(word::start_title), element("p", {{"class", "quiet"}}, who.word(word::start_text)) +
                                                      post_form(who, address, seal, inputs, who.word(word::start_button)));
  p.content += element("details", {{"class", "raw"}}, element("summary", who.word(word::content)) + resource_fields(who, draft)) +
               raw_forms(who, draft, address);
  return p;
}

std::optional<json> task_of_form(const visitor& who, const json& draft, const json& profile, const form_values& sent, const sender& from,
                                 const std::string& now, problems& wrong) {
  json inputs(json::array{});
  const auto slots = input_slots(draft, profile);
  for (std::size_t n = 0; n < slots.size(); ++n) {
    const auto& s = slots[n];
    if (s.fixed) {
      for (const auto& v : s.values) inputs.push_back(v);
      continue;
    }
    int given = 0;
    const auto before = wrong.size();
    for (int i = 0; i < rows_of(s, n, &sent); ++i) {
      const auto value = read_value(who, row_name(n, i), s.shape, draft_value(s, i), sent, wrong);
      if (!value) continue;
      json in = i < static_cast<int>(s.values.size()) ? s.values[static_cast<std::size_t>(i)] : json(json::object{{"type", s.type}});
      in.set(member_of(s.shape.type), *value);
      inputs.push_back(std::move(in));
      ++given;
    }
    if (given < s.min && wrong.size() == before && !DSF_MUTANT("web.required_input_missing"))
      wrong.push_back(who.sentence(word::problem_required, s.shape.label));
    if (s.max >= 0 && given > s.max) wrong.push_back(who.sentence(word::problem_too_many, s.shape.label));
  }
  if (!wrong.empty()) return {};
  json task = draft;
  for (const auto member : {"id", "identifier", "text"}) task.erase(member);
  json meta = task["meta"];
  for (const auto member : {"versionId", "lastUpdated"}) meta.erase(member);
  task.set("meta", std::move(meta));
  task.set("status", "requested");
  task.set("authoredOn", now);
  task.set("requester", from.as_reference());
  task.set("input", std::move(inputs));
  return task;
}

}  // namespace dsf::web

#include "web/answer_form.hpp"

#include <algorithm>
#include <array>
#include <functional>

#include "base/mutant.hpp"
#include "web/resource_view.hpp"

namespace dsf::web {
namespace {

using base::json;

constexpr std::size_t depth_at_most = 20;
constexpr int answers_at_most = 50;

// What the engine puts there, and what must stay (dsf-fhir-server 1.7.3).
bool is_kept(const json& item) { return item["linkId"].str() == "user-task-id" || item["linkId"].str() == "business-key"; }

const json* definition_of(const json& items, const std::string& link, std::size_t depth = 0) {
  if (depth > depth_at_most) return nullptr;
  for (const auto& i : items) {
    if (i["linkId"].str() == link) return &i;
    if (const auto* inner = definition_of(i["item"], link, depth + 1)) return inner;
  }
  return nullptr;
}

// R4 questionnaire.html: the type of an answer to an item of this type.
std::string answer_type(const std::string& item_type) {
  if (item_type == "text") return "markdown";  // shown as one; sent as valueString
  if (item_type == "choice" || item_type == "open-choice") return "Coding";
  if (item_type == "reference") return "Reference";
  if (item_type == "quantity") return "Quantity";
  if (item_type == "url") return "uri";
  return item_type;  // boolean, decimal, integer, date, dateTime, time, string; display, group, attachment
}

struct question {
  value_shape shape;
  bool readable = true;  // its answers can be entered
  bool display = false;
  bool repeats = false;
};

question question_of(const json& item, const json& questionnaire) {
  question q;
  const auto* d = definition_of(questionnaire["item"], item["linkId"].str());
  const auto& answers = item["answer"];
  q.shape.label = !item["text"].str().empty()        ? item["text"].str()
                  : d && !(*d)["text"].str().empty() ? (*d)["text"].str()
                                                     : item["linkId"].str();
  if (answers.size() > 0) q.shape.type = value_of(answers[std::size_t{0}]).second;
  if (d) {
    const auto& type = (*d)["type"].str();
    if (type == "display" || type == "group") q.display = true;
    if (q.shape.type.empty() || type == "text") q.shape.type = answer_type(type);
    q.shape.required = (*d)["required"].bool_or(false);
    q.repeats = (*d)["repeats"].bool_or(false);
    if (type == "choice")
      for (const auto& o : (*d)["answerOption"])
        if (const auto [v, t] = value_of(o); v) {
          q.shape.options.push_back(*v);
          q.shape.type = t;
        }
  }
  // An item without an answer and without a definition is a heading.
  if (q.shape.type.empty()) q.display = true;
  q.readable = is_editable(q.shape.type);
  return q;
}

std::string member_for(const std::string& type) { return type == "markdown" ? "valueString" : member_of(type); }

int answers_of(const json& item, const question& q, const std::string& name, const form_values* sent) {
  int n = std::max(1, static_cast<int>(item["answer"].size()));
  if (!q.repeats) return n;
  if (sent) {
    n = std::max(n, static_cast<int>(std::min<std::size_t>(sent->value("rows" + name).size(), answers_at_most)));
    if (sent->value(more_field) == name) ++n;
  }
  return std::min(n, answers_at_most);
}

const json& value_at(const json& item, int n) {
  static const json none;
  const auto* v = value_of(item["answer"][static_cast<std::size_t>(n)]).first;
  return v ? *v : none;
}

// Calls `visit` for each item with the name of its fields; items of items too.
void each_item(const json& items, const std::string& prefix, const std::function<void(const json&, const std::string&)>& visit,
               std::size_t depth = 0) {
  if (depth > depth_at_most) return;
  std::size_t n = 0;
  for (const auto& i : items) {
    const auto name = prefix + std::to_string(n++);
    if (is_kept(i)) continue;
    visit(i, name);
    each_item(i["item"], name + "-", visit, depth + 1);
  }
}

void fill(const visitor& who, json& items, const std::string& prefix, const json& questionnaire, const form_values& sent, problems& wrong,
          std::size_t depth = 0) {
  auto* list = items.if_array();
  if (!list || depth > depth_at_most) return;
  std::size_t n = 0;
  for (auto& i : *list) {
    const auto name = prefix + std::to_string(n++);
    if (is_kept(i) && !DSF_MUTANT("web.kept_answer_lost")) continue;
    if (auto* inner = i.find("item")) fill(who, *inner, name + "-", questionnaire, sent, wrong, depth + 1);
    const auto q = question_of(i, questionnaire);
    if (q.display || !q.readable) continue;
    json answers(json::array{});
    const auto before = wrong.size();
    for (int a = 0; a < answers_of(i, q, name, &sent); ++a) {
      auto value = read_value(who, name + "." + std::to_string(a), q.shape, value_at(i, a), sent, wrong);
      if (!value) continue;
      answers.push_back(json(json::object{{member_for(q.shape.type), *std::move(value)}}));
    }
    if (answers.size() == 0 && q.shape.required && wrong.size() == before)
      wrong.push_back(who.sentence(word::problem_required, q.shape.label));
    if (answers.size() == 0)
      i.erase("answer");
    else
      i.set("answer", std::move(answers));
  }
}

html item_inputs(const visitor& who, const json& item, const std::string& name, const json& questionnaire, const form_values* sent) {
  const auto q = question_of(item, questionnaire);
  if (q.display) return element("p", {{"class", "quiet"}}, q.shape.label);
  html body;
  if (!q.readable) {
    body = element("p", {{"class", "hint"}}, who.word(word::answer_read_only));
  } else {
    const int rows = answers_of(item, q, name, sent);
    for (int a = 0; a < rows; ++a) {
      auto shape = q.shape;
      shape.required = q.shape.required && a == 0;
      if (rows > 1) shape.label += " " + std::to_string(a + 1);
      body += value_inputs(who, name + "." + std::to_string(a), shape, value_at(item, a), sent);
    }
    if (q.repeats) {
      body += lone("input", {{"type", "hidden"}, {"name", "rows" + name}, {"value", std::string(static_cast<std::size_t>(rows), '.')}});
      if (rows < answers_at_most)
        body += element("button", {{"class", "plain"}, {"type", "submit"}, {"name", more_field}, {"value", name}, {"formnovalidate", true}},
                        html(std::string(who.word(word::input_add)) + ": " + q.shape.label));
    }
  }
  return element("fieldset", element("legend", html(q.shape.label) +
                                                   element("span", {{"class", "need"}},
                                                           who.word(q.shape.required ? word::input_required : word::input_optional))) +
                                 body);
}

}  // namespace

page answer_form_page(const visitor& who, const json& response, const json& questionnaire, const form_seal& seal,
                      const task_form_state& state) {
  page p;
  p.title = who.word(word::answer_title);
  p.way = way_to(who, response);
  p.content = resource_heading(who, response) + problem_box(who, state.wrong);
  html inputs;
  each_item(response["item"], "item",
            [&](const json& item, const std::string& name) { inputs += item_inputs(who, item, name, questionnaire, state.sent); });
  if (inputs.empty()) inputs = element("p", {{"class", "quiet"}}, who.word(word::answer_none));
  inputs += lone("input", {{"type", "hidden"}, {"name", "version"}, {"value", response["meta"]["versionId"].str()}});
  const auto address = who.link("QuestionnaireResponse/" + response["id"].str());
  p.content += panel(questionnaire["title"].str().empty() ? who.word(word::answer_title) : std::string_view(questionnaire["title"].str()),
                     element("p", {{"class", "quiet"}}, who.word(word::answer_text)) +
                         post_form(who, address, seal, inputs, who.word(word::answer_button)));
  p.content += element("details", {{"class", "raw"}}, element("summary", who.word(word::content)) + resource_fields(who, response)) +
               raw_forms(who, response, address);
  return p;
}

std::optional<json> answer_of_form(const visitor& who, const json& response, const json& questionnaire, const form_values& sent,
                                   const sender& from, const std::string& now, problems& wrong) {
  json out = response;
  json items = out["item"];
  fill(who, items, "item", questionnaire, sent, wrong);
  if (!wrong.empty()) return {};
  if (items.size() > 0) out.set("item", std::move(items));
  out.set("status", "completed");
  out.set("authored", now);
  out.set("author", from.as_reference());
  return out;
}

}  // namespace dsf::web

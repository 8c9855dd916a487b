#include "fhir/semantics/questionnaires/answers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "base/mutant.hpp"

namespace dsf::fhir {
namespace {

using base::json;
constexpr std::size_t max_issues = 50;
constexpr std::size_t max_depth = 32;

// R4 questionnaire.html, item types: where the answer stands.
struct item_type {
  std::string_view code;
  std::array<std::string_view, 5> answers;
};
constexpr item_type item_types[] = {
    {"boolean", {"valueBoolean"}},
    {"decimal", {"valueDecimal", "valueInteger"}},
    {"integer", {"valueInteger"}},
    {"date", {"valueDate"}},
    {"dateTime", {"valueDateTime", "valueDate"}},
    {"time", {"valueTime"}},
    {"string", {"valueString"}},
    {"text", {"valueString"}},
    {"url", {"valueUri"}},
    {"choice", {"valueCoding", "valueInteger", "valueDate", "valueTime", "valueString"}},
    {"open-choice", {"valueCoding", "valueInteger", "valueDate", "valueTime", "valueString"}},
    {"attachment", {"valueAttachment"}},
    {"reference", {"valueReference"}},
    {"quantity", {"valueQuantity"}},
};

const json::member* value_of(const json& answer) {
  if (const auto* members = answer.if_object())
    for (const auto& m : *members)
      if (m.first.starts_with("value")) return &m;
  return nullptr;
}

bool same_option(const json::member& answer, const json& option) {
  const auto* value = option.find(answer.first);
  if (!value) return false;
  if (answer.first == "valueCoding")
    return answer.second["code"] == (*value)["code"] &&
           (!answer.second.find("system") || !value->find("system") || answer.second["system"] == (*value)["system"]);
  if (answer.first == "valueReference") return answer.second["reference"] == (*value)["reference"];
  return answer.second == *value;
}

// Characters, not bytes.
std::size_t length_of(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; }));
}

class answer_check {
public:
  answer_check(const json& response, const value_set_codes& codes) : codes_(codes) {
    const auto& status = response["status"].str();
    finished_ = status == "completed" || status == "amended";
  }

  // The recursion is bounded by max_depth.
  void items(const json& asked, const json& given, const std::string& path, std::size_t depth) {
    if (depth > max_depth) return fault("too-costly", path, fmt::format("lies deeper than {} levels", max_depth));
    std::map<std::string_view, std::size_t> place;
    for (std::size_t i = 0; i < asked.size(); ++i) place.emplace(asked[i]["linkId"].str(), i);
    std::vector<std::size_t> count(asked.size(), 0);
    std::size_t last = 0;
    for (std::size_t i = 0; i < given.size(); ++i) {
      const auto& link = given[i]["linkId"].str();
      const auto at = fmt::format("{}.item[{}]", path, i);
      const auto found = place.find(link);
      if (found == place.end()) {
        fault("structure", at, fmt::format("linkId '{}' is not in the Questionnaire here", link));
        continue;
      }
      if (found->second < last) fault("structure", at, fmt::format("linkId '{}' stands out of the Questionnaire's order", link));
      last = std::max(last, found->second);
      ++count[found->second];
      one(asked[found->second], given[i], at, depth);
    }
    for (std::size_t i = 0; i < asked.size(); ++i) {
      const auto& link = asked[i]["linkId"].str();
      if (count[i] > 1 && !(asked[i]["type"].str() == "group" && asked[i]["repeats"].bool_or(false)))
        fault("structure", path, fmt::format("linkId '{}' stands more than once", link));
      if (count[i] == 0 && demanded(asked[i])) fault("required", path, fmt::format("no answer to the required item '{}'", link));
    }
  }

  std::vector<issue> take() && { return std::move(issues_); }

private:
  void fault(std::string_view code, std::string path, std::string text) {
    if (issues_.size() < max_issues) issues_.push_back({"error", std::string(code), std::move(path), std::move(text)});
  }

  [[nodiscard]] bool demanded(const json& asked) const {
    return finished_ && asked["required"].bool_or(false) && asked["type"].str() != "display" && asked["enableWhen"].size() == 0 &&
           !DSF_MUTANT("fhir.required_answers_not_demanded");
  }

  void one(const json& asked, const json& given, const std::string& at, std::size_t depth) {
    const auto& type = asked["type"].str();
    const auto& answers = given["answer"];
    const auto& link = asked["linkId"].str();
    if (type == "group" || type == "display") {
      if (answers.size() > 0) fault("structure", at, fmt::format("the item '{}' is a {} and has no answers", link, type));
      items(asked["item"], given["item"], at, depth + 1);
      return;
    }
    if (given["item"].size() > 0) fault("structure", at + ".item", "items below a question stand in its answers");
    if (answers.size() == 0 && demanded(asked)) fault("required", at, fmt::format("no answer to the required item '{}'", link));
    if (answers.size() > 1 && !asked["repeats"].bool_or(false))
      fault("structure", at, fmt::format("the item '{}' has {} answers, but does not repeat", link, answers.size()));
    for (std::size_t i = 0; i < answers.size(); ++i) {
      const auto place = fmt::format("{}.answer[{}]", at, i);
      if (const auto* value = value_of(answers[i])) fits(asked, *value, place);
      items(asked["item"], answers[i]["item"], place, depth + 1);
    }
  }

  void fits(const json& asked, const json::member& value, const std::string& at) {
    const auto& type = asked["type"].str();
    const auto* row = std::ranges::find(item_types, type, &item_type::code);
    if (row == std::end(item_types)) return;  // the codec knows the types
    if (std::ranges::find(row->answers, value.first) == row->answers.end())
      return fault("structure", at, fmt::format("{} is no answer to an item of type {}; use {}", value.first, type, row->answers[0]));
    if (const auto most = asked["maxLength"].int_or(-1); most >= 0 && value.second.is_string())
      if (const auto length = length_of(value.second.str()); length > static_cast<std::uint64_t>(most))
        fault("too-long", at, fmt::format("has {} characters; {} are allowed", length, most));
    // R4 que-4 and questionnaire.html: an open choice may be answered with text of one's own.
    if (type == "open-choice" && value.first == "valueString") return;
    if (const auto& options = asked["answerOption"]; options.size() > 0) {
      if (std::ranges::none_of(options, [&](const json& o) { return same_option(value, o); }))
        fault("code-invalid", at, fmt::format("is none of the answers that item '{}' offers", asked["linkId"].str()));
      return;
    }
    const auto& canonical = asked["answerValueSet"].str();
    if (canonical.empty()) return;
    const auto* listed = canonical.starts_with('#') || value.first != "valueCoding" ? nullptr : codes_(canonical);
    if (listed && !listed->contains(value.second["system"].str() + "|" + value.second["code"].str()))
      fault("code-invalid", at, fmt::format("the code '{}' is not in {}", value.second["code"].str(), canonical));
  }

  const value_set_codes& codes_;
  bool finished_ = false;
  std::vector<issue> issues_;
};

}  // namespace

std::vector<issue> check_answers(const json& response, const json& questionnaire, const value_set_codes& codes) {
  answer_check check(response, codes);
  check.items(questionnaire["item"], response["item"], "QuestionnaireResponse", 0);
  return std::move(check).take();
}

}  // namespace dsf::fhir

// What a browser sends of a form, and the native inputs for the values of FHIR's types. Used by the forms of Task and QuestionnaireResponse.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/json.hpp"
#include "web/frame.hpp"

namespace dsf::web {

class form_values {
public:
  form_values() = default;
  explicit form_values(std::vector<std::pair<std::string, std::string>> fields) : fields_(std::move(fields)) {}
  // The first field's value without blanks around it; empty if there is none.
  [[nodiscard]] std::string value(std::string_view name) const;
  [[nodiscard]] bool has(std::string_view name) const;
  [[nodiscard]] bool empty() const { return fields_.empty(); }

private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

// What hinders a form; the text that is shown.
using problems = std::vector<std::string>;

// One value of an input or answer: its FHIR type, and what is known of it.
struct value_shape {
  std::string type;  // "string", "Reference", "Coding", ...
  std::string label;  // for people
  bool required = false;
  std::vector<base::json> options;  // values to choose from; empty: any
};

// A value of this type can be entered.
bool is_editable(std::string_view type);
// "valueString" of "string"
std::string member_of(std::string_view type);
// The value of "value[x]", and its type; null and empty if there is none.
std::pair<const base::json*, std::string> value_of(const base::json& holder);

// Inputs for one value, with names that begin with `name`. `now`: what stands there, may be null; `sent`: what was entered, which counts more.
html value_inputs(const visitor& who, const std::string& name, const value_shape& shape, const base::json& now, const form_values* sent);
// Nothing: it was left empty. What is not right is said in `wrong`.
std::optional<base::json> read_value(const visitor& who, const std::string& name, const value_shape& shape, const base::json& now,
                                     const form_values& sent, problems& wrong);

// The token that shows that the form came from a page of ours.
struct form_seal {
  std::string token;
};
html problem_box(const visitor& who, const problems& wrong);
// A form that is posted to its own page.
html post_form(const visitor& who, const std::string& address, const form_seal& seal, const html& content, std::string_view button);
constexpr std::string_view token_field = "token";
constexpr std::string_view more_field = "more";  // "one more row", instead of sending

}  // namespace dsf::web

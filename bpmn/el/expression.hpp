// JUEL (EL 2.x) expressions as Operaton evaluates them (engine 2c, dsf-bpe 2.6).
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "bpmn/value.hpp"

namespace dsf::bpmn::el {

struct syntax;  // the parsed tree; private

// A question that only the worker owning an object can answer (docs/design.md, decision 6).
struct question {
  std::string text;           // canonical text of the sub-expression, e.g. patientReference.hasIdentifier()
  value object;               // the opaque value
  std::string member;         // property or method name
  bool is_method = false;
  std::vector<value> arguments;
};
struct answer {
  std::string text;  // equal to question::text
  value result;
};

// What the evaluation sees. Implemented by the execution over its scope chain.
class context {
public:
  virtual ~context() = default;
  // Walks up the scopes; null pointer when no scope has the variable (which differs from a variable holding null).
  virtual const value* variable(std::string_view name) const = 0;
  virtual const value* variable_local(std::string_view name) const = 0;
  // execution.getBusinessKey() and friends: businessKey, processInstanceId, id, currentActivityId, currentActivityName, activityInstanceId,
  // parentActivityInstanceId, parentId, processDefinitionId; null value when unknown.
  virtual value execution_property(std::string_view name) const = 0;
  virtual base::timestamp now() const = 0;
  virtual std::span<const answer> answers() const { return {}; }
  // execution.setVariable(name, value) inside an expression. Returns an error when writing is not possible there.
  virtual base::result<> set_variable(std::string_view name, value v) = 0;
};

struct outcome {
  value result;
  std::vector<question> questions;  // not empty: `result` is void; evaluate again with the answers
};

class expression {
public:
  // `text` with ${...} and #{...}; text outside makes it composite (a string). Errors: bad_expression with the offset.
  static base::result<std::shared_ptr<const expression>> parse(std::string_view text);
  // A constant whose text is taken as it stands, whatever it looks like (camunda:string).
  static std::shared_ptr<const expression> literal(std::string text);
  ~expression();

  [[nodiscard]] const std::string& text() const { return text_; }
  // No ${...} at all: always yields this text.
  [[nodiscard]] bool is_constant() const { return constant_; }
  // At most 10,000 steps (docs/design.md, "Limits").
  [[nodiscard]] base::result<outcome> evaluate(context& c) const;
  // The identifiers at the root of the expression, for linting.
  [[nodiscard]] std::vector<std::string> root_identifiers() const;

private:
  expression() = default;
  std::string text_;
  bool constant_ = true;
  std::unique_ptr<const syntax> syntax_;
};

}  // namespace dsf::bpmn::el
